// measure OUT COMMAND…: runs a command and writes what the kernel counted for it and all its
// descendants that were waited for, once it ended, as JSON to the file OUT:
//   {"cpuSeconds": …, "wallSeconds": …, "peakRssBytes": …}
// cpuSeconds is user + system time; peakRssBytes that of the largest single process. Exits as the
// command did.
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace {

double Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s OUT COMMAND...\n", argv[0]);
    return 2;
  }
  const double start = Now();
  const pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    std::fprintf(stderr, "%s: %s\n", argv[2], std::system_category().message(errno).c_str());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
    std::perror("measure");
    return 2;
  }
  std::FILE* const out = std::fopen(argv[1], "w");
  if (out == nullptr) {
    std::perror(argv[1]);
    return 2;
  }
  std::fprintf(out, "{\"cpuSeconds\": %.6f, \"wallSeconds\": %.6f, \"peakRssBytes\": %lld}\n",
               Seconds(usage.ru_utime) + Seconds(usage.ru_stime), Now() - start,
               static_cast<long long>(usage.ru_maxrss) * 1024);
  std::fclose(out);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
