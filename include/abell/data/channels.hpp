#pragma once
/// Which channels a network sees.

#include <abell/core/error.hpp>
#include <string>

namespace abell {

/// The channels that a network sees of images [empty or third band, optical, X-ray]: all, or one; the
/// others are zeroed.
enum class Channels { both, optical, xray };

/// The choice called `text`. Throws OptionError for any other word.
inline Channels parse_channels(const std::string& text) {
  if (text == "both") return Channels::both;
  if (text == "optical") return Channels::optical;
  if (text == "xray") return Channels::xray;
  throw OptionError("channels", "expected both, optical or xray, found '" + text + "'");
}

}  // namespace abell
