#pragma once
/// The epochs of a run as a table on a terminal or in a log, a line each.

#include <abell/metrics/history.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace abell::program {

/// A number in the form that `printf` calls `format`.
inline std::string printed(const char* format, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// "0.6931", and "3.1e-05" where four decimals would show nothing of it.
inline std::string loss_text(double loss) {
  const bool plain = !std::isfinite(loss) || loss == 0 || (std::abs(loss) >= 1e-3 && std::abs(loss) < 1e5);
  return printed(plain ? "%.4f" : "%.1e", loss);
}

class EpochTable {
 public:
  /// `metric` is empty where the loss has none; `waiting` adds the seconds spent waiting for data.
  EpochTable(const std::string& metric, bool validated, bool waiting) {
    const std::string name = metric == "mean_absolute_error" ? "MAE" : in_words(metric);
    const auto add = [&](const std::string& group, double EpochRecord::*loss, double EpochRecord::*value) {
      columns_.push_back({group, "loss", 8, loss, loss_text});
      if (!name.empty()) columns_.push_back({"", name, std::max<std::size_t>(8, name.size()), value, share});
    };
    add("training", &EpochRecord::loss, &EpochRecord::metric);
    if (validated) add("validation", &EpochRecord::validation_loss, &EpochRecord::validation_metric);
    columns_.push_back({"", "learning rate", 13, &EpochRecord::learning_rate, rate});
    columns_.push_back({"", "time", 7, &EpochRecord::seconds, time});
    if (waiting) columns_.push_back({"", "waiting", 7, &EpochRecord::waited_seconds, time});
  }

  /// Two lines.
  std::vector<std::string> heading() const {
    std::vector<std::string> lines{"     ", "epoch"};
    for (const Column& column : columns_) {
      // A group's name begins where the first of its columns does.
      lines[0].resize(std::max(lines[0].size(), column.group.empty() ? 0 : lines[1].size() + 2), ' ');
      lines[0] += column.group;
      lines[1] += right(column.name, column.width + 2);
    }
    return lines;
  }

  /// `best`: its weights are the ones kept so far.
  std::string line(const EpochRecord& epoch, bool best) const {
    std::string text = right(std::to_string(epoch.epoch), 5);
    for (const Column& column : columns_) text += right(column.text(epoch.*column.value), column.width + 2);
    return text + (best ? "  best" : "");
  }

 private:
  struct Column {
    std::string group, name;
    std::size_t width;
    double EpochRecord::*value;
    std::string (*text)(double);
  };

  static std::string right(const std::string& text, std::size_t width) {
    return std::string(width - std::min(width, text.size()), ' ') + text;
  }
  static std::string share(double value) { return printed("%.3f", value); }
  static std::string rate(double value) { return printed("%.3g", value); }
  static std::string time(double value) { return printed("%.1f s", value); }

  std::vector<Column> columns_;
};

}  // namespace abell::program
