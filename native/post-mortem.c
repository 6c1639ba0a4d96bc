// What a fatal signal's handler can find out of the memory of its process. All of it is async-signal-safe, except post_mortem_prepare().
#include "addon.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <ucontext.h>
#include <sys/uio.h>
#include <unistd.h>

// Node's handler of V8's out-of-memory: it says so on stderr and aborts. A C++ name that every Node exports for its addons; one that
// does not have it leaves the question open.
#define OOM_HANDLER "_ZN4node15OOMErrorHandlerEPKcRKN2v810OOMDetailsE"
// abort() is a few calls away from it.
enum { STACK_BYTES = 8192, PAGE_BYTES = 4096, PIECES = STACK_BYTES / PAGE_BYTES + 1 };

static uintptr_t oom_start, oom_end;

void post_mortem_prepare(void) {
#ifdef __GLIBC__  // dladdr1 is its own
  void *found = dlsym(RTLD_DEFAULT, OOM_HANDLER);
  Dl_info info;
  const ElfW(Sym) *symbol = NULL;
  if (found == NULL || dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL) return;
  oom_start = (uintptr_t)found;
  oom_end = oom_start + symbol->st_size;
#endif
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
  // Copied by the operating system, which stops where the stack ends; reading on there would fault.
  static uintptr_t copy[STACK_BYTES / sizeof(uintptr_t)];
  struct iovec here = {.iov_base = copy, .iov_len = sizeof copy}, there[PIECES];
  for (uintptr_t i = 0, from = at, end = at + sizeof copy; i < PIECES; i++) {
    uintptr_t to = (from | (PAGE_BYTES - 1)) + 1;
    if (to > end) to = end;
    there[i] = (struct iovec){.iov_base = (void *)from, .iov_len = to - from};
    from = to;
  }
  ssize_t got = process_vm_readv(getpid(), &here, 1, there, PIECES, 0);
  for (ssize_t i = 0; i < got / (ssize_t)sizeof(uintptr_t); i++)
    if (copy[i] > oom_start && copy[i] <= oom_end) return true;
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
