#pragma once
/// Programs that are asked to stop: they finish the step, save, and tell by their exit code what asked them.

#include <signal.h>

#include <csignal>
#include <initializer_list>

namespace abell::program {

namespace detail {
inline volatile std::sig_atomic_t stop_signal = 0;

inline void on_stop(int signal) {
  if (stop_signal == 0) stop_signal = signal;
}
}  // namespace detail

/// From now on SIGINT, SIGTERM, SIGHUP and SIGUSR1 (which batch systems send before the time is up) are requests;
/// a second SIGINT ends the program at once. What is ignored already stays so, as nohup wants it. System calls go on
/// after a request: a file that is being read is not taken for a damaged one.
inline void listen_for_stop() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = detail::on_stop;
    action.sa_flags = signal == SIGINT ? static_cast<int>(SA_RESTART | SA_RESETHAND) : SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

/// Whether a request has arrived: finish the step, save, and return exit_stopped().
inline bool interrupted() { return detail::stop_signal != 0; }

/// 130, 143, 129 or 138 after SIGINT, SIGTERM, SIGHUP or SIGUSR1, as shells have it.
inline int exit_stopped() { return 128 + detail::stop_signal; }

/// Ends a program that has nothing to save: `guard` returns exit_stopped().
struct Stopped {};

/// Throws Stopped when a request has arrived.
inline void stop_if_interrupted() {
  if (interrupted()) throw Stopped();
}

}  // namespace abell::program
