#include <abell/data/cached_samples.hpp>
#include <abell/data/dataset.hpp>
#include <abell/data/decode.hpp>
#include <abell/data/loader.hpp>
#include <abell/data/table.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "cached_bytes.hpp"
#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::DataSet;
using abell::FormatError;
using abell::IoError;
using abell::OptionError;
using abell::Shape;
using abell::Split;

namespace {

/// A PNG of one colour.
void picture(const std::filesystem::path& path, std::vector<std::uint8_t> colour = {1, 2, 3}, int side = 4) {
  std::filesystem::create_directories(path.parent_path());
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < side * side; ++i) bytes.insert(bytes.end(), colour.begin(), colour.end());
  abell::write_png(path, side, side, static_cast<int>(colour.size()), bytes);
}

std::string format_error(const std::filesystem::path& data, const abell::DataSetOptions& options = {}) {
  return message_of<FormatError>([&] { abell::read_data_set(data, options); });
}
std::string io_error(const std::filesystem::path& data) {
  return message_of<IoError>([&] { abell::read_data_set(data); });
}

/// A small set in the layout of Kosiba et al.
void kosiba(const TempFolder& folder) {
  folder.write("train.csv", "image_id,class\r\nb,low-z\r\na,point\r\nc,other\r\n");
  folder.write("test.csv", "image_id,class,extra\nt1,hi-z,9\nt2,galaxy,8\n");
  for (const char* id : {"a", "b", "c"}) picture(folder / ("train_images/" + std::string(id) + ".png"));
  for (const char* id : {"t1", "t2"}) picture(folder / ("test_images/" + std::string(id) + ".png"), {9, 9, 9});
}

abell::Object files_of(std::vector<std::filesystem::path> files) {
  abell::Object object;
  object.files = std::move(files);
  return object;
}

}  // namespace

TEST_CASE("positive classes follow the default rules", "[data]") {
  using Names = std::vector<std::string>;
  REQUIRE(abell::positive_classes({"galaxy", "hi-z", "low-z", "other"}) == Names{"hi-z", "low-z"});
  REQUIRE(abell::positive_classes({"cluster", "zebra"}) == Names{"cluster"});
  REQUIRE(abell::positive_classes({"clusters", "other"}) == Names{"clusters"});
  REQUIRE(abell::positive_classes({"non_spirals", "spirals"}) == Names{"spirals"});
  REQUIRE(abell::positive_classes({"a", "b", "c"}, {"c", "a", "c"}) == Names{"a", "c"});
  REQUIRE_THROWS_WITH(abell::positive_classes({"a", "b"}, {"z"}), Contains("'z'") && Contains("a, b"));
  REQUIRE_THROWS_AS(abell::positive_classes({"a", "b"}, {"a", "b"}), OptionError);
  REQUIRE(abell::positive_classes({"hi-z", "low-z"}, {}, false) == Names{"hi-z", "low-z"});
}

TEST_CASE("the layout of Kosiba et al. is read in the order of its tables", "[data]") {
  const TempFolder folder;
  kosiba(folder);
  const DataSet set = abell::read_data_set(folder.path());
  REQUIRE(set.classes == std::vector<std::string>{"galaxy", "hi-z", "low-z", "other", "point"});
  REQUIRE(set.positive == std::vector<std::string>{"hi-z", "low-z"});
  REQUIRE(set.objects.size() == 5);
  REQUIRE(set.objects[0].id == "b");
  REQUIRE(set.objects[0].files == std::vector<std::filesystem::path>{folder / "train_images/b.png"});
  REQUIRE(set.binary_label(set.objects[0]) == 1);
  REQUIRE(set.binary_label(set.objects[1]) == 0);
  REQUIRE(set.members(Split::train) == std::vector<std::size_t>{0, 1, 2});
  REQUIRE(set.members(Split::test) == std::vector<std::size_t>{3, 4});
  REQUIRE(set.members(Split::validation).empty());
  REQUIRE(abell::read_data_set(folder.path(), {.positive = {"point"}}).positive == std::vector<std::string>{"point"});
}

TEST_CASE("a broken set in the layout of Kosiba et al. is refused by file and line", "[data]") {
  const TempFolder folder;
  kosiba(folder);
  folder.write("train.csv", "image_id,class\na,low-z\nb,quasar\n");
  REQUIRE_THAT(format_error(folder.path()), Contains("train.csv:3") && Contains("'quasar'"));
  folder.write("train.csv", "image_id,class\na,low-z\nb,point\na,point\n");
  REQUIRE_THAT(format_error(folder.path()), Contains("train.csv:4") && Contains("duplicate id 'a'") && Contains(":2"));
  folder.write("train.csv", "image_id,class\na,low-z\nz,point\n");
  REQUIRE_THAT(io_error(folder.path()), Contains("train.csv:3") && Contains("z.png"));
  folder.write("train.csv", "image_id,kind\na,low-z\n");
  REQUIRE_THAT(format_error(folder.path()), Contains("train.csv") && Contains("'class'"));
  folder.write("train.csv", "image_id,class\na,low-z\nb,hi-z\n");
  REQUIRE_THAT(format_error(folder.path()), Contains("no image of a negative class"));
  folder.write("train.csv", "image_id,class\n");
  REQUIRE_THAT(format_error(folder.path()), Contains("no image in the training split"));
  REQUIRE_NOTHROW(abell::read_data_set(folder.path(), {.need_train = false}));
  folder.write("test.csv", "image_id,class\n");
  REQUIRE_THAT(format_error(folder.path()), Contains("the set is empty"));
  std::filesystem::remove_all(folder / "train_images");
  REQUIRE_THAT(io_error(folder.path()), Contains("train_images") && Contains("no such folder"));
}

TEST_CASE("an image_id does not leave its folder of images", "[data]") {
  const TempFolder folder;
  kosiba(folder);
  picture(folder / "outside.png");
  picture(folder / "train_images/deeper/x.png");
  for (const std::string id : {"../outside", "deeper/x", "./a", "deeper/../a", "..", ".", "/outside"}) {
    folder.write("train.csv", "image_id,class\na,low-z\n" + id + ",point\n");
    REQUIRE_THAT(format_error(folder.path()),
                 Contains("train.csv:3: expected an image_id") && Contains("'" + id + "'"));
  }
  REQUIRE_THROWS_AS(abell::detail::image_of_id(folder / "train_images", std::string("a\0", 2), "t.csv:2"), FormatError);
  // Neither the file before a bracket nor a folder stands for <id>.png; a link in the folder is its owner's choice.
  folder.write("train.csv", "image_id,class\na,low-z\na.png[1],point\n");
  REQUIRE_THAT(io_error(folder.path()), Contains("train.csv:3: no such file"));
  std::filesystem::create_symlink("../outside.png", folder / "train_images/link.png");
  picture(folder / "train_images/..b.png");
  folder.write("train.csv", "image_id,class\na,low-z\nlink,point\n..b,point\n");
  REQUIRE(abell::read_data_set(folder.path()).members(Split::train).size() == 3);
}

TEST_CASE("the same image in train and test is refused, the same number is not", "[data]") {
  const TempFolder folder;
  kosiba(folder);
  folder.write("test.csv", "image_id,class\na,point\nt1,hi-z\n");
  picture(folder / "test_images/a.png", {7, 7, 7});
  REQUIRE(abell::read_data_set(folder.path()).objects.size() == 5);
  std::filesystem::copy_file(folder / "train_images/a.png", folder / "test_images/a.png",
                             std::filesystem::copy_options::overwrite_existing);
  REQUIRE_THAT(format_error(folder.path()), Contains("test.csv:2") && Contains("in train.csv"));
}

TEST_CASE("class folders are read sorted, and a lone validation folder is the test split", "[data]") {
  const TempFolder folder;
  for (const char* name : {"train/yes/2.png", "train/yes/1.png", "train/no/3.png", "validation/yes/1.png",
                           "validation/no/9.png", "train/.hidden/x.png"}) {
    picture(folder / name);
  }
  folder.write("train/yes/.DS_Store", "x");
  folder.write("train/README.txt", "x");
  folder.write("README.md", "x");
  DataSet set = abell::read_data_set(folder.path());
  REQUIRE(set.classes == std::vector<std::string>{"no", "yes"});
  REQUIRE(set.positive == std::vector<std::string>{"yes"});
  REQUIRE(set.objects.size() == 5);
  REQUIRE(set.objects[0].id == "train/no/3");
  REQUIRE(set.objects[1].id == "train/yes/1");
  REQUIRE(set.objects[2].label == 1);
  REQUIRE(set.members(Split::test) == std::vector<std::size_t>{3, 4});
  REQUIRE(set.members(Split::validation).empty());
  picture(folder / "test/yes/5.png");
  set = abell::read_data_set(folder.path());
  REQUIRE(set.members(Split::validation).size() == 2);
  REQUIRE(set.members(Split::test).size() == 1);
}

TEST_CASE("broken class folders are refused by name", "[data]") {
  const TempFolder folder;
  picture(folder / "train/yes/1.png");
  REQUIRE_THAT(format_error(folder.path()), Contains("no image of a negative class"));
  std::filesystem::create_directories(folder / "train/no");
  REQUIRE_THAT(format_error(folder.path()), Contains("train/no") && Contains("has no image"));
  folder.write("train/no/notes.txt", "x");
  REQUIRE_THAT(format_error(folder.path()), Contains("notes.txt"));
  std::filesystem::remove(folder / "train/no/notes.txt");
  picture(folder / "train/no/2.png");
  picture(folder / "test/perhaps/2.png");
  REQUIRE_THAT(format_error(folder.path()), Contains("unknown class 'perhaps'"));
  std::filesystem::remove_all(folder / "test");
  REQUIRE_NOTHROW(abell::read_data_set(folder.path()));
  picture(folder / "train/lost.png");
  REQUIRE_THAT(format_error(folder.path()), Contains("lost.png"));
  std::filesystem::remove(folder / "train/lost.png");
  std::filesystem::permissions(folder / "train/no", std::filesystem::perms::none);
  if (::geteuid() != 0) REQUIRE_THAT(io_error(folder.path()), Contains("train/no") && Contains("cannot read"));
  std::filesystem::permissions(folder / "train/no", std::filesystem::perms::owner_all);
  REQUIRE_THAT(io_error(folder / "nowhere"), Contains("nowhere"));
  const TempFolder empty;
  REQUIRE_THAT(format_error(empty.path()), Contains("expected train.csv"));
}

TEST_CASE("a table of images is read with paths relative to it", "[data]") {
  const TempFolder folder;
  picture(folder / "images/a.png");
  picture(folder / "images/b.png");
  folder.write("table.csv", "image,class,split\nimages/b.png,cluster,train\nimages/a.png,other,train\n");
  for (const std::filesystem::path& data : {folder.path(), folder / "table.csv"}) {
    const DataSet set = abell::read_data_set(data);
    REQUIRE(set.objects[0].id == "images/b");
    REQUIRE(set.positive == std::vector<std::string>{"cluster"});
    REQUIRE(set.members(Split::train).size() == 2);
  }
  const auto table = [&](const std::string& text) { return folder.write("table.csv", text); };
  DataSet set = abell::read_data_set(
      table("id,image,class,split\n1,images/b.png,a,train\n2,images/a.png,b,train\n3,images/a.png,b,validation\n"));
  REQUIRE(set.objects[2].id == "3");
  REQUIRE(set.objects[2].split == Split::test);

  REQUIRE_THAT(format_error(table("id,image,class\n1,images/a.png,x\n1,images/b.png,y\n")),
               Contains("table.csv:3") && Contains("duplicate id '1'"));
  REQUIRE_THAT(format_error(table("image,class\nimages/a.png,x\nimages/b.png,\n")), Contains("table.csv:3"));
  REQUIRE_THAT(format_error(table("image,class,split\nimages/a.png,x,valid\n")), Contains("'valid'"));
  REQUIRE_THAT(format_error(table("image,class\n,x\n")), Contains("column 'image'"));
  REQUIRE_THAT(format_error(table("picture,class\nimages/a.png,x\n")), Contains("expected a column 'image'"));
  REQUIRE_THAT(format_error(table("xray,class\nimages/a.png,x\n")), Contains("expected a column 'optical'"));
  REQUIRE_THAT(io_error(table("image,class\nimages/z.png,x\n")), Contains("table.csv:2") && Contains("images/z.png"));
  REQUIRE_THAT(format_error(table("image\nimages/a.png\n")), Contains("'class'"));
  set = abell::read_data_set(table("image\nimages/a.png\n"), {.need_class = false, .need_train = false});
  REQUIRE(set.objects[0].label == -1);
  REQUIRE(set.binary_label(set.objects[0]) == -1);
  REQUIRE(set.classes.empty());
}

TEST_CASE("a table gives its objects one after the other, each checked when it comes", "[data]") {
  const TempFolder folder;
  picture(folder / "a.png");
  const auto table =
      folder.write("table.csv", "id,image,class,split\n1,a.png,b; a;b,validation\n2,a.png,,train\n1,a.png,c,test\n");
  abell::DataSetOptions options{.several_classes = true};
  const auto source = abell::open_objects(table, options);
  std::optional<abell::Object> object = source->next();
  REQUIRE((object && object->id == "1" && object->class_text == "a;b" && object->labels.empty()));
  REQUIRE(object->split == Split::validation);  // a test split comes later
  object = source->next();
  REQUIRE((object && object->id == "2" && object->class_text.empty()));
  REQUIRE_THAT(message_of<FormatError>([&] { source->next(); }),
               Contains("table.csv:4: duplicate id '1', first at") && Contains("table.csv:2"));
  options.check_ids = false;
  const auto unchecked = abell::open_objects(table, options);
  for (int i = 0; i < 3; ++i) REQUIRE(unchecked->next());
  REQUIRE_FALSE(unchecked->next());
  REQUIRE_THAT(message_of<FormatError>([&] { abell::open_objects(folder.write("none.csv", "image,class\n")); }),
               Contains("none.csv: the set is empty"));
}

TEST_CASE("hashes of ids are found again, whatever their number", "[data]") {
  abell::IdHashes ids;
  constexpr std::uint64_t count = 100'000;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t hash = abell::IdHashes::of("object " + std::to_string(i));
    REQUIRE_FALSE(ids.contains(hash));
    REQUIRE(ids.insert(hash));
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    REQUIRE_FALSE(ids.insert(abell::IdHashes::of("object " + std::to_string(i))));
  }
  REQUIRE(abell::IdHashes::of("") != 0);
}

TEST_CASE("images, folders of images and sets without classes can be classified", "[data]") {
  const TempFolder folder;
  const abell::DataSetOptions options{.need_class = false, .need_train = false, .need_set = false};
  picture(folder / "some/b.png", {1});
  picture(folder / "some/a.png", {2});
  folder.write("some/notes.txt", "not an image");
  REQUIRE_THAT(format_error(folder / "some"), Contains("some") && Contains("table.csv"));
  DataSet set = abell::read_data_set(folder / "some", options);
  REQUIRE(set.objects.size() == 2);
  REQUIRE(set.objects[0].id == "a");
  REQUIRE(set.objects[1].files == std::vector<std::filesystem::path>{folder / "some/b.png"});
  REQUIRE(set.objects[0].label == -1);

  set = abell::read_data_set(folder / "some/a.png", options);
  REQUIRE(set.objects.size() == 1);
  REQUIRE(set.objects[0].id == (folder / "some/a").string());

  // What would be the same without its ending keeps it.
  picture(folder / "some/a.jpg.png");
  picture(folder / "some/A.PNG");
  picture(folder / "some/c.png");
  folder.write("some/c.fits.gz", "not opened");
  std::vector<std::string> ids;
  for (const auto& object : abell::read_data_set(folder / "some", options).objects) ids.push_back(object.id);
  REQUIRE(ids == std::vector<std::string>{"A", "a.jpg", "a", "b", "c.fits.gz", "c.png"});
  folder.write("same.csv", "image\nsome/c.png\nsome/c.fits.gz\n");
  REQUIRE_THAT(format_error(folder / "same.csv", options), Contains("same.csv:3: duplicate id 'some/c'"));

  kosiba(folder);
  folder.write("train.csv", "image_id\na\nb\n");
  folder.write("test.csv", "image_id,RAJ2000,DEJ2000\nt1,150.10,-2\n");
  set = abell::read_data_set(folder.path(), options);
  REQUIRE(set.objects.size() == 3);
  REQUIRE(set.classes.empty());
  REQUIRE(set.objects[0].ra.empty());
  REQUIRE(set.objects[2].ra == "150.10");
  REQUIRE(set.objects[2].dec == "-2");
  folder.write("train.csv", "image_id,class\na,low-z\nb,hi-z\n");
  REQUIRE(abell::read_data_set(folder.path(), options).positive == std::vector<std::string>{"hi-z", "low-z"});
  folder.write("train.csv", "image_id,class\na,low-z\nb,quasar\n");
  REQUIRE_THROWS_AS(abell::read_data_set(folder.path(), options), FormatError);

  std::filesystem::create_directory(folder / "empty");
  REQUIRE_THROWS_AS(abell::read_data_set(folder / "empty", options), FormatError);
}

TEST_CASE("X-ray and optical files become the channels empty, optical, X-ray", "[data]") {
  const TempFolder folder;
  picture(folder / "x.png", {200});
  picture(folder / "o.png", {50, 50, 50}, 9);
  picture(folder / "colour.png", {1, 2, 3});
  folder.write("table.csv", "xray,optical,class\nx.png,o.png,cluster\no.png,x.png,other\n");
  const DataSet set = abell::read_data_set(folder.path());
  const auto cache = abell::cache_pixels(set, {2, 2, 3});
  REQUIRE(bytes_of(*cache, 0) == std::vector<std::uint8_t>{0, 50, 200, 0, 50, 200, 0, 50, 200, 0, 50, 200});
  REQUIRE_THROWS_WITH(abell::decode_object(files_of({folder / "colour.png", folder / "o.png"}), {2, 2, 3}),
                      Contains("colour.png") && Contains("grey"));
  REQUIRE_THROWS_AS(abell::decode_object(files_of({folder / "x.png", folder / "o.png"}), {2, 6, 1}), abell::ShapeError);

  // Each choice of channels hides the other one; both keep the empty one at zero.
  const auto seen = [&](abell::Channels channels) {
    const abell::CachedSamples samples(cache, {1, 0}, {0}, {.scale = {1, 0}, .channels = channels});
    std::vector<float> values(12);
    samples.read(0, 0, values);
    return std::vector<float>(values.begin(), values.begin() + 3);
  };
  REQUIRE(seen(abell::Channels::both) == std::vector<float>{0, 50, 200});
  REQUIRE(seen(abell::Channels::optical) == std::vector<float>{0, 50, 0});
  REQUIRE(seen(abell::Channels::xray) == std::vector<float>{0, 0, 200});
  REQUIRE_THROWS_AS(abell::parse_channels("radio"), OptionError);
}

TEST_CASE("cached samples scale, select and augment by object, not by place", "[data]") {
  const Shape shape{16, 16, 3};
  const auto cache = std::make_shared<const abell::PixelCache>(
      6, shape, [](std::size_t index, std::span<std::uint8_t> out) -> std::size_t {
        abell::Random random(index);
        for (auto& byte : out) byte = static_cast<std::uint8_t>(random() >> 24);
        return 0;
      });
  const std::vector<int> labels{0, 1, 0, 1, 1, 0};
  const abell::CachedSamples plain(cache, labels, {4, 1});
  REQUIRE(plain.size() == 2);
  REQUIRE(plain.label(0) == 1);
  std::vector<float> a(shape.size()), b(shape.size());
  plain.read(0, 0, a);
  const auto bytes = bytes_of(*cache, 4);
  for (std::size_t i = 0; i < a.size(); ++i) REQUIRE(a[i] == Approx(bytes[i] / 255.0));
  const abell::CachedSamples mobile(cache, labels, {4}, {.scale = abell::symmetric_scale});
  mobile.read(0, 0, b);
  for (std::size_t i = 0; i < b.size(); ++i) REQUIRE(b[i] == Approx(bytes[i] / 127.5 - 1).margin(1e-6));

  const abell::CachedSamplesOptions options{.augmentation = abell::Augmentation{}, .seed = 3};
  const abell::CachedSamples first(cache, labels, {4, 1}, options), second(cache, labels, {0, 1, 2, 3, 4}, options);
  first.read(0, 9, a);
  second.read(4, 9, b);
  REQUIRE(a == b);
  second.read(4, 10, b);
  REQUIRE(a != b);
  REQUIRE_THROWS_AS(abell::CachedSamples(cache, {0, 1}, {0}), abell::ShapeError);
  REQUIRE_THROWS_AS(abell::CachedSamples(cache, labels, {6}), abell::ShapeError);
  REQUIRE_THROWS_AS(abell::CachedSamples(cache, labels, {0}, {.augmentation = abell::Augmentation{.zoom = 2}}),
                    OptionError);
}

TEST_CASE("grey is copied to three channels and other sizes are resized", "[data]") {
  const TempFolder folder;
  picture(folder / "grey.png", {77}, 11);
  for (const auto method : {abell::Resize::bilinear, abell::Resize::nearest, abell::Resize::crop}) {
    const abell::Decoded decoded = abell::decode_object(files_of({folder / "grey.png"}), {5, 5, 3}, {.resize = method});
    REQUIRE(decoded.masked == 0);
    REQUIRE(decoded.image.pixels == std::vector<float>(75, 77));
  }
}

TEST_CASE("the real class folders are read, and their validation folder is the test split", "[data]") {
  const char* root = std::getenv("ABELL_REAL_DATA");
  if (root == nullptr) {
    WARN("skipped: ABELL_REAL_DATA does not name a folder");
    return;
  }
  DataSet set = abell::read_data_set(std::filesystem::path(root) / "gz2_spirals");
  REQUIRE(set.classes == std::vector<std::string>{"non_spirals", "spirals"});
  REQUIRE(set.positive == std::vector<std::string>{"spirals"});
  REQUIRE(set.members(Split::train).size() == 1400);
  REQUIRE(set.members(Split::test).size() == 600);
  REQUIRE(set.members(Split::validation).empty());
  // Every fiftieth image through the whole way: cache in a file, augmentation, batches.
  std::vector<abell::Object> few;
  for (std::size_t i = 0; i < set.objects.size(); i += 50) few.push_back(set.objects[i]);
  set.objects = few;
  const TempFolder folder;
  const auto cache = abell::cache_pixels(set, {356, 356, 3}, {}, {.cache = (folder / "cache").string()});
  std::vector<int> labels;
  std::vector<std::size_t> all;
  for (const abell::Object& object : set.objects) {
    all.push_back(all.size());
    labels.push_back(set.binary_label(object));
  }
  const abell::CachedSamples samples(cache, labels, all, {.augmentation = abell::Augmentation{}, .seed = 1});
  abell::Loader loader(samples, {.batch = 10, .seed = 1});
  loader.start(0);
  std::size_t images = 0;
  while (const abell::Batch* batch = loader.next()) {
    images += batch->indices.size();
    const auto values = batch->images.span();
    REQUIRE(std::all_of(values.begin(), values.end(), [](float v) { return v >= 0 && v <= 1; }));
    REQUIRE(*std::max_element(values.begin(), values.end()) > 0.2F);
  }
  REQUIRE(images == 40);
}
