#pragma once
/// Trying in a child process what may crash.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <initializer_list>

namespace abell::detail {

/// Whether `body` comes to an end, by exception or not, when a forked child runs it: false when it crashes or
/// takes more than ten seconds of processor time. The child says nothing and leaves no core. Where there can be
/// no child, true.
template <class Body>
bool survives(const Body& body) {
  const pid_t child = ::fork();
  if (child < 0) return true;
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM}) std::signal(signal, SIG_DFL);
    const rlimit no_core{0, 0}, seconds{10, 10};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::setrlimit(RLIMIT_CPU, &seconds);
    const int nowhere = ::open("/dev/null", O_WRONLY);
    if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    ::alarm(120);
    try {
      body();
    } catch (const std::exception&) {  // the parent meets it again
    }
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return true;  // somebody else has waited for it
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace abell::detail
