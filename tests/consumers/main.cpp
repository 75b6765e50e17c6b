#include <abell/abell.hpp>
#include <iostream>

int main() {
  abell::Tensor<float> images(2, {.height = 4, .width = 4, .channels = 3});
  images.data()[5] = 1;
  const bool right = images.size() == 96 && abell::to_string(images.shape()) == "4x4x3";
  std::cout << "abell " << abell::version << ": " << (right ? "right" : "wrong") << '\n';
  return right ? 0 : 1;
}
