#pragma once
/// Positions in tables: which columns hold them, in which units and in which frame.

#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/data/angle_columns.hpp>
#include <abell/data/object.hpp>
#include <abell/data/table.hpp>
#include <abell/images/sky_frame.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// Columns named by hand, and the frame of the positions; what is empty is told by the table, which has no classes
/// then.
struct ColumnNames {
  std::string ra = {}, dec = {}, id = {}, class_name = {}, frame = {};
};

namespace detail {

/// The column of a UCD (of UCD1+, or of UCD1 as VizieR had them): the main one, else the first.
inline std::optional<std::size_t> find_ucd(const TableHeader& table, std::string_view ucd, std::string_view ucd1) {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    const std::string found = lower_case(table.ucd(i));
    if (found == std::string(ucd) + ";meta.main" || found == std::string(ucd1) + "_main") return i;
    if (!first && (found == ucd || found == ucd1)) first = i;
  }
  return first;
}

}  // namespace detail

/// The positions of a table's rows: columns named by hand, else by the names that catalogues use, else by UCD.
class PositionColumns {
 public:
  /// Throws FormatError naming the file: a column named by hand that is not there, a unit or a frame of the file that
  /// is not known; OptionError for such a frame in `names`.
  explicit PositionColumns(const TableHeader& table, const ColumnNames& names = {}) {
    find(table, names);
    if (!there_) return;
    set_frame(table, names);
    for (auto* column : {&longitude_, &latitude_}) set_unit(table, *column);
  }

  bool there() const { return there_; }
  const detail::AngleColumns& longitude() const { return longitude_; }
  const detail::AngleColumns& latitude() const { return latitude_; }

  /// Adds the numbers of the columns.
  void list(std::vector<std::size_t>& columns) const {
    if (!there_) return;
    for (const auto* angle : {&longitude_, &latitude_}) {
      columns.insert(columns.end(), angle->numbers.begin(), angle->numbers.end());
      if (angle->sign) columns.push_back(*angle->sign);
    }
  }

  /// The position of a row in ICRS; nothing where a text of it is empty or no angle.
  std::optional<SkyPosition> position(const std::vector<std::string>& fields) const {
    const auto longitude = longitude_.read(fields), latitude = latitude_.read(fields);
    if (!longitude || !latitude) return std::nullopt;
    return frame_.to_icrs({*longitude, *latitude});
  }

  /// Gives the object its position: as the table has it where that is a right ascension and a declination in ICRS
  /// without units, else in degrees.
  void fill(Object& object, const TableReader& row) const {
    if (!there_) return;
    object.ra = longitude_.text(row.fields());
    object.dec = latitude_.text(row.fields());
    if (frame_.kind() == SkyFrame::Kind::icrs && !longitude_.unit && !latitude_.unit) return;
    const auto found = position(row.fields());
    object.ra = found ? csv_number(found->ra) : "";
    object.dec = found ? csv_number(found->dec) : "";
  }

 private:
  /// Usual pairs of plain names, and the frame of those that tell it.
  struct Pair {
    std::string_view longitude, latitude, frame;
  };
  static constexpr std::array pairs{
      Pair{"ra", "dec de decl", ""},
      Pair{"raicrs", "deicrs decicrs", ""},
      Pair{"raj2000", "dej2000 decj2000", ""},
      Pair{"radeg radegs radegree radegrees", "dedeg decdeg decdegs decdegree decdegrees", ""},
      Pair{"rightascension", "declination", ""},
      Pair{"alphaj2000", "deltaj2000", ""},
      Pair{"alphawinj2000", "deltawinj2000", ""},
      Pair{"alphasky", "deltasky", ""},
      Pair{"alphawinsky", "deltawinsky", ""},
      Pair{"xworld", "yworld", ""},
      Pair{"xwinworld", "ywinworld", ""},
      Pair{"skycentroidra", "skycentroiddec", ""},
      Pair{"scra", "scdec", ""},
      Pair{"racorr", "deccorr", ""},
      Pair{"targetra", "targetdec", ""},
      Pair{"raopt", "decopt deopt", ""},
      Pair{"racl", "deccl", ""},
      Pair{"raobj", "decobj", ""},
      Pair{"sra", "sdec", ""},
      Pair{"ra1", "dec1 de1", ""},
      Pair{"rax", "decx dex", ""},
      Pair{"alphax", "deltax", ""},
      Pair{"hms", "dms", ""},
      Pair{"alpha", "delta", ""},
      Pair{"rah", "ded", ""},
      Pair{"rab1950", "deb1950 decb1950", "fk4"},
      Pair{"glon gallon", "glat gallat", "galactic"},
      Pair{"l lii", "b bii", "galactic"},
      Pair{"elon ecllon", "elat ecllat", "ecliptic"},
      Pair{"lon longitude", "lat latitude", ""}};

  void set(const TableHeader& table, std::size_t longitude, std::size_t latitude, std::string_view frame) {
    there_ = true;
    longitude_ = {table, longitude};
    latitude_ = {table, latitude};
    own_frame_ = frame;
  }

  void find(const TableHeader& table, const ColumnNames& names) {
    if (names.ra.empty() != names.dec.empty()) {
      throw OptionError(names.ra.empty() ? "dec" : "ra", "expected a column for the other coordinate, too, found none");
    }
    if (!names.ra.empty()) return set(table, table.column(names.ra), table.column(names.dec), "");
    for (const Pair& pair : pairs) {
      const auto longitude = detail::find_named(table, pair.longitude),
                 latitude = detail::find_named(table, pair.latitude);
      if (!longitude || !latitude) continue;
      return set(table, *longitude, *latitude,
                 pair.frame.empty() ? frame_of_ucds(table, *longitude, *latitude) : pair.frame);
    }
    const auto ra = detail::find_ucd(table, "pos.eq.ra", "pos_eq_ra"),
               dec = detail::find_ucd(table, "pos.eq.dec", "pos_eq_dec");
    if (ra && dec) return set(table, *ra, *dec, "");
    const auto l = detail::find_ucd(table, "pos.galactic.lon", "pos_gal_lon");
    const auto b = detail::find_ucd(table, "pos.galactic.lat", "pos_gal_lat");
    if (l && b) return set(table, *l, *b, "galactic");
    const auto lambda = detail::find_ucd(table, "pos.ecliptic.lon", "pos_ec_lon");
    const auto beta = detail::find_ucd(table, "pos.ecliptic.lat", "pos_ec_lat");
    if (lambda && beta) set(table, *lambda, *beta, "ecliptic");
  }

  /// The frame that the UCDs of both columns tell, where it is no equatorial one.
  static std::string_view frame_of_ucds(const TableHeader& table, std::size_t longitude, std::size_t latitude) {
    const std::string lon = lower_case(table.ucd(longitude)), lat = lower_case(table.ucd(latitude));
    const auto both = [&](std::string_view ucd, std::string_view ucd1) {
      const auto is = [&](const std::string& found) { return found.starts_with(ucd) || found.starts_with(ucd1); };
      return is(lon) && is(lat);
    };
    return both("pos.galactic.", "pos_gal_") ? "galactic" : both("pos.ecliptic.", "pos_ec_") ? "ecliptic" : "";
  }

  void set_frame(const TableHeader& table, const ColumnNames& names) {
    const std::string own = own_frame_.empty() ? table.frame(longitude_.numbers[0]) : own_frame_;
    const std::string& named = names.frame.empty() ? own : names.frame;
    const auto frame = parse_sky_frame(named.empty() ? "icrs" : named);
    const std::string fault = std::string("expected ") + sky_frame_names + ", found '" + named + "'";
    if (!frame && !names.frame.empty()) throw OptionError("frame", fault);
    if (!frame) throw FormatError(table.name + ": frame of the positions: " + fault);
    frame_ = *frame;
  }

  void set_unit(const TableHeader& table, detail::AngleColumns& column) {
    const bool longitude = &column == &longitude_, galactic = frame_.kind() == SkyFrame::Kind::galactic;
    const bool equatorial = !galactic && frame_.kind() != SkyFrame::Kind::ecliptic;
    column.kind = equatorial
                      ? (longitude ? "a right ascension" : "a declination")
                      : std::string(galactic ? "a Galactic " : "an ecliptic ") + (longitude ? "longitude" : "latitude");
    column.most = longitude ? 360 : 90;
    column.hours = longitude && equatorial;
    if (column.unit_text.empty()) return;
    column.unit = parse_angle_unit(column.unit_text);
    if (column.unit && (column.hours || !column.unit->hours())) return;
    throw FormatError(table.name + ": expected a unit of angles in column '" + column.name +
                      "' (deg, arcmin, arcsec, mas, rad" + (column.hours ? ", h" : "") + "), found '" +
                      column.unit_text + "'");
  }

  bool there_ = false;
  detail::AngleColumns longitude_, latitude_;
  std::string own_frame_;  ///< that the names of the columns tell
  SkyFrame frame_;
};

}  // namespace abell
