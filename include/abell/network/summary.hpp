#pragma once
/// A network as a table, in the manner of the paper's Table 3.

#include <abell/layers/layer_info.hpp>
#include <algorithm>
#include <string>
#include <vector>

namespace abell {

/// 352930 -> "352,930".
inline std::string with_commas(std::size_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

/// Sums over a network's layers.
struct Totals {
  std::size_t parameters = 0;
  std::size_t multiply_adds = 0;  ///< for one image
};

/// Those within layers are counted in.
inline Totals totals(const std::vector<LayerInfo>& layers) {
  Totals sum;
  each_layer(layers, [&](const LayerInfo& layer) {
    for (const Parameter& parameter : layer.parameters) sum.parameters += parameter.size();
    sum.multiply_adds += layer.multiply_adds;
  });
  return sum;
}

namespace detail {

/// The rows of `layers`, those within a layer below it and further in.
inline void add_summary_rows(std::vector<std::vector<std::string>>& rows, const std::vector<LayerInfo>& layers,
                             const std::string& indent) {
  for (const LayerInfo& layer : layers) {
    std::size_t parameters = 0;
    for (const Parameter& parameter : layer.parameters) parameters += parameter.size();
    rows.push_back({indent + layer.name + (layer.fused ? " +" : ""), layer.kind, to_string(layer.output),
                    with_commas(parameters), with_commas(layer.multiply_adds)});
    for (const auto& branch : layer.branches) add_summary_rows(rows, branch, indent + "  ");
  }
}

}  // namespace detail

/// The rows of the table: layer, kind, output shape, parameters, multiply-adds. '+' marks a layer that is fused with
/// the next one, so that its output never touches memory.
inline std::vector<std::vector<std::string>> summary_rows(const std::vector<LayerInfo>& layers) {
  std::vector<std::vector<std::string>> rows{{"layer", "kind", "output", "parameters", "multiply-adds"}};
  detail::add_summary_rows(rows, layers, "");
  const Totals sum = totals(layers);
  rows.push_back({"total", "", "", with_commas(sum.parameters), with_commas(sum.multiply_adds)});
  return rows;
}

/// The table as text, columns aligned. `network` is built, or anything with layers().
template <class Network>
std::string summary(const Network& network) {
  const auto rows = summary_rows(network.layers());
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      line += i < 3 ? row[i] + space : space + row[i];
      line += i + 1 < row.size() ? "  " : "";
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  bool fused = false;
  each_layer(network.layers(), [&](const LayerInfo& layer) { fused = fused || layer.fused; });
  return text + (fused ? "+: fused with the next\n" : "");
}

}  // namespace abell
