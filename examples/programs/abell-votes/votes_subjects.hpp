#pragma once
/// abell-votes subjects and page: candidates as pictures for people to look at.

#include <abell/core/parallel.hpp>
#include <abell/core/random.hpp>
#include <abell/data/decode.hpp>
#include <abell/data/table.hpp>
#include <abell/images/resample.hpp>
#include <abell/images/stb.hpp>
#include <abell/report/gallery.hpp>
#include <abell/report/hunt_page.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "../common/output_file.hpp"
#include "../common/program.hpp"

namespace abell::program {

struct SubjectsOptions {
  std::string source;
  std::filesystem::path out;
  bool overwrite = false;
  bool allow_outside = false;
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

/// The set in random order: who looks at it must not learn the classes from the order.
inline DataSet read_candidates(const SubjectsOptions& options, const CommonOptions& common) {
  DataSet set = read_data_set(options.source, {.need_class = false, .need_train = false, .need_set = false});
  print_notes(set.notes, common.quiet);
  if (!options.allow_outside) check_inside(set);
  shuffle(set.objects, Random(common.seed, {.purpose = Purpose::shuffle}));
  return set;
}

/// Writes three images of each candidate and manifest.csv, which Panoptes's uploader reads. '#' hides the id from
/// volunteers.
inline int run_subjects(const SubjectsOptions& options, const CommonOptions& common) {
  const DataSet set = read_candidates(options, common);
  const OutputFolder folder = prepare_output(options.out, options.overwrite);
  make_folder(options.out / "images");
  std::vector<std::vector<std::string>> rows(set.objects.size());
  ProgressBar bar("candidates", static_cast<long>(rows.size()), common.quiet);
  long done = 0;
  parallel_for(static_cast<int>(rows.size()), thread_count(common.threads), [&](int i, int) {
    if (interrupted()) return;
    const Object& object = set.objects[static_cast<std::size_t>(i)];
    const SubjectPictures pictures = subject_pictures(object, options);
    const Picture close = magnified_centre(pictures.xray);
    const std::array<const Picture*, 3> images{&pictures.xray, &pictures.optical, &close};
    const std::array<const char*, 3> names{"xray", "optical", "close"};
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), "%06d", i + 1);
    std::vector<std::string> row{object.id};
    for (std::size_t image = 0; image < images.size(); ++image) {
      const Picture& p = *images[image];
      row.push_back(std::string("images/") + number.data() + "_" + names[image] + ".png");
      write_png(options.out / row.back(), p.shape.height, p.shape.width, p.shape.channels, p.pixels, Durability::later);
    }
    rows[static_cast<std::size_t>(i)] = row;
#pragma omp critical(abell_votes_progress)
    bar.update(++done);
  });
  if (interrupted()) return exit_stopped();
  sync_folder(options.out);
  write_csv(options.out / "manifest.csv", {"#image_id", "image_1", "image_2", "image_3"}, rows);
  if (!common.quiet) std::cout << options.out.string() << ": " << rows.size() << " subjects\n";
  return exit_ok;
}

/// Writes the page; each candidate is embedded as it is read.
inline int run_page(const SubjectsOptions& options, const CommonOptions& common) {
  const DataSet set = read_candidates(options, common);
  check_output_file(options.out, options.overwrite);
  HuntPage page(options.out, "The hunt for galaxy clusters: " + std::filesystem::path(options.source).stem().string());
  ProgressBar bar("candidates", static_cast<long>(set.objects.size()), common.quiet);
  for (std::size_t i = 0; i < set.objects.size(); ++i) {
    if (interrupted()) return exit_stopped();
    const SubjectPictures pictures = subject_pictures(set.objects[i], options);
    page.add(set.objects[i].id, pictures.xray, pictures.optical);
    bar.update(static_cast<long>(i) + 1);
  }
  page.finish();
  if (!common.quiet) std::cout << options.out.string() << ": " << set.objects.size() << " candidates\n";
  return exit_ok;
}

}  // namespace abell::program
