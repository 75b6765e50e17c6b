#pragma once
/// Results of --task segment: each pixel of the network's maps against the mask.

#include <abell/metrics/segmentation.hpp>
#include <abell/report/gallery.hpp>
#include <array>
#include <cstdint>
#include <utility>

#include "task_results.hpp"

namespace abell::program {

class SegmentationResults final : public TaskResults {
 public:
  /// Of `objects` to come some are kept for the eye.
  SegmentationResults(const Data& of_run, std::size_t objects)
      : TaskResults(of_run), all_(outputs().size()), step_(std::max<std::size_t>(1, objects / pictures)) {}

  Json metrics() const override {
    Json iou = Json::object();
    for (std::size_t k = 0; k < outputs().size(); ++k) iou[outputs()[k]] = json_of(all_.iou(k));
    return {{"pixel_accuracy", json_of(all_.accuracy())},
            {"mean_iou", json_of(all_.mean_iou())},
            {"iou", iou},
            {"pixels", all_.pixels()},
            {"objects", size()}};
  }

  std::vector<std::string> columns() const override {
    std::vector<std::string> names{"pixel_accuracy", "mean_iou"};
    for (const std::string& name : outputs()) names.push_back("iou_" + name);
    names.push_back("known_pixels");
    return names;
  }
  std::vector<std::string> row(std::size_t at) const override {
    const PixelConfusion& own = of_object_[at];
    std::vector<std::string> fields{text_of(own.accuracy()), text_of(own.mean_iou())};
    for (std::size_t k = 0; k < outputs().size(); ++k) fields.push_back(text_of(own.iou(k)));
    fields.push_back(std::to_string(own.pixels()));
    return fields;
  }

  TaskReport report() const override {
    TaskReport report;
    report.tiles = {{"Pixels", shown(all_.accuracy()), "share given their own class"},
                    {"IoU", shown(all_.mean_iou()), "mean over classes"}};
    report.remark =
        grouped_text(size()) + " objects, " + grouped_text(all_.pixels()) +
        " pixels of known class. IoU: pixels of a class that were found, over all that are of it or were called so.";
    report.table = {.head = {"Class", "IoU"}};
    for (std::size_t k = 0; k < outputs().size(); ++k) report.table.rows.push_back({outputs()[k], shown(all_.iou(k))});
    report.gallery_names = {"picture", "truth", "prediction"};
    report.gallery_remark = "Each object: picture, true classes, predicted classes. Below it: pixel accuracy, name.";
    for (std::size_t k = 0; k < outputs().size(); ++k) {
      report.gallery_colours.emplace_back(colour_of(static_cast<int>(k)), outputs()[k]);
    }
    report.gallery_colours.emplace_back(colour_of(-1), "not known");
    for (const Example& example : examples_) {
      const std::string share = shown(of_object_[example.at].accuracy());
      report.examples.push_back({.panels = {picture_of(data(), example.object), example.truth, example.prediction},
                                 .caption = share + "\n" + object(example.at).id,
                                 .sky = sky_marks_of(data(), example.object)});
    }
    return report;
  }

 private:
  static constexpr std::size_t pictures = 8;
  struct Example {
    std::size_t at, object;
    Picture truth, prediction;
  };

  void add_one(View<const float> prediction, View<const float> target) override {
    const auto classes = outputs().size();
    PixelConfusion own(classes);
    std::vector<int> given(target.size());
    for (std::size_t pixel = 0; pixel < target.size(); ++pixel) {
      const std::size_t best = largest({prediction.data + pixel * classes, classes});
      given[pixel] = static_cast<int>(best);
      own.add(static_cast<int>(target.data[pixel]), best);
    }
    all_ += own;
    of_object_.push_back(own);
    const std::size_t at = size() - 1;
    if (at % step_ != 0 || examples_.size() >= pictures) return;
    const std::vector<int> truth(target.data, target.data + target.size());
    examples_.push_back({at, last_object(), in_colours(truth, target.shape), in_colours(given, target.shape)});
  }

  /// Class 0 is black, the others have colours that are told apart in all kinds of sight (Okabe & Ito 2008), in turn;
  /// a class that is not known (-1) is grey.
  using Colour = std::array<std::uint8_t, 3>;
  static Colour colour_of(int k) {
    constexpr std::array<Colour, 6> colours{
        {{230, 159, 0}, {86, 180, 233}, {0, 158, 115}, {240, 228, 66}, {213, 94, 0}, {204, 121, 167}}};
    if (k < 0) return {128, 128, 128};
    return k == 0 ? Colour{0, 0, 0} : colours[static_cast<std::size_t>(k - 1) % colours.size()];
  }
  static Picture in_colours(const std::vector<int>& classes, const Shape& shape) {
    Picture picture{{shape.height, shape.width, 3}, {}};
    for (const int k : classes) {
      const Colour colour = colour_of(k);
      picture.pixels.insert(picture.pixels.end(), colour.begin(), colour.end());
    }
    return picture;
  }

  PixelConfusion all_;
  std::vector<PixelConfusion> of_object_;
  std::vector<Example> examples_;
  std::size_t step_;
};

}  // namespace abell::program
