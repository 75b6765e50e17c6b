#pragma once
/// What an experiment measured: rows of runs over the same test objects, and the statistics over them.

#include <abell/core/error.hpp>
#include <abell/metrics/calibration.hpp>
#include <abell/metrics/confusion.hpp>
#include <abell/metrics/roc.hpp>
#include <abell/metrics/statistics.hpp>
#include <abell/metrics/threshold.hpp>
#include <abell/report/figures.hpp>
#include <abell/report/html.hpp>
#include <abell/report/training_report.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// Mean and sample standard deviation (n - 1) over the runs in which a number is defined.
struct Spread {
  std::optional<double> mean = {};
  std::optional<double> deviation = {};  ///< of two runs or more
  std::size_t runs = 0;                  ///< in which it is defined
  std::size_t of_runs = 0;               ///< all
};

inline Spread spread_of(std::span<const double> values) {
  std::vector<double> defined;
  for (const double value : values) {
    if (std::isfinite(value)) defined.push_back(value);
  }
  return {mean(defined), standard_deviation(defined), defined.size(), values.size()};
}

/// " (of 1 of 2 runs)" where a number is not defined in all of them.
inline std::string missing_text(const Spread& spread) {
  if (spread.runs == spread.of_runs) return {};
  return " (of " + std::to_string(spread.runs) + " of " + std::to_string(spread.of_runs) + " runs)";
}

/// "0.903 ± 0.021", of one run "0.903"; a dash when there is none.
inline std::string spread_text(const Spread& spread, int decimals = 3) {
  if (!spread.mean) return std::string(undefined_text);
  const std::string deviation = spread.deviation ? " ± " + fixed_text(*spread.deviation, decimals) : "";
  return fixed_text(*spread.mean, decimals) + deviation + missing_text(spread);
}

/// Accuracy, precision, recall and area under the ROC; NaN where undefined.
using Measures = std::array<double, 4>;
using MeasureSpreads = std::array<Spread, 4>;
inline constexpr std::array<const char*, 4> measure_names{"accuracy", "precision", "recall", "auc"};

/// Errors as `confusion`.
inline Measures measures(std::span<const float> probabilities, std::span<const int> labels,
                         float threshold = default_threshold) {
  const Confusion counts = confusion(probabilities, labels, threshold);
  const auto value = [](const std::optional<double>& v) {
    return v.value_or(std::numeric_limits<double>::quiet_NaN());
  };
  return {value(counts.accuracy()), value(counts.precision()), value(counts.recall()),
          value(auc(probabilities, labels))};
}

/// One training run.
struct ExperimentRun {
  std::uint64_t seed = 0;
  History history = {};
  int best_epoch = 0;
  double seconds = std::numeric_limits<double>::quiet_NaN();            ///< of training
  double images_per_second = std::numeric_limits<double>::quiet_NaN();  ///< while training
  std::vector<float> test = {};                                         ///< p(positive) of the experiment's objects
  std::vector<float> validation = {};                                   ///< p(positive) of the run's own hold-out
  std::vector<int> validation_labels = {};
  std::vector<float> averaged = {};  ///< `test` with test-time averaging; empty when not asked for
  std::vector<float> dropout = {};   ///< standard deviation of `test` with dropout on; empty when not asked for
};

/// A row of the table.
struct ExperimentRow {
  std::string slug = {};           ///< "CN-E-optical"
  std::string title = {};          ///< "CN-E solo optical"
  std::string network = "custom";  ///< or a file .json
  std::string channels = "both";
  std::string labels = "experts";
  bool augment = true;
  std::array<double, 4> paper = {};            ///< the published means; NaN where there are none
  std::array<double, 4> paper_deviation = {};  ///< and their standard deviations
  std::string missing = {};                    ///< why there are no runs: "no labels"
  std::vector<ExperimentRun> runs = {};
};

/// One object of the test split.
struct ExperimentObject {
  std::string id = {};
  std::string class_name = {};
  int label = 0;                                               ///< 1 is positive
  double flux = std::numeric_limits<double>::quiet_NaN();      ///< erg/cm2/s, where a truth table has it
  double redshift = std::numeric_limits<double>::quiet_NaN();  ///< likewise
};

struct Experiment {
  std::string subtitle = {};
  std::vector<std::string> notes = {};  ///< such as "Simulated data."; they stand in every output
  bool quick = false;
  std::string split = "test";
  ClassNames classes = {};
  std::vector<ExperimentObject> objects = {};
  std::vector<ExperimentRow> rows = {};

  std::vector<int> labels() const {
    std::vector<int> found;
    for (const ExperimentObject& object : objects) found.push_back(object.label);
    return found;
  }
};

/// The mean probability over the runs of a row: its networks as an ensemble. Empty without runs.
inline std::vector<float> ensemble(const ExperimentRow& row,
                                   std::vector<float> ExperimentRun::*scores = &ExperimentRun::test) {
  if (row.runs.empty()) return {};
  std::vector<double> sums((row.runs.front().*scores).size());
  for (const ExperimentRun& run : row.runs) {
    if ((run.*scores).size() != sums.size()) return {};
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>((run.*scores)[i]);
  }
  std::vector<float> means;
  for (const double sum : sums) means.push_back(static_cast<float>(sum / static_cast<double>(row.runs.size())));
  return means;
}

/// What is said of a row, over its runs.
struct RowSummary {
  MeasureSpreads plain;     ///< at the threshold one half, as in the paper
  MeasureSpreads chosen;    ///< at the threshold chosen on each run's validation split
  Spread threshold;         ///< that threshold
  Measures ensemble;        ///< of the runs' mean probability
  MeasureSpreads averaged;  ///< with test-time averaging
  Spread calibration;       ///< expected calibration error
  Spread temperature;       ///< fitted on the validation split
  std::optional<double> median_temperature;
  std::size_t bounded_temperatures;  ///< runs whose fit ran into a bound
  Spread calibrated;                 ///< calibration error at that temperature
  Spread dropout;                    ///< mean Monte-Carlo dropout standard deviation
  Spread seconds;                    ///< of a run's training
  Spread images_per_second;
};

namespace detail::report {

inline MeasureSpreads spreads_of(const std::vector<Measures>& runs) {
  MeasureSpreads spreads;
  for (std::size_t i = 0; i < spreads.size(); ++i) {
    std::vector<double> column;
    for (const Measures& run : runs) column.push_back(run[i]);
    spreads[i] = spread_of(column);
  }
  return spreads;
}

}  // namespace detail::report

/// Errors as `confusion`, for probabilities that do not fit `labels` for instance.
inline RowSummary summarise(const ExperimentRow& row, std::span<const int> labels) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  constexpr Measures none{unknown, unknown, unknown, unknown};
  std::vector<Measures> plain;
  std::vector<Measures> chosen;
  std::vector<Measures> averaged;
  std::vector<double> thresholds, errors, temperatures, calibrated, dropout, seconds, rates;
  for (const ExperimentRun& run : row.runs) {
    plain.push_back(measures(run.test, labels));
    errors.push_back(calibration_error(run.test, labels).value_or(unknown));
    const auto threshold = best_threshold(run.validation, run.validation_labels);
    thresholds.push_back(threshold ? static_cast<double>(*threshold) : unknown);
    chosen.push_back(threshold ? measures(run.test, labels, *threshold) : none);
    calibrated.push_back(unknown);
    if (threshold) {
      const double temperature = *fit_temperature(run.validation, run.validation_labels);
      std::vector<float> scaled;
      for (const float p : run.test) scaled.push_back(with_temperature(p, temperature));
      temperatures.push_back(temperature);
      calibrated.back() = calibration_error(scaled, labels).value_or(unknown);
    }
    averaged.push_back(run.averaged.empty() ? none : measures(run.averaged, labels));
    dropout.push_back(std::accumulate(run.dropout.begin(), run.dropout.end(), 0.0) /
                      static_cast<double>(run.dropout.size()));
    seconds.push_back(run.seconds);
    rates.push_back(run.images_per_second);
  }
  const std::vector<float> together = ensemble(row);
  const auto bounded = static_cast<std::size_t>(std::ranges::count_if(temperatures, at_bound));
  const std::optional<double> middle = median(temperatures);
  temperatures.resize(row.runs.size(), unknown);
  return {.plain = detail::report::spreads_of(plain),
          .chosen = detail::report::spreads_of(chosen),
          .threshold = spread_of(thresholds),
          .ensemble = together.empty() ? none : measures(together, labels),
          .averaged = detail::report::spreads_of(averaged),
          .calibration = spread_of(errors),
          .temperature = spread_of(temperatures),
          .median_temperature = middle,
          .bounded_temperatures = bounded,
          .calibrated = spread_of(calibrated),
          .dropout = spread_of(dropout),
          .seconds = spread_of(seconds),
          .images_per_second = spread_of(rates)};
}

}  // namespace abell
