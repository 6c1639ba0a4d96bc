// What a server process asks of the operating system for itself.
#include "addon.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
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

// Soft and hard: what the process starts cannot lift it again. A lower hard limit that is there already stays.
static napi_value limit(struct call *call, int resource, const char *name, const char *what) {
  double value;
  if (!arg_integer(call, 0, what, 0, 9007199254740991.0, &value)) return NULL;
  struct rlimit limit;
  if (getrlimit(resource, &limit) < 0) return throw_errno(call->env, errno, "getrlimit", "getrlimit(%s)", name);
  if (limit.rlim_max == RLIM_INFINITY || (rlim_t)value < limit.rlim_max) limit.rlim_max = (rlim_t)value;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(resource, &limit) < 0) return throw_errno(call->env, errno, "setrlimit", "setrlimit(%s) of %.0f %s", name, value, what);
  return NULL;
}

napi_value limit_data(napi_env env, napi_callback_info info) {
  struct call call;
  call_begin(&call, env, info, "limitData");
  return limit(&call, RLIMIT_DATA, "RLIMIT_DATA", "bytes");
}

napi_value limit_files(napi_env env, napi_callback_info info) {
  struct call call;
  call_begin(&call, env, info, "limitFiles");
  return limit(&call, RLIMIT_NOFILE, "RLIMIT_NOFILE", "count");
}

napi_value become_subreaper(napi_env env, napi_callback_info info) {
  (void)info;
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return throw_errno(env, errno, "prctl", "prctl(PR_SET_CHILD_SUBREAPER)");
  return NULL;
}

napi_value reap(napi_env env, napi_callback_info info) {
  struct call call;
  double pid;
  call_begin(&call, env, info, "reap");
  if (!arg_integer(&call, 0, "pid", 1, INT32_MAX, &pid)) return NULL;
  napi_value result = NULL;
  napi_get_boolean(env, waitpid((pid_t)pid, NULL, WNOHANG) == (pid_t)pid, &result);
  return result;
}

// The process that connected the other end of a Unix socket, as it was then. A number of the operating system: the socket is Node's.
napi_value peer_credentials(napi_env env, napi_callback_info info) {
  struct call call;
  double number;
  call_begin(&call, env, info, "peerCredentials");
  if (!arg_integer(&call, 0, "fileNumber", 0, INT32_MAX, &number)) return NULL;
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt((int)number, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
    return throw_errno(env, errno, "getsockopt", "getsockopt(SO_PEERCRED) of file number %d", (int)number);
  napi_value result = NULL, pid = NULL, uid = NULL;
  napi_create_object(env, &result);
  napi_create_int32(env, peer.pid, &pid);
  napi_create_uint32(env, peer.uid, &uid);
  napi_set_named_property(env, result, "pid", pid);
  napi_set_named_property(env, result, "uid", uid);
  return result;
}
