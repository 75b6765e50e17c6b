/// What a set tells of its objects to be learnt: several classes, numbers, masks; and masks under augmentation.

#include <abell/data/cached_samples.hpp>
#include <abell/data/dataset.hpp>
#include <abell/data/mask.hpp>
#include <abell/data/samples.hpp>
#include <abell/images/fits_write.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using namespace abell;

namespace {

/// A grey PNG of two rows.
void grey_png(const std::filesystem::path& path, const std::vector<std::uint8_t>& pixels) {
  write_png(path, 2, static_cast<int>(pixels.size()) / 2, 1, pixels);
}

/// A cache of one image of bytes.
std::shared_ptr<const PixelCache> cache_of(const Shape& shape, const std::vector<std::uint8_t>& bytes) {
  return std::make_shared<const PixelCache>(1, shape, [bytes](std::size_t, std::span<std::uint8_t> out) -> std::size_t {
    std::ranges::copy(bytes, out.begin());
    return 0;
  });
}

}  // namespace

TEST_CASE("an object of a table may have any number of classes", "[targets]") {
  const TempFolder folder;
  grey_png(folder / "a.png", {1, 2, 3, 4});
  for (const char* other : {"b.png", "c.png"}) std::filesystem::copy_file(folder / "a.png", folder / other);
  folder.write("table.csv", "image,class\na.png,spiral; edge-on\nb.png,\nc.png,edge-on;edge-on;\n");
  const DataSet set = read_data_set(folder.path(), {.several_classes = true});
  CHECK(set.classes == std::vector<std::string>{"edge-on", "spiral"});
  CHECK(set.objects[0].labels == std::vector<int>{0, 1});
  CHECK(set.objects[1].labels.empty());
  CHECK(set.objects[2].labels == std::vector<int>{0});
  CHECK((set.positive.empty() && set.objects[0].label == -1));
  REQUIRE_THROWS_AS(read_data_set(folder.path()), FormatError);  // an empty class
}

TEST_CASE("numbers come from the columns that are asked for, NaN where a field is empty", "[targets]") {
  const TempFolder folder;
  grey_png(folder / "a.png", {1, 2, 3, 4});
  std::filesystem::copy_file(folder / "a.png", folder / "b.png");
  const auto table = [&](const std::string& rows) { return folder.write("table.csv", "image,z,mass\n" + rows); };
  const DataSetOptions options{.need_class = false, .targets = {"mass", "z"}};
  const DataSet set = read_data_set(table("a.png,0.5,-2e14\nb.png,, 1\n"), options);
  CHECK(set.objects[0].targets == std::vector<float>{-2e14F, 0.5F});
  CHECK((set.objects[1].targets[0] == 1 && std::isnan(set.objects[1].targets[1])));
  for (const char* wrong : {"1.5x", "nan", "inf", "1 2", "1e99", "--"}) {
    const auto path = table("a.png,1,2\nb.png,1," + std::string(wrong) + "\n");
    CHECK_THAT(message_of<FormatError>([&] { read_data_set(path, options); }),
               Contains("table.csv:3: expected a number in column 'mass'") && Contains(wrong));
  }
  const DataSetOptions other{.need_class = false, .targets = {"flux"}};
  CHECK_THAT(message_of<FormatError>([&] { read_data_set(folder.path(), other); }),
             Contains("expected a column 'flux', found: image, z, mass"));
}

TEST_CASE("masks lie where images lie, and each object needs one", "[targets]") {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "masks");
  grey_png(folder / "a.png", {1, 2, 3, 4});
  grey_png(folder / "masks/a.png", {0, 1, 2, 0});
  const DataSetOptions options{.need_class = false, .need_mask = true};
  const DataSet set = read_data_set(folder.write("table.csv", "image,mask\na.png,masks/a.png\n"), options);
  CHECK(set.objects[0].mask == folder / "masks/a.png");
  CHECK(count_mask_classes(set.objects) == 3);
  folder.write("table.csv", "image,mask\na.png,\n");
  CHECK_THAT(message_of<FormatError>([&] { read_data_set(folder.path(), options); }),
             Contains("table.csv:2: expected a file in column 'mask', found an empty field"));
  folder.write("table.csv", "image,mask\na.png,b.png\n");
  CHECK_THAT(message_of<IoError>([&] { read_data_set(folder.path(), options); }), Contains("no such file"));
  folder.write("table.csv", "image,class\na.png,x\n");
  CHECK_THAT(message_of<FormatError>([&] { read_data_set(folder.path(), options); }), Contains("column 'mask'"));
}

TEST_CASE("a mask holds whole numbers; black and white are two classes; NaN is not known", "[targets]") {
  const TempFolder folder;
  const auto classes = [&](const std::vector<std::uint8_t>& pixels) {
    grey_png(folder / "m.png", pixels);
    return read_mask(folder / "m.png").pixels;  // 1 + the class, 0: not known
  };
  CHECK(classes({0, 1, 254, 7}) == std::vector<float>{1, 2, 255, 8});
  CHECK(classes({0, 255, 255, 0}) == std::vector<float>{1, 2, 2, 1});
  CHECK_THAT(message_of<FormatError>([&] {
               classes({0, 255, 1, 0});
             }),
             Contains("m.png: expected a mask") && Contains("found 255"));

  const auto fits = [&](float value) {
    Image image(1, 2, 1);
    image.pixels = {3, value};
    write_fits(folder / "m.fits", image, {.overwrite = true});
    return read_mask(folder / "m.fits").pixels;
  };
  CHECK(fits(std::nanf("")) == std::vector<float>{4, 0});
  CHECK(fits(0) == std::vector<float>{4, 1});
  for (const float wrong : {0.5F, -1.0F, 255.0F, 1e9F}) {
    CHECK_THAT(message_of<FormatError>([&] { fits(wrong); }), Contains("m.fits: expected a mask"));
  }
  write_png(folder / "colour.png", 1, 1, 3, std::vector<std::uint8_t>{1, 2, 3});
  CHECK_THAT(message_of<FormatError>([&] { read_mask(folder / "colour.png"); }), Contains("found 3 channels"));
}

TEST_CASE("masks come to the network's size by the nearest pixel; beyond a crop they are not known", "[targets]") {
  const TempFolder folder;
  grey_png(folder / "image.png", {9, 9, 9, 9, 9, 9, 9, 9});
  grey_png(folder / "mask.png", {0, 1, 2, 3, 4, 5, 6, 7});
  Object object{.id = "a", .files = {folder / "image.png"}};
  object.mask = folder / "mask.png";
  const auto cached = [&](const Shape& shape, Resize resize) {
    const CachedTargets targets = CachedTargets::masks(cache_masks({object}, shape, {.resize = resize}));
    std::vector<float> out(shape.pixels());
    targets.read(0, {}, out);
    return out;
  };
  CHECK(cached({2, 2, 3}, Resize::bilinear) == std::vector<float>{1, 3, 5, 7});
  CHECK(cached({2, 6, 3}, Resize::crop) == std::vector<float>{-1, 0, 1, 2, 3, -1, -1, 4, 5, 6, 7, -1});
  grey_png(folder / "mask.png", {0, 1, 2, 3});
  CHECK_THAT(message_of<FormatError>([&] {
               cached({2, 2, 3}, Resize::bilinear);
             }),
             Contains("mask.png: expected a mask of 4 x 2 pixels") && Contains("found 2 x 2"));
}

TEST_CASE("a mask gets the draw of its image: flips and shifts by whole pixels, outside is not known", "[targets]") {
  const Shape shape{8, 8, 1};
  std::vector<std::uint8_t> bytes(shape.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i + 1);
  const auto cache = cache_of(shape, bytes);
  const Augmentation flips{.rotation = 0, .height_shift = 0, .width_shift = 0, .zoom = 0};
  bool flipped = false;
  for (std::uint32_t epoch = 0; epoch < 8; ++epoch) {
    const CachedSamples samples(cache, CachedTargets::masks(cache), {0},
                                {.scale = {1, -1}, .augmentation = flips, .seed = 5});
    CHECK(target_shape(samples) == shape);
    std::vector<float> image(shape.size()), mask(shape.size());
    samples.read(0, epoch, image);
    samples.read_target(0, epoch, mask);
    CHECK(image == mask);
    flipped = flipped || mask[0] != 0;
  }
  CHECK(flipped);

  kernels::AffineMap map;
  map.r0 = 2;
  map.c0 = -1.4;  // the nearest pixel is one to the left
  std::vector<float> moved(shape.size());
  CachedTargets::masks(cache).read(0, map, moved);
  CHECK((moved[0] == -1 && moved[1] == 16 && moved[7] == 22 && moved[6 * 8 + 1] == -1));
}

TEST_CASE("numbers are read as they are, labels as numbers", "[targets]") {
  const auto cache = cache_of({2, 2, 1}, {1, 2, 3, 4});
  const CachedSamples samples(cache, CachedTargets::numbers({1, 1, 2}, {0.25F, std::nanf("")}), {0});
  std::vector<float> out(2);
  read_target(samples, 0, 0, out);
  CHECK((target_shape(samples) == Shape{1, 1, 2} && out[0] == 0.25F && std::isnan(out[1])));
  const CachedSamples labelled(cache, {1}, {0});
  CHECK((target_shape(labelled) == Shape{1, 1, 1} && labelled.label(0) == 1));
  CHECK_THROWS_AS(CachedSamples(cache, CachedTargets::numbers({1, 1, 2}, {1, 2, 3, 4}), {0}), ShapeError);
}
