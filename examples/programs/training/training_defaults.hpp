#pragma once
/// What abell-train does where the command line says nothing: Table 4 of the paper, and for U-Net what suits it.

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace abell::program {

/// By --network.
struct NetworkDefaults {
  std::string_view name;
  std::string_view optimizer;
  std::string_view scale;  ///< x / 255, or Keras's preset for MobileNet, x / 127.5 - 1
  int batch;
  std::uint64_t iterations;
  int patience;
  double factor;
};
inline constexpr std::array network_defaults{NetworkDefaults{"custom", "sgd", "unit", 10, 153000, 14, 0.75},
                                             NetworkDefaults{"mobilenet", "adadelta", "symmetric", 20, 3825, 4, 0.85},
                                             NetworkDefaults{"unet", "adam", "standard", 8, 10000, 14, 0.75}};

/// Of the custom network and MobileNet.
inline constexpr double paper_dropout = 0.65;

/// By --optimizer, since rates of one mean nothing to another. Table 4 has sgd and adadelta.
struct OptimizerDefaults {
  std::string_view name;
  double learning_rate;
  double decay;
  double min_rate;
};
inline constexpr std::array optimizer_defaults{
    OptimizerDefaults{"sgd", 1e-4, 1e-6, 1e-4}, OptimizerDefaults{"adam", 1e-3, 1e-6, 1e-4},
    OptimizerDefaults{"adamw", 1e-3, 1e-6, 1e-4}, OptimizerDefaults{"adadelta", 1, 0.95, 0.01}};

/// The row called `name`, else the first.
template <class Row, std::size_t size>
const Row& defaults_of(const std::array<Row, size>& table, std::string_view name) {
  for (const Row& row : table) {
    if (row.name == name) return row;
  }
  return table.front();
}

/// " (default: custom 10, mobilenet 20)", for help texts.
template <class Row, std::size_t size, class Value>
std::string shown_defaults(const std::array<Row, size>& table, Value Row::*member) {
  std::string text;
  for (const Row& row : table) {
    text += (text.empty() ? " (default: " : ", ") + std::string(row.name) + " ";
    if constexpr (std::is_same_v<Value, std::string_view>) {
      text += row.*member;
    } else {
      std::array<char, 32> number{};
      std::snprintf(number.data(), number.size(), "%.10g", static_cast<double>(row.*member));
      text += number.data();
    }
  }
  return text + ")";
}

}  // namespace abell::program
