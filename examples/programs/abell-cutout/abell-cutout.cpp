/// Cuts aligned X-ray and optical images out of mosaics and plates, at the positions of a catalogue.

#include <abell/data/positions.hpp>
#include <abell/images/fits_write.hpp>
#include <abell/images/reproject.hpp>

#include "../common/max_megapixels.hpp"
#include "../common/program.hpp"
#include "cutout_table.hpp"
#include "input_catalogue.hpp"
#include "mosaics.hpp"
#include "sky_coverage.hpp"

namespace {

using namespace abell;
using namespace abell::program;
namespace fs = std::filesystem;

struct Options {
  CommonOptions common;
  InputCatalogue input;
  CoverageOptions coverage;
  std::string out;
  std::vector<std::string> xray, exposure, optical, third;
  int pixels = 356;
  double side = 6;  ///< arcminutes
  double bin = 4;   ///< arcseconds
  std::string interpolation = "bilinear";
  double edge = 0.9;
  double low_exposure = 0.3;
  double max_megapixels = 400;
  bool skip = false;
  bool overwrite = false;

  /// All files that are read.
  std::vector<std::string> inputs() const {
    std::vector<std::string> all{input.file, input.region_image};
    for (const auto* band : {&xray, &exposure, &optical, &third}) all.insert(all.end(), band->begin(), band->end());
    return all;
  }
};

/// What all steps of a run share.
struct Job {
  const Options& options;
  std::vector<SkyObject> objects;
  std::vector<std::string> columns;     ///< of the catalogue, that the table carries
  std::vector<std::string> stems = {};  ///< of file names
  std::vector<CutoutRow> rows = {};
  std::string command;
  int threads = 1;

  SkyGrid grid(std::size_t object) const {
    const double arcsec = options.side * 60 / options.pixels;
    return {options.pixels, options.pixels,
            Wcs::tangent(objects[object].position, options.pixels, options.pixels, arcsec)};
  }
};

std::vector<SkyPosition> centres_of(const std::vector<SkyObject>& objects) {
  std::vector<SkyPosition> centres;
  for (const SkyObject& object : objects) centres.push_back(object.position);
  return centres;
}

/// Objects without a measured X-ray pixel end the run, or are left out with --skip.
std::vector<Cover> covered_objects(Job& job, Band& xray) {
  std::vector<Cover> covers = xray.best_covers(centres_of(job.objects), job.options.side, job.threads);
  std::vector<SkyObject> kept;
  std::vector<Cover> kept_covers;
  std::string first;
  for (std::size_t i = 0; i < covers.size(); ++i) {
    if (covers[i].mosaic >= 0 && covers[i].measured > 0) {
      kept.push_back(job.objects[i]);
      kept_covers.push_back(covers[i]);
    } else if (first.empty()) {
      const SkyObject& object = job.objects[i];
      first = object.where + ": object '" + object.id + "' at " + csv_number(object.position.ra) + " " +
              csv_number(object.position.dec) +
              (covers[i].inside > 0 ? " has no measured X-ray pixel (NaN, BLANK or no exposure only)"
                                    : " lies on none of the X-ray images");
    }
  }
  const std::size_t lost = covers.size() - kept.size();
  if (lost > 0 && !interrupted()) {
    if (!job.options.skip || kept.empty()) {
      throw FormatError(first + "; so do " + std::to_string(lost) + " of " + std::to_string(covers.size()) +
                        (kept.empty() ? " objects" : " objects (--skip leaves them out)"));
    }
    if (!job.options.common.quiet)
      std::cerr << printable(first) << "; " << lost << " such objects are left out" << std::endl;
  }
  job.objects = std::move(kept);
  return kept_covers;
}

/// The cards of a file of an object that is cut out of `source`.
FitsWriteOptions fits_options(const Job& job, std::size_t object, const SkyGrid& grid, const Mosaic& source) {
  const SkyObject& from = job.objects[object];
  return {.overwrite = true,
          .unit = source.unit,
          .creator = "abell-cutout " + std::string(version),
          .wcs = grid.wcs.cards(),
          .origin = source.origin,
          .history = {"object " + from.id + " of " + from.where, "from " + source.file, job.command},
          .durability = Durability::later};
}

void cut_xray(Job& job, std::size_t object, const Mosaic& mosaic, const MosaicPixels& pixels) {
  const SkyGrid grid = job.grid(object);
  const Image* map = pixels.exposure ? &*pixels.exposure : nullptr;
  const XrayCutout cut = redistribute(pixels.image, map, Wcs(mosaic.wcs), grid);
  CutoutRow& row = job.rows[object];
  row.xray = "images/" + job.stems[object] + "_xray.fits";
  row.xray_source = fs::path(mosaic.file).filename().string();
  row.xray_covered = cut.covered;
  for (const float value : cut.counts.pixels) row.counts += static_cast<double>(value);
  const fs::path out = job.options.out;
  write_fits(out / row.xray, cut.counts, fits_options(job, object, grid, mosaic));
  if (map == nullptr) return;
  row.exposure = "images/" + job.stems[object] + "_exposure.fits";
  write_fits(out / row.exposure, cut.exposure, fits_options(job, object, grid, *mosaic.exposure));
  // At the position itself: the mean of the central twelfth of each side, 30" of 6'.
  const int half = std::max(1, job.options.pixels / 24), middle = job.options.pixels / 2;
  double sum = 0;
  for (int y = middle - half; y < middle + half; ++y) {
    for (int x = middle - half; x < middle + half; ++x) sum += static_cast<double>(cut.exposure.at(y, x));
  }
  const double exposure = sum / (4.0 * half * half);
  if (mosaic.exposure->unit == "s") row.exposure_s = exposure;
  row.exposure_share = exposure / static_cast<double>(pixels.longest);
}

/// An optical or third image. Returns its name and the share that is covered.
std::pair<std::string, double> cut_bright(const Job& job, std::size_t object, const Mosaic& mosaic,
                                          const MosaicPixels& pixels, const char* band) {
  const SkyGrid grid = job.grid(object);
  const Image cut = interpolate(pixels.image, Wcs(mosaic.wcs), grid, parse_interpolation(job.options.interpolation));
  const std::string name = "images/" + job.stems[object] + "_" + band + ".fits";
  write_fits(fs::path(job.options.out) / name, cut, fits_options(job, object, grid, mosaic));
  return {name, 1 - static_cast<double>(masked_count(cut)) / static_cast<double>(cut.pixel_count())};
}

/// Cuts each object out of the mosaic that covers it best: cut(object, mosaic, pixels). Mosaics that
/// cover less than `least` are not taken.
template <class Cut>
void cut_band(const Job& job, Band& band, const std::vector<Cover>& covers, double least, ProgressBar& bar, long& done,
              const Cut& cut) {
  const auto taken = [&](std::size_t i, int number) {
    return covers[i].mosaic == number && covers[i].measured >= least;
  };
  const auto wanted = [&](int number) {
    for (std::size_t i = 0; i < covers.size(); ++i) {
      if (taken(i, number)) return true;
    }
    return false;
  };
  band.for_each(wanted, [&](int number, const Mosaic& mosaic, const MosaicPixels& pixels) {
    parallel_for(static_cast<int>(covers.size()), job.threads, [&](int i, int) {
      const auto object = static_cast<std::size_t>(i);
      if (!taken(object, number) || interrupted()) return;
      cut(object, mosaic, pixels);
#pragma omp critical(abell_cutout_progress)
      bar.update(++done);
    });
  });
}

int run_cutout(const Options& options, const std::string& command) {
  if (!options.exposure.empty() && options.exposure.size() != options.xray.size()) {
    throw OptionError("--exposure: expected one map for each of the " + std::to_string(options.xray.size()) +
                      " X-ray images, in their order, found " + std::to_string(options.exposure.size()));
  }
  const BandOptions images{.max_megapixels = options.max_megapixels, .quiet = options.common.quiet};
  BandOptions counts = images;
  counts.unit = "count";
  counts.bin = options.bin;
  Band xray(options.xray, options.exposure, counts), optical(options.optical, {}, images),
      third(options.third, {}, images);
  SkyCatalogue catalogue =
      options.input.read(xray.mosaics().size() == 1 ? xray.mosaics()[0].file : "", options.common.quiet);
  Job job{.options = options,
          .objects = std::move(catalogue.objects),
          .columns = std::move(catalogue.columns),
          .command = command,
          .threads = thread_count(options.common.threads)};
  const OutputFolder folder = prepare_output(options.out, options.overwrite);
  check_coverage(options.coverage, xray.mosaics(), options.overwrite, options.inputs());
  const std::vector<Cover> xray_covers = covered_objects(job, xray);
  const std::vector<SkyPosition> centres = centres_of(job.objects);
  const auto optical_covers = optical.best_covers(centres, options.side, job.threads);
  const auto third_covers = third.best_covers(centres, options.side, job.threads);
  if (interrupted()) return exit_stopped();
  job.stems = file_stems(job.objects);
  job.rows.resize(job.objects.size());
  // A share below a half is told though nothing is cut.
  for (std::size_t i = 0; i < job.rows.size(); ++i) {
    job.rows[i].optical_covered = optical_covers[i].measured;
    job.rows[i].third_covered = third_covers[i].measured;
  }
  if (options.overwrite) remove_cutouts(options.out, options.inputs());
  make_folder(fs::path(options.out) / "images");

  constexpr double half = 0.5;  // less is of no use to a network, which refuses images that are mostly masked
  const auto used = [](const std::vector<Cover>& covers) {
    return std::ranges::count_if(covers, [](const Cover& c) { return c.mosaic >= 0 && c.measured >= half; });
  };
  ProgressBar bar("images", static_cast<long>(centres.size()) + used(optical_covers) + used(third_covers),
                  options.common.quiet);
  long done = 0;
  cut_band(job, xray, xray_covers, 0, bar, done,
           [&](std::size_t i, const Mosaic& mosaic, const MosaicPixels& pixels) { cut_xray(job, i, mosaic, pixels); });
  cut_band(job, optical, optical_covers, half, bar, done,
           [&](std::size_t i, const Mosaic& mosaic, const MosaicPixels& pixels) {
             CutoutRow& row = job.rows[i];
             std::tie(row.optical, row.optical_covered) = cut_bright(job, i, mosaic, pixels, "optical");
             row.optical_source = fs::path(mosaic.file).filename().string();
           });
  cut_band(job, third, third_covers, half, bar, done,
           [&](std::size_t i, const Mosaic& mosaic, const MosaicPixels& pixels) {
             CutoutRow& row = job.rows[i];
             std::tie(row.third, row.third_covered) = cut_bright(job, i, mosaic, pixels, "third");
             row.third_source = fs::path(mosaic.file).filename().string();
           });
  write_coverage(options.coverage, xray, job.threads, command);
  if (interrupted()) {
    if (!options.common.quiet) std::cerr << "\ninterrupted: the table was not written" << std::endl;
    return exit_stopped();
  }
  sync_folder(options.out);
  write_cutout_table(fs::path(options.out) / "table.csv", job.objects, job.columns, job.rows,
                     {!options.exposure.empty(), !options.optical.empty(), !options.third.empty(), options.edge,
                      options.low_exposure});
  return exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Cuts aligned X-ray and optical images with North up out of mosaics and plates, at the positions of a "
      "catalogue: "
      "table.csv and images/*.fits, a set that abell-train and abell-classify read.",
      "abell-cutout");
  Options options;
  add_catalogue(app, options.input);
  app.option_defaults()->group("Images");
  app.add_option("--xray", options.xray,
                 "X-ray counts images or event lists (FITS); of several, the best covering one is taken")
      ->required()
      ->type_name(file_type);
  app.add_option("--exposure", options.exposure, "Exposure maps, one for each X-ray image, in their order (any grid)")
      ->type_name(file_type);
  app.add_option("--optical", options.optical, "Optical images or DSS plates (FITS)")->type_name(file_type);
  app.add_option("--third", options.third, "Images of a third band (radio, infrared, SZ) for the empty channel")
      ->type_name(file_type);
  app.add_option("--bin", options.bin, "Arcseconds of a pixel of event lists that are given without [bin ...]")
      ->check(within(0.1, 60))
      ->capture_default_str();
  add_max_megapixels(app, options.max_megapixels);
  app.option_defaults()->group("Cut-outs");
  app.add_option("--out", options.out, "Folder to write")->required()->type_name(folder_type);
  app.add_option("--pixels", options.pixels, "Pixels a side")->check(within(8, 4096))->capture_default_str();
  app.add_option("--side", options.side, "Arcminutes a side")->check(within(0.1, 120))->capture_default_str();
  app.add_option("--interpolation", options.interpolation, "Of the optical and third images")
      ->transform(one_of({"bilinear", "lanczos"}))
      ->capture_default_str();
  app.add_option("--edge", options.edge, "Flag 'edge' below this covered share")
      ->check(within(0, 1))
      ->capture_default_str();
  app.add_option("--low-exposure", options.low_exposure,
                 "Flag 'low_exposure' below this share of the map's longest exposure")
      ->check(within(0, 1))
      ->capture_default_str();
  app.add_flag("--skip", options.skip, "Leave objects out that no X-ray image covers (default: an error)");
  app.add_flag("--overwrite", options.overwrite,
               "Write into a folder that is not empty; the files that its table.csv names are removed");
  app.option_defaults()->group("Coverage map");
  add_coverage(app, options.coverage);
  add_common(app, options.common);
  app.footer(
      "Examples:\n"
      "  abell-cutout --catalogue candidates.csv --xray mosaic.fits --exposure expmap.fits --optical dss.fits --out "
      "set\n"
      "  abell-cutout --catalogue sources.reg --xray img.fits.gz --out set --skip\n"
      "  abell-cutout --catalogue c.fits --xray 'evt.fits[bin (X,Y)=::80]' --out set\n"
      "\nX-ray counts are shared out by area, which keeps their sum; optical values are interpolated.");
  const std::string command = command_line(app.get_name(), argc, argv);
  return run(app, argc, argv, [&] { return run_cutout(options, command); });
}
