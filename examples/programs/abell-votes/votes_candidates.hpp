#pragma once
/// The candidates of a set as pictures for people to look at.

#include <abell/core/lower_case.hpp>
#include <abell/core/parallel.hpp>
#include <abell/core/random.hpp>
#include <abell/data/decode.hpp>
#include <abell/data/layouts.hpp>
#include <abell/data/table.hpp>
#include <abell/images/resample.hpp>
#include <abell/images/stb.hpp>
#include <abell/report/gallery.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../common/max_megapixels.hpp"
#include "../common/program.hpp"

namespace abell::program {

struct SubjectsOptions {
  std::string source;
  std::filesystem::path out;
  bool overwrite = false;
  bool allow_outside = false;
  bool single_file = false;  ///< page: the images stand in it
  double max_megapixels = default_max_megapixels;
};

/// The images of the public set.
inline constexpr Shape subject_shape{.height = 356, .width = 356, .channels = 3};

/// What a volunteer sees of a candidate.
struct SubjectPictures {
  Picture xray;     ///< the whole field
  Picture optical;  ///< the whole field
};

inline SubjectPictures subject_pictures(const Object& object, const SubjectsOptions& options) {
  Picture picture{subject_shape, std::vector<std::uint8_t>(subject_shape.size())};
  const Decoded decoded = decode_object(object, subject_shape, {.max_megapixels = options.max_megapixels});
  std::ranges::transform(decoded.image.pixels, picture.pixels.begin(), to_byte);
  std::vector<Picture> panels = sky_panels(picture);
  return {std::move(panels[1]), std::move(panels[0])};
}

/// The middle third of each side at the full size.
inline Picture magnified_centre(const Picture& picture) {
  constexpr int factor = 3;
  const auto [height, width, channels] = picture.shape;
  Image image(height, width, channels);
  std::ranges::copy(picture.pixels, image.pixels.begin());
  const Image centre = resize(image, height / factor, width / factor, Resize::crop);
  const Image large = resize(centre, height, width, Resize::nearest);
  Picture out{picture.shape, std::vector<std::uint8_t>(large.pixels.size())};
  std::ranges::transform(large.pixels, out.pixels.begin(), to_byte);
  return out;
}

/// What is published must lie in the set's folder: tables may name any file of this machine. Links and ".." are
/// resolved. Throws FormatError naming the object.
inline void check_inside(const DataSet& set) {
  namespace fs = std::filesystem;
  const fs::path home = fs::is_directory(set.source) ? set.source : fs::absolute(set.source).parent_path();
  const fs::path folder = fs::weakly_canonical(home);
  for (const Object& object : set.objects) {
    std::vector<fs::path> files = object.files;
    files.push_back(object.third);
    for (const fs::path& file : files) {
      if (file.empty() || file == set.source) continue;  // the command line named it
      const fs::path inside = fs::weakly_canonical(fits_base(file)).lexically_relative(folder);
      if (!inside.empty() && *inside.begin() != "..") continue;
      throw FormatError(set.source.string() + ": object '" + object.id + "': " + file.string() +
                        " lies outside the set's folder (--allow-outside publishes it)");
    }
  }
}

/// The id without the ending of an image file, as the tables of sets have it.
inline std::string bare_id(const std::string& id) {
  if (!abell::detail::has_image_name(id)) return id;
  std::filesystem::path path(id);
  if (lower_case(path.extension().string()) == ".gz") path.replace_extension();
  return path.replace_extension().string();
}

/// The ids of files become bare where all of them stay different.
inline void make_ids_bare(DataSet& set) {
  std::set<std::string> seen;
  for (const Object& object : set.objects) seen.insert(bare_id(object.id));
  if (seen.size() < set.objects.size()) return;
  for (Object& object : set.objects) object.id = bare_id(object.id);
}

/// The set in random order: who looks at it must not learn the classes from the order.
inline DataSet read_candidates(const SubjectsOptions& options, const CommonOptions& common) {
  DataSet set = read_data_set(options.source, {.need_class = false, .need_train = false, .need_set = false});
  print_notes(set.notes, common.quiet);
  if (!options.allow_outside) check_inside(set);
  make_ids_bare(set);
  shuffle(set.objects, Random(common.seed, {.purpose = Purpose::shuffle}));
  return set;
}

/// What the images of candidates are called.
inline constexpr std::array<const char*, 3> image_kinds{"xray", "optical", "close"};

/// "images/000001_xray.png" of candidate `i`, from 0.
inline std::string image_name(std::size_t i, const char* kind) {
  std::string number = std::to_string(i + 1);
  if (number.size() < 6) number.insert(0, 6 - number.size(), '0');
  return "images/" + number + "_" + kind + ".png";
}

/// Writes the first `kinds` images of each candidate into `folder`; fewer when interrupted.
inline void write_images(const DataSet& set, const std::filesystem::path& folder, std::size_t kinds,
                         const SubjectsOptions& options, const CommonOptions& common) {
  make_folder(folder / "images");
  ProgressBar bar("candidates", static_cast<long>(set.objects.size()), common.quiet);
  long done = 0;
  parallel_for(static_cast<int>(set.objects.size()), thread_count(common.threads), [&](int index, int) {
    if (interrupted()) return;
    const auto i = static_cast<std::size_t>(index);
    const SubjectPictures pictures = subject_pictures(set.objects[i], options);
    const Picture close = kinds > 2 ? magnified_centre(pictures.xray) : Picture();
    const std::array<const Picture*, 3> images{&pictures.xray, &pictures.optical, &close};
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      const Picture& p = *images[kind];
      write_png(folder / image_name(i, image_kinds[kind]), p.shape.height, p.shape.width, p.shape.channels, p.pixels,
                Durability::later);
    }
#pragma omp critical(abell_votes_progress)
    bar.update(++done);
  });
  sync_folder(folder);
}

}  // namespace abell::program
