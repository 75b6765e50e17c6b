#pragma once
/// Prediction by a chain of normalised convolutions: each normalisation is folded into its convolution,
///   scale (x * w + b) + shift = x * (scale w) + (scale b + shift),
/// outputs are stored before ReLU6 and clipped by whoever reads them. A depthwise convolution and the 1x1
/// convolution after it are one pass: the rows between them never leave the cache. A large batch runs in sub-batches,
/// so that what one pass writes is still in the cache when the next one reads it: in small ones through the
/// first links, where images are large, and in larger ones through the others, which read their many weights less
/// often.

#include <abell/layers/normalized_training.hpp>
#include <span>

namespace abell::detail {

/// The links of a chain and how prediction takes them.
template <class T>
class NormalizedPrediction {
 public:
  NormalizedPrediction(std::span<const NormalizedLink> links, const kernels::Backend<T>& backend, int batch)
      : links_(links),
        backend_(backend),
        batch_(batch),
        late_(first_late()),
        early_images_(images_in_cache(0)),
        late_images_(std::max(early_images_, images_in_cache(late_))) {}

  StageMemory memory() const {
    StageMemory memory;
    for (const NormalizedLink& link : links_) {
      memory.packed_values += packed_size(link);
      memory.scratch_values =
          std::max(memory.scratch_values, link.weights + kernels::NormState<T>::arrays * link.filters());
    }
    std::size_t rooms = 0;
    for (std::size_t i = 0; i < links_.size(); i += links(i)) {
      rooms = std::max(rooms, step(i, i < late_ ? early_images_ : late_images_, {}, nullptr, nullptr, nullptr));
    }
    memory.scratch_values = std::max(memory.scratch_values, 2 * (early_size() + late_size()) + rooms);
    return memory;
  }

  /// Folds the normalisations, taken by their moving averages, and packs all weights.
  void pack(const Pass<T>& pass) const {
    T* packed = pass.packed;
    for (const NormalizedLink& link : links_) {
      const auto& g = link.geometry;
      const T* weights = pass.parameters + link.parameters;
      const auto state = kernels::NormState<T>::at(pass.scratch, link.filters());
      norm_by_moving_averages(link.norm, NormParameters<const T>{pass.parameters + link.norm_at(), link.filters()},
                              state);
      for (std::size_t f = 0; link.bias && f < link.filters(); ++f) {
        state.shift[f] += state.scale[f] * pass.parameters[link.bias_at() + f];
      }
      if (link.kind == NormalizedLink::Kind::depthwise) {
        backend_.normalized().depthwise_pack(g, weights, state.scale, state.shift, false, packed);
      } else {
        T* scaled = pass.scratch + kernels::NormState<T>::arrays * link.filters();
        const int rows = static_cast<int>(link.weights / link.filters());
        parallel_for(rows, backend_.threads, [&](int row, int) {
          const std::size_t from = static_cast<std::size_t>(row) * link.filters();
#pragma omp simd
          for (std::size_t f = 0; f < link.filters(); ++f) scaled[from + f] = weights[from + f] * state.scale[f];
        });
        if (link.kind == NormalizedLink::Kind::pointwise) {
          columns(link).pack(backend_.threads, scaled, false, state.shift, packed);
        } else {
          backend_.table->pack_conv2d(g, scaled, state.shift, packed);
        }
      }
      packed += packed_size(link);
    }
  }

  void run(const Pass<T>& pass, const T* x, T* y) const {
    T* const early[2] = {pass.scratch, pass.scratch + early_size()};
    T* const late[2] = {early[1] + early_size(), early[1] + early_size() + late_size()};
    T* rooms = late[1] + late_size();
    const std::size_t input = links_.front().geometry.input_size(), output = links_.back().geometry.output_size();
    const std::size_t between = links_[late_ - 1].geometry.output_size();
    each_sub_batch({0, batch_}, late_images_, [&](Range images) {
      each_sub_batch(images, early_images_, [&](Range some) {
        kernels::Rows<T> rows{x + static_cast<std::size_t>(some.begin) * input};
        run_links(0, late_, some.end - some.begin, rows, pass.packed, early, rooms,
                  late[1] + static_cast<std::size_t>(some.begin - images.begin) * between);
      });
      const int count = images.end - images.begin;
      const kernels::Rows<T> rows = run_links(late_, links_.size(), count, {.values = late[1], .relu6 = true},
                                              pass.packed + packed_before(late_), late, rooms, nullptr);
      read_all(pass, rows, links_.back().output_pixels(count), links_.back().filters(),
               y + static_cast<std::size_t>(images.begin) * output);
    });
  }

 private:
  /// Cuts a range of images into sub-batches of much the same size, of at most `most`.
  template <class Body>
  static void each_sub_batch(Range images, int most, const Body& body) {
    const int count = images.end - images.begin, sub_batches = (count + most - 1) / most;
    for (int i = 0; i < sub_batches; ++i) {
      const Range range = even_range(count, i, sub_batches);
      body(Range{images.begin + range.begin, images.begin + range.end});
    }
  }

  /// Runs links [first, last), each to the other of two buffers, the first to buffers[0], the last to `to` if that is
  /// given; returns what it left.
  kernels::Rows<T> run_links(std::size_t first, std::size_t last, int images, kernels::Rows<T> rows, const T* packed,
                             T* const (&buffers)[2], T* rooms, T* to) const {
    for (std::size_t i = first, turn = 0; i < last; turn = 1 - turn) {
      const std::size_t next = i + links(i);
      T* out = next == last && to != nullptr ? to : buffers[turn];
      step(i, images, rows, packed, out, rooms);
      rows = {.values = out, .relu6 = true};
      for (; i < next; ++i) packed += packed_size(links_[i]);
    }
    return rows;
  }

  std::size_t packed_size(const NormalizedLink& link) const {
    const auto& g = link.geometry;
    switch (link.kind) {
      case NormalizedLink::Kind::pointwise: return columns(link).size();
      case NormalizedLink::Kind::depthwise: return round_up(count(backend_.normalized().depthwise_packed_size(g)), 16);
      default: return round_up(count(backend_.table->packed_size(g.depth(), g.filters)), 16);
    }
  }
  kernels::PackedColumns<T> columns(const NormalizedLink& link) const {
    return {backend_.table, link.geometry.channels, link.geometry.filters};
  }
  /// Links that are one pass: two where a 1x1 convolution follows a depthwise one.
  std::size_t links(std::size_t i) const {
    const bool pair = i + 1 < links_.size() && links_[i].kind == NormalizedLink::Kind::depthwise &&
                      links_[i + 1].kind == NormalizedLink::Kind::pointwise;
    return pair ? 2 : 1;
  }
  std::size_t packed_before(std::size_t link) const {
    std::size_t size = 0;
    for (std::size_t i = 0; i < link; ++i) size += packed_size(links_[i]);
    return size;
  }
  /// Values of the largest activation of an image that the passes from link `first` on read or leave.
  std::size_t largest_activation(std::size_t first) const {
    std::size_t size = first > 0 ? links_[first - 1].geometry.output_size() : 0;
    for (std::size_t i = first; i < links_.size(); i += links(i)) {
      size = std::max(size, links_[i + links(i) - 1].geometry.output_size());
    }
    return size;
  }
  /// The link from which on no activation is larger than a quarter of the largest: all early, where there is none.
  std::size_t first_late() const {
    std::size_t i = 0;
    while (i < links_.size() && 4 * largest_activation(i) > largest_activation(0)) i += links(i);
    return i;
  }
  /// As many as keep what passes from link to link in the caches, from link `first` on.
  int images_in_cache(std::size_t first) const {
    const std::size_t cache = static_cast<std::size_t>(std::max(2, backend_.threads)) * kernels::images_bytes;
    const std::size_t each = std::max<std::size_t>(1, largest_activation(first) * sizeof(T));
    return static_cast<int>(std::clamp<std::size_t>(cache / each, 1, static_cast<std::size_t>(batch_)));
  }
  std::size_t early_size() const {
    return round_up(largest_activation(0) * static_cast<std::size_t>(early_images_), 16);
  }
  std::size_t late_size() const {
    return round_up(largest_activation(late_) * static_cast<std::size_t>(late_images_), 16);
  }

  /// Runs the links from i on that are one pass over some images; returns the room that it takes, with null memory only
  /// that.
  std::size_t step(std::size_t i, int images, const kernels::Rows<T>& x, const T* packed, T* y, T* memory) const {
    if (links(i) == 2) return pair(links_[i], links_[i + 1], images, x, packed, y, memory);
    switch (links_[i].kind) {
      case NormalizedLink::Kind::pointwise: return pointwise(links_[i], images, x, packed, y, memory);
      case NormalizedLink::Kind::depthwise: return depthwise(links_[i], images, x, packed, y, memory);
      default: return conv(links_[i], images, x, packed, y, memory);
    }
  }

  /// Strip by strip, so that the rows between stay in the cache; where small images leave few strips, one convolution
  /// after the other.
  std::size_t pair(const NormalizedLink& first, const NormalizedLink& second, int images, const kernels::Rows<T>& x,
                   const T* packed, T* y, T* memory) const {
    const auto& g = first.geometry;
    const int most_rows = std::clamp(kernels::pair_strip_pixels / g.out_width,
                                     std::min(kernels::depthwise_strip_rows, g.out_height), g.out_height);
    const auto strips = kernels::RowStrips::equal(images, g.out_height, most_rows);
    const long stride = kernels::row_stride<T>(g.filters);
    const std::size_t row = static_cast<std::size_t>(g.out_width) * count(stride);
    const std::size_t room = round_up(count(backend_.normalized().depthwise_scratch_size(g)), 16);
    const std::size_t line = round_up(static_cast<std::size_t>(strips.strip_rows) * row, 16);
    const std::size_t edge = kernels::PackedColumns<T>::edge_size(backend_);
    const std::size_t each = room + line + edge;
    if (memory == nullptr) {  // for a smaller sub-batch, too
      const int few = std::min(images, (kernels::pair_few_strips - 1) / strips.per_image());
      return std::max(each * static_cast<std::size_t>(backend_.threads),
                      few > 0 ? small_pair(first, second, few, x, packed, y, nullptr) : 0);
    }
    if (strips.size() < kernels::pair_few_strips) return small_pair(first, second, images, x, packed, y, memory);
    const auto matrix = columns(second);
    parallel_for(strips.size(), backend_.threads, [&](int strip, int thread) {
      T* own = memory + static_cast<std::size_t>(thread) * each;
      const auto image = static_cast<std::size_t>(strips.image(strip));
      const Range rows = strips.rows_of(strip);
      T* between = own + room;
      backend_.normalized().depthwise_rows(g, x.from(image * g.input_size()), packed, true, 1, {between, stride}, rows,
                                           own);
      matrix.multiply((rows.end - rows.begin) * g.out_width, between, packed + packed_size(first),
                      y + output_at(g, image, rows.begin) * second.filters(), own + room + line);
    });
    return 0;
  }

  /// Pixels x filters are cut finely, so that many threads share one image.
  std::size_t small_pair(const NormalizedLink& first, const NormalizedLink& second, int images,
                         const kernels::Rows<T>& x, const T* packed, T* y, T* memory) const {
    const auto& g = first.geometry;
    const auto matrix = columns(second);
    const long stride = kernels::row_stride<T>(g.filters);
    const std::size_t pixels = static_cast<std::size_t>(first.output_pixels(images));
    const std::size_t between = round_up(pixels * count(stride), 16);
    const std::size_t each = round_up(std::max(count(backend_.normalized().depthwise_scratch_size(g)),
                                               kernels::PackedColumns<T>::edge_size(backend_)),
                                      16);
    if (memory == nullptr) return between + each * static_cast<std::size_t>(backend_.threads);
    T* rooms = memory + between;
    const kernels::RowStrips strips{images, g.out_height, kernels::pair_small_strip_rows};
    parallel_for(strips.size(), backend_.threads, [&](int strip, int thread) {
      const auto image = static_cast<std::size_t>(strips.image(strip));
      const Range rows = strips.rows_of(strip);
      backend_.normalized().depthwise_rows(g, x.from(image * g.input_size()), packed, true, 1,
                                           {memory + output_at(g, image, rows.begin) * count(stride), stride}, rows,
                                           rooms + static_cast<std::size_t>(thread) * each);
    });
    const kernels::PixelStrips pixel_strips{first.output_pixels(images), kernels::pointwise_tile_pixels};
    parallel_for(pixel_strips.size() * matrix.chunks(), backend_.threads, [&](int task, int thread) {
      const auto [begin, end] = pixel_strips[task % pixel_strips.size()];
      const int chunk = task / pixel_strips.size();
      matrix.multiply(end - begin, memory + begin * stride, packed + packed_size(first),
                      y + static_cast<std::size_t>(begin) * static_cast<std::size_t>(matrix.columns),
                      rooms + static_cast<std::size_t>(thread) * each, {chunk, chunk + 1});
    });
    return 0;
  }

  std::size_t pointwise(const NormalizedLink& link, int images, const kernels::Rows<T>& x, const T* packed, T* y,
                        T* memory) const {
    const auto strips = pixel_strips<T>(link, images);
    const long stride = kernels::row_stride<T>(link.geometry.channels);
    const std::size_t room = round_up(count(strips.most * stride), 16);
    const std::size_t each = room + kernels::PackedColumns<T>::edge_size(backend_);
    if (memory == nullptr) return each * static_cast<std::size_t>(backend_.threads);
    const auto matrix = columns(link);
    parallel_for(strips.size(), backend_.threads, [&](int strip, int thread) {
      T* own = memory + static_cast<std::size_t>(thread) * each;
      const auto [begin, end] = strips[strip];
      const auto first = static_cast<std::size_t>(begin);
      backend_.normalized().read_rows(x.from(first * link.channels()), end - begin, link.geometry.channels,
                                      {own, stride});
      matrix.multiply(end - begin, own, packed, y + first * link.filters(), own + room);
    });
    return 0;
  }

  std::size_t depthwise(const NormalizedLink& link, int images, const kernels::Rows<T>& x, const T* packed, T* y,
                        T* memory) const {
    const auto& g = link.geometry;
    const auto strips = depthwise_strips<T>(link, images);
    const std::size_t each = round_up(count(backend_.normalized().depthwise_scratch_size(g)), 16);
    if (memory == nullptr) return each * static_cast<std::size_t>(backend_.threads);
    parallel_for(strips.size(), backend_.threads, [&](int strip, int thread) {
      const auto image = static_cast<std::size_t>(strips.image(strip));
      const Range rows = strips.rows_of(strip);
      backend_.normalized().depthwise_rows(g, x.from(image * g.input_size()), packed, false, 1,
                                           {y + output_at(g, image, rows.begin) * link.filters(), g.filters}, rows,
                                           memory + static_cast<std::size_t>(thread) * each);
    });
    return 0;
  }

  std::size_t conv(const NormalizedLink& link, int images, const kernels::Rows<T>& x, const T* packed, T* y,
                   T* memory) const {
    const auto& g = link.geometry;
    const auto strips = conv_strips(link, images);
    const std::size_t each = round_up(count(backend_.table->conv2d_scratch_size(g)), 16);
    const std::size_t rooms = each * static_cast<std::size_t>(backend_.threads);
    if (memory == nullptr) return rooms + static_cast<std::size_t>(images) * g.input_size();
    const Pass<T> pass{.backend = backend_, .batch = images};
    const T* whole = read_all(pass, x, link.input_pixels(images), link.channels(), memory + rooms);
    parallel_for(strips.size(), backend_.threads, [&](int strip, int thread) {
      const auto image = static_cast<std::size_t>(strips.image(strip));
      backend_.table->conv2d_rows(g, whole + image * g.input_size(), packed, y + image * g.output_size(),
                                  kernels::OutputStrides::of(g), strips.rows_of(strip),
                                  memory + static_cast<std::size_t>(thread) * each);
    });
    return 0;
  }

  std::span<const NormalizedLink> links_;
  kernels::Backend<T> backend_;
  int batch_;
  std::size_t late_;  ///< the first link of those that run in larger sub-batches
  int early_images_, late_images_;
};

}  // namespace abell::detail
