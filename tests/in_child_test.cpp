#include <sys/resource.h>
#include <unistd.h>

#include <abell/weights/in_child.hpp>
#include <abell/weights/keras_h5.hpp>
#include <csignal>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"

using namespace abell;
using detail::from_child;

namespace {

constexpr detail::ChildLimits limits{.bytes = 256 << 20, .seconds = 1};

}  // namespace

TEST_CASE("What a child writes comes back whole, and its errors as they are", "[weights]") {
  const std::string long_text(3'000'000, 'x');
  REQUIRE(from_child(limits, [&](std::ostream& out) { out << long_text << '\0' << 7; }) == long_text + '\0' + '7');
  REQUIRE(from_child(limits, [](std::ostream&) {}) == "");
  const auto before = std::signal(SIGCHLD, SIG_IGN);  // as some services start their programs
  REQUIRE(from_child(limits, [](std::ostream& out) { out << "x"; }) == "x");
  std::signal(SIGCHLD, before);
  int here = 0;
  from_child(limits, [&](std::ostream&) { here = 1; });
  REQUIRE(here == 0);
  const auto thrown = [&]<class E>(const E& error) {
    return message_of<E>([&] { from_child(limits, [&](std::ostream&) { throw E(error); }); });
  };
  REQUIRE(thrown(ShapeError("a")) == "a");
  REQUIRE(thrown(FormatError("b: \"c\"")) == "b: \"c\"");
  REQUIRE(thrown(IoError("")) == "");
  REQUIRE(thrown(NumericError("d")) == "d");
  REQUIRE(thrown(OptionError("e")) == "e");
}

TEST_CASE("A child that ends early says nothing", "[weights]") {
  for (const int signal : {SIGSEGV, SIGABRT, SIGKILL}) {
    REQUIRE_FALSE(from_child(limits, [&](std::ostream& out) {
      out << "half";
      std::raise(signal);
    }));
  }
  REQUIRE_FALSE(from_child(limits, [](std::ostream&) { ::_exit(3); }));
  REQUIRE_FALSE(from_child(limits, [](std::ostream&) { ::_exit(0); }));
  REQUIRE_FALSE(from_child(limits, [](std::ostream&) { throw std::bad_alloc(); }));
}

TEST_CASE("A child has limits of memory and time, and its parent keeps its own", "[weights]") {
  const auto fill = [](std::size_t bytes) {
    return [=](std::ostream& out) {
      std::vector<char> memory(bytes, 'x');
      out << memory.back();
    };
  };
  REQUIRE(from_child(limits, fill(limits.bytes / 4)) == "x");
  REQUIRE_FALSE(from_child(limits, fill(2 * limits.bytes)));
  REQUIRE(from_child({.bytes = 4 * limits.bytes, .seconds = 10}, fill(2 * limits.bytes)) == "x");
  REQUIRE_FALSE(from_child({.bytes = 1000, .seconds = 1}, [](std::ostream& out) { out << std::string(2000, 'x'); }));
  REQUIRE_FALSE(from_child(limits, [](std::ostream&) {
    while (::getpid() > 0) {
    }
  }));
  rlimit time{};
  ::getrlimit(RLIMIT_CPU, &time);
  REQUIRE(time.rlim_cur != limits.seconds);

  REQUIRE(detail::keras_limits(0).bytes == 1ull << 30);
  REQUIRE(detail::keras_limits(0).seconds == 10);
  REQUIRE(detail::keras_limits(1ull << 30).bytes == 41ull << 30);
  REQUIRE(detail::keras_limits(1ull << 30).seconds == 74);
  REQUIRE(detail::keras_limits(~0ull).bytes == detail::keras_limits(1ull << 40).bytes);
}
