#pragma once
/// The forms in which catalogues go out.

#include <abell/core/error.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/data/catalogue_csv.hpp>
#include <abell/data/catalogue_ecsv.hpp>
#include <abell/data/catalogue_fits.hpp>
#include <abell/data/catalogue_regions.hpp>
#include <abell/data/catalogue_votable.hpp>
#include <abell/data/catalogue_writer.hpp>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

namespace abell {

enum class CatalogueForm { csv, ecsv, fits, regions, votable };

/// The form that the name of a file stands for. Throws OptionError for other endings.
inline CatalogueForm catalogue_form(const std::filesystem::path& out) {
  const std::string ending = lower_case(out.extension().string());
  if (ending == ".csv") return CatalogueForm::csv;
  if (ending == ".ecsv") return CatalogueForm::ecsv;
  if (ending == ".fits" || ending == ".fit") return CatalogueForm::fits;
  if (ending == ".reg") return CatalogueForm::regions;
  if (ending == ".vot" || ending == ".xml") return CatalogueForm::votable;
  throw OptionError("out",
                    "expected a name that ends in .csv, .ecsv, .fits, .vot or .reg, found '" + out.string() + "'");
}

/// Begins a catalogue. `out` must be able to go back to its start for FITS. Throws FormatError for a header that the
/// form has no place for.
inline std::unique_ptr<CatalogueWriter> begin_catalogue(CatalogueForm form, std::ostream& out, CatalogueHeader header) {
  switch (form) {
    case CatalogueForm::ecsv: return std::make_unique<EcsvCatalogue>(out, std::move(header));
    case CatalogueForm::fits: return std::make_unique<FitsCatalogue>(out, std::move(header));
    case CatalogueForm::regions: return std::make_unique<RegionCatalogue>(out, std::move(header));
    case CatalogueForm::votable: return std::make_unique<VotableCatalogue>(out, std::move(header));
    case CatalogueForm::csv: break;
  }
  return std::make_unique<CsvCatalogue>(out, std::move(header));
}

}  // namespace abell
