#include "../examples/programs/common/stopping.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>
#include <utility>

#include "catch.hpp"

using namespace abell::program;

namespace {

/// How a child ends that calls `body` and exits with what it returns.
template <class Body>
int status_of(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) std::signal(signal, SIG_DFL);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

template <class Body>
int exit_code(const Body& body) {
  const int status = status_of(body);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a signal is a request to stop, and the exit code names the first", "[stopping]") {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}, {SIGHUP, 129}, {SIGUSR1, 138}}) {
    const int first = signal;
    REQUIRE(exit_code([&] {
              listen_for_stop();
              if (interrupted()) return 1;
              std::raise(first);
              if (!interrupted()) return 2;
              for (const int again : {SIGTERM, SIGHUP, SIGUSR1}) std::raise(again);
              try {
                stop_if_interrupted();
              } catch (const Stopped&) {
                return exit_stopped();
              }
              return 3;
            }) == code);
  }
}

TEST_CASE("a second SIGINT ends the program at once", "[stopping]") {
  const int status = status_of([] {
    listen_for_stop();
    std::raise(SIGINT);
    std::raise(SIGINT);
    return 1;
  });
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGINT);
  REQUIRE(exit_code([] {
            listen_for_stop();
            std::raise(SIGTERM);
            std::raise(SIGINT);
            return exit_stopped();
          }) == 143);
}

TEST_CASE("what is ignored at the start stays ignored", "[stopping]") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    REQUIRE(exit_code([&] {
              std::signal(signal, SIG_IGN);
              listen_for_stop();
              std::raise(signal);
              return interrupted() ? 1 : 0;
            }) == 0);
  }
}
