/// What the programs show of their progress and of a training run's figures.

#include "../examples/programs/common/progress.hpp"

#include <fcntl.h>

#include <abell/report/text_table.hpp>
#include <cstdlib>
#include <thread>

#include "../examples/programs/training/epoch_table.hpp"
#include "../examples/programs/training/metrics_table.hpp"
#include "catch.hpp"
#include "markup.hpp"

using namespace abell;
using namespace abell::program;

namespace {

const ProgressText training{.count = "1200/3400 images",
                            .rate = "123/s",
                            .time = "0:12 left",
                            .note = "epoch 1, loss 0.6931, accuracy 0.512",
                            .share = 0.5};

/// Standard error as a terminal of so many columns, while it lives.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) : master_(posix_openpt(O_RDWR | O_NOCTTY)), errors_(dup(STDERR_FILENO)) {
    REQUIRE((master_ >= 0 && grantpt(master_) == 0 && unlockpt(master_) == 0));
    slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
    REQUIRE(slave_ >= 0);
    resize(columns);
    dup2(slave_, STDERR_FILENO);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    dup2(errors_, STDERR_FILENO);
    for (const int descriptor : {errors_, slave_, master_}) close(descriptor);
  }

  void resize(unsigned short columns) const {
    const winsize size{24, columns, 0, 0};
    ioctl(slave_, TIOCSWINSZ, &size);
  }
  /// What was written since the last call.
  std::string read() const {
    std::array<char, 4096> text{};
    const auto size = ::read(master_, text.data(), text.size());
    return {text.data(), static_cast<std::size_t>(std::max<decltype(size)>(size, 0))};
  }

 private:
  int master_, errors_, slave_ = -1;
};

/// The characters of a bar that a terminal shows.
std::size_t shown(std::string line) {
  for (const std::string_view control : {"\r", "\x1b[K"}) {
    if (const auto at = line.find(control); at != std::string::npos) line.erase(at, control.size());
  }
  return character_count(line);
}

EpochRecord record() { return {3, 0.69314, 0.5124, 0.00002, 0.75, 1e-4, 12.34, 0.4}; }

}  // namespace

TEST_CASE("A line of progress has what fits: the rate goes first, then the bar, then the end", "[progress]") {
  CHECK(progress_line(training, 120) ==
        "[###############               ] 1200/3400 images, 123/s, 0:12 left, epoch 1, loss 0.6931, accuracy 0.512");
  CHECK(progress_line(training, 79) ==
        "[#####      ] 1200/3400 images, 0:12 left, epoch 1, loss 0.6931, accuracy 0.512");
  CHECK(progress_line(training, 70) == "1200/3400 images, 0:12 left, epoch 1, loss 0.6931, accuracy 0.512");
  CHECK(progress_line(training, 20) == "1200/3400 images, 0…");
  for (std::size_t columns = 1; columns < 200; ++columns) {
    CHECK(character_count(progress_line(training, columns)) <= columns);
  }
}

TEST_CASE("A bar keeps to the terminal's width when that changes, below the lines that stay", "[progress]") {
  const Terminal terminal(100);
  ProgressBar bar("images", 100, false);
  const auto drawn = [&](long done) {
    std::this_thread::sleep_for(std::chrono::milliseconds(110));
    bar.update(done, "epoch 1, loss 0.6931, accuracy 0.512");
    return terminal.read();
  };
  CHECK(shown(drawn(10)) == 99);
  terminal.resize(60);
  const std::string narrow = drawn(20);
  CHECK(shown(narrow) == 59);
  CHECK(bar.print({"epoch 1 \x1b[2J", "epoch 2"}, false));
  CHECK(terminal.read() == "\r\x1b[Kepoch 1 \\x1b[2J\r\n\r\x1b[Kepoch 2\r\n" + narrow);
}

TEST_CASE("A quiet bar is silent", "[progress]") {
  const Terminal terminal(80);
  ProgressBar bar("images", 1, true);
  bar.update(1);
  CHECK_FALSE(bar.print({"epoch"}, true));
  std::fputs("end", stderr);
  CHECK(terminal.read() == "end");
}

TEST_CASE("An epoch is a line of a table, marked when it is the best", "[progress]") {
  const EpochTable table("accuracy", true, false);
  CHECK(table.heading() ==
        std::vector<std::string>{"       training            validation",
                                 "epoch      loss  accuracy      loss  accuracy  learning rate     time"});
  CHECK(table.line(record(), true) == "    3    0.6931     0.512   2.0e-05     0.750         0.0001   12.3 s  best");
  CHECK(table.line(record(), true).size() < 80);
  CHECK_FALSE(contains(table.line(record(), false), "best"));
  const EpochTable plain("", false, true);
  CHECK(plain.heading()[1] == "epoch      loss  learning rate     time  waiting");
  CHECK(plain.line(record(), false) == "    3    0.6931         0.0001   12.3 s    0.4 s");
  CHECK(contains(EpochTable("mean_absolute_error", true, false).heading()[1], "loss       MAE      loss       MAE"));
}

TEST_CASE("The figures of the best and the last weights stand side by side", "[progress]") {
  const Json metrics = Json::parse(R"({"accuracy": 0.87349, "auc": null, "tp": 1234, "threshold": 0.5,
    "targets": {"z": {"mae": 1.234e-5, "r2": 0.5}}, "split": "test", "best_epoch": 3,
    "last": {"accuracy": 0.8, "auc": 0.91, "tp": 9, "threshold": 0.5, "targets": {"z": {"mae": 1234.5, "r2": -1}}}})");
  CHECK(to_text(metrics_table(metrics)) ==
        "Results on the test split\n"
        "          best (epoch 3)    last\n"
        "accuracy           0.873   0.800\n"
        "AUC                    –   0.910\n"
        "TP                 1,234       9\n"
        "z, MAE         1.23×10⁻⁵    1234\n"
        "z, R²              0.500  −1.000\n");
}
