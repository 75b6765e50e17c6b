#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/network/memory.hpp>
#include <cmath>

#include "catch.hpp"

using namespace abell;

TEST_CASE("the memory of a network is estimated from its layers", "[network]") {
  // README: 146 and 593 MB of training.
  CHECK(estimated_bytes(inspect(cluster_net, cluster_net_input), 10, true) == Approx(146e6).epsilon(0.5));
  CHECK(estimated_bytes(inspect(make_mobilenet({}), mobilenet_input), 20, true) == Approx(593e6).epsilon(0.5));
  // By hand: a 3x3 convolution of 8x8x1 to 4 channels, and 5 units.
  const auto small = describe(Conv2d{.filters = 4}, Relu{}, Flatten{}, Dense{.units = 5});
  const double parameters = 3 * 3 * 4 + 4 + 8 * 8 * 4 * 5 + 5;
  const auto layers = inspect(small, {8, 8, 1});
  CHECK(estimated_bytes(layers, 10, false) == 4 * (2 * parameters + 10 * (64 + 256)));
  CHECK(estimated_bytes(layers, 10, false, 8) == 2 * estimated_bytes(layers, 10, false));
  CHECK(estimated_bytes(layers, 0, false) == 4 * 2 * parameters);
  CHECK(estimated_bytes(layers, 10, true) == 4 * (5 * parameters + 1.25 * 10 * (64 + 256 + 5)));
  CHECK(estimated_bytes({}, 10, false) == 0);
}

TEST_CASE("huge shapes are estimated without overflow", "[network]") {
  constexpr int huge = 2'000'000'000;
  LayerInfo layer{"a", "Conv2d", {huge, huge, huge}, {huge, huge, huge}, {}, 0};
  layer.parameters = {{"kernel", {huge, huge, huge, huge}}};
  const double values = std::pow(static_cast<double>(huge), 3);
  CHECK(estimated_bytes({layer}, huge, false) == Approx(4 * (2 * values * huge + 2 * values * huge)));
  // MobileNet's parameters do not grow with its input: only the workspace does.
  CHECK(estimated_bytes(inspect(make_mobilenet({}), {20000, 20000, 3}), 8, false) > 100e9);
}

TEST_CASE("too much memory is refused by name", "[network]") {
  CHECK_NOTHROW(check_memory(1e9, 1e9, "m", "a"));
  CHECK_THROWS_WITH(check_memory(4e12, 2147483648.0, "m.safetensors", "an input of 20000x20000x3"),
                    "m.safetensors: expected to need at most 2.0 GiB of memory (max_memory), found an input of "
                    "20000x20000x3, which needs about 3.6 TiB");
  CHECK(bytes_text(0) == "0 bytes");
  CHECK(bytes_text(1023) == "1023 bytes");
  CHECK(bytes_text(1536) == "1.5 KiB");
  CHECK(bytes_text(1e30) == "909494701772928256.0 TiB");
}
