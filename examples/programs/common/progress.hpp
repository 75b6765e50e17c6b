#pragma once
/// How far a job is, shown on standard error.

#include <sys/ioctl.h>
#include <unistd.h>

#include <abell/core/printable.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::program {

/// What a line of progress says, in this order; what is empty is left out.
struct ProgressText {
  std::string count;  ///< "20/80 images"
  std::string rate;   ///< "12/s"
  std::string time;   ///< "0:05 left"
  std::string note;
  double share = 0;  ///< of the job that is done
};

inline std::string words_of(const ProgressText& text, bool with_rate = true) {
  std::string words = text.count;
  for (const std::string& part : {with_rate ? text.rate : std::string(), text.time, text.note}) {
    if (!part.empty()) words += ", " + part;
  }
  return words;
}

/// A bar and the words in at most `columns` characters. Where they are too many the rate goes, then the bar, then the
/// end of the words.
inline std::string progress_line(const ProgressText& text, std::size_t columns) {
  constexpr std::size_t longest = 30, shortest = 8, frame = 3;
  for (const bool with_rate : {true, false}) {
    const std::string words = words_of(text, with_rate);
    const std::size_t taken = character_count(words) + frame;
    if (taken + shortest > columns) continue;
    const std::size_t width = std::min(longest, columns - taken);
    const auto filled = static_cast<std::size_t>(std::clamp(text.share, 0.0, 1.0) * static_cast<double>(width));
    return "[" + std::string(filled, '#') + std::string(width - filled, ' ') + "] " + words;
  }
  return shorten(words_of(text, false), columns);
}

/// Shows how far a job is: a bar with rate and time left on a terminal, whose width it keeps to, and otherwise a plain
/// line every ten seconds and at the end; nothing when quiet. Call from one thread at a time.
class ProgressBar {
 public:
  /// `total` items called `unit`; `done` of them were there before (a resumed job).
  ProgressBar(std::string unit, long total, bool quiet, long done = 0)
      : unit_(std::move(unit)), total_(total), first_(done), quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

  ~ProgressBar() {
    if (!bar_.empty()) std::fputc('\n', stderr);
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` items are finished; `note` (a loss, say) stands at the end of the line.
  void update(long done, std::string_view note = {}) {
    if (quiet_) return;
    const auto now = Clock::now();
    const bool last = done >= total_;
    if (!last && seconds(shown_, now) < (terminal_ ? 0.1 : pause_)) return;
    if (last && finished_) return;
    finished_ = last;
    shown_ = now;
    const double spent = seconds(start_, now);
    const double rate = spent > 0 ? static_cast<double>(done - first_) / spent : 0;
    const ProgressText text{.count = std::to_string(done) + "/" + std::to_string(total_) + " " + unit_,
                            .rate = fixed(rate) + "/s",
                            .time = last       ? clock(spent)
                                    : rate > 0 ? clock(static_cast<double>(total_ - done) / rate) + " left"
                                               : "",
                            .note = printable(note),
                            .share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1};
    if (terminal_) {
      bar_ = "\r" + progress_line(text, columns() - 1) + "\x1b[K";
      write(bar_);
    } else {
      write(words_of(text) + "\n");
    }
  }

  /// Writes lines that stay, above the bar; without a terminal only when the last ones are ten seconds ago, or they
  /// are `important`. Returns whether they were written.
  bool print(const std::vector<std::string>& lines, bool important) {
    const auto now = Clock::now();
    if (quiet_ || (!terminal_ && !important && seconds(printed_, now) < pause_)) return false;
    printed_ = now;
    std::string text;
    for (const std::string& line : lines) text += (terminal_ ? "\r\x1b[K" : "") + printable(line) + "\n";
    write(text + bar_);
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double pause_ = 10;  ///< seconds between lines without a terminal

  /// Of the terminal, asked each time, since it may change; 80 where it does not tell.
  static std::size_t columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  }
  static void write(const std::string& text) {
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
  }
  static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }
  static std::string fixed(double value) {
    char text[32];
    std::snprintf(text, sizeof text, value < 10 ? "%.2f" : "%.0f", value);
    return text;
  }
  /// "1:02:03" or "2:03".
  static std::string clock(double value) {
    const auto all = static_cast<long>(std::min(value, 1e8) + 0.5);
    char text[48];
    if (all >= 3600) {
      std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", all / 3600, all / 60 % 60, all % 60);
    } else {
      std::snprintf(text, sizeof text, "%ld:%02ld", all / 60, all % 60);
    }
    return text;
  }

  std::string unit_;
  long total_;
  long first_;
  bool quiet_;
  bool terminal_;
  bool finished_ = false;
  std::string bar_;  ///< as it stands on the terminal
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;    ///< the last bar or its line
  Clock::time_point printed_ = start_;  ///< the last line that stays
};

}  // namespace abell::program
