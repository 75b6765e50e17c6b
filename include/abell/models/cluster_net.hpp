#pragma once
/// The custom network of Kosiba et al. 2020 (MNRAS 496, 4141), Table 3, for 356 x 356 x 3 images.

#include <abell/network/network.hpp>

namespace abell {

/// [height][width][channels] of its images.
inline constexpr Shape cluster_net_input{356, 356, 3};

/// Six blocks of convolution, ReLU and max-pool, then 256 units and dropout: all but the head. `dropout` is the rate
/// after the dense layer, 0.65 in the paper (Table 4).
constexpr auto make_cluster_net_body(double dropout = 0.65) {
  return describe(Conv2d{.filters = 64}, Relu{}, MaxPool2d{},  //
                  Conv2d{.filters = 32}, Relu{}, MaxPool2d{},  //
                  Conv2d{.filters = 32}, Relu{}, MaxPool2d{},  //
                  Conv2d{.filters = 32}, Relu{}, MaxPool2d{},  //
                  Conv2d{.filters = 32}, Relu{}, MaxPool2d{},  //
                  Conv2d{.filters = 32}, Relu{}, MaxPool2d{},  //
                  Flatten{}, Dense{.units = 256}, Relu{}, Dropout{.rate = dropout});
}

/// The network with the paper's head, two classes: 352,930 parameters and 901,159,424 multiply-adds an image.
constexpr auto make_cluster_net(double dropout = 0.65) {
  return join(make_cluster_net_body(dropout), describe(Dense{.units = 2}, Softmax{}));
}

/// The network as the paper has it.
inline constexpr auto cluster_net = make_cluster_net();

}  // namespace abell
