#include <abell/core/random.hpp>
#include <abell/report/experiment_report.hpp>
#include <abell/report/experiment_table.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "markup.hpp"
#include "temp_folder.hpp"

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// Two clusters, two others; a row of two runs, the second without fault, and a row without labels.
abell::Experiment small() {
  abell::Experiment experiment;
  experiment.subtitle = "set <1>";
  experiment.notes = {"Simulated data."};
  experiment.objects = {
      {"a", "low-z", 1, 1e-14, 0.2}, {"b", "hi-z", 1, 2e-14, 0.9}, {"c", "point", 0}, {"d", "other", 0}};
  abell::ExperimentRow row;
  row.slug = "CN-E";
  row.title = "CN-E";
  row.paper = {.90, .89, .91, .96};
  row.paper_deviation = {.03, .05, .03, .01};
  row.runs.resize(2);
  row.runs[0] = {.seed = 1,
                 .history = {{1, .7, .5, .6, .5, 1e-4, 2}, {2, .5, .8, .4, .7, 1e-4, 2}},
                 .best_epoch = 2,
                 .seconds = 4,
                 .images_per_second = 50,
                 .test = {.875F, .25F, .625F, .125F},
                 .validation = {.9F, .7F, .6F, .2F},
                 .validation_labels = {1, 1, 0, 0}};
  row.runs[1] = {.seed = 2,
                 .history = {{1, .6, .6, .5, .6, 1e-4, 2}},
                 .best_epoch = 1,
                 .seconds = 6,
                 .images_per_second = 30,
                 .test = {.75F, .75F, .375F, .375F},
                 .validation = {.9F, .2F},
                 .validation_labels = {1, 0}};
  experiment.rows.push_back(row);
  row.slug = "CN-Z";
  row.title = "CN-Z & more";
  row.labels = "volunteers";
  row.missing = "no labels";
  row.runs.clear();
  row.paper = {unknown, unknown, unknown, unknown};
  experiment.rows.push_back(row);
  return experiment;
}

abell::ExperimentReport small_page() {
  abell::ExperimentReport report;
  report.experiment = small();
  report.command = "abell-experiment \"my set\"";
  report.configuration = {{"seeds", "1, 2"}};
  report.total_seconds = 10;
  report.networks = {{"custom", {.head = {"layer"}, .rows = {{"dense"}}}}};
  report.sky_channels = true;
  abell::Picture picture{{8, 8, 3}, std::vector<std::uint8_t>(192, 40)};
  report.examples = {{0, picture}, {1, picture}};
  report.filters = {.filters = {picture}, .names = {"Optical"}, .example = picture};
  return report;
}

}  // namespace

TEST_CASE("A row is summarised over its runs", "[report]") {
  const abell::Experiment experiment = small();
  const abell::RowSummary summary = abell::summarise(experiment.rows[0], experiment.labels());
  // One run has TP FN FP TN = 1 1 1 1, the other 2 0 0 2.
  CHECK(*summary.plain[0].mean == Approx(0.75));
  CHECK(*summary.plain[0].deviation == Approx(std::sqrt(0.125)));
  CHECK(*summary.plain[1].mean == Approx(0.75));
  CHECK(*summary.plain[2].mean == Approx(0.75));
  CHECK(*summary.plain[3].mean == Approx(0.875));  // 3 of 4 pairs, then all
  CHECK(summary.plain[0].runs == 2);
  // The means .8125 .5 .5 .25: a right, b wrong, c right, d right; b and c tie.
  CHECK(summary.ensemble[0] == Approx(0.75));
  CHECK(summary.ensemble[3] == Approx(0.875));
  // Validation: 0.65 between .7 and .6, then one half. 0.65 calls c rightly.
  CHECK(*summary.threshold.mean == Approx(0.575));
  CHECK(*summary.chosen[0].mean == Approx(0.875));
  CHECK(*summary.seconds.mean == 5);
  CHECK_FALSE(summary.averaged[0].mean);
  CHECK_FALSE(summary.dropout.mean);
  const abell::RowSummary none = abell::summarise(experiment.rows[1], experiment.labels());
  CHECK_FALSE(none.plain[0].mean);
  CHECK(std::isnan(none.ensemble[0]));
  CHECK(abell::spread_text(none.plain[0]) == abell::undefined_text);
  CHECK(abell::spread_text(summary.plain[0]) == "0.750 ± 0.354");
}

TEST_CASE("Undefined measures are left out of the mean", "[report]") {
  abell::Experiment experiment = small();
  experiment.rows[0].runs[0].test = {.1F, .1F, .1F, .1F};  // nothing is called a cluster
  const abell::RowSummary summary = abell::summarise(experiment.rows[0], experiment.labels());
  CHECK(summary.plain[1].runs == 1);
  CHECK(*summary.plain[1].mean == 1);
  CHECK(abell::spread_text(summary.plain[1]) == "1.000 (of 1 of 2 runs)");
  CHECK(*summary.plain[2].mean == Approx(0.5));
  experiment.rows[0].runs[0].validation.clear();
  experiment.rows[0].runs[0].validation_labels.clear();
  const abell::RowSummary other = abell::summarise(experiment.rows[0], experiment.labels());
  CHECK(abell::spread_text(other.threshold, 2) == "0.50 (of 1 of 2 runs)");
  CHECK(abell::spread_text(other.temperature, 2) == "0.05 (of 1 of 2 runs)");
  const TempFolder folder;
  abell::write_results_tex(folder / "results.tex", experiment);
  CHECK(contains(slurp(folder / "results.tex"), "& $1.000$ (of 1 of 2 runs) &"));
}

TEST_CASE("results.csv has a line for each row, runs or not", "[report]") {
  const TempFolder folder;
  abell::write_results_csv(folder / "results.csv", small());
  const std::string text = slurp(folder / "results.csv");
  CHECK(count(text, "\n") == 3);
  CHECK(text.starts_with(
      "row,title,network,channels,labels,augmentation,quick,status,runs,objects,accuracy,accuracy_sd,"));
  CHECK(contains(text, "\nCN-E,CN-E,custom,both,experts,yes,no,ok,2,4,0.75,0.3535533905932738,"));
  CHECK(contains(text, "\nCN-Z,CN-Z & more,custom,both,volunteers,yes,no,no labels,0,4,,,"));
  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : abell::result_fields(small(), small().rows[0])) {
    CHECK(fields.emplace(name, value).second);
  }
  CHECK(fields.at("paper_auc") == "0.96");
  CHECK(fields.at("paper_precision_sd") == "0.05");
  CHECK(fields.at("tta_accuracy").empty());
  CHECK(fields.at("temperatures_at_bound") == "1");
}

TEST_CASE("times stand in a table of their own, apart from the results", "[report]") {
  const TempFolder folder;
  abell::write_times_csv(folder / "times.csv", small());
  const std::string text = slurp(folder / "times.csv");
  CHECK(text.starts_with(
      "row,runs,seconds,seconds_sd,images_per_second,images_per_second_sd\nCN-E,2,5,1.4142135623730951,"));
  CHECK(contains(text, "\nCN-Z,0,,,,\n"));
  abell::Experiment slower = small();
  for (auto& run : slower.rows[0].runs) run.seconds *= 2;
  for (const auto& write : {abell::write_results_csv, abell::write_results_markdown, abell::write_results_tex}) {
    write(folder / "once", small());
    write(folder / "slower", slower);
    CHECK(slurp(folder / "once") == slurp(folder / "slower"));
  }
}

TEST_CASE("The table in Markdown and LaTeX has ours beside the paper's", "[report]") {
  const TempFolder folder;
  abell::write_results_markdown(folder / "results.md", small());
  abell::write_results_tex(folder / "results.tex", small());
  const std::string markdown = slurp(folder / "results.md");
  CHECK(contains(markdown, "> Simulated data."));
  CHECK(contains(markdown, "| CN-E | 0.750 ± 0.354 | 0.750 ± 0.354 | 0.750 ± 0.354 | 0.875 ± 0.177 | 0.90 ± 0.03 |"));
  CHECK(contains(markdown, "| CN-Z & more | no labels |"));
  const std::string tex = slurp(folder / "results.tex");
  CHECK(contains(tex, "% Simulated data."));
  CHECK(contains(tex, "CN-E & $0.750 \\pm 0.354$ & "));
  CHECK(contains(tex, "& $0.90 \\pm 0.03$ &"));
  CHECK(contains(tex, "CN-Z \\& more & no labels & -- &"));
}

TEST_CASE("Foreign words end no cell, line or comment of the tables", "[report]") {
  const TempFolder folder;
  abell::Experiment experiment = small();
  experiment.subtitle = "a|b\n\\input{c}";
  experiment.notes = {"one\r\\two"};
  experiment.rows[1].title = "x | y_1";
  experiment.rows[1].missing = "no a_b | c";
  abell::write_results_markdown(folder / "results.md", experiment);
  const std::string markdown = slurp(folder / "results.md");
  CHECK(contains(markdown, "# a\\|b\\\\x0a\\\\input{c}\n\n> one\\\\x0d\\\\two\n\n"));
  CHECK(contains(markdown, "\n| x \\| y\\_1 | no a\\_b \\| c | – |"));
  abell::write_results_tex(folder / "results.tex", experiment);
  const std::string tex = slurp(folder / "results.tex");
  CHECK(contains(tex, "% a|b\\x0a\\input{c}\n% one\\x0d\\two\n% Mean"));
  CHECK(contains(tex, "\nx | y\\_1 & no a\\_b | c & -- &"));
}

TEST_CASE("An experiment's page is self-contained and well-formed", "[report]") {
  const std::string html = abell::experiment_page(small_page()).html();
  CHECK(tag_error(html).empty());
  CHECK_FALSE(contains(html, "http:"));
  CHECK_FALSE(contains(html, "https"));
  CHECK_FALSE(contains(html, "<script"));
  CHECK(contains(html, "set &lt;1&gt;"));
  CHECK(contains(html, "Simulated data."));
  CHECK(contains(html, "no labels"));
  CHECK(contains(html, "0.750 ± 0.354"));
  CHECK(contains(html, "<small>0.90<span> ± 0.03</span></small>"));
  CHECK(contains(html, "abell-experiment &quot;my set&quot;"));
  for (const char* section : {"Results", "Beyond the paper", "By class, flux and redshift", "Training",
                              "Precision and recall", "Confusion matrices", "Reliability", "Examples", "Filters",
                              "Runs, time and machine", "Network: custom", "Configuration", "Command"}) {
    CHECK(contains(html, "<h2>" + std::string(section) + "</h2>"));
  }
  // a: true positive; b: the ensemble's false negative.
  CHECK(contains(html, "0.812 · low-z · a"));
  CHECK(contains(html, "0.500 · hi-z · b"));
}

TEST_CASE("An experiment without runs still has a page", "[report]") {
  abell::ExperimentReport report;
  report.experiment = small();
  for (abell::ExperimentRow& row : report.experiment.rows) row.runs.clear();
  const std::string html = abell::experiment_page(report).html();
  CHECK(tag_error(html).empty());
  CHECK(contains(html, "no labels"));
  CHECK_FALSE(contains(html, "Beyond the paper"));
}

TEST_CASE("A ROC is read between its points and at its steps", "[report]") {
  const std::vector<abell::RocPoint> curve{{0, 0, 1}, {0, 0.5, 0.9F}, {0.5, 0.5, 0.8F}, {1, 1, 0}};
  const std::vector<double> y = abell::detail::report::roc_at(curve, {0, 0.25, 0.5, 0.75, 1});
  CHECK(y == std::vector<double>{0.5, 0.5, 0.5, 0.75, 1});
  const std::vector<abell::PrecisionRecallPoint> other{{0.5, 1, 0.9F}, {0.5, 0.5, 0.8F}, {1, 0.6, 0.1F}};
  CHECK(abell::detail::report::precision_at(other, {0.2, 0.5, 0.6, 1}) == std::vector<double>{1, 1, 0.6, 0.6});
}

TEST_CASE("Curves of unequal length have their mean where they are", "[report]") {
  const abell::PlotSeries series =
      abell::detail::report::mean_curve({.x = {1, 2, 3}}, {{1, 2, 3}, {3, unknown}}, 0.5, 2.5);
  CHECK(series.y == std::vector<double>{2, 2, 3});
  CHECK(series.low == std::vector<double>{2 - std::sqrt(2.0), 2, 3});
  CHECK(series.high == std::vector<double>{2.5, 2, 2.5});
}

TEST_CASE("Pairs of rows are compared object by object", "[report]") {
  abell::Experiment experiment = small();
  experiment.rows[1].missing.clear();
  experiment.rows[1].runs = experiment.rows[0].runs;
  const abell::TextTable same = abell::comparison_table(experiment);
  REQUIRE(same.rows.size() == 2);
  CHECK(same.rows[0][2] == "1.000");
  CHECK(same.rows[1][1] == "1.000");
  CHECK(same.rows[0][1].empty());
  // Areas of 1 and 0 without a standard error: no test.
  for (abell::ExperimentRun& run : experiment.rows[0].runs) run.test = {.9F, .8F, .2F, .1F};
  for (abell::ExperimentRun& run : experiment.rows[1].runs) run.test = {.1F, .2F, .8F, .9F};
  CHECK(abell::comparison_table(experiment).rows[1][1] == abell::undefined_text);
}

TEST_CASE("A temperature that ran into a bound is told, with the median", "[report]") {
  // The second run's validation split is separable.
  const abell::TextTable table = abell::calibration_table(small());
  CHECK(table.head == std::vector<std::string>{"Row", "Error", "Temperature", "Median", "At a bound", "Error at it"});
  CHECK(table.rows[0][4] == "1 of 2 runs");
  abell::Experiment experiment = small();
  experiment.rows[0].runs.pop_back();
  CHECK(abell::calibration_table(experiment).rows[0][4] == "0");
}

TEST_CASE("On a terminal the paper's results stand below ours", "[report]") {
  const abell::TextTable table = abell::results_table(small());
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0] ==
        std::vector<std::string>{"CN-E", "0.750 ± 0.354", "0.750 ± 0.354", "0.750 ± 0.354", "0.875 ± 0.177", "2"});
  CHECK(table.rows[1] ==
        std::vector<std::string>{"  paper", "0.90 ± 0.03", "0.89 ± 0.05", "0.91 ± 0.03", "0.96 ± 0.01", ""});
  CHECK(table.rows[2] == std::vector<std::string>{"CN-Z & more", "no labels", "–", "–", "–", "0"});
}

TEST_CASE("Recall by flux has four groups of the positives that have one", "[report]") {
  abell::Experiment experiment = small();
  CHECK(abell::quartile_table(experiment, &abell::ExperimentObject::flux).rows.empty());
  experiment.objects.clear();
  for (int i = 0; i < 9; ++i) experiment.objects.push_back({std::to_string(i), "low-z", 1, 1.0 + i, unknown});
  experiment.objects.push_back({"x", "point", 0, 5, 1});
  for (abell::ExperimentRun& run : experiment.rows[0].runs) run.test.assign(10, .9F);
  experiment.rows[0].runs[0].test[0] = .1F;
  const abell::TextTable table = abell::quartile_table(experiment, &abell::ExperimentObject::flux);
  CHECK(table.head == std::vector<std::string>{"Row", "1 to 2 (2)", "3 to 4 (2)", "5 to 6 (2)", "7 to 9 (3)"});
  REQUIRE(table.rows.size() == 1);
  CHECK(table.rows[0] == std::vector<std::string>{"CN-E", "0.75 ± 0.35", "1.00 ± 0.00", "1.00 ± 0.00", "1.00 ± 0.00"});
  CHECK(abell::quartile_table(experiment, &abell::ExperimentObject::redshift).rows.empty());
  const abell::TextTable classes = abell::class_table(experiment);
  CHECK(classes.head == std::vector<std::string>{"Row", "low-z (9)", "point (1)"});
  CHECK(classes.rows[0] == std::vector<std::string>{"CN-E", "0.94 ± 0.08", "0.00 ± 0.00"});
}

TEST_CASE("What goes beyond the paper has columns for what was asked", "[report]") {
  abell::Experiment experiment = small();
  CHECK(abell::beyond_table(experiment, 0).head ==
        std::vector<std::string>{"Row", "A", "A of the ensemble", "A at the threshold", "Threshold"});
  CHECK(abell::beyond_table(experiment, 0).rows[0] ==
        std::vector<std::string>{"CN-E", "0.750 ± 0.354", "0.750", "0.875 ± 0.177", "0.57 ± 0.11"});
  for (abell::ExperimentRun& run : experiment.rows[0].runs) {
    run.averaged = {.9F, .9F, .1F, .1F};
    run.dropout = {.1F, .1F, .1F, .1F};
  }
  const abell::TextTable areas = abell::beyond_table(experiment, 3);
  CHECK(areas.rows[0] == std::vector<std::string>{"CN-E", "0.875 ± 0.177", "0.875", "1.000 ± 0.000"});
  CHECK(abell::beyond_table(experiment, 0).rows[0].back() == "0.100 ± 0.000");
}

TEST_CASE("A filter's weights are pixels on one scale", "[report]") {
  // [1][1][2 channels][3 filters]
  const std::vector<float> kernel{1, 0, -1, 0.5F, 2, -2};
  const abell::Picture picture = abell::filter_picture(kernel, 1, 2, 3, 1, 2);
  CHECK(picture.shape.height == 5);
  CHECK(picture.shape.width == 5);
  const auto at = [&](int row, int column) {
    const auto first = static_cast<std::size_t>(3 * (row * picture.shape.width + column));
    return std::vector<int>{picture.pixels[first], picture.pixels[first + 1], picture.pixels[first + 2]};
  };
  CHECK(at(0, 0) == std::vector<int>{128, 128, 128});
  CHECK(at(1, 3) == std::vector<int>{178, 24, 43});   // 2
  CHECK(at(3, 1) == std::vector<int>{33, 102, 172});  // -2
  CHECK(at(3, 3) == std::vector<int>{128, 128, 128});
  CHECK_THROWS_AS(abell::filter_picture(kernel, 1, 2, 3, 2), abell::ShapeError);
  CHECK_THROWS_AS(abell::filter_picture(kernel, 3, 2, 3, 0), abell::ShapeError);
}

TEST_CASE("The four filters do to an image what they are for", "[report]") {
  abell::Picture step{{4, 4, 3}, std::vector<std::uint8_t>(48)};
  for (std::size_t pixel = 0; pixel < 16; ++pixel) step.pixels[3 * pixel + 1] = pixel % 4 < 2 ? 0 : 40;
  const std::vector<abell::GalleryItem> items = abell::filter_effects(step, 1);
  REQUIRE(items.size() == 4);
  CHECK(items[0].panels[0].pixels[2] == 40);
  CHECK(int{items[1].panels[0].pixels[5]} == 128);       // no change along y
  CHECK(int{items[3].panels[0].pixels[5]} == 128 + 80);  // (1 + 2 + 1) 40 / 2
  CHECK(items[3].caption == "sobel-x\n−1 0 1\n−2 0 2\n−1 0 1");
  CHECK_THROWS_AS(abell::filter_effects(step, 3), abell::ShapeError);
}
