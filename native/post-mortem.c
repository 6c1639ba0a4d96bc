// What a fatal signal's handler can find out of the memory of its process. All of it is async-signal-safe, except post_mortem_prepare().
#include "addon.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <ucontext.h>
#include <unistd.h>

// Node's handler of V8's out-of-memory: it says so on stderr and aborts. A C++ name that every Node exports for its addons; one that
// does not have it leaves the question open.
static const char oom_handler[] = "_ZN4node15OOMErrorHandlerEPKcRKN2v810OOMDetailsE";
// abort() is a few calls away from it.
enum { STACK_BYTES = 8192 };

static uintptr_t oom_start, oom_end;

void post_mortem_prepare(void) {
  void *found = dlsym(RTLD_DEFAULT, oom_handler);
  Dl_info info;
  const ElfW(Sym) *symbol = NULL;
  if (found == NULL || dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL) return;
  oom_start = (uintptr_t)found;
  oom_end = oom_start + symbol->st_size;
}

static uintptr_t stack_pointer(const void *context) {
#if defined(__x86_64__)
  return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.sp;
#else
  (void)context;
  return 0;
#endif
}

// Did the abort come from V8's out-of-memory? Then the stack holds a return address into Node's handler of it; a call that never
// returns may be a function's last instruction, so the address after its end counts too.
bool is_out_of_memory(const void *context) {
  uintptr_t at = stack_pointer(context) & ~(uintptr_t)(sizeof(uintptr_t) - 1);
  if (at == 0 || oom_start == 0) return false;
  for (uintptr_t end = at + STACK_BYTES; at < end; at += sizeof(uintptr_t)) {
    uintptr_t word = *(const volatile uintptr_t *)at;
    if (word > oom_start && word <= oom_end) return true;
  }
  return false;
}

// Resident memory that no file holds, KiB; 0 if it cannot be read.
uint32_t anonymous_kib(void) {
  char text[128];
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file == -1) return 0;
  ssize_t length = read(file, text, sizeof text);
  close(file);
  // In pages: size, resident, shared (with files) …
  uint64_t numbers[3] = {0};
  int field = 0;
  for (ssize_t i = 0; i < length && field < 3; i++) {
    if (text[i] >= '0' && text[i] <= '9') numbers[field] = numbers[field] * 10 + (uint64_t)(text[i] - '0');
    else field++;
  }
  if (numbers[1] < numbers[2]) return 0;
  return (uint32_t)((numbers[1] - numbers[2]) * (uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}
