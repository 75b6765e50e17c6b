#include <sys/resource.h>

#include <abell/report/figures.hpp>
#include <abell/report/gallery.hpp>
#include <abell/report/html.hpp>
#include <abell/report/line_plot.hpp>
#include <abell/report/text.hpp>
#include <abell/report/ticks.hpp>
#include <abell/report/training_report.hpp>
#include <array>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// What is wrong with the tags of `html`; empty when all are balanced. Attributes must be quoted.
std::string tag_error(std::string_view html) {
  const std::set<std::string, std::less<>> empty_tags{"meta", "img", "!DOCTYPE"};
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    bool quoted = false;
    std::size_t end = at + 1;
    for (; end < html.size() && (quoted || html[end] != '>'); ++end) {
      if (html[end] == '"') quoted = !quoted;
      if (html[end] == '<') return "'<' inside a tag near " + std::string(html.substr(at, 60));
    }
    if (end == html.size()) return "unfinished tag " + std::string(html.substr(at, 60));
    const std::string_view tag = html.substr(at + 1, end - at - 1);
    const bool closing = tag.starts_with('/');
    const std::size_t from = closing ? 1 : 0;
    const std::string name(tag.substr(from, tag.find_first_of(" \n/", from) - from));
    if (closing) {
      if (open.empty() || open.back() != name) return "unexpected </" + name + ">";
      open.pop_back();
    } else if (!tag.ends_with('/') && !empty_tags.contains(name)) {
      open.push_back(name);
    }
    at = end + 1;
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

std::vector<std::uint8_t> from_base64(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') value = static_cast<std::uint32_t>(c - 'A');
    if (c >= 'a' && c <= 'z') value = static_cast<std::uint32_t>(c - 'a') + 26;
    if (c >= '0' && c <= '9') value = static_cast<std::uint32_t>(c - '0') + 52;
    if (c == '+') value = 62;
    if (c == '/') value = 63;
    if (c == '=') break;
    group = group << 6 | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::uint8_t>(group >> bits & 255U));
    }
  }
  return bytes;
}

/// A folder of its own, removed at the end.
struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "abell-report-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw abell::IoError(name + ": cannot be created");
    path = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

abell::Picture ramp(int height, int width, int channels) {
  abell::Picture picture{{height, width, channels}, {}};
  for (std::size_t i = 0; i < picture.shape.size(); ++i) {
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 7 % 251));
  }
  return picture;
}

std::vector<double> values(const std::vector<abell::PlotTick>& ticks) {
  std::vector<double> out;
  for (const abell::PlotTick& tick : ticks) out.push_back(tick.value);
  return out;
}

std::vector<std::string> labels(const std::vector<abell::PlotTick>& ticks) {
  std::vector<std::string> out;
  for (const abell::PlotTick& tick : ticks) out.push_back(tick.label);
  return out;
}

abell::TrainingReport small_report() {
  abell::TrainingReport report;
  report.title = "A <run> & more";
  report.notes = {"Simulated data."};
  report.command = "abell-train \"my set\" --out run";
  report.configuration = {{"epochs", "2"}, {"seed", "<1>"}};
  report.network = {.head = {"Layer", "Parameters"}, .rows = {{"dense", "514"}, {"Total", "514"}}, .total = true};
  report.history = {{.epoch = 1, .loss = 0.7, .accuracy = 0.5, .learning_rate = 1e-4, .seconds = 1},
                    {.epoch = 2, .loss = 0.6, .accuracy = 0.6, .learning_rate = 1e-4, .seconds = 1}};
  report.best_epoch = 2;
  report.predictions = {{"a", "low-z", 1, 0.9F},    {"b", "hi-z", 1, 0.5F},  {"c", "point", 0, 0.7F},
                        {"<d>", "galaxy", 0, 0.2F}, {"e", "other", 0, 0.1F}, {"f", "low-z", 1, 0.8F}};
  report.examples = {{0, ramp(40, 40, 3)}, {1, ramp(40, 40, 3)}, {2, ramp(40, 40, 3)}, {3, ramp(40, 40, 3)}};
  report.images_per_second = 123.4;
  report.total_seconds = 75;
  return report;
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
  CHECK(labels(abell::linear_ticks({0, 1})) == std::vector<std::string>{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(labels(abell::linear_ticks({-3, 7})) == std::vector<std::string>{"−2", "0", "2", "4", "6"});
  CHECK(values(abell::linear_ticks({1, 60})) == std::vector<double>{20, 40, 60});
  CHECK(labels(abell::linear_ticks({0, 2e-6}))[1] == "5×10⁻⁷");
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
        if (i > 0) CHECK(ticks[i].label != ticks[i - 1].label);
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

TEST_CASE("Logarithmic ticks adapt to the width of the range", "[report]") {
  CHECK(labels(abell::log_ticks({1, 1000})) == std::vector<std::string>{"1", "10", "100", "1000"});
  CHECK(labels(abell::log_ticks({2e-4, 1e-3})) == std::vector<std::string>{"0.0002", "0.0005", "0.001"});
  CHECK(abell::log_ticks({1e-30, 1}).size() <= 8);
  CHECK(abell::log_ticks({1.1, 1.3}).size() >= 2);
}

TEST_CASE("A plot is well-formed and has its title, axes and legend", "[report]") {
  const std::string svg = abell::line_plot({.title = "Loss <a>",
                                            .x = {.label = "epoch"},
                                            .y = {.label = "time", .unit = "s"},
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

TEST_CASE("Base64 has the values of RFC 4648", "[report]") {
  const auto encode = [](std::string_view text) {
    return abell::base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  CHECK(encode("").empty());
  CHECK(encode("f") == "Zg==");
  CHECK(encode("fo") == "Zm8=");
  CHECK(encode("foo") == "Zm9v");
  CHECK(encode("foob") == "Zm9vYg==");
  CHECK(encode("fooba") == "Zm9vYmE=");
  CHECK(encode("foobar") == "Zm9vYmFy");
  std::vector<std::uint8_t> all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(255 - i);
  CHECK(from_base64(abell::base64(all)) == all);
}

TEST_CASE("An embedded picture decodes to its pixels", "[report]") {
  for (const int channels : {1, 3}) {
    const abell::Picture picture = ramp(5, 7, channels);
    const std::string uri = abell::data_uri(picture);
    const std::string head = "data:image/png;base64,";
    REQUIRE(uri.starts_with(head));
    const std::vector<std::uint8_t> png = from_base64(std::string_view(uri).substr(head.size()));
    int width = 0;
    int height = 0;
    int found = 0;
    const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
        stbi_load_from_memory(png.data(), static_cast<int>(png.size()), &width, &height, &found, 0), stbi_image_free);
    REQUIRE(pixels != nullptr);
    CHECK(width == 7);
    CHECK(height == 5);
    CHECK(found == channels);
    CHECK(std::vector<std::uint8_t>(pixels.get(), pixels.get() + picture.pixels.size()) == picture.pixels);
  }
}

TEST_CASE("Thumbnails keep the proportions and the mean", "[report]") {
  const abell::Picture flat{{30, 60, 3}, std::vector<std::uint8_t>(30 * 60 * 3, 77)};
  const abell::Picture small = abell::thumbnail(flat, 20);
  CHECK(small.shape == abell::Shape{10, 20, 3});
  CHECK(small.pixels == std::vector<std::uint8_t>(10 * 20 * 3, 77));
  CHECK(abell::thumbnail(flat, 60).pixels == flat.pixels);
  CHECK(abell::thumbnail({{1, 500, 1}, std::vector<std::uint8_t>(500)}, 10).shape == abell::Shape{1, 10, 1});
}

TEST_CASE("Sky panels take the optical image from channel 1 and X-rays from channel 2", "[report]") {
  const abell::Picture picture{{1, 3, 3}, {9, 200, 0, 9, 0, 255, 9, 0, 0}};
  const std::vector<abell::Picture> panels = abell::sky_panels(picture);
  REQUIRE(panels.size() == 3);
  CHECK(panels[0].shape == abell::Shape{1, 3, 1});
  CHECK(panels[0].pixels == std::vector<std::uint8_t>{200, 0, 0});
  CHECK(panels[1].pixels == std::vector<std::uint8_t>{0, 0, 4, 252, 255, 164, 0, 0, 4});
  CHECK(panels[2].pixels == std::vector<std::uint8_t>{200, 200, 200, 184, 92, 255, 0, 0, 0});
  CHECK_THROWS_AS(abell::sky_panels(ramp(2, 2, 1)), abell::ShapeError);
}

TEST_CASE("Galleries escape captions and refuse pictures that do not fit", "[report]") {
  const std::string html = abell::gallery({{{ramp(4, 4, 3)}, "\"<x>\""}}, {.panel_names = {"optical"}});
  CHECK(tag_error(html).empty());
  CHECK(contains(html, "alt=\"optical, &quot;&lt;x&gt;&quot;\""));
  CHECK(abell::gallery({}).empty());
  CHECK_THROWS_AS(abell::gallery({{{{{4, 4, 3}, std::vector<std::uint8_t>(5)}}, ""}}), abell::ShapeError);
  CHECK_THROWS_AS(abell::gallery({{{ramp(4, 4, 2)}, ""}}), abell::ShapeError);
}

TEST_CASE("Columns of numbers stand to the right", "[report]") {
  const std::string html = abell::to_html(
      {.head = {"Layer", "Size", "Change"}, .rows = {{"conv", "1,792", "−0.1"}, {"1 dense", "", "–"}}, .total = true});
  CHECK(tag_error(html).empty());
  CHECK(contains(html, "<th>Layer</th><th class=\"right\">Size</th><th class=\"right\">Change</th>"));
  CHECK(contains(html, "<tr class=\"total\"><td>1 dense</td>"));
  CHECK_THROWS_AS(abell::to_html({.head = {"a", "b"}, .rows = {{"1"}}}), abell::ShapeError);
}

TEST_CASE("A page is self-contained and well-formed", "[report]") {
  abell::Page page("<script>alert(1)</script>", "a & b");
  page.note("n < 3").section("S<1>").subsection("T").paragraph("p&q").remark("<r>").code("a < b \"c\"");
  page.tiles({{"A", "0.9", "1 of\n2"}}).key_values({{"<k>", "<v>"}}).figures({{"<svg></svg>", "<c>"}});
  const std::string html = page.html();
  CHECK(tag_error(html).empty());
  CHECK_FALSE(contains(html, "<script"));
  CHECK_FALSE(contains(html, "://"));
  CHECK_FALSE(contains(html, "@import"));
  CHECK(contains(html, "default-src 'none'"));
  CHECK(contains(html, "width=device-width"));
  CHECK(contains(html, "prefers-color-scheme: dark"));
  CHECK(contains(html, "@media print"));
  CHECK(contains(html, "<dt>&lt;k&gt;</dt><dd>&lt;v&gt;</dd>"));
}

TEST_CASE("A page appears under its name only when it is complete", "[report]") {
  const TemporaryFolder folder;
  const abell::Page page("Title");
  page.write(folder.path / "report.html");
  CHECK(slurp(folder.path / "report.html") == page.html());
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
  CHECK_THROWS_AS(page.write(folder.path / "missing" / "report.html"), abell::IoError);
}

TEST_CASE("A page that cannot be written whole is an error and leaves nothing", "[report]") {
  const TemporaryFolder folder;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit tight = before;
  tight.rlim_cur = 100;  // bytes a file may have: stands for a full disk
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  bool thrown = false;
  try {
    abell::Page("Title").write(folder.path / "report.html");
  } catch (const abell::IoError&) {
    thrown = true;
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(thrown);
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("Examples are the most confident mistakes and an even choice of the right ones", "[report]") {
  std::vector<abell::ReportPrediction> predictions;
  for (int i = 0; i < 11; ++i) predictions.push_back({"p", "", 1, 0.5F + 0.04F * static_cast<float>(i + 1)});
  for (int i = 0; i < 5; ++i) predictions.push_back({"n", "", 0, 0.6F + 0.05F * static_cast<float>(i)});
  predictions.push_back({"missed", "", 1, 0.1F});
  predictions.push_back({"missed", "", 1, 0.05F});
  CHECK(abell::choose_examples(predictions, 0.5F, 3) == std::vector<std::size_t>{10, 5, 0, 15, 14, 13, 17, 16});
  CHECK(abell::choose_examples(predictions, 0.5F, 0).empty());
  CHECK(abell::choose_examples({}).empty());
  CHECK(abell::choose_examples({{"one", "", 0, 0.2F}}, 0.5F, 1) == std::vector<std::size_t>{0});
}

TEST_CASE("A training report has its numbers, figures and examples", "[report]") {
  const TemporaryFolder folder;
  abell::write_training_report(small_report(), folder.path / "report.html");
  const std::string html = slurp(folder.path / "report.html");
  CHECK(tag_error(html).empty());
  CHECK_FALSE(contains(html, "://"));
  CHECK_FALSE(contains(html, "nan"));
  CHECK(contains(html, "<h1>A &lt;run&gt; &amp; more</h1>"));
  CHECK(contains(html, "Simulated data."));
  CHECK(contains(html, "abell-train &quot;my set&quot; --out run"));
  // b has exactly one half and is called negative: 4 of 6 right.
  CHECK(contains(html, "<div class=\"value\">0.667</div><div class=\"detail\">4 of 6\n95 %: 0.300–0.903</div>"));
  // Positives .9 .8 .5, negatives .7 .2 .1: 8 of 9 pairs.
  CHECK(contains(html, "<div class=\"value\">0.889</div><div class=\"detail\">9 pairs"));
  CHECK(count(html, "<svg ") == 7);
  CHECK(count(html, "<img ") == 4);
  CHECK(contains(html, "0.500 · hi-z\nb</figcaption>"));
  CHECK(contains(html, "0.200 · galaxy\n&lt;d&gt;</figcaption>"));
  CHECK(contains(html, "1 min 15 s"));
}

TEST_CASE("Objects with optical and X-ray channels show three panels", "[report]") {
  abell::TrainingReport report = small_report();
  report.sky_channels = true;
  const std::string html = abell::training_page(report).html();
  CHECK(tag_error(html).empty());
  CHECK(count(html, "<img ") == 12);
  CHECK(count(html, "alt=\"X-ray, ") == 4);
}

TEST_CASE("A report without a test split, without history, or with nothing is still a page", "[report]") {
  abell::TrainingReport report = small_report();
  report.predictions.clear();
  report.examples.clear();
  CHECK(tag_error(abell::training_page(report).html()).empty());
  report.history.clear();
  CHECK(tag_error(abell::training_page(report).html()).empty());
  CHECK(tag_error(abell::training_page({}).html()).empty());
  report = small_report();
  report.predictions = {{"a", "x", 0, 0.9F}};
  report.examples.clear();
  const std::string html = abell::training_page(report).html();
  CHECK(tag_error(html).empty());
  CHECK(contains(html, "<div class=\"value\">–</div>"));  // recall and area are undefined
}

TEST_CASE("A report with bad numbers is an error", "[report]") {
  abell::TrainingReport report = small_report();
  report.predictions[2].p_cluster = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(abell::training_page(report), abell::NumericError);
  report = small_report();
  report.examples[0].prediction = 6;
  CHECK_THROWS_AS(abell::training_page(report), abell::OptionError);
  report = small_report();
  report.examples[0].picture.pixels.pop_back();
  CHECK_THROWS_AS(abell::training_page(report), abell::ShapeError);
}
