#pragma once
/// Doing in a child process what may crash.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <abell/core/error.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace abell::detail {

/// What a child may take before it is ended.
struct ChildLimits {
  std::uint64_t bytes = 0;    ///< of memory, beyond what its parent has; counted on Linux only
  std::uint32_t seconds = 0;  ///< of processor time, and twelve times as many by the clock
};

inline void set_limits(const ChildLimits& limits) {
  const auto set = [](auto resource, rlim_t most) {
    const rlimit both{most, most};
    ::setrlimit(resource, &both);  // where it fails, a narrower limit is there already
  };
  set(RLIMIT_CORE, 0);
  set(RLIMIT_CPU, limits.seconds);
  ::alarm(12 * limits.seconds);
#ifdef __linux__
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The limit counts what was there before, which is much under AddressSanitizer.
  std::uint64_t pages = 0;
  std::ifstream status("/proc/self/statm");
  for (int field = 0; field < 6; ++field) status >> pages;
  if (status) set(RLIMIT_DATA, pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + limits.bytes);
#endif
}

/// The first letter of what a child sends: which error follows, or what was written.
enum class ChildWord : char { done = '=', shape = 'S', format = 'F', io = 'I', numeric = 'N', option = 'O' };

template <class Body>
std::string said_by(const Body& body) {
  const auto error = [](ChildWord kind, const Error& e) { return static_cast<char>(kind) + std::string(e.what()); };
  try {
    std::ostringstream out;
    out << static_cast<char>(ChildWord::done);
    body(out);
    return std::move(out).str();
  } catch (const ShapeError& e) {
    return error(ChildWord::shape, e);
  } catch (const FormatError& e) {
    return error(ChildWord::format, e);
  } catch (const IoError& e) {
    return error(ChildWord::io, e);
  } catch (const NumericError& e) {
    return error(ChildWord::numeric, e);
  } catch (const OptionError& e) {
    return error(ChildWord::option, e);
  }
}

/// What a child said without its first letter; nothing when it said nothing.
inline std::optional<std::string> heard(std::string text) {
  if (text.empty()) return std::nullopt;
  const auto word = static_cast<ChildWord>(text.front());
  text.erase(0, 1);
  switch (word) {
    case ChildWord::shape: throw ShapeError(text);
    case ChildWord::format: throw FormatError(text);
    case ChildWord::io: throw IoError(text);
    case ChildWord::numeric: throw NumericError(text);
    case ChildWord::option: throw OptionError(text);
    case ChildWord::done: return text;
  }
  return std::nullopt;
}

inline void send(int to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::write(to, text.data(), text.size());
    if (sent < 0 && errno != EINTR) ::_exit(1);
    text.remove_prefix(static_cast<std::size_t>(sent < 0 ? 0 : sent));
  }
}

/// All that comes, up to `most` bytes: the other end may be out of its mind.
inline std::string receive(int from, std::uint64_t most) {
  std::string text;
  std::array<char, 65536> block;
  while (text.size() <= most) {
    const ssize_t got = ::read(from, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

/// What `body(std::ostream&)` writes in a forked child; its errors of abell are thrown here. Nothing when the child
/// crashes, goes beyond its limits or throws anything else: such as std::bad_alloc, when there is no more memory. What
/// it sends begins with the size, so that nothing half-said passes. The child says nothing else and leaves no core.
/// Throws IoError where there can be no child.
template <class Body>
std::optional<std::string> from_child(const ChildLimits& limits, const Body& body) {
  std::array<int, 2> ends{};
  const bool piped = ::pipe2(ends.data(), O_CLOEXEC) == 0;
  const pid_t child = piped ? ::fork() : -1;
  if (child < 0) {
    const int fault = errno;
    for (const int end : ends) {
      if (piped) ::close(end);
    }
    throw IoError(std::string("cannot start a process to read in: ") + std::strerror(fault));
  }
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM, SIGPIPE}) std::signal(signal, SIG_DFL);
    const int nowhere = ::open("/dev/null", O_WRONLY);
    if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    set_limits(limits);
    try {
      const std::string text = said_by(body);
      const std::uint64_t size = text.size();
      send(ends[1], {reinterpret_cast<const char*>(&size), sizeof size});
      send(ends[1], text);
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text = receive(ends[0], limits.bytes);
  ::close(ends[0]);  // a child that has more to say ends
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  std::uint64_t size = 0;
  if (text.size() < sizeof size || text.size() > limits.bytes) return std::nullopt;
  std::memcpy(&size, text.data(), sizeof size);
  text.erase(0, sizeof size);
  if (text.size() != size) return std::nullopt;
  return heard(std::move(text));
}

}  // namespace abell::detail
