// What a server process asks of the operating system for itself.
#include "addon.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

// A parent that died before the prctl sends no signal any more: hence the look at who the parent is, afterwards.
napi_value guard_parent(napi_env env, napi_callback_info info) {
  struct call call;
  double parent;
  call_begin(&call, env, info, "guardParent");
  if (!arg_integer(&call, 0, "parentPid", 1, INT32_MAX, &parent)) return NULL;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return throw_errno(env, errno, "prctl", "prctl(PR_SET_PDEATHSIG)");
  napi_value result = NULL;
  napi_get_boolean(env, getppid() == (pid_t)parent, &result);
  return result;
}

napi_value set_dumpable(napi_env env, napi_callback_info info) {
  struct call call;
  bool on;
  call_begin(&call, env, info, "setDumpable");
  if (!arg_boolean(&call, 0, "on", &on)) return NULL;
  if (prctl(PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0) < 0) return throw_errno(env, errno, "prctl", "prctl(PR_SET_DUMPABLE)");
  return NULL;
}

// Soft and hard: what the process starts cannot lift it again.
napi_value limit_data(napi_env env, napi_callback_info info) {
  struct call call;
  double bytes;
  call_begin(&call, env, info, "limitData");
  if (!arg_integer(&call, 0, "bytes", 0, 9007199254740991.0, &bytes)) return NULL;
  struct rlimit limit = {.rlim_cur = (rlim_t)bytes, .rlim_max = (rlim_t)bytes};
  if (setrlimit(RLIMIT_DATA, &limit) < 0) return throw_errno(env, errno, "setrlimit", "setrlimit(RLIMIT_DATA) of %.0f bytes", bytes);
  return NULL;
}
