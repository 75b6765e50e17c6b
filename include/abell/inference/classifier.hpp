#pragma once
/// A trained run in a program of one's own: image files in, what the network says of them out. Needs stb, CFITSIO,
/// wcslib and nlohmann-json.
///
///     const Classifier model("runs/cn-e");
///     for (const Prediction& p : model.predict("candidates.csv")) use(p.id, model.probability(p.outputs), p.foreign);

#include <abell/data/decoded_samples.hpp>
#include <abell/data/input_profile.hpp>
#include <abell/data/layouts.hpp>
#include <abell/data/preprocessing.hpp>
#include <abell/inference/dihedral.hpp>
#include <abell/inference/load_network.hpp>
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// How a `Classifier` loads its model and predicts.
struct ClassifierOptions {
  LoadOptions load = {};
  int batch = 10;    ///< images in memory at a time, 1 or more
  int threads = 0;   ///< 0: all
  bool tta = false;  ///< probabilities averaged over flips and quarter turns; of the task classify
  double max_megapixels = default_max_megapixels;  ///< of an image file
};

/// What a model says of one image.
struct Prediction {
  std::string id = {};              ///< of the object; empty of an image in memory
  std::vector<float> outputs = {};  ///< probabilities of the classes [classes] (segment: [height][width][classes]), or
                                    ///< the numbers of the targets in their units
  std::size_t masked = 0;           ///< pixels without a measurement
  std::vector<std::string> foreign = {};  ///< how it differs from all that the model learnt on: see `foreign_to`; none
                                          ///< where the model's file does not tell what that was
};

/// A model file with all that it was trained with. `predict` is const and may be called from many threads at once.
class Classifier {
 public:
  /// From the folder of a run, or a model file. Throws as `load_network`, and FormatError for a record of the
  /// preprocessing that does not fit; OptionError for a batch below 1 and options that are
  /// not the task's.
  explicit Classifier(const std::filesystem::path& run_or_file, ClassifierOptions options = {})
      : file_(model_file(run_or_file)),
        options_(checked(std::move(options))),
        info_(load_info(file_, loading(options_))),
        preprocessing_(read_preprocessing(info().preprocessing, file_.string(), info().input)),
        profile_(read_profile(info().preprocessing, file_.string(), info().input.channels)),
        network_(load(file_, info_, loading(options_))) {
    preprocessing_.max_megapixels = options_.max_megapixels;
    if (info().task == "regress") {
      mean_ = numbers("target_mean");
      deviation_ = numbers("target_deviation");
    }
    if (options_.tta && info().task != "classify") {
      throw OptionError("tta", "expected a model of the task classify, found " + info().task);
    }
  }

  const std::filesystem::path& file() const { return file_; }
  const ModelInfo& info() const { return info_; }
  const Preprocessing& preprocessing() const { return preprocessing_; }
  /// What the images were like that the model learnt on; null where its file does not tell.
  const std::optional<InputProfile>& profile() const { return profile_; }
  const Network<float>& network() const { return network_; }
  /// The classes that counted as clusters in the set that the model was trained on; none where that is not recorded.
  std::vector<std::string> positive() const { return recorded<std::vector<std::string>>("positive"); }

  /// The threshold on p(positive) that decided best on the validation split of the training; null where none is
  /// recorded. Throws FormatError.
  std::optional<float> best_threshold() const {
    if (!info().preprocessing.contains("best_threshold")) return std::nullopt;
    const auto threshold = recorded<float>("best_threshold");
    if (threshold >= 0 && threshold <= 1) return threshold;
    throw FormatError(file_.string() + ": preprocessing: expected best_threshold from 0 to 1, found " +
                      std::to_string(threshold));
  }

  /// p(positive) from the probabilities of one image, of a model of the task classify.
  float probability(std::span<const float> outputs) const {
    double sum = 0;
    for (std::size_t i = 0; i < info().classes.size(); ++i) {
      const bool counts = std::ranges::find(info().positive, info().classes[i]) != info().positive.end();
      if (counts) sum += static_cast<double>(outputs[i]);
    }
    return static_cast<float>(std::min(sum, 1.0));
  }

  /// An image in memory: values 0..255, or if `physical` those of a FITS image. Throws FormatError for channels that
  /// the network cannot take.
  Prediction predict(const Image& image, bool physical = false) const {
    const DecodeOptions decode = preprocessing_.decode();
    const Decoded decoded = decode_image(image, physical, network().input(), decode);
    Tensor<float> in(1, network().input());
    write_input(decoded.image, !physical && decode.bands == Bands{}, preprocessing_.samples(), in.span());
    Tensor<float> out(1, network().output());
    auto space = network().workspace(1, Mode::predict, options_.threads);
    network().prepare(space);
    run(in, out, space);
    Prediction prediction{.outputs = {out.data(), out.data() + out.size()}, .masked = decoded.masked};
    if (profile_) prediction.foreign = foreign_to(*profile_, traits_of(decoded, physical), false);
    to_units(prediction.outputs);
    return prediction;
  }

  /// Whatever `read_data_set` takes: an image file, a folder, a table. In its order.
  std::vector<Prediction> predict(const std::filesystem::path& input) const {
    const auto source = open_objects(input, {.need_class = false,
                                             .need_train = false,
                                             .need_set = false,
                                             .several_classes = info().task == "multilabel",
                                             .channels = parse_channels(preprocessing_.channels)});
    std::vector<Prediction> predictions;
    predict(*source, [&](const Object&, const Prediction& prediction) {
      predictions.push_back(prediction);
      return true;
    });
    return predictions;
  }

  /// Calls visit(object, prediction) for each object, in order, while it returns true. No more than a batch of them is
  /// in memory, however many there are. Throws as `decode_object`, and what the source throws.
  template <class Visit>
  void predict(ObjectSource& source, const Visit& visit) const {
    std::vector<Object> batch;
    predict_batches(
        [&] {
          batch.clear();
          while (batch.size() < batch_size()) {
            std::optional<Object> object = source.next();
            if (!object) break;
            batch.push_back(*std::move(object));
          }
          return std::span<const Object>(batch);
        },
        visit);
  }

 private:
  static ClassifierOptions checked(ClassifierOptions options) {
    if (options.batch < 1) throw OptionError("batch", "expected 1 or more, found " + std::to_string(options.batch));
    return options;
  }
  static LoadOptions loading(const ClassifierOptions& options) {
    LoadOptions with_batch = options.load;
    with_batch.batch = options.batch;
    return with_batch;
  }
  static Network<float> load(const std::filesystem::path& file, const ModelInfo& info, const LoadOptions& options) {
    check_image_size(info.input.height, info.input.width, file.string() + ": metadata");
    return detail::is_onnx(file) ? load_network(file, options) : detail::load_described(file, info, options);
  }

  std::size_t batch_size() const { return static_cast<std::size_t>(options_.batch); }

  /// Predicts the batches that `next` gives, the first of which is the largest, until one is empty.
  template <class Next, class Visit>
  void predict_batches(const Next& next, const Visit& visit) const {
    std::span<const Object> batch = next();
    if (batch.empty()) return;
    const int most = static_cast<int>(batch.size());
    const int threads = thread_count(options_.threads);
    Tensor<float> images(most, network().input()), outputs(most, network().output());
    std::vector<Prediction> predictions(batch.size());
    const DecodeOptions decode_options = preprocessing_.decode();
    auto space = network().workspace(most, Mode::predict, threads);
    network().prepare(space);
    for (; !batch.empty(); batch = next()) {
      const DecodedSamples samples(batch, network().input(), preprocessing_);
      const int count = static_cast<int>(batch.size());
      parallel_for(count, threads, [&](int i, int) {
        const auto at = static_cast<std::size_t>(i);
        const Decoded decoded = samples.decode(at, {images.view().image(i), images.shape().size()});
        Prediction& prediction = predictions[at];
        prediction.id = batch[at].id;
        prediction.masked = decoded.masked;
        if (!profile_) return;
        prediction.foreign =
            foreign_to(*profile_, traits_of(batch[at], decoded, decode_options), batch[at].files.size() == 2);
      });
      const View<float> out = outputs.view().slice(0, count);
      run(images.view().slice(0, count), out, space);
      for (int i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        predictions[at].outputs.assign(out.image(i), out.image(i) + out.shape.size());
        to_units(predictions[at].outputs);
        if (!visit(batch[at], std::as_const(predictions[at]))) return;
      }
    }
  }

  void run(View<const float> in, View<float> out, Workspace<float>& space) const {
    options_.tta ? DihedralMean(network()).predict(in, out, space) : network().predict(in, out, space);
  }
  /// Numbers that were learnt with mean 0 and variance 1 get their units.
  void to_units(std::span<float> outputs) const {
    for (std::size_t k = 0; k < mean_.size(); ++k) {
      outputs[k] = static_cast<float>(mean_[k] + deviation_[k] * static_cast<double>(outputs[k]));
    }
  }
  /// The value under `key` of the record, else an empty one.
  template <class Value>
  Value recorded(const char* key) const {
    try {
      return info().preprocessing.value(key, Value());
    } catch (const nlohmann::json::exception& error) {
      throw FormatError(file_.string() + ": preprocessing: " + error.what());
    }
  }
  std::vector<double> numbers(const char* key) const {
    const auto found = recorded<std::vector<double>>(key);
    if (found.size() != info().targets.size()) {
      throw FormatError(file_.string() + ": preprocessing: expected " + key + " of " +
                        std::to_string(info().targets.size()) + " targets, found " + std::to_string(found.size()));
    }
    return found;
  }

  std::filesystem::path file_;
  ClassifierOptions options_;
  ModelInfo info_;
  Preprocessing preprocessing_;
  std::optional<InputProfile> profile_;
  Network<float> network_;
  std::vector<double> mean_, deviation_;
};

}  // namespace abell
