#pragma once
/// One entry of a catalogue of positions.

#include <abell/images/sky_position.hpp>
#include <string>
#include <vector>

namespace abell {

struct SkyObject {
  std::string id;
  SkyPosition position;
  std::string class_name = {};
  std::string colour = {};               ///< of a region
  std::string where = {};                ///< "file:line", for errors
  std::vector<std::string> fields = {};  ///< of the other columns of a table
};

}  // namespace abell
