// The launcher itself: one loop over its signals, its socket, and the clock. See launcher.h for what it promises.
//
//   starting ──program runs──▶ running ──limit, or told──▶ ending (SIGTERM, grace) ──▶ all descendants killed and reaped ──▶ exit
//       └──exec failed──▶ exit     └──program ends, socket closed, parent dies──────────────▲
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STARVED_MS = 50, CROWD = 64 };  // so long a wait for the processor in one look, beside so many processes: they leave it none
enum { WATCH_GROWING_MS = 10, WATCH_MS = 100, WATCH_IDLE_MS = 500 };
enum { REST = 4 };  // times as long as a look has taken is the least between two: it comes before all others
enum { REAP_MS = 5, REAP_AT_ONCE = 64, REAP_MAX_MS = 10000, DEFAULT_GRACE_MS = 1000, POLL_MAX_MS = 3600000 };
static const long long NEVER = LLONG_MAX;
enum { SIGNALS, CONTROL, STATUS };

static struct options options = {.grace = DEFAULT_GRACE_MS, .cwd = "/"};
static struct pollfd polls[3];
static pid_t program;
static int program_status;       // as waitpid() has it
static bool program_ended;       // and has been waited for
static const char *limit = "-";  // the limit that ended the program
static bool finishing;           // time to kill all
static bool unreaped;            // there may be more to wait for
static bool orphans;             // one has died that the program did not wait for: so do those of what forks without end
static bool stopped;             // it has been told to stop, and not yet to go on

static long long clock_ms(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static long long now_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

// What this process has waited: it blocks nowhere but in its poll.
static long long idle_ms(void) { return now_ms() - clock_ms(CLOCK_PROCESS_CPUTIME_ID); }

static _Noreturn void misuse(const char *message, const char *what) {
  fprintf(stderr, "skerry-launch: %s%s\n", message, what);
  exit(EXIT_MISUSE);
}

// `name=value`: true when the name is this one.
static bool number_option(const char *text, const char *name, long long *value) {
  size_t length = strlen(name);
  if (strncmp(text, name, length) != 0 || text[length] != '=') return false;
  char *end;
  errno = 0;
  *value = strtoll(text + length + 1, &end, 10);
  if (errno != 0 || end == text + length + 1 || *end != '\0' || *value < 0) misuse("not a number from 0: ", text);
  return true;
}

static void read_options(char **argument) {
  struct { const char *name; long long *value; } const numbers[] = {
    {"parent", &options.parent}, {"time", &options.time}, {"grace", &options.grace}, {"cpu", &options.cpu},
    {"memory", &options.memory}, {"data", &options.data}, {"processes", &options.processes}, {"files", &options.files},
    {"filesize", &options.filesize}};
  for (; *argument != NULL && strcmp(*argument, "--") != 0; argument++) {
    size_t i = 0;
    while (i < sizeof numbers / sizeof *numbers && !number_option(*argument, numbers[i].name, numbers[i].value)) i++;
    if (i < sizeof numbers / sizeof *numbers) continue;
    if (strncmp(*argument, "cwd=", 4) != 0) misuse("unknown option ", *argument);
    options.cwd = *argument + 4;
  }
  if (*argument == NULL || argument[1] == NULL || argument[1][0] != '/') misuse("the program's absolute path has to follow --", "");
  if (options.parent == 0) misuse("parent=<pid> is missing", "");
  options.program = argument + 1;
}

static void tell(const char *line) {
  ssize_t written = write(CONTROL_FD, line, strlen(line));
  (void)written;  // the kernel is gone: the closed socket says so
}

// The kernel has the last word, and closes: were it still writing when this end closes, it would lose the last line to the reset.
static _Noreturn void leave(int code) {
  char rest[16];
  ssize_t length;
  do length = read(CONTROL_FD, rest, sizeof rest);
  while (length > 0 || (length < 0 && errno == EINTR));
  exit(code);
}

// Node's children inherit what it ignores, and a program that is never told of a closed pipe, or of its children, misbehaves.
static void reset_signals(sigset_t *all) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);  // fails for those that nobody can set
  sigfillset(all);
  sigprocmask(SIG_SETMASK, all, NULL);
}

static void start_program(void) {
  int status[2];
  pid_t launcher = getpid();
  if (pipe2(status, O_CLOEXEC) < 0) misuse("no pipe: ", strerror(errno));
  program = fork();
  if (program == 0) {
    close(status[0]);
    become_program(&options, launcher, status[1]);
  }
  if (program < 0) {
    char line[64];
    snprintf(line, sizeof line, "failed fork %d\n", errno);
    tell(line);
    leave(EXIT_FAILED);
  }
  close(status[1]);
  polls[STATUS] = (struct pollfd){.fd = status[0], .events = POLLIN};
  // The program's streams are the program's alone: who reads them sees their end, who writes to it learns of its death.
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd <= 2; fd++) {
    if (null < 0 || dup2(null, fd) < 0) close(fd);
  }
  if (null > 2) close(null);
}

// All that stays in the program's session. It has none yet between the fork and its setsid; what it is told then waits until it is one.
static void signal_group(int number) {
  if (!program_ended && kill(-program, number) < 0 && errno == ESRCH) kill(program, number);
}

static void end_group(const char *why, int number) {
  if (strcmp(limit, "-") == 0) limit = why;
  signal_group(number);
}

// The exec has happened (the pipe is closed by it), or has failed.
static void on_status(void) {
  struct failure failure;
  char line[96];
  ssize_t length = read(polls[STATUS].fd, &failure, sizeof failure);
  close(polls[STATUS].fd);
  polls[STATUS].fd = -1;
  if (length == (ssize_t)sizeof failure) {
    snprintf(line, sizeof line, "failed %s %d\n", failure.step, failure.error);
    tell(line);
    leave(EXIT_FAILED);
  }
  snprintf(line, sizeof line, "started %ld\n", (long)program);
  tell(line);
}

// While the program is not waited for, its number, which is also that of its group, belongs to nobody else.
// Not all at once: what forks without end would leave no time to look at its limits. `unreaped` says that there may be more.
static void reap(void) {
  unreaped = false;
  for (int count = 0; count < REAP_AT_ONCE; count++) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return;
    if (info.si_pid == program && !program_ended) {
      kill(-program, SIGKILL);
      waitpid(program, &program_status, 0);
      program_ended = finishing = true;
    } else {
      waitpid(info.si_pid, NULL, 0);
      orphans = true;
    }
  }
  unreaped = true;
}

// What would end nobody who has not asked for it.
static bool is_harmless(unsigned number) {
  static const unsigned harmless[] = {SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH};
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
    if (number == harmless[i]) return true;
  }
  return false;
}

static void on_signals(void) {
  struct signalfd_siginfo info;
  while (read(polls[SIGNALS].fd, &info, sizeof info) == (ssize_t)sizeof info) {
    if (!is_harmless(info.ssi_signo)) finishing = true;  // the parent is dead, or somebody wants the end
  }
}

// @returns whether the program is to end after the grace.
static bool on_control(void) {
  unsigned char number;
  ssize_t length = read(CONTROL_FD, &number, 1);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (length != 1 || number == SIGKILL) {
    finishing = true;
    return false;
  }
  signal_group(number == 0 ? SIGTERM : number);
  if (number == SIGSTOP) stopped = true;  // the others stop nobody whose group is an orphan, as this is
  if (number == SIGCONT) stopped = false;
  return number == 0;
}

struct look {
  int wait;  // ms until the next: what has taken no time of the processor since the last look has not grown either
  int processes;
};

// What forks without end begins with a few, and has a thousand in 100 ms.
static int next_look(const struct usage *usage) {
  static double cpu_before;
  static int processes_before, wait = WATCH_GROWING_MS;
  int longest = usage->cpu > cpu_before ? WATCH_MS : WATCH_IDLE_MS;
  wait = usage->processes > processes_before ? WATCH_GROWING_MS : wait * 2 < longest ? wait * 2 : longest;
  cpu_before = usage->cpu;
  processes_before = usage->processes;
  return wait;
}

static struct look watch_limits(void) {
  struct usage usage = tree_usage(options.processes > 0 ? (int)options.processes : INT_MAX);
  const char *passed = options.processes > 0 && usage.processes > options.processes ? "processes"
                       : options.memory > 0 && usage.memory > options.memory        ? "memory"
                       : options.cpu > 0 && usage.cpu >= (double)options.cpu        ? "cpu"
                                                                                    : NULL;
  if (passed != NULL) {
    end_group(passed, SIGKILL);
    finishing = true;
  }
  return (struct look){next_look(&usage), usage.processes};
}

// A thousand processes that fork leave their launcher a thousandth of the processor, and a look takes half a minute. So a crowd stands
// still while it is counted, where many have died at once or the last look had to wait: the group at least, which one call reaches. A
// process of it that somebody else had stopped goes on then too.
static int watch_crowd(void) {
  static bool starved;
  bool still = (unreaped || starved) && !stopped;
  long long since = idle_ms();
  if (still) signal_group(SIGSTOP);
  struct look look = watch_limits();
  if (still && !finishing) signal_group(SIGCONT);
  starved = look.processes > CROWD && idle_ms() - since > STARVED_MS;
  return look.wait;
}

// However much the program starts, its launcher has to get the processor: ahead of all that is not real-time too, where that is allowed.
// @returns the priority that its children, who do not inherit this one, shall have.
static int come_first(void) {
  int nice = getpriority(PRIO_PROCESS, 0);
  struct sched_param real_time = {.sched_priority = sched_get_priority_min(SCHED_RR)};
  sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &real_time);  // where it is not, RLIMIT_NPROC has to do: program.c
  return nice;
}

static int ms_until(long long when) {
  long long left = when - now_ms();
  if (when == NEVER) return -1;
  return left < 0 ? 0 : left > POLL_MAX_MS ? POLL_MAX_MS : (int)left;
}

// Until it is time to kill all.
static void run(void) {
  bool watched = options.memory > 0 || options.cpu > 0 || options.processes > 0, ending = false;
  long long end = options.time > 0 ? now_ms() + options.time : NEVER;
  long long pause = 0, last_look = now_ms(), look = watched ? last_look : NEVER;
  while (!finishing) {
    poll(polls, 3, unreaped ? 0 : ms_until(end < look ? end : look));
    if (polls[STATUS].revents != 0) on_status();
    if (polls[SIGNALS].revents != 0) on_signals();
    if (polls[SIGNALS].revents != 0 || unreaped) reap();
    if (polls[CONTROL].revents != 0 && on_control() && !ending) {
      ending = true;
      end = now_ms() + options.grace;
    }
    long long soon = last_look + (unreaped || pause > WATCH_GROWING_MS ? pause : WATCH_GROWING_MS);  // so many deaths at once: it forks
    if (watched && (orphans || unreaped) && look > soon) look = soon;
    if (watched && now_ms() >= look && !finishing) {
      orphans = false;
      long long since = now_ms();
      int wait = watch_crowd();
      last_look = now_ms();
      pause = REST * (last_look - since);
      look = last_look + (wait > pause ? wait : pause);
    }
    if (now_ms() < end || finishing) continue;
    if (ending) return;
    ending = true;
    end_group("time", SIGTERM);
    signal_group(SIGCONT);  // one that is stopped hears no SIGTERM
    stopped = false;
    end = now_ms() + options.grace;
  }
}

// Whatever descends from the program comes back to its subreaper when its own parents are dead; so this ends when there is no child.
// A process that cannot die now (it waits for a disk) is not waited for for ever: its SIGKILL stands.
static void end_all(void) {
  long long until = now_ms() + REAP_MAX_MS;
  signal_group(SIGKILL);
  for (;;) {
    reap();
    long long since = now_ms();
    if (!unreaped) tree_kill();
    int pause = REST * (int)(now_ms() - since);  // who is killed needs the processor to die
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD) return;
    if (now_ms() > until) return;
    if (!unreaped && poll(polls, 1, pause > REAP_MS ? pause : REAP_MS) > 0) on_signals();
  }
}

static void report(void) {
  char line[128];
  struct rusage usage = {0};
  getrusage(RUSAGE_CHILDREN, &usage);
  int code = program_ended && WIFEXITED(program_status) ? WEXITSTATUS(program_status) : -1;
  int number = program_ended && WIFSIGNALED(program_status) ? WTERMSIG(program_status) : 0;
  if (number == SIGXCPU) limit = "cpu";
  double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  snprintf(line, sizeof line, "ended %d %d %s %ld %.0f\n", code, number, limit, usage.ru_maxrss, cpu * 1000);
  tell(line);
}

int main(int count, char **arguments) {
  (void)count;
  sigset_t all;
  read_options(arguments + 1);
  reset_signals(&all);
  if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0) misuse("no parent-death signal: ", strerror(errno));
  if (getppid() != (pid_t)options.parent) return EXIT_ORPHAN;
  setsid();  // fails when it leads one already
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) misuse("no subreaper: ", strerror(errno));
  close_from(CONTROL_FD + 1);
  if (fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0) misuse("descriptor 3 has to be a socket", "");
  polls[SIGNALS] = (struct pollfd){.fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN};
  polls[CONTROL] = (struct pollfd){.fd = CONTROL_FD, .events = POLLIN};
  if (polls[SIGNALS].fd < 0) misuse("no signalfd: ", strerror(errno));
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // the program cannot trace its launcher; it becomes dumpable again by its exec
  options.nice = come_first();
  start_program();
  run();
  end_all();
  report();
  leave(0);
}
