// The handler of fatal signals: names region and server at a stray write, and leaves signal and memory behind for the post-mortem.
//
// Everything in the handler is async-signal-safe: no allocation, no lock, no stdio. It never keeps a process alive: the signal goes on
// to whoever had it before (V8 turns faults of WebAssembly into exceptions; Node resets the terminal) or to its default action.
//
// SIGUSR1, by which Node opens its debugger also while its event loop hangs, is noted beside them, and goes on to Node.
#include "addon.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIGNAL, ANONYMOUS_KIB, OUT_OF_MEMORY, DEBUGGER, WORDS };
static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
enum { SIGNALS = sizeof signals / sizeof *signals };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char server[NAME_SIZE];
static _Atomic(_Atomic(uint32_t) *) report;
static struct sigaction previous[SIGNALS], previous_debugger;
static bool installed;
static _Alignas(16) unsigned char alternate_stack[64 * 1024];  // for a main thread that has run out of its own

struct line {
  char text[320];
  size_t length;
};

static void add(struct line *line, const char *text) {
  while (*text != '\0' && line->length < sizeof line->text) line->text[line->length++] = *text++;
}

static void add_number(struct line *line, long number) {
  char digits[24], *start = &digits[23];
  *start = '\0';
  do *--start = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  add(line, start);
}

static void announce(const struct map *map, int signo) {
  struct line line = {.length = 0};
  add(&line, "skerry: server \"");
  add(&line, server);
  add(&line, "\" (pid ");
  add_number(&line, getpid());
  if (signo == SIGBUS) add(&line, ") could not reach the memory of region \"");
  else if (map->writable) add(&line, ") used region \"");
  else add(&line, ") wrote to region \"");
  add(&line, map->name);
  if (signo == SIGSEGV && map->writable) add(&line, "\" in a way that is not allowed; this ends the server\n");
  else if (signo == SIGSEGV) add(&line, "\", which it may only read; this ends the server\n");
  else add(&line, "\" (SIGBUS); this ends the server\n");
  ssize_t ignored = write(2, line.text, line.length);
  (void)ignored;
}

static void store(_Atomic(uint32_t) *words, int signo, const void *context) {
  if (words == NULL) return;
  if (signo != 0) {
    atomic_store(&words[ANONYMOUS_KIB], anonymous_kib());
    atomic_store(&words[OUT_OF_MEMORY], signo == SIGABRT && is_out_of_memory(context));
  }
  atomic_store(&words[SIGNAL], (uint32_t)signo);
}

// When the handler returns, the instruction runs again and ends the process; a signal that somebody sent has to be sent again.
static void default_action(int signo, bool sent) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigaction(signo, &action, NULL);
  if (sent) raise(signo);
}

static void on_signal(int signo, siginfo_t *info, void *context) {
  int saved_errno = errno, index = 0;
  bool sent = info->si_code <= 0;
  _Atomic(uint32_t) *words = atomic_load(&report);
  while (signals[index] != signo) index++;
  const struct sigaction *before = &previous[index];
  store(words, signo, context);

  const struct map *map = !sent && (signo == SIGSEGV || signo == SIGBUS) ? map_at((uintptr_t)info->si_addr) : NULL;
  if (map != NULL) announce(map, signo);
  if (map != NULL || before->sa_handler == SIG_DFL || (before->sa_handler == SIG_IGN && !sent)) {
    default_action(signo, sent);
  } else {
    struct sigaction now;
    if (before->sa_flags & SA_SIGINFO) before->sa_sigaction(signo, info, context);
    else if (before->sa_handler != SIG_IGN) before->sa_handler(signo);
    // Still ours: it was dealt with (a fault of WebAssembly that is now an exception), and the process lives on.
    if (sigaction(signo, NULL, &now) == 0 && now.sa_handler != SIG_DFL) store(words, 0, context);
  }
  errno = saved_errno;
}

static void on_debugger(int signo, siginfo_t *info, void *context) {
  _Atomic(uint32_t) *words = atomic_load(&report);
  if (words != NULL) atomic_store(&words[DEBUGGER], 1);
  if (previous_debugger.sa_flags & SA_SIGINFO) previous_debugger.sa_sigaction(signo, info, context);
  else previous_debugger.sa_handler(signo);
}

// Only where somebody opens a debugger by it: elsewhere it ends the process, or does nothing, as before.
static void note_debugger(void) {
  sigaction(SIGUSR1, NULL, &previous_debugger);
  if (previous_debugger.sa_handler == SIG_DFL || previous_debugger.sa_handler == SIG_IGN) return;
  struct sigaction action = previous_debugger;
  action.sa_sigaction = on_debugger;
  action.sa_flags |= SA_SIGINFO;
  sigaction(SIGUSR1, &action, NULL);
}

static void use_alternate_stack(void) {
  stack_t now;
  if (syscall(SYS_gettid) != getpid() || sigaltstack(NULL, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  stack_t ours = {.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
  sigaltstack(&ours, NULL);
}

// A second call changes name and words. The region stays mapped for the rest of the process.
napi_value install_fault_handler(napi_env env, napi_callback_info info) {
  struct call call;
  char name[NAME_SIZE];
  struct map *map;
  _Atomic(uint32_t) *words;
  call_begin(&call, env, info, "installFaultHandler");
  if (!arg_name(&call, 0, "serverName", name) || !arg_words(&call, 1, WORDS, true, &map, &words)) return NULL;
  pthread_mutex_lock(&lock);
  memcpy(server, name, NAME_SIZE);
  atomic_store(&report, words);
  if (!installed) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    use_alternate_stack();
    post_mortem_prepare();
    for (int i = 0; i < SIGNALS; i++) {
      sigaction(signals[i], NULL, &previous[i]);
      sigaction(signals[i], &action, NULL);
    }
    note_debugger();
    installed = true;
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}
