#include <abell/report/gallery.hpp>
#include <abell/report/html.hpp>
#include <abell/report/training_report.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "full_disk.hpp"
#include "markup.hpp"
#include "temp_folder.hpp"

namespace {

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

abell::Picture ramp(int height, int width, int channels) {
  abell::Picture picture{{height, width, channels}, {}};
  for (std::size_t i = 0; i < picture.shape.size(); ++i) {
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 7 % 251));
  }
  return picture;
}

abell::TrainingReport small_report() {
  abell::TrainingReport report;
  report.title = "A <run> & more";
  report.notes = {"Simulated data."};
  report.command = "abell-train \"my set\" --out run";
  report.configuration = {{"epochs", "2"}, {"seed", "<1>"}};
  report.network = {.head = {"Layer", "Parameters"}, .rows = {{"dense", "514"}, {"Total", "514"}}, .total = true};
  report.history = {{.epoch = 1, .loss = 0.7, .metric = 0.5, .learning_rate = 1e-4, .seconds = 1},
                    {.epoch = 2, .loss = 0.6, .metric = 0.6, .learning_rate = 1e-4, .seconds = 1}};
  report.best_epoch = 2;
  report.predictions = {{"a", "low-z", 1, 0.9F},    {"b", "hi-z", 1, 0.5F},  {"c", "point", 0, 0.7F},
                        {"<d>", "galaxy", 0, 0.2F}, {"e", "other", 0, 0.1F}, {"f", "low-z", 1, 0.8F}};
  report.examples = {{0, ramp(40, 40, 3)}, {1, ramp(40, 40, 3)}, {2, ramp(40, 40, 3)}, {3, ramp(40, 40, 3)}};
  report.images_per_second = 123.4;
  report.total_seconds = 75;
  return report;
}

}  // namespace

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

TEST_CASE("Maps are drawn from black to the brightest colour, brighter for larger values", "[report]") {
  abell::Image map(1, 3, 1);
  map.pixels = {-2, 4, 0};
  CHECK(abell::heat_picture(map).shape == abell::Shape{1, 3, 3});
  CHECK(abell::heat_picture(map).pixels == std::vector<std::uint8_t>{0, 0, 4, 252, 255, 164, 0, 0, 4});
  map.pixels = {-2, 0, -1};
  CHECK(abell::heat_picture(map).pixels == std::vector<std::uint8_t>{0, 0, 4, 0, 0, 4, 0, 0, 4});
  map.pixels[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(abell::heat_picture(map), abell::NumericError);
  abell::Image ramp_map(1, 256, 1);
  for (std::size_t i = 0; i < 256; ++i) ramp_map.pixels[i] = static_cast<float>(i);
  const std::vector<std::uint8_t> colours = abell::heat_picture(ramp_map).pixels;
  const auto grey = [&](std::size_t i) {  // luma of BT.601, as a grey print has it
    return 0.299 * colours[3 * i] + 0.587 * colours[3 * i + 1] + 0.114 * colours[3 * i + 2];
  };
  for (std::size_t i = 4; i < 256; ++i) CHECK(grey(i) > grey(i - 4));
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
  const TempFolder folder;
  const abell::Page page("Title");
  page.write(folder / "report.html");
  CHECK(slurp(folder / "report.html") == page.html());
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  CHECK_THROWS_AS(page.write(folder.path() / "missing" / "report.html"), abell::IoError);
}

TEST_CASE("A page that cannot be written whole is an error and leaves nothing", "[report]") {
  const TempFolder folder;
  bool thrown = false;
  try {
    const FullDisk full(100);
    abell::Page("Title").write(folder / "report.html");
  } catch (const abell::IoError&) {
    thrown = true;
  }
  CHECK(thrown);
  CHECK(std::filesystem::is_empty(folder.path()));
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
  const TempFolder folder;
  abell::write_training_report(small_report(), folder / "report.html");
  const std::string html = slurp(folder / "report.html");
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
  CHECK(count(html, "<svg ") == 8);
  CHECK(count(html, "<img ") == 4);
  CHECK(contains(html, "0.500 · hi-z\nb</figcaption>"));
  CHECK(contains(html, "0.200 · galaxy\n&lt;d&gt;</figcaption>"));
  CHECK(contains(html, "1 min 15 s"));
  CHECK(contains(html, "<td>low-z</td><td class=\"right\">2</td><td class=\"right\">2</td><td class=\"right\">2</td>"));
  CHECK(contains(html, "validation may well look better than training"));
  CHECK_FALSE(contains(html, "<h2>Data</h2>"));
  abell::TrainingReport told = small_report();
  told.splits = {.head = {"", "Training"}, .rows = {{"low-z", "7"}}};
  told.machine = {{"Date", "2026-05-04 13:12 UTC"}};
  const std::string more = abell::training_page(told).html();
  CHECK(contains(more, "<h2>Data</h2>"));
  CHECK(contains(more, "<dt>Date</dt><dd>2026-05-04 13:12 UTC</dd>"));
}

TEST_CASE("The reliability figure has a bar and a count for each interval with objects", "[report]") {
  const abell::PlotSeries bars =
      abell::reliability_counts(std::vector{0.95F, 0.95F, 0.05F, 0.95F, 0.95F}, std::vector{1, 1, 0, 1, 0});
  REQUIRE(bars.y.size() == 10);
  CHECK(bars.x.size() == 11);
  CHECK((bars.y[0] == 0.0625 && bars.y[1] == 0 && bars.y[9] == 0.25));
  CHECK((bars.labels[0] == "1" && bars.labels[1].empty() && bars.labels[9] == "4"));
  CHECK(contains(abell::reliability_figure("R", bars, {}), "class=\"small\">4</text>"));
}

TEST_CASE("Panels have headings, and the first of them the sky's scale and directions", "[report]") {
  abell::GalleryItem item{{ramp(4, 4, 3), ramp(4, 4, 3)}, "a"};
  const abell::GalleryOptions named{.panel_names = {"optical", "X-ray"}};
  CHECK_FALSE(contains(abell::gallery({item}, named), "<svg"));
  item.sky = {.width = 300, .north = {0, 1}, .east = {-1, 0}};
  const std::string html = abell::gallery({item}, named);
  CHECK(tag_error(html).empty());
  CHECK(count(html, "<div class=\"name\">") == 2);
  CHECK(count(html, "<svg") == 1);
  CHECK(contains(html, ">2′</text>"));  // of 5′, at most 40 %
  // North points down, East to the left.
  CHECK(contains(html, "<line x1=\"80\" y1=\"78\" x2=\"80\" y2=\"87\" class=\"mark\"/>"));
  CHECK(contains(html, "<line x1=\"80\" y1=\"78\" x2=\"71\" y2=\"78\" class=\"mark\"/>"));
  for (const auto& [width, name] :
       {std::pair{60.0, "20″"}, std::pair{100.0, "30″"}, std::pair{8000.0, "30′"}, std::pair{40000.0, "2°"}}) {
    CHECK(abell::detail::report::scale_bar(width).name == name);
  }
  CHECK(abell::detail::report::scale_bar(2).name.empty());
}

TEST_CASE("Bars of colours begin and end with the colours of the maps", "[report]") {
  const std::string bar = abell::colour_bar("<X>", "0", "1");
  CHECK(tag_error(bar).empty());
  CHECK(contains(bar, "to right,rgb(0 0 4),"));
  CHECK(contains(bar, ",rgb(252 255 164))"));
  const std::string key = abell::colour_key({{{230, 159, 0}, "<star>"}});
  CHECK(tag_error(key).empty());
  CHECK(contains(key, "rgb(230 159 0)\"></i><span>&lt;star&gt;</span>"));
}

TEST_CASE("A table on a terminal has aligned columns, numbers to the right", "[report]") {
  CHECK(abell::to_text({.caption = "T", .head = {"Class", "n"}, .rows = {{"ümlaut", "1,792"}, {"b", "–"}}}) ==
        "T\nClass       n\nümlaut  1,792\nb           –\n");
  CHECK_THROWS_AS(abell::to_text({.head = {"a", "b"}, .rows = {{"1"}}}), abell::ShapeError);
}

TEST_CASE("Objects with optical and X-ray channels show three panels", "[report]") {
  abell::TrainingReport report = small_report();
  report.sky_channels = true;
  const std::string html = abell::training_page(report).html();
  CHECK(tag_error(html).empty());
  CHECK(count(html, "<img ") == 12);
  CHECK(count(html, "alt=\"X-ray, ") == 4);
}

TEST_CASE("Maps of what speaks for the answer are the last panels where every example has them", "[report]") {
  abell::TrainingReport report = small_report();
  CHECK_FALSE(contains(abell::training_page(report).html(), "Grad-CAM"));
  report.examples[1].grad_cam = abell::Image(40, 40, 1);
  CHECK_FALSE(contains(abell::training_page(report).html(), "Grad-CAM"));
  for (abell::ReportExample& example : report.examples) {
    example.grad_cam = abell::Image(40, 40, 1);
    example.occlusion = abell::Image(40, 40, 1);
  }
  std::string html = abell::training_page(report).html();
  CHECK(tag_error(html).empty());
  CHECK(count(html, "<img ") == 12);
  CHECK(count(html, "alt=\"Grad-CAM, 0.500 · hi-z") == 1);
  CHECK(count(html, "alt=\"occlusion, ") == 4);
  CHECK(contains(html, "image, Grad-CAM (bright: what speaks for the network&#39;s answer), occlusion ("));
  report.sky_channels = true;
  html = abell::training_page(report).html();
  CHECK(tag_error(html).empty());
  CHECK(count(html, "<img ") == 20);
  CHECK(count(html, "<div class=\"gallery panels wide\">") == 4);
}

TEST_CASE("A training report shows reliability and filters as the experiment's does", "[report]") {
  abell::TrainingReport report = small_report();
  std::string html = abell::training_page(report).html();
  CHECK(contains(html, "Reliability"));
  CHECK_FALSE(contains(html, "Filters"));
  report.filters = {.filters = {ramp(9, 9, 3)}, .names = {"Red"}, .example = ramp(40, 40, 3)};
  html = abell::training_page(report).html();
  CHECK(tag_error(html).empty());
  CHECK(count(html, "<img ") == 9);  // four examples, the filters, four filtered images
  CHECK(contains(html, "filters of the kept weights"));
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
