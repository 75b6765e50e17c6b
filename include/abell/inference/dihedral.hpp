#pragma once
/// The eight flips and quarter turns of an image (the dihedral group of the square), and a network's
/// answer averaged over them. The sky has no preferred direction, so each is as good an image of the
/// same object; the mean is the same whichever way the image came (Dieleman, Willett & Dambre 2015).

#include <abell/core/parallel.hpp>
#include <abell/network/network.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace abell {

/// The number of symmetries that keep the shape: 8 for square images; for others 4, the identity, the
/// two flips and the half turn.
constexpr int dihedral_count(const Shape& shape) { return shape.height == shape.width ? 8 : 4; }

/// Writes one image of `shape` under symmetry number 0..7 to `to`: after exchanging rows and columns
/// (4), columns are reversed (1) and rows are reversed (2). 0 is the identity, 3 the half turn, 5 and 6
/// the quarter turns. `to` has the shape `from` has; numbers of 4 and above need a square.
template <class T>
void dihedral(int symmetry, const Shape& shape, const T* from, T* to) {
  const bool transposed = (symmetry & 4) != 0, mirrored = (symmetry & 1) != 0, upside_down = (symmetry & 2) != 0;
  for (int row = 0; row < shape.height; ++row) {
    for (int column = 0; column < shape.width; ++column) {
      int r = upside_down ? shape.height - 1 - row : row;
      int c = mirrored ? shape.width - 1 - column : column;
      if (transposed) std::swap(r, c);
      const auto pixel =
          static_cast<std::size_t>(r) * static_cast<std::size_t>(shape.width) + static_cast<std::size_t>(c);
      to = std::copy_n(from + pixel * static_cast<std::size_t>(shape.channels), shape.channels, to);
    }
  }
}

/// Looks at a network and predicts, in its place, the mean of the class probabilities over all
/// symmetries of each image, which costs `dihedral_count` times as much. The same bits for an image and
/// for any flip or turn of it. What reads a network's predictions reads these too:
///
///     const Evaluation plain = evaluate(network, test);
///     const Evaluation averaged = evaluate(DihedralMean(network), test);
template <class Network>
class DihedralMean {
 public:
  using Scalar = typename Network::Scalar;

  /// The network must outlive this.
  explicit DihedralMean(const Network& network) : network_(&network) {}
  explicit DihedralMean(const Network&&) = delete;

  const Shape& input() const { return network_->input(); }
  const Shape& output() const { return network_->output(); }
  /// Memory for `predict`; the more of its `batch` images are one image's symmetries.
  Workspace<Scalar> workspace(int batch, Mode mode = Mode::predict, int threads = 0) const {
    return network_->workspace(batch, mode, threads);
  }

  void prepare(Workspace<Scalar>& space) const { network_->prepare(space); }

  /// As Network::predict; takes memory for the symmetries of one image in each call.
  void predict(View<const Scalar> images, View<Scalar> out, Workspace<Scalar>& space) const {
    const Shape& shape = images.shape;
    if (shape != input() || out.batch != images.batch || out.shape != output()) {
      return network_->predict(images, out, space);  // which tells what does not fit
    }
    const int count = dihedral_count(shape);
    Tensor<Scalar> symmetric(count, shape);
    Tensor<Scalar> answers(count, output());
    for (int n = 0; n < images.batch; ++n) {
      parallel_for(count, space.threads,
                   [&](int i, int) { dihedral(i, shape, images.image(n), symmetric.view().image(i)); });
      try {
        network_->predict(symmetric, answers, space);
      } catch (const NumericError&) {  // which counts the symmetries
        throw NumericError("predict: the output for image " + std::to_string(n) + " is not finite");
      }
      for (std::size_t c = 0; c < output().size(); ++c) {
        // A turned image gives the same values in another order, whose sum may round differently: sort.
        std::array<Scalar, 8> values{};
        for (int i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = answers.view().image(i)[c];
        std::sort(values.begin(), values.begin() + count);
        Scalar sum = 0;
        for (int i = 0; i < count; ++i) sum += values[static_cast<std::size_t>(i)];
        out.image(n)[c] = sum / static_cast<Scalar>(count);
      }
    }
  }

  /// Averaged class probabilities, one row for each image.
  Tensor<Scalar> predict(View<const Scalar> images, int threads = 0) const {
    Tensor<Scalar> out(images.batch, output());
    Workspace<Scalar> space = workspace(dihedral_count(input()), Mode::predict, threads);
    predict(images, out, space);
    return out;
  }

 private:
  const Network* network_;
};

}  // namespace abell
