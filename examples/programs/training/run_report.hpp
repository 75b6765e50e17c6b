#pragma once
/// The report of a run: what it says of the training, and pictures of what a network looks at.

#include <abell/inference/explain.hpp>
#include <abell/network/summary.hpp>
#include <abell/report/training_report.hpp>
#include <abell/training/fit.hpp>
#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../common/attention.hpp"
#include "../common/machine.hpp"
#include "run_overview.hpp"

namespace abell::program {

/// Predictions that the maps of one example take, about: 49 hidden squares, and Grad-CAM.
inline constexpr std::size_t example_predictions = 50;

/// Adds an example to a report, with the maps of what spoke for `answer`; the filters are shown over the first.
/// Squares of a quarter of the image are hidden: a finer map costs more than the run's own evaluation. Images that
/// are [empty, optical, X-ray] are known by their empty channel.
template <class Report>
void add_example(Report& report, const Network<float>& network, const Tensor<float>& image, int answer,
                 std::size_t prediction, const Data& data, std::size_t object, int threads) {
  Picture picture = picture_of(data, object);
  report.sky_channels = has_sky_channels(picture) && (report.sky_channels || report.examples.empty());
  if (!report.filters.example) report.filters.example = picture;
  const int step = std::max(1, network.input().height / 8);
  report.examples.push_back(
      {.prediction = prediction,
       .picture = std::move(picture),
       .grad_cam = attention(network, image, answer, threads),
       .occlusion = occlusion(network, image, answer, {.patch = 2 * step, .stride = step, .threads = threads}),
       .sky = sky_marks_of(data, object)});
}

/// Adds pictures of the filters of a network whose first weights are those of a convolution with square kernels on an
/// image of one or three channels.
inline void add_filter_pictures(FilterPictures& pictures, const Network<float>& network, bool sky_channels) {
  if (network.named_parameters().empty()) return;
  const NamedParameter& named = network.named_parameters().front();
  if (named.dimensions.size() != 4 || named.dimensions[0] != named.dimensions[1]) return;
  if (named.dimensions[2] != 1 && named.dimensions[2] != 3) return;
  const std::span<const float> kernel = network.parameters().subspan(named.offset, named.size);
  const std::vector<std::string> names = sky_channels ? std::vector<std::string>{"Empty channel", "Optical", "X-ray"}
                                         : named.dimensions[2] == 1 ? std::vector<std::string>{"Grey"}
                                                                    : std::vector<std::string>{"Red", "Green", "Blue"};
  for (int channel = sky_channels ? 1 : 0; channel < named.dimensions[2]; ++channel) {
    pictures.filters.push_back(
        filter_picture(kernel, named.dimensions[0], named.dimensions[2], named.dimensions[3], channel));
    pictures.names.push_back(names[static_cast<std::size_t>(channel)]);
  }
}

/// What a report calls a run: the last two names of its folder as it was given, "runs/cn-e".
inline std::string run_title(const std::filesystem::path& out) {
  std::filesystem::path folder = out.lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  if (folder == ".") return std::filesystem::absolute(folder).lexically_normal().parent_path().filename().string();
  return (folder.parent_path().filename() / folder.filename()).string();
}

/// The report of a run, without what was found on the evaluated `split`.
inline TrainingReport report_of_training(const TrainOptions& options, const Data& data, const Json& config,
                                         const std::vector<LayerInfo>& layers, const TrainingState<float>& state,
                                         const std::string& split) {
  TrainingReport report;
  const std::filesystem::path source = std::filesystem::path(options.data).lexically_normal();
  report.subtitle = (source.has_filename() ? source : source.parent_path()).filename().string() + ", " +
                    network_title(options.network) + " network";
  report.notes = run_notes(options, data);
  if (options.tta) {
    report.notes.push_back("Probabilities are means over the 8 flips and quarter turns of each image.");
  }
  report.title = run_title(options.out) + ": training report";
  report.splits = split_table(options, data);
  report.splits_remark = splits_text(options, data);
  report.command = config.at("command").get<std::string>();
  report.test_name = split;
  report.loss = options.task.loss_name();
  report.metric = options.fit_options().loss.metric();
  report.best_epoch = state.best_epoch;
  for (const auto& [key, value] : config.items()) {
    if (key != "command" && key != "options") add_setting(report.configuration, key, value);
  }
  const auto rows = summary_rows(layers);
  report.network = {.head = rows.front(), .rows = {rows.begin() + 1, rows.end()}, .total = true};
  report.machine = machine_values(thread_count(options.common.threads));
  double seconds = 0, waited = 0;
  report.history = state.history;
  for (const EpochRecord& e : state.history) {
    seconds += e.seconds;
    waited += e.waited_seconds;
  }
  report.total_seconds = seconds;
  report.images_per_second = training_rate(config, state.history.size(), seconds);
  report.timings.emplace_back("Time waiting for data", duration_text(waited));
  return report;
}

}  // namespace abell::program
