#pragma once
/// What the images that a model learnt on were like, which its file records, and how another image differs. Needs
/// nlohmann-json and what image_traits.hpp needs.

#include <abell/core/error.hpp>
#include <abell/data/image_traits.hpp>
#include <abell/images/bands.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// Quantiles of 1, 50 and 99 %.
struct Quantiles {
  double low = 0, median = 0, high = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Quantiles, low, median, high)

/// A channel of many images.
struct ChannelProfile {
  double present = 0;                                                ///< share of the images
  double physical = 0;                                               ///< share of those present
  Quantiles arcsec = {};                                             ///< of those that tell it; 0: none does
  std::array<Quantiles, channel_statistics.size()> statistics = {};  ///< of those present
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ChannelProfile, present, physical, arcsec, statistics)

/// What the images of a set are like.
struct InputProfile {
  double grey = 0;  ///< share of images of one channel that was copied
  std::vector<ChannelProfile> channels = {};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(InputProfile, grey, channels)

namespace detail {

inline Quantiles quantiles_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const auto quantile = [&](double share) {
    return values[static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
  };
  return {quantile(0.01), quantile(0.5), quantile(0.99)};
}

inline ChannelProfile channel_profile(std::span<const ImageTraits> images, std::size_t channel) {
  std::vector<double> arcsec;
  std::array<std::vector<double>, channel_statistics.size()> statistics;
  std::size_t physical = 0;
  for (const ImageTraits& image : images) {
    const ChannelTraits& traits = image.channels[channel];
    if (!traits.present) continue;
    if (traits.physical) ++physical;
    if (traits.arcsec > 0) arcsec.push_back(traits.arcsec);
    for (std::size_t i = 0; i < statistics.size(); ++i) statistics[i].push_back(traits.statistics[i]);
  }
  const auto present = static_cast<double>(statistics[0].size());
  ChannelProfile profile{.present = present / static_cast<double>(images.size()),
                         .physical = present > 0 ? static_cast<double>(physical) / present : 0,
                         .arcsec = quantiles_of(std::move(arcsec))};
  std::ranges::transform(statistics, profile.statistics.begin(), quantiles_of);
  return profile;
}

/// What fewer images than this share had is foreign.
inline constexpr double rare = 0.01;
/// What scales may differ by.
inline constexpr double scale_tolerance = 1.2;

/// Whether a statistic lies outside what was seen by more than half of its spread, and by more than rounding.
inline bool far_outside(double value, const Quantiles& seen) {
  const double room = 0.5 * (seen.high - seen.low) + 2;
  return value < seen.low - room || value > seen.high + room;
}

}  // namespace detail

/// Of one or more images of the same number of channels.
inline InputProfile profile_of(std::span<const ImageTraits> images) {
  InputProfile profile;
  if (images.empty()) return profile;
  const auto grey = std::ranges::count_if(images, &ImageTraits::grey);
  profile.grey = static_cast<double>(grey) / static_cast<double>(images.size());
  for (std::size_t c = 0; c < images[0].channels.size(); ++c) {
    profile.channels.push_back(detail::channel_profile(images, c));
  }
  return profile;
}

/// The profile in a model file's record of the preprocessing, for a network of that many channels; null where none was
/// recorded. `where` opens messages. Throws FormatError.
inline std::optional<InputProfile> read_profile(const nlohmann::json& preprocessing, const std::string& where,
                                                int channels) {
  const auto found = preprocessing.find("trained_on");
  if (found == preprocessing.end()) return std::nullopt;
  try {
    auto profile = found->get<InputProfile>();
    if (profile.channels.size() == static_cast<std::size_t>(channels)) return profile;
    throw FormatError(where + ": preprocessing: expected trained_on of " + std::to_string(channels) +
                      " channels, found " + std::to_string(profile.channels.size()));
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(where + ": preprocessing: " + error.what());
  }
}

/// The ways in which an image can differ from all that a model learnt on, and what users are told of each.
struct ForeignTrait {
  const char* name;
  const char* meaning;
};
inline constexpr std::array<ForeignTrait, 7> foreign_traits{
    {{"copied", "one grey image for all channels; the model learnt on channels that differ"},
     {"colour", "channels that differ; the model learnt on grey images"},
     {"missing", "no image where the model learnt on one"},
     {"added", "an image where the model learnt on none"},
     {"kind", "8-bit values where the model learnt on FITS images, or the reverse"},
     {"scale", "pixels of another size on the sky than those that the model learnt on, by more than 20 %"},
     {"values", "a mean, deviation or quantile far from all that the model learnt on"}}};

/// How an image differs from those of the profile: names of `foreign_traits`, with the channel where not all differ,
/// such as "missing_optical" and "values_xray" (where a file gives a channel, `bands`), "values_2".
inline std::vector<std::string> foreign_to(const InputProfile& profile, const ImageTraits& image, bool bands) {
  std::vector<std::string> found;
  if (image.grey && profile.grey < detail::rare) found.emplace_back("copied");
  if (!image.grey && profile.grey > 1 - detail::rare) found.emplace_back("colour");
  const auto check = [&](const char* name, const auto& differs) {
    std::vector<std::string> of_channels;
    std::size_t present = 0;
    for (std::size_t c = 0; c < image.channels.size(); ++c) {
      const ChannelTraits& channel = image.channels[c];
      if (channel.present) ++present;
      if (!differs(channel, profile.channels[c])) continue;
      of_channels.push_back(std::string(name) + "_" + (bands ? band_names[c] : std::to_string(c + 1)));
    }
    if (!of_channels.empty() && of_channels.size() == present && !bands) of_channels = {name};
    found.insert(found.end(), of_channels.begin(), of_channels.end());
  };
  using Seen = const ChannelProfile&;
  using Found = const ChannelTraits&;
  check("missing", [](Found f, Seen s) { return !f.present && s.present > 1 - detail::rare; });
  check("added", [](Found f, Seen s) { return f.present && s.present < detail::rare; });
  const auto known = [](Found f, Seen s) { return f.present && s.present >= detail::rare; };
  check("kind", [&](Found f, Seen s) {
    return known(f, s) && (f.physical ? s.physical < detail::rare : s.physical > 1 - detail::rare);
  });
  check("scale", [&](Found f, Seen s) {
    return known(f, s) && f.arcsec > 0 && s.arcsec.median > 0 &&
           (f.arcsec * detail::scale_tolerance < s.arcsec.low || f.arcsec > s.arcsec.high * detail::scale_tolerance);
  });
  check("values", [&](Found f, Seen s) {
    bool outside = false;
    for (std::size_t i = 0; i < f.statistics.size(); ++i) {
      outside = outside || detail::far_outside(f.statistics[i], s.statistics[i]);
    }
    return known(f, s) && outside;
  });
  return found;
}

/// Counts the foreign traits of a set's images.
class ForeignCounts {
 public:
  void add(std::span<const std::string> traits) {
    ++images_;
    for (const std::string& trait : traits) ++counts_[trait];
  }

  /// A line for each trait that tells of the set: any number of images that are of another make, but of values more
  /// than chance finds (1 % of images by themselves).
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [trait, count] : counts_) {
      const std::string name = trait.substr(0, trait.find('_'));
      if (name == "values" && chance(count) > 0.002) continue;
      const auto* known =
          std::ranges::find(foreign_traits, name, [](const ForeignTrait& t) { return std::string(t.name); });
      lines.push_back(std::to_string(count) + " of " + std::to_string(images_) + " images: " + trait + ": " +
                      known->meaning);
    }
    return lines;
  }

 private:
  /// The probability of `count` or more images where each differs with that of 1 %; 1 where that is no more than the
  /// mean.
  double chance(std::size_t count) const {
    const auto n = static_cast<double>(images_);
    auto k = static_cast<double>(count);
    if (k <= n * detail::rare) return 1;
    const double log_term = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                            k * std::log(detail::rare) + (n - k) * std::log1p(-detail::rare);
    double term = std::exp(log_term), sum = term;
    for (; k < n && term > 1e-9 * sum; ++k) sum += term *= (n - k) / (k + 1) * detail::rare / (1 - detail::rare);
    return sum;
  }

  std::size_t images_ = 0;
  std::map<std::string, std::size_t> counts_;
};

}  // namespace abell
