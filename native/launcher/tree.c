// What descends from the launcher, by /proc/<pid>/task/<tid>/children: a few files for each process that there is, where a look at all
// of /proc would cost with each process of the machine. What forks while it is listed may be missed; the next look finds it.
//
// Without that file (CONFIG_PROC_CHILDREN) the tree is empty here: then limits hold for each process alone, and the process group is
// all that is killed.
#include "launcher.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TREE_MAX = 4096 };

struct tree {
  int count;
  pid_t pids[TREE_MAX];
};

static void add_children(struct tree *tree, long pid, long thread) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, thread);
  FILE *file = fopen(path, "re");
  if (file == NULL) return;
  for (long child; tree->count < TREE_MAX && fscanf(file, "%ld", &child) == 1;) tree->pids[tree->count++] = (pid_t)child;
  fclose(file);
}

// Each process is the child of one thread; breadth first, so that the list is its own queue. Stops when there are more than `enough`:
// what forks without end would else be listed for ever.
static void tree_read(struct tree *tree, int enough) {
  tree->count = 0;
  add_children(tree, getpid(), getpid());
  for (int next = 0; next < tree->count && tree->count <= enough; next++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/task", (long)tree->pids[next]);
    DIR *threads = opendir(path);
    if (threads == NULL) continue;  // it has ended
    for (const struct dirent *entry; (entry = readdir(threads)) != NULL;) {
      if (entry->d_name[0] != '.') add_children(tree, tree->pids[next], atol(entry->d_name));
    }
    closedir(threads);
  }
}

// Anonymous and shared memory in RAM, of one process. What several have in common (after a fork) counts for each of them.
static long long memory_of(pid_t pid) {
  char path[64], line[128];
  long long total = 0, kilobytes;
  snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "RssAnon: %lld", &kilobytes) == 1 || sscanf(line, "RssShmem: %lld", &kilobytes) == 1) total += kilobytes * 1024;
  }
  fclose(file);
  return total;
}

// utime, stime and those of its children that it has waited for: fields 14 to 17, counted behind the name, which may hold anything.
static double cpu_of(pid_t pid) {
  char path[64], text[1024];
  long long ticks[4] = {0};
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  const char *rest = strrchr(text, ')');
  if (rest == NULL) return 0;
  sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld", &ticks[0], &ticks[1], &ticks[2], &ticks[3]);
  return (double)(ticks[0] + ticks[1] + ticks[2] + ticks[3]) / (double)sysconf(_SC_CLK_TCK);
}

double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

struct usage tree_usage(int enough) {
  static struct tree tree;
  struct rusage ended;
  tree_read(&tree, enough);
  struct usage usage = {.processes = tree.count};
  if (getrusage(RUSAGE_CHILDREN, &ended) == 0) usage.cpu = seconds(ended.ru_utime) + seconds(ended.ru_stime);
  for (int i = 0; i < tree.count && tree.count <= enough; i++) {
    usage.memory += memory_of(tree.pids[i]);
    usage.cpu += cpu_of(tree.pids[i]);
  }
  return usage;
}

// Stopped first, all of them, so that none forks away from the list; a process that was missed is found when it is told again.
void tree_kill(void) {
  static struct tree tree;
  tree_read(&tree, TREE_MAX);
  for (int i = 0; i < tree.count; i++) kill(tree.pids[i], SIGSTOP);
  tree_read(&tree, TREE_MAX);
  for (int i = 0; i < tree.count; i++) kill(tree.pids[i], SIGKILL);
}
