#pragma once
/// Connections that take the room of others: httplib bounds each line and body of a request, but not how many lines it
/// has, nor for how long it comes byte by byte.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace abell::program {

/// Looks at the connections of this process to one of its ports.
class ConnectionWatch {
 public:
  /// A connection that sends more in all is no volunteer's.
  static constexpr std::uint64_t most_bytes = std::uint64_t{4} << 20;
  /// From one look to the next, where room is short.
  static constexpr std::uint64_t least_bytes = 64;

  /// `room`: how many connections can be served at a time.
  ConnectionWatch(int port, std::size_t room) : port_(port), room_(room) {}

  /// Ends the connections that sent too much, and, where three quarters of the room are taken, those that sent next to
  /// nothing since the last look. To be called every second or so.
  void look() {
    std::map<int, std::uint64_t> received;
    for (int file = 0; file < static_cast<int>(room_) + 256; ++file) {
      if (is_connection(file)) received[file] = bytes_received(file);
    }
    const bool crowded = received.size() >= room_ * 3 / 4;
    for (const auto& [file, bytes] : received) {
      const auto before = seen_.find(file);
      const bool idle = before != seen_.end() && bytes >= before->second && bytes - before->second < least_bytes;
      if (bytes > most_bytes || (crowded && idle)) ::shutdown(file, SHUT_RDWR);
    }
    seen_ = std::move(received);
  }

 private:
  bool is_connection(int file) const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::getsockname(file, any, &size) != 0) return false;
    const in_port_t port = address.ss_family == AF_INET    ? reinterpret_cast<const sockaddr_in*>(any)->sin_port
                           : address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(any)->sin6_port
                                                           : in_port_t{0};
    size = sizeof address;
    return ntohs(port) == port_ && ::getpeername(file, any, &size) == 0;
  }

  static std::uint64_t bytes_received(int file) {
#ifdef __linux__
    struct {
      tcp_info known;  // as glibc knows it; Linux goes on:
      std::uint64_t pacing_rate, most_pacing_rate, bytes_acknowledged, bytes_received;
    } info{};
    socklen_t size = sizeof info;
    return ::getsockopt(file, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.bytes_received : 0;
#else
    (void)file;
    return 0;
#endif
  }

  int port_;
  std::size_t room_;
  std::map<int, std::uint64_t> seen_;  ///< bytes at the last look, by file
};

}  // namespace abell::program
