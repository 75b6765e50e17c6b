#pragma once
/// abell-classify --gallery: a page of the candidates themselves, the likeliest first.

#include <abell/data/decoded_samples.hpp>
#include <abell/inference/classifier.hpp>
#include <abell/report/examples.hpp>
#include <abell/report/html.hpp>
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../common/attention.hpp"
#include "../common/decoded_wcs.hpp"
#include "../common/output_file.hpp"
#include "../common/program.hpp"

namespace abell::program {

/// The page that --gallery names: a file .html itself, in a folder gallery.html.
inline std::filesystem::path gallery_file(const std::filesystem::path& named) {
  return named.extension() == ".html" ? named : named / "gallery.html";
}

/// Fails before any work when it could not be written: as `check_output_file`.
inline void check_gallery(const std::filesystem::path& named, bool overwrite) {
  const bool new_folder = gallery_file(named) != named && !std::filesystem::exists(named);
  check_output_file(new_folder ? named : gallery_file(named), overwrite);
}

/// An object that the page may show.
struct Candidate {
  Object object;
  float probability = 0;
  std::string warning = {};  ///< what the model never saw
  std::size_t place = 0;     ///< in the set

  /// Whether it stands before another one on the page.
  bool before(const Candidate& other) const {
    return probability != other.probability ? probability > other.probability : place < other.place;
  }
};

/// Keeps the likeliest `most` of any number of objects, one or more.
class Candidates {
 public:
  explicit Candidates(std::size_t most) : most_(most) {}

  void add(const Object& object, float probability, const std::string& warning) {
    const bool full = kept_.size() == most_;
    ++seen_;
    if (full && probability <= kept_.front().probability) return;
    if (full) {
      std::ranges::pop_heap(kept_, before);
      kept_.pop_back();
    }
    kept_.push_back({object, probability, warning, seen_});
    std::ranges::push_heap(kept_, before);
  }

  /// The number of all objects.
  std::size_t seen() const { return seen_; }
  /// Those kept, the likeliest first, of equal ones the set's first.
  std::vector<Candidate> sorted() const {
    std::vector<Candidate> candidates = kept_;
    std::ranges::sort(candidates, before);
    return candidates;
  }

 private:
  static bool before(const Candidate& a, const Candidate& b) { return a.before(b); }

  std::size_t most_, seen_ = 0;
  std::vector<Candidate> kept_;  ///< a heap whose front is the least likely
};

/// What the page says besides.
struct GalleryTexts {
  std::string title = {}, subtitle = {};
  std::vector<std::string> warnings = {};
  std::vector<SummaryTile> tiles = {};
  std::string remark = {};
  KeyValues machine = {}, model = {};
  std::string command = {};
};

namespace detail_gallery {

inline constexpr int side = 128;  ///< of an embedded picture

/// An image of values 0..255 as the network sees it; of other than one or three channels the first.
inline Picture picture_of(const Image& image) {
  const Image shown = image.channels == 3 ? image : take_channel(image, 0);
  Picture picture{{shown.height, shown.width, shown.channels}, {}};
  for (const float value : shown.pixels) picture.pixels.push_back(to_byte(value));
  return thumbnail(picture, side);
}

/// The output whose Grad-CAM is shown: the first of the positive classes.
inline int positive_output(const ModelInfo& info) {
  const auto found = std::ranges::find(info.classes, info.positive.front());
  return static_cast<int>(found - info.classes.begin());
}

/// Where an object is: as its table has it, else where its image's centre is; empty where neither tells.
inline std::string place_text(const Object& object, const std::optional<Wcs>& wcs, const Shape& shape) {
  const auto ra = parse_angle(object.ra, true), dec = parse_angle(object.dec, false);
  if (ra && dec) return position_text({*ra, *dec});
  return wcs ? position_text(wcs->sky({(shape.width - 1) / 2.0, (shape.height - 1) / 2.0})) : std::string();
}

}  // namespace detail_gallery

/// Builds the page; each candidate's image is decoded again, one at a time. Nothing when interrupted.
inline std::optional<Page> gallery_page(const Classifier& classifier, const std::vector<Candidate>& candidates,
                                        const GalleryTexts& texts, const CommonOptions& common) {
  using namespace detail_gallery;
  const Shape& input = classifier.network().input();
  const int output = positive_output(classifier.info());
  const DecodeOptions decoding = classifier.preprocessing().decode();
  std::vector<ReportExample> examples;
  std::vector<std::string> captions;
  bool sky_channels = true;
  Tensor<float> in(1, input);
  ProgressBar bar("candidates shown", static_cast<long>(candidates.size()), common.quiet);
  for (const Candidate& candidate : candidates) {
    if (interrupted()) return std::nullopt;
    const DecodedSamples samples({&candidate.object, 1}, input, classifier.preprocessing());
    const Picture picture = picture_of(samples.decode(0, in.span()).image);
    const Image map = attention(classifier.network(), in, output, common.threads);
    const std::optional<Wcs> wcs = decoded_wcs(candidate.object, input, decoding);
    sky_channels = sky_channels && has_sky_channels(picture);
    examples.push_back({.prediction = examples.size(),
                        .picture = picture,
                        .grad_cam = map.pixels.empty() ? map : resize(map, picture.shape.height, picture.shape.width),
                        .sky = wcs ? sky_marks_of(*wcs, input) : std::nullopt});
    std::string caption = fixed_text(static_cast<double>(candidate.probability), 3) + " · " + candidate.object.id;
    if (!candidate.object.class_text.empty()) caption += " · " + candidate.object.class_text;
    if (const std::string place = place_text(candidate.object, wcs, input); !place.empty()) caption += "\n" + place;
    if (!candidate.warning.empty()) caption += "\nwarning: " + candidate.warning;
    captions.push_back(std::move(caption));
    bar.update(static_cast<long>(examples.size()));
  }

  const abell::detail::report::ExamplePanels panels(examples, sky_channels);
  std::vector<GalleryItem> items;
  for (const ReportExample& example : examples) {
    items.push_back(panels.item(example, {}));
    items.back().caption = captions[example.prediction];
  }
  Page page(texts.title, texts.subtitle);
  for (const std::string& warning : texts.warnings) page.note("Warning: " + warning);
  page.tiles(texts.tiles);
  page.remark(texts.remark);
  page.section("Candidates");
  page.remark(
      "Each object: " + panels.text("its being a " + classifier.info().positive.front()) +
      ". Below it: probability, name, class where it is known, position (ICRS) where there is one. Scale bar and "
      "directions where a FITS file has sky coordinates.");
  page.html_part(panels.colours());
  page.html_part(gallery(items, panels.options()));
  page.section("Time and machine").key_values(texts.machine);
  page.section("Model").key_values(texts.model);
  page.section("Command").code(texts.command);
  return page;
}

}  // namespace abell::program
