#pragma once
/// abell-votes subjects and page: candidates to vote on, at Zooniverse or at home.

#include <abell/report/hunt_page.hpp>
#include <array>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "../common/output_file.hpp"
#include "../common/program.hpp"
#include "votes_candidates.hpp"

namespace abell::program {

/// Writes three images of each candidate and manifest.csv, which Panoptes's uploader reads. '#' hides the id from
/// volunteers.
inline int run_subjects(const SubjectsOptions& options, const CommonOptions& common) {
  const DataSet set = read_candidates(options, common);
  const OutputFolder folder = prepare_output(options.out, options.overwrite);
  write_images(set, options.out, image_kinds.size(), options, common);
  if (interrupted()) return exit_stopped();
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < set.objects.size(); ++i) {
    rows.push_back({set.objects[i].id});
    for (const char* const kind : image_kinds) rows.back().push_back(image_name(i, kind));
  }
  write_csv(options.out / "manifest.csv", {"#image_id", "image_1", "image_2", "image_3"}, rows);
  if (!common.quiet) std::cout << options.out.string() << ": " << rows.size() << " subjects\n";
  return exit_ok;
}

inline std::string hunt_title(const std::filesystem::path& source) {
  const std::filesystem::path name = source.has_filename() ? source : source.parent_path();
  return "The hunt for galaxy clusters: " + name.stem().string();
}

/// Writes the page with its images within; each candidate is embedded as it is read.
inline int run_single_page(const SubjectsOptions& options, const CommonOptions& common) {
  const DataSet set = read_candidates(options, common);
  check_output_file(options.out, options.overwrite);
  HuntPage page(options.out, hunt_title(options.source));
  ProgressBar bar("candidates", static_cast<long>(set.objects.size()), common.quiet);
  for (std::size_t i = 0; i < set.objects.size(); ++i) {
    if (interrupted()) return exit_stopped();
    const SubjectPictures pictures = subject_pictures(set.objects[i], options);
    page.add(set.objects[i].id, data_uri(pictures.xray), data_uri(pictures.optical));
    bar.update(static_cast<long>(i) + 1);
  }
  page.finish();
  if (!common.quiet) std::cout << options.out.string() << ": " << set.objects.size() << " candidates\n";
  return exit_ok;
}

/// Writes a folder: images, which a browser loads as they are needed, and index.html.
inline int run_page(const SubjectsOptions& options, const CommonOptions& common) {
  if (options.single_file) return run_single_page(options, common);
  if (const std::string ending = lower_case(options.out.extension().string()); ending == ".html" || ending == ".htm") {
    throw OptionError("--out " + options.out.string() + ": expected a folder (--single-file writes one file)");
  }
  const DataSet set = read_candidates(options, common);
  const OutputFolder folder = prepare_output(options.out, options.overwrite);
  write_images(set, options.out, 2, options, common);
  if (interrupted()) return exit_stopped();
  HuntPage page(options.out / "index.html", hunt_title(options.source));
  for (std::size_t i = 0; i < set.objects.size(); ++i) {
    page.add(set.objects[i].id, image_name(i, image_kinds[0]), image_name(i, image_kinds[1]));
  }
  page.finish();
  if (!common.quiet) {
    std::cout << (options.out / "index.html").string() << ": " << set.objects.size() << " candidates\n";
  }
  return exit_ok;
}

}  // namespace abell::program
