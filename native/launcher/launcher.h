// skerry-launch: runs one program in order, and sees to it that nothing of it is left when it ends, or when the kernel does.
//
//   skerry-launch parent=<pid> [option=value ...] -- /absolute/program [argument ...]
//
//   the kernel ──spawns──▶ launcher ──forks──▶ program, in a session of its own ──▶ whatever it starts
//             ◀─ descriptor 3 ─▶
//
// The launcher stays: it is the subreaper of all that the program starts, so that also a process that left the session and lost its
// parent comes back to it. It is what the kernel could not be itself, whose event loop waits for no process that it does not know.
//
// Descriptor 3 is a socket. The launcher writes lines:
//   started <pid>                           the program runs
//   failed <step> <errno>                   it could not be started
//   ended <code> <signal> <limit> <kB> <ms> it has ended, and all that it had started: exit code or -1, signal or 0; limit is time, cpu,
//                                           memory or processes when that is why the launcher ended it, else -; then the largest
//                                           process's peak of memory, and the processor's time of all
// and leaves when the socket is closed after its last line. It is told, a byte each: a signal for the program's process group; SIGKILL ends
// all descendants, 0 asks (SIGTERM) and ends them after the grace. When the socket is closed before, or the parent dies, all are killed.
//
// It looks at its limits every 100 ms while the program computes (500, while it does not), every 10 while its processes become more or die
// unwaited for, and rests four times as long as a look has taken. It is real-time where it may be (as root): what forks without end is found with some 200 processes, where it had the machine's last number
// before. Elsewhere RLIMIT_NPROC, 4,096 above what there is, is its end.
//
// Where many of its processes die at once, or leave no processor, the group is stopped while it is counted, for some milliseconds.
//
// It is order, not a sandbox: the program has its user's rights, and could kill its launcher. Then it dies too (parent-death signal),
// the kernel kills what is left of its process group, and only what has left the group gets away.
#ifndef SKERRY_LAUNCHER_H
#define SKERRY_LAUNCHER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>
#include <sys/types.h>

enum { CONTROL_FD = 3 };

// Exit codes of the launcher. Those of the program are in the line "ended".
enum { EXIT_ORPHAN = 124, EXIT_MISUSE = 125, EXIT_FAILED = 126 };

// From the command line. 0: no limit, but where it says otherwise.
struct options {
  long long parent;     // pid of who started the launcher
  long long time;       // ms from the start to SIGTERM
  long long grace;      // ms from SIGTERM to SIGKILL
  long long cpu;        // seconds of processor, of all descendants together
  long long memory;     // bytes resident and not of a file, of all descendants together
  long long data;       // bytes of private writable memory that one process may map (RLIMIT_DATA)
  long long processes;  // descendants at once
  long long files;      // descriptors of one process
  long long filesize;   // bytes of a file that is written
  int nice;             // of the program: its launcher's, before that was put first
  const char *cwd;
  char **program;  // path and arguments
};

// Why the program could not be started, as the child tells the launcher.
struct failure {
  char step[24];
  int error;
};

// program.c: in the forked child. Does not return; what fails is written to `status`, which closes itself when the program runs.
_Noreturn void become_program(const struct options *options, pid_t launcher, int status);
// All descriptors from `first` on are closed.
void close_from(int first);

// tree.c: what descends from this process.
struct usage {
  int processes;
  long long memory;  // bytes
  double cpu;        // seconds, with those that have ended and have been waited for
};
// With more processes than `enough` it is not read further: then memory and time stand for nothing.
struct usage tree_usage(int enough);
void tree_kill(void);
double seconds(struct timeval time);

#endif
