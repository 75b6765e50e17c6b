#pragma once
/// Objects that regions mark: their places on the sky, and what is said of regions that mark none.

#include <abell/core/angle.hpp>
#include <abell/core/error.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/data/sky_object.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/physical_pixels.hpp>
#include <abell/images/sky_frame.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// The image whose pixels regions may name.
struct RegionImage {
  Wcs wcs;
  PhysicalPixels physical = {};

  explicit RegionImage(Wcs sky) : wcs(std::move(sky)) {}
  explicit RegionImage(const FitsFile& file) : wcs(file), physical(file) {}
};

/// How regions are read. `system` is that of regions before any that their file names; where it is empty too, they lie
/// in physical pixels, as in DS9 and CIAO.
struct RegionOptions {
  const RegionImage* image = nullptr;
  std::string system = {};
  bool strict = false;  ///< whether regions that mark no object are errors
};

/// What a file of regions marks.
struct Regions {
  std::vector<SkyObject> objects = {};
  std::vector<std::string> notes = {};  ///< what was left out or taken for granted, a line each
};

namespace detail {

/// One region as a file has it.
struct Region {
  std::string shape = {};                     ///< in lower case
  std::vector<std::string> coordinates = {};  ///< of all its points
  std::string text = {}, colour = {};
  bool excluded = false;    ///< a hole in others
  bool background = false;  ///< of others
};

/// Where the numbers of a region lie.
struct RegionSystem {
  enum class Kind { sky, image, physical };
  Kind kind = Kind::physical;
  SkyFrame frame = {};
};

/// The systems that are read, for messages.
inline constexpr const char* region_system_names = "icrs, fk5, fk4, galactic, ecliptic, image or physical";

inline std::optional<RegionSystem> parse_region_system(std::string_view word) {
  const std::string name = lower_case(word);
  if (name == "image" || name == "logical") return RegionSystem{RegionSystem::Kind::image};
  if (name == "physical") return RegionSystem{RegionSystem::Kind::physical};
  const auto frame = parse_sky_frame(name);
  return frame ? std::optional(RegionSystem{RegionSystem::Kind::sky, *frame}) : std::nullopt;
}

/// Which points of a shape have the object in their middle.
enum class ShapeCentre { first, all, none };

inline std::optional<ShapeCentre> shape_centre(const std::string& shape) {
  struct Shapes {
    ShapeCentre centre;
    std::string_view names;  ///< with a blank before and behind each
  };
  static constexpr std::array known{
      Shapes{ShapeCentre::first,
             " circle ellipse box rotbox annulus ellipseannulus boxannulus point cross text pie panda cpanda epanda "
             "bpanda "},
      Shapes{ShapeCentre::all, " polygon rectangle "},
      Shapes{ShapeCentre::none, " line vector segment ruler projection compass composite field sector "}};
  for (const Shapes& shapes : known) {
    if (shapes.names.find(" " + shape + " ") != std::string_view::npos) return shapes.centre;
  }
  return std::nullopt;
}

/// Collects the objects of a file of regions, line by line.
class RegionObjects {
 public:
  /// Throws OptionError for a system that is not known.
  RegionObjects(std::string name, const RegionOptions& options) : name_(std::move(name)), options_(options) {
    if (options.system.empty()) return;
    system_ = parse_region_system(options.system);
    if (!system_) {
      throw OptionError("frame", std::string("expected ") + region_system_names + ", found '" + options.system + "'");
    }
  }

  void next_line() { ++line_; }
  std::string where() const { return name_ + (line_ > 0 ? ":" + std::to_string(line_) : ""); }
  [[noreturn]] void fail(const std::string& what) const { throw FormatError(where() + ": " + what); }

  /// The system of the regions that follow.
  void set_system(const std::string& word) {
    system_ = parse_region_system(word);
    if (!system_) fail(std::string("expected coordinates in ") + region_system_names + ", found '" + word + "'");
  }
  bool has_system() const { return system_.has_value(); }

  void add(const Region& region) {
    if (region.excluded) return;
    const auto centre = shape_centre(region.shape);
    if (!centre) {
      fail("expected a shape (circle, ellipse, box, annulus, polygon, point, ...), found '" + region.shape + "'");
    }
    if (*centre == ShapeCentre::none || region.background) {
      return leave_out(region.background ? "background" : region.shape);
    }
    const std::vector<std::string>& numbers = region.coordinates;
    const std::size_t used = *centre == ShapeCentre::first ? std::min<std::size_t>(numbers.size(), 2) : numbers.size();
    if (used == 0 || used % 2 != 0) {
      fail("expected two coordinates for each point of '" + region.shape + "', found " + std::to_string(used));
    }
    std::vector<SkyPosition> points;
    for (std::size_t i = 0; i < used; i += 2) points.push_back(position(numbers[i], numbers[i + 1]));
    keep({.id = region.text,
          .position = middle(points),
          .colour = region.colour.empty() ? "green" : region.colour,  // DS9's own default
          .where = where()});
  }

  Regions take() {
    const auto shapes = [](std::size_t count) { return std::to_string(count) + (count == 1 ? " shape" : " shapes"); };
    if (left_out_ > 0) {
      regions_.notes.push_back(first_left_out_ + ": no object: " + shapes(left_out_) + " (" + kinds_ + ") left out");
      if (options_.strict) throw FormatError(regions_.notes.back());
    }
    if (concentric_ > 0) {
      regions_.notes.push_back(first_concentric_ + ": no object of its own: " + shapes(concentric_) +
                               " with the centre of the one before");
    }
    if (!assumed_.empty()) {
      regions_.notes.push_back(assumed_ + ": no coordinate system: taken as the image's physical pixels (LTM, LTV)");
    }
    return std::move(regions_);
  }

 private:
  void leave_out(const std::string& kind) {
    if (left_out_++ == 0) first_left_out_ = where();
    if ((", " + kinds_ + ",").find(", " + kind + ",") == std::string::npos) {
      kinds_ += (kinds_.empty() ? "" : ", ") + kind;
    }
  }

  /// A shape around the centre of the one before belongs to it unless they have two names: a source with its
  /// background, the rings of an ellipse or the sectors of a panda as some formats write them.
  void keep(SkyObject object) {
    if (!regions_.objects.empty()) {
      SkyObject& last = regions_.objects.back();
      const bool same_name = last.id.empty() || object.id.empty() || last.id == object.id;
      if (same_name && separation(last.position, object.position) == 0) {
        if (concentric_++ == 0) first_concentric_ = where();
        if (last.id.empty()) last.id = object.id;
        return;
      }
    }
    regions_.objects.push_back(std::move(object));
  }

  /// The place of two coordinates: numbers of the system, or of another one that their last letter tells (d, i, p).
  /// Sexagesimal ones and degrees lie on the sky, in FK5 where the system has pixels.
  SkyPosition position(const std::string& x, const std::string& y) {
    const auto lettered = [&](char letter) { return x.ends_with(letter) && y.ends_with(letter); };
    const auto number = [](std::string_view text, bool letter) {
      return plain_number(text.substr(0, text.size() - (letter ? 1 : 0)));
    };
    using Kind = RegionSystem::Kind;
    Kind kind = system_ ? system_->kind : Kind::physical;
    const bool letter = lettered('i') || lettered('p');
    if (letter) kind = lettered('i') ? Kind::image : Kind::physical;
    const auto a = number(x, letter), b = number(y, letter);
    if (kind != Kind::sky && (a || b)) {
      if (!a || !b) fail("expected pixels, found '" + x + "' and '" + y + "'");
      if (!system_ && !letter && assumed_.empty() && options_.image && !options_.image->physical.own()) {
        assumed_ = where();
      }
      return from_pixels(*a, *b, kind == Kind::physical);
    }
    return from_sky(x, y, kind == Kind::sky ? system_->frame : SkyFrame::fk5());
  }

  SkyPosition from_pixels(double x, double y, bool physical) const {
    const RegionImage* image = options_.image;
    if (image == nullptr) fail("these are pixels: expected the image that they refer to, found none");
    const PixelPosition pixel = physical ? image->physical.pixel(x, y) : PixelPosition{x - 1, y - 1};
    const SkyPosition found = image->wcs.sky(pixel);
    if (!std::isfinite(found.ra)) fail("this pixel lies outside the sky of its image");
    return found;
  }

  SkyPosition from_sky(const std::string& x, const std::string& y, const SkyFrame& frame) const {
    const bool galactic = frame.kind() == SkyFrame::Kind::galactic;
    const auto longitude = parse_angle(x, !galactic), latitude = parse_angle(y, false);
    if (!longitude || !latitude || !(std::abs(*longitude) <= 360) || !(std::abs(*latitude) <= 90)) {
      fail(std::string("expected ") +
           (galactic ? "Galactic longitude and latitude" : "right ascension and declination") + ", found '" + x +
           "' and '" + y + "'");
    }
    return frame.to_icrs({*longitude < 0 ? *longitude + 360 : *longitude, *latitude});
  }

  std::string name_;
  const RegionOptions& options_;
  int line_ = 0;
  std::optional<RegionSystem> system_;
  Regions regions_;
  std::size_t left_out_ = 0, concentric_ = 0;
  std::string first_left_out_, first_concentric_, kinds_;
  std::string assumed_;  ///< where the first region without a system stands
};

}  // namespace detail

}  // namespace abell
