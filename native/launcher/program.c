// The child's side: from the fork to the program. Between fork and exec everything that a process inherits is put in order.
#include "launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS_MORE = 4096 };

static int status_fd;

static _Noreturn void fail(const char *step) {
  struct failure failure = {.error = errno};
  strncpy(failure.step, step, sizeof failure.step - 1);
  ssize_t written = write(status_fd, &failure, sizeof failure);
  (void)written;  // nobody reads: the launcher is dead, and so is this process
  _exit(EXIT_FAILED);
}

void close_from(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0) return;
#endif
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) {
    for (long fd = first, end = sysconf(_SC_OPEN_MAX); fd < end; fd++) close((int)fd);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    int fd = atoi(entry->d_name);  // 0 for "." and ".."
    if (fd >= first && fd != dirfd(folder)) close(fd);
  }
  closedir(folder);
}

// Soft and hard, so that the program cannot lift it; a hard limit that is lower already stands.
static void limit(const char *step, int resource, long long soft, long long hard) {
  struct rlimit old;
  if (getrlimit(resource, &old) < 0) fail(step);
  rlim_t max = (rlim_t)hard < old.rlim_max ? (rlim_t)hard : old.rlim_max;
  struct rlimit new = {.rlim_cur = (rlim_t)soft < max ? (rlim_t)soft : max, .rlim_max = max};
  if (setrlimit(resource, &new) < 0) fail(step);
}

// Threads of the whole machine.
static long long threads(void) {
  long long count = 0;
  FILE *file = fopen("/proc/loadavg", "re");
  if (file == NULL) return 0;
  if (fscanf(file, "%*s %*s %*s %*d/%lld", &count) != 1) count = 0;
  fclose(file);
  return count;
}

// RLIMIT_NPROC counts all threads of a user (not of root, whom it does not bind), so it stands far above what the program may have: it is
// for the time between two looks of a launcher that gets no processor.
//
// RLIMIT_DATA, not RLIMIT_AS: it counts private writable memory, which is what a program takes, and neither libraries nor address space
// that a runtime only reserves (Node and Go reserve gigabytes, and would not start). It holds for each process; the launcher watches
// them all together. RLIMIT_CPU is the same with the processor's time: SIGXCPU first, SIGKILL a second later.
static void set_limits(const struct options *options) {
  long long there = threads();
  limit("limit core", RLIMIT_CORE, 0, 0);
  if (options->data > 0) limit("limit data", RLIMIT_DATA, options->data, options->data);
  if (options->cpu > 0) limit("limit cpu", RLIMIT_CPU, options->cpu, options->cpu + 1);
  long long most = there + options->processes + THREADS_MORE;
  if (options->processes > 0 && there > 0) limit("limit processes", RLIMIT_NPROC, most, most);
  if (options->files > 0) limit("limit files", RLIMIT_NOFILE, options->files, options->files);
  if (options->filesize > 0) limit("limit filesize", RLIMIT_FSIZE, options->filesize, options->filesize);
}

void become_program(const struct options *options, pid_t launcher, int status) {
  status_fd = status;
  // A launcher that died before the prctl sends no signal any more: hence the look at who the parent is, afterwards.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) fail("parent-death signal");
  if (getppid() != launcher) _exit(EXIT_ORPHAN);
  if (setsid() < 0) fail("setsid");
  // A set-uid program would clear the parent-death signal, and the launcher could not kill it: there is no rise of privileges.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no_new_privs");
  // A pipe's end that came from an event loop does not block. It is an open file of its own: the other end stays as it is.
  for (int fd = 0; fd <= 2; fd++) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) != 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) fail("blocking mode");
  }
  setpriority(PRIO_PROCESS, 0, options->nice);
  umask(077);
  if (chdir(options->cwd) < 0) fail("chdir");
  set_limits(options);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) fail("signal mask");
  execv(options->program[0], options->program);
  fail("exec");
}
