#pragma once
/// Objects of the test split that a report shows: which ones, and the panels of each.

#include <abell/images/image.hpp>
#include <abell/metrics/confusion.hpp>
#include <abell/report/gallery.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// One object of the test split.
struct ReportPrediction {
  std::string id = {};
  std::string class_name = {};
  int label = 0;        ///< 1 is positive
  float p_cluster = 0;  ///< probability of the positive class
};

/// The image of one object of the test split, and maps of what in it spoke for the class that it was called.
struct ReportExample {
  std::size_t prediction = 0;  ///< index into the predictions
  Picture picture = {};
  Image grad_cam = {};   ///< may be empty; shown where all examples have one
  Image occlusion = {};  ///< likewise
  std::optional<SkyMarks> sky = {};
};

/// How a decision turned out.
enum class Outcome { true_positive, false_positive, false_negative, true_negative };

inline Outcome outcome_of(const ReportPrediction& prediction, float threshold = default_threshold) {
  if (is_positive(prediction.p_cluster, threshold)) {
    return prediction.label == 1 ? Outcome::true_positive : Outcome::false_positive;
  }
  return prediction.label == 1 ? Outcome::false_negative : Outcome::true_negative;
}

/// Most examples of one of the four outcomes.
inline constexpr std::size_t outcome_examples = 6;

/// Which objects a report shows, as indices into `predictions`: of each outcome up to `each`, the most confident
/// mistakes, and right ones from the surest to the least sure in even steps.
inline std::vector<std::size_t> choose_examples(const std::vector<ReportPrediction>& predictions,
                                                float threshold = default_threshold,
                                                std::size_t each = outcome_examples) {
  std::vector<std::size_t> chosen;
  for (const Outcome outcome :
       {Outcome::true_positive, Outcome::false_positive, Outcome::false_negative, Outcome::true_negative}) {
    std::vector<std::size_t> group;
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      if (outcome_of(predictions[i], threshold) == outcome) group.push_back(i);
    }
    const bool high_first = outcome == Outcome::true_positive || outcome == Outcome::false_positive;
    std::stable_sort(group.begin(), group.end(), [&](std::size_t a, std::size_t b) {
      const float pa = predictions[a].p_cluster;
      const float pb = predictions[b].p_cluster;
      return high_first ? pa > pb : pa < pb;
    });
    const bool right = outcome == Outcome::true_positive || outcome == Outcome::true_negative;
    const std::size_t count = std::min(each, group.size());
    for (std::size_t i = 0; i < count; ++i) {
      chosen.push_back(group[right && count > 1 ? i * (group.size() - 1) / (count - 1) : i]);
    }
  }
  return chosen;
}

namespace detail::report {

/// The panels of examples: the image, or optical, X-ray and combined, then the maps that all of them have.
class ExamplePanels {
 public:
  ExamplePanels(const std::vector<ReportExample>& examples, bool sky_channels)
      : sky_(sky_channels),
        grad_cam_(all_have(examples, &ReportExample::grad_cam)),
        occlusion_(all_have(examples, &ReportExample::occlusion)) {}

  /// What the panels are; the maps show what speaks for `answer`.
  std::string text(const std::string& answer = "the network's answer") const {
    std::string text = sky_ ? "optical, X-ray, combined" : "image";
    if (grad_cam_) text += ", Grad-CAM (bright: what speaks for " + answer + ")";
    if (occlusion_) text += ", occlusion (bright: where hiding a square lowers its probability most)";
    return text;
  }
  /// What the false colours mean; empty without any.
  std::string colours() const {
    std::string names = sky_ ? "X-ray" : "";
    for (const auto& [there, name] : {std::pair{grad_cam_, "Grad-CAM"}, std::pair{occlusion_, "occlusion"}}) {
      if (there) names += (names.empty() ? "" : ", ") + std::string(name);
    }
    if (names.empty()) return {};
    const char* most = !sky_ ? "the map's maximum" : grad_cam_ || occlusion_ ? "255, or the map's maximum" : "255";
    return colour_bar("Colours of " + names, "0", most);
  }
  GalleryOptions options() const {
    GalleryOptions options{.panel_names = {"image"}};
    if (sky_) options = {.side = 128, .panel_names = {"optical", "X-ray", "combined"}};
    if (grad_cam_) options.panel_names.push_back("Grad-CAM");
    if (occlusion_) options.panel_names.push_back("occlusion");
    return options;
  }
  GalleryItem item(const ReportExample& example, const ReportPrediction& prediction) const {
    const Picture small = thumbnail(example.picture, options().side);
    GalleryItem item{.panels = sky_ ? sky_panels(small) : std::vector<Picture>{small},
                     .caption = fixed_text(static_cast<double>(prediction.p_cluster), 3) + " · " +
                                prediction.class_name + (sky_ ? " · " : "\n") + prediction.id,
                     .sky = example.sky};
    if (grad_cam_) item.panels.push_back(heat_picture(example.grad_cam));
    if (occlusion_) item.panels.push_back(heat_picture(example.occlusion));
    return item;
  }

 private:
  static bool all_have(const std::vector<ReportExample>& examples, Image ReportExample::*map) {
    return std::ranges::all_of(examples, [=](const ReportExample& e) { return !(e.*map).pixels.empty(); });
  }

  bool sky_, grad_cam_, occlusion_;
};

}  // namespace detail::report
}  // namespace abell
