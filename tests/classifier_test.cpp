/// A trained run in a program of one's own.

#include <abell/data/dataset.hpp>
#include <abell/images/fits_write.hpp>
#include <abell/images/stb.hpp>
#include <abell/inference/classifier.hpp>
#include <abell/inference/evaluate.hpp>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

namespace {

constexpr Shape input{16, 16, 3};
constexpr auto net = describe(Conv2d{.filters = 4}, Relu{}, MaxPool2d{}, Flatten{}, Dense{.units = 2}, Softmax{});

Image noise(int height, int width, int channels, std::uint64_t seed) {
  Image image(height, width, channels);
  Random random(seed);
  for (float& value : image.pixels) value = static_cast<float>(random.below(256));
  return image;
}

/// A folder with a run's model, three pictures and a table of them.
struct Run {
  TempFolder folder;
  Network<float> network = build<float>(net, input, 4);
  Preprocessing preprocessing{.crop = 0.75, .scale = "standard"};

  Run() {
    save_model(folder / "model.safetensors", network,
               {.classes = {"non-cluster", "cluster"},
                .positive = {"cluster"},
                .preprocessing = nlohmann::json(preprocessing)});
    for (const int i : {1, 2, 3}) {
      write_png(folder / (std::to_string(i) + ".png"),
                noise(20 + i, 31, i == 2 ? 1 : 3, static_cast<std::uint64_t>(i)));
    }
    folder.write("table.csv", "id,image\na,1.png\nb,2.png\nc,3.png\n");
  }
};

}  // namespace

TEST_CASE("a classifier does with files what training did with its set", "[classifier]") {
  const Run run;
  const Classifier model(run.folder.path(), {.batch = 2});
  CHECK(model.info().classes == std::vector<std::string>{"non-cluster", "cluster"});
  const std::vector<Prediction> found = model.predict(run.folder / "table.csv");
  REQUIRE(found.size() == 3);

  const DataSet set = read_data_set(run.folder / "table.csv", {.need_class = false, .need_train = false});
  const auto cache = cache_pixels(set, input, run.preprocessing.decode());
  const CachedSamples samples(cache, std::vector<int>(3, -1), {0, 1, 2}, run.preprocessing.samples());
  const Evaluation expected = evaluate(run.network, samples);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(found[i].id == set.objects[i].id);
    CHECK(found[i].outputs ==
          std::vector<float>(expected.predictions.begin() + static_cast<std::ptrdiff_t>(2 * i),
                             expected.predictions.begin() + static_cast<std::ptrdiff_t>(2 * i + 2)));
    CHECK(model.probability(found[i].outputs) == found[i].outputs[1]);
  }
  CHECK_FALSE(model.best_threshold());
  CHECK(message_of<OptionError>([&] { Classifier(run.folder.path(), {.batch = 0}); }) ==
        "batch: expected 1 or more, found 0");
  // One after the other, two at a time; the visitor may stop.
  const auto source = open_objects(run.folder / "table.csv", {.need_class = false});
  std::size_t seen = 0;
  model.predict(*source, [&](const Object& object, const Prediction& prediction) {
    CHECK(object.id == set.objects[seen].id);
    CHECK(prediction.outputs == found[seen].outputs);
    CHECK(prediction.masked == 0);
    return ++seen < 3;
  });
  CHECK(seen == 3);
  const auto again = open_objects(run.folder / "table.csv", {.need_class = false});
  model.predict(*again, [&](const Object&, const Prediction&) { return --seen > 2; });
  CHECK(seen == 2);
  // One picture, as a file and in memory.
  const auto file = run.folder / "3.png";
  CHECK(model.predict(file).front().outputs == found[2].outputs);
  CHECK(model.predict(read_image(file)).outputs == found[2].outputs);
}

TEST_CASE("an image in memory is prepared as FITS where its values are physical", "[classifier]") {
  const Run run;
  Image counts = noise(18, 18, 1, 9);
  for (float& value : counts.pixels) value = value * 40 - 1000;
  counts.mask.assign(counts.pixels.size(), 0);
  counts.mask[7] = 1;
  counts.pixels[7] = std::numeric_limits<float>::quiet_NaN();
  const auto file = run.folder / "counts.fits";
  write_fits(file, counts, {});
  const Classifier model(run.folder / "model.safetensors");
  const Prediction of_file = model.predict(file).front(), in_memory = model.predict(read_image(file), true);
  CHECK(of_file.outputs == in_memory.outputs);
  CHECK((of_file.masked == 1 && in_memory.masked == 1));
}

TEST_CASE("a classifier tells what its model never saw", "[classifier]") {
  const Run run;
  CHECK_FALSE(Classifier(run.folder.path()).profile().has_value());
  const auto file = run.folder / "1.png";
  const Image image = read_image(file);
  const ImageTraits traits = traits_of(decode_image(image, false, input, run.preprocessing.decode()), false);
  nlohmann::json record(run.preprocessing);
  record["trained_on"] = profile_of(std::vector(3, traits));
  save_model(run.folder / "model.safetensors", run.network,
             {.classes = {"non-cluster", "cluster"}, .positive = {"cluster"}, .preprocessing = record});
  const Classifier model(run.folder.path());
  using Names = std::vector<std::string>;
  CHECK(model.predict(file).front().foreign.empty());
  CHECK(model.predict(image).foreign.empty());
  CHECK(model.predict(run.folder / "2.png").front().foreign == Names{"copied", "values"});
  CHECK(model.predict(image, true).foreign == Names{"kind"});
}

TEST_CASE("a classifier serves many threads at once", "[classifier]") {
  const Run run;
  const Classifier model(run.folder.path(), {.threads = 1});
  const auto table = run.folder / "table.csv";
  const std::vector<Prediction> expected = model.predict(table);
  std::vector<std::vector<Prediction>> found(4);
  std::vector<std::thread> threads;
  for (auto& own : found) threads.emplace_back([&model, &own, &table] { own = model.predict(table); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& own : found) {
    REQUIRE(own.size() == expected.size());
    for (std::size_t i = 0; i < own.size(); ++i) CHECK(own[i].outputs == expected[i].outputs);
  }
}

TEST_CASE("numbers come in the units of their targets", "[classifier]") {
  const TempFolder folder;
  const auto network = build<float>(describe(Flatten{}, Dense{.units = 2}), input, 2);
  nlohmann::json record = Preprocessing{};
  record["target_mean"] = {10.0, -1.0};
  record["target_deviation"] = {2.0, 0.5};
  const ModelInfo info{.preprocessing = record, .task = "regress", .targets = {"z", "mass"}};
  save_model(folder / "m", network, info);
  const Image image = noise(16, 16, 3, 1);
  const Prediction found = Classifier(folder / "m").predict(image);
  Tensor<float> in(1, input);
  for (std::size_t i = 0; i < in.size(); ++i) in.data()[i] = image.pixels[i] * unit_scale.scale;
  const Tensor<float> plain = network.predict(in);
  CHECK(found.outputs[0] == Approx(10 + 2 * plain.data()[0]));
  CHECK(found.outputs[1] == Approx(-1 + 0.5 * plain.data()[1]));
  CHECK_THROWS_AS(Classifier(folder / "m", {.tta = true}), OptionError);
  record["target_mean"] = {10.0};
  save_model(folder / "n", network, {.preprocessing = record, .task = "regress", .targets = {"z", "mass"}});
  CHECK_THAT(message_of<FormatError>([&] { Classifier(folder / "n"); }), Contains("expected target_mean of 2 targets"));
}
