#pragma once
/// What the programs print holds foreign text: here is the one place that keeps control characters from terminals and
/// logs, whoever printed them.

#include <unistd.h>

#include <abell/core/atomic_file.hpp>
#include <abell/core/printable.hpp>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace abell::program {

/// While it lives, what is written to a stream reaches its target as `printable` text; line feeds pass.
class PrintableBuffer : public std::streambuf {
 public:
  explicit PrintableBuffer(std::ostream& stream) : stream_(stream), target_(stream.rdbuf(this)) {}
  PrintableBuffer(const PrintableBuffer&) = delete;
  PrintableBuffer& operator=(const PrintableBuffer&) = delete;
  ~PrintableBuffer() override {
    PrintableBuffer::sync();
    stream_.rdbuf(target_);
  }

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char byte = traits_type::to_char_type(c);
    return PrintableBuffer::xsputn(&byte, 1) == 1 ? c : traits_type::eof();
  }

  /// Whole lines go on, so that no character is cut in two.
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    const std::lock_guard lock(mutex_);
    waiting_.append(text, static_cast<std::size_t>(size));
    const std::size_t end = waiting_.rfind('\n');
    return end == std::string::npos || pass(end + 1) ? size : 0;
  }

  int sync() override {
    const std::lock_guard lock(mutex_);
    return pass(waiting_.size()) && target_->pubsync() == 0 ? 0 : -1;
  }

 private:
  bool pass(std::size_t size) {
    std::string text;
    std::string_view rest = std::string_view(waiting_).substr(0, size);
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      text += printable(rest.substr(0, end)) + '\n';
      rest.remove_prefix(end + 1);
    }
    text += printable(rest);
    waiting_.erase(0, size);
    const auto length = static_cast<std::streamsize>(text.size());
    return target_->sputn(text.data(), length) == length;
  }

  std::ostream& stream_;
  std::streambuf* target_;
  std::mutex mutex_;
  std::string waiting_;  ///< the line that is not complete
};

/// While it lives, std::cout and std::cerr are printable.
struct PrintableOutput {
  PrintableBuffer output{std::cout};
  PrintableBuffer errors{std::cerr};
};

/// Standard output for the content of a file: byte by byte as it is, unless a terminal shows it.
class DataOutput {
 public:
  DataOutput() = default;
  DataOutput(const DataOutput&) = delete;
  DataOutput& operator=(const DataOutput&) = delete;
  /// What cannot be written is std::cout's failure.
  ~DataOutput() {
    if (!bytes_.flush()) std::cout.setstate(std::ios::badbit);
  }

  std::ostream& stream() { return isatty(STDOUT_FILENO) != 0 ? std::cout : bytes_; }

 private:
  abell::detail::DescriptorBuffer buffer_{STDOUT_FILENO};
  std::ostream bytes_{&buffer_};
};

}  // namespace abell::program
