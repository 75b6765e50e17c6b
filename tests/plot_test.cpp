#include <abell/report/figures.hpp>
#include <abell/report/line_plot.hpp>
#include <abell/report/text.hpp>
#include <abell/report/ticks.hpp>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "markup.hpp"

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::vector<double> values(const std::vector<abell::PlotTick>& ticks) {
  std::vector<double> out;
  for (const abell::PlotTick& tick : ticks) out.push_back(tick.value);
  return out;
}

std::vector<std::string> texts(const std::vector<abell::PlotTick>& ticks) {
  std::vector<std::string> out;
  for (const abell::PlotTick& tick : ticks) out.push_back(tick.text);
  return out;
}

}  // namespace

TEST_CASE("The tag check of this file finds what it should", "[report]") {
  CHECK(tag_error("<p>a<img src=\"x>y\"></p><circle r=\"1\"/>").empty());
  CHECK_FALSE(tag_error("<p><b></p></b>").empty());
  CHECK_FALSE(tag_error("<p>").empty());
  CHECK_FALSE(tag_error("<p <b>>").empty());
}

TEST_CASE("Text is escaped", "[report]") {
  CHECK(abell::escape_html("<a href=\"x\">'&'</a>") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  CHECK(abell::escape_html(std::string_view("a\0b\n", 4)) == "a\uFFFDb\n");
  CHECK(abell::escape_html("β-model") == "β-model");
  CHECK(abell::escape_html("\x1b[1m\r\t\xc2\x9b\u202e\xe9") == "\uFFFD[1m\uFFFD\t\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("Text is escaped for Markdown and LaTeX, and stays on its line", "[report]") {
  CHECK(abell::escape_markdown("set_1 | a\\b `c` *d* <b> [e](f)") ==
        "set\\_1 \\| a\\\\b \\`c\\` \\*d\\* \\<b\\> \\[e\\](f)");
  CHECK(abell::escape_markdown("CN-Z & 0.75 ± 0.25\n# b") == "CN-Z & 0.75 ± 0.25\\\\x0a# b");
  CHECK(abell::escape_tex("50 % of a_b & {c} $d$ #1 \\e ~^") ==
        "50 \\% of a\\_b \\& \\{c\\} \\$d\\$ \\#1 \\textbackslash{}e \\~{}\\^{}");
  CHECK(abell::escape_tex("β\n\\end") == "β\\textbackslash{}x0a\\textbackslash{}end");
}

TEST_CASE("Numbers are written as people write them", "[report]") {
  CHECK(abell::number_text(0) == "0");
  CHECK(abell::number_text(0.5) == "0.5");
  CHECK(abell::number_text(168.42) == "168");
  CHECK(abell::number_text(9.999) == "10");
  CHECK(abell::number_text(-0.0125) == "−0.0125");
  CHECK(abell::number_text(1234) == "1234");
  CHECK(abell::number_text(1e-4) == "0.0001");
  CHECK(abell::number_text(3e-5) == "3×10⁻⁵");
  CHECK(abell::number_text(1e7) == "10⁷");
  CHECK(abell::number_text(not_a_number) == "–");
  CHECK(abell::fixed_text(-0.001, 2) == "0.00");
  CHECK(abell::fixed_text(-1.5, 1) == "−1.5");
  CHECK(abell::fixed_text(std::numeric_limits<double>::infinity(), 1) == "–");
  CHECK(abell::grouped_text(7) == "7");
  CHECK(abell::grouped_text(352930) == "352,930");
  CHECK(abell::grouped_text(901159424) == "901,159,424");
  CHECK(abell::duration_text(8.21) == "8.2 s");
  CHECK(abell::duration_text(59.97) == "1 min 0 s");
  CHECK(abell::duration_text(75) == "1 min 15 s");
  CHECK(abell::duration_text(3599.7) == "1 h 0 min");
  CHECK(abell::duration_text(3725) == "1 h 2 min");
  CHECK(abell::shorten("βγδε", 4) == "βγδε");
  CHECK(abell::shorten("βγδεζ", 4) == "βγδ…");
}

TEST_CASE("Ticks stand at round numbers inside the range", "[report]") {
  CHECK(texts(abell::linear_ticks({0, 1})) == std::vector<std::string>{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(texts(abell::linear_ticks({-3, 7})) == std::vector<std::string>{"−2", "0", "2", "4", "6"});
  CHECK(values(abell::linear_ticks({1, 60})) == std::vector<double>{20, 40, 60});
  CHECK(texts(abell::linear_ticks({0, 2e-6}))[1] == "5×10⁻⁷");
}

TEST_CASE("Ticks are few, increasing and told apart for any range", "[report]") {
  for (const double low : {-1e9, -3.7, 0.0, 1e-12, 0.123456, 42.0, 1e15}) {
    for (const double width : {0.0, 1e-12, 1e-3, 0.7, 9.99, 12345.0, 1e20}) {
      const abell::AxisRange range = abell::drawable_range({low, low + width});
      CAPTURE(range.low, range.high);
      const std::vector<abell::PlotTick> ticks = abell::linear_ticks(range);
      REQUIRE(ticks.size() >= 2);
      REQUIRE(ticks.size() <= 12);
      for (std::size_t i = 0; i < ticks.size(); ++i) {
        const double slack = 1e-8 * (range.high - range.low) + 1e-15 * std::abs(range.high);
        CHECK(ticks[i].value >= range.low - slack);
        CHECK(ticks[i].value <= range.high + slack);
        if (i > 0) CHECK(ticks[i].value > ticks[i - 1].value);
        if (i > 0) CHECK(ticks[i].text != ticks[i - 1].text);
      }
    }
  }
}

TEST_CASE("A constant or empty series has a range around it", "[report]") {
  const abell::AxisRange constant = abell::drawable_range({5, 5});
  CHECK(constant.low < 5);
  CHECK(constant.high > 5);
  CHECK(abell::drawable_range({0, 0}).low == -0.5);
  CHECK(abell::drawable_range({not_a_number, 1}).high == 1);
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(abell::drawable_range({infinity, -infinity}).low == 0);
  CHECK(abell::drawable_range({1e-4, 1e-4}, true).low == 5e-5);
  CHECK(abell::drawable_range({0, 1}, true).low > 0);
}

TEST_CASE("Rounded ranges hold the data and end at ticks", "[report]") {
  for (const abell::AxisRange data :
       {abell::AxisRange{0.09, 0.73}, {0.58, 0.99}, {-7, 131}, {3, 3}, {0.5, 0.5}, {0.69, 0.69}}) {
    const abell::AxisRange range = abell::rounded_range(data);
    CHECK(range.low <= data.low);
    CHECK(range.high >= data.high);
    const std::vector<double> ticks = values(abell::linear_ticks(range));
    CHECK(ticks.front() == Approx(range.low).margin(1e-12));
    CHECK(ticks.back() == Approx(range.high));
  }
  const abell::AxisRange rates = abell::rounded_range({4.2e-4, 1e-3}, true);
  CHECK(rates.low == Approx(2e-4));
  CHECK(rates.high == Approx(1e-3));
  const abell::AxisRange decades = abell::rounded_range({3e-6, 20}, true);
  CHECK(decades.low == Approx(1e-6));
  CHECK(decades.high == Approx(100));
}

TEST_CASE("Whole ticks are whole, however short the range", "[report]") {
  CHECK(texts(abell::linear_ticks({1, 2}, 5, true)) == std::vector<std::string>{"1", "2"});
  CHECK(texts(abell::linear_ticks({1, 5}, 5, true)) == std::vector<std::string>{"1", "2", "3", "4", "5"});
  CHECK(texts(abell::linear_ticks({1, 1.5}, 5, true)) == std::vector<std::string>{"1"});
  CHECK(texts(abell::linear_ticks({1, 100}, 5, true)) == std::vector<std::string>{"20", "40", "60", "80", "100"});
  const std::string svg =
      abell::line_plot({.x = {.whole = true, .from = 1, .to = 2}, .series = {{.x = {1}, .y = {5}}}});
  CHECK_FALSE(contains(svg, ">1.5<"));
}

TEST_CASE("Logarithmic ticks adapt to the width of the range", "[report]") {
  CHECK(texts(abell::log_ticks({1, 1000})) == std::vector<std::string>{"1", "10", "100", "1000"});
  CHECK(texts(abell::log_ticks({2e-4, 1e-3})) == std::vector<std::string>{"0.0002", "0.0005", "0.001"});
  CHECK(abell::log_ticks({1e-30, 1}).size() <= 8);
  CHECK(abell::log_ticks({1.1, 1.3}).size() >= 2);
}

TEST_CASE("A plot is well-formed and has its title, axes and legend", "[report]") {
  const std::string svg = abell::line_plot({.title = "Loss <a>",
                                            .x = {.title = "epoch"},
                                            .y = {.title = "time", .unit = "s"},
                                            .series = {{.name = "training & co", .x = {1, 2, 3}, .y = {3, 2, 1}},
                                                       {.name = "band",
                                                        .x = {1, 2, 3},
                                                        .y = {2, 2, 2},
                                                        .low = {1, 1, 1},
                                                        .high = {3, 3, 3},
                                                        .colour = abell::PlotColour::second,
                                                        .dashed = true}},
                                            .guides = {{.at = 2, .name = "best"}}});
  CHECK(tag_error(svg).empty());
  CHECK(contains(svg, "Loss &lt;a&gt;"));
  CHECK(contains(svg, "time [s]"));
  CHECK(contains(svg, "training &amp; co"));
  CHECK(contains(svg, ">best<"));
  CHECK(count(svg, "class=\"band colour-2\"") == 1);
  CHECK(count(svg, "<polyline") == 2);
  CHECK_FALSE(contains(svg, "nan"));
}

TEST_CASE("Points that are not finite are skipped and break the line", "[report]") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string svg = abell::line_plot(
      {.series = {{.x = {1, 2, 3, 4, 5, 6, 7, 8}, .y = {1, 2, not_a_number, 3, 4, infinity, 5, not_a_number}}}});
  CHECK(tag_error(svg).empty());
  CHECK(count(svg, "<polyline") == 2);  // 1-2 and 4-5
  CHECK(count(svg, "<circle") == 1);    // 7 stands alone
  CHECK_FALSE(contains(svg, "nan"));
  CHECK_FALSE(contains(svg, "inf"));
  CHECK_FALSE(contains(svg, "–"));
}

TEST_CASE("Degenerate series still give a plot", "[report]") {
  for (const abell::PlotSeries& series :
       {abell::PlotSeries{}, abell::PlotSeries{.x = {1}, .y = {2}}, abell::PlotSeries{.x = {1, 2}, .y = {5, 5}},
        abell::PlotSeries{.x = {1, 2}, .y = {not_a_number, not_a_number}},
        abell::PlotSeries{.x = {0, 1, 2}, .y = {0, 0}, .mark = abell::PlotMark::steps}}) {
    for (const bool logarithmic : {false, true}) {
      const std::string svg = abell::line_plot({.y = {.logarithmic = logarithmic}, .series = {series}});
      CHECK(tag_error(svg).empty());
      CHECK_FALSE(contains(svg, "nan"));
      CHECK(count(svg, "text-anchor=\"end\"") >= 3);  // at least two ticks of y and the title of x
    }
  }
}

TEST_CASE("Columns of a series that do not fit are an error", "[report]") {
  CHECK_THROWS_AS(abell::line_plot({.series = {{.x = {1, 2}, .y = {1}}}}), abell::ShapeError);
  CHECK_THROWS_AS(abell::line_plot({.series = {{.x = {1}, .y = {1}, .low = {0}}}}), abell::ShapeError);
  CHECK_THROWS_AS(abell::line_plot({.series = {{.x = {1}, .y = {1}, .mark = abell::PlotMark::steps}}}),
                  abell::ShapeError);
}

TEST_CASE("The data end on the axes where they should", "[report]") {
  // The diagonal of the unit square runs from the lower left corner of the plot to the upper right one.
  const std::string svg = abell::line_plot({.series = {{.x = {0, 1}, .y = {0, 1}}}, .width = 360, .height = 270});
  const std::size_t at = svg.find("<polyline points=\"") + 18;
  const std::string points = svg.substr(at, svg.find('"', at) - at);
  CHECK(points.find(",232 352,") != std::string::npos);
}

TEST_CASE("The confusion figure shows each count in its place", "[report]") {
  const std::string svg = abell::confusion_figure({.tp = 1234, .fp = 22, .tn = 33, .fn = 44}, {"spiral", "<other>"});
  CHECK(tag_error(svg).empty());
  const std::array<std::string, 4> in_order{">1,234<", ">44<", ">22<", ">33<"};
  std::size_t at = 0;
  for (const std::string& part : in_order) {
    at = svg.find(part, at);
    CAPTURE(part);
    CHECK(at != std::string::npos);
  }
  CHECK(contains(svg, "called spiral"));
  CHECK(contains(svg, "&lt;other&gt;"));
  CHECK(contains(svg, ">96.6 %<"));
  CHECK(contains(abell::confusion_figure({}), ">–<"));
}

TEST_CASE("Figures of a classifier hold for a single class and for no objects", "[report]") {
  for (const std::vector<int>& truth :
       {std::vector<int>{}, std::vector<int>{1, 1}, std::vector<int>{0, 0}, std::vector<int>{0, 1}}) {
    std::vector<float> p(truth.size(), 1.0F);
    if (!p.empty()) p[0] = 0;
    CHECK(tag_error(abell::roc_figure(p, truth)).empty());
    CHECK(tag_error(abell::precision_recall_figure(p, truth)).empty());
    const std::string histogram = abell::probability_figure(p, truth);
    CHECK(tag_error(histogram).empty());
    CHECK(count(histogram, "<polygon") == 2);
  }
  CHECK_THROWS_AS(abell::probability_figure({}, {}, 0.5F, {}, 0), abell::OptionError);
}
