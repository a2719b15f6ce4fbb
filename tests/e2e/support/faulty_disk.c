// A disk that breaks on demand, for LD_PRELOAD. Files in the folder that ANSER_FAULTS names say what goes wrong, with
// the files whose path contains the fault's text:
//
//   fails  one fsync fails with EIO; the fault is gone with it
//   full   writes fail with ENOSPC as long as it is there
//   hangs  fsync waits as long as it is there, a minute at most
//
// Of the paths only those in a folder named `data` count, so the program's log is spared.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { kPollMicroseconds = 5000, kHangsAtMost = 60 * 1000000 / kPollMicroseconds };

// Does this fault concern that file now? `path` is left as the fault's own.
static int strikes(const char* fault, int file, char path[PATH_MAX]) {
  const char* folder = getenv("ANSER_FAULTS");
  if (!folder) return 0;
  snprintf(path, PATH_MAX, "%s/%s", folder, fault);
  const int trigger = open(path, O_RDONLY | O_CLOEXEC);
  if (trigger < 0) return 0;
  char wanted[64];
  const ssize_t size = read(trigger, wanted, sizeof wanted - 1);
  close(trigger);
  if (size < 0) return 0;
  wanted[size] = 0;

  char link[64], name[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, name, sizeof name - 1);
  if (length <= 0) return 0;
  name[length] = 0;
  return strstr(name, "/data/") && strstr(name, wanted);
}

static int sync_with(const char* function, int file) {
  const int before = errno;
  char path[PATH_MAX];
  for (int round = 0; round < kHangsAtMost && strikes("hangs", file, path); ++round) usleep(kPollMicroseconds);
  if (strikes("fails", file, path) && unlink(path) == 0) {
    errno = EIO;
    return -1;
  }
  errno = before;
  return ((int (*)(int))dlsym(RTLD_NEXT, function))(file);
}

static int is_full(int file) {
  const int before = errno;
  char path[PATH_MAX];
  const int full = strikes("full", file, path);
  errno = full ? ENOSPC : before;
  return full;
}

int fsync(int file) { return sync_with("fsync", file); }
int fdatasync(int file) { return sync_with("fdatasync", file); }

ssize_t write(int file, const void* data, size_t size) {
  if (is_full(file)) return -1;
  return ((ssize_t(*)(int, const void*, size_t))dlsym(RTLD_NEXT, "write"))(file, data, size);
}

ssize_t pwrite(int file, const void* data, size_t size, off_t offset) {
  if (is_full(file)) return -1;
  return ((ssize_t(*)(int, const void*, size_t, off_t))dlsym(RTLD_NEXT, "pwrite"))(file, data, size, offset);
}

ssize_t pwrite64(int file, const void* data, size_t size, off64_t offset) {
  if (is_full(file)) return -1;
  return ((ssize_t(*)(int, const void*, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64"))(file, data, size, offset);
}
