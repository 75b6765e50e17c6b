#pragma once
/// Sizes found by measuring: how work is cut, and how far ahead of its use memory is read. What depends on an
/// instruction set's vectors and registers stands with the leaf kernels.
///
/// Work is cut into
/// - chunks: fixed runs of images, pixels, columns or values that one thread takes at a time. What they sum apart is
///   added up in their order, so that no bit depends on the number of threads;
/// - strips: rows of one image, or neighbouring pixels, that are worked on together while they are in a core's own
///   cache. A chunk may be a run of strips;
/// - tiles: what a leaf kernel keeps in registers or in the first-level cache. Packed weights lie tile by tile.

#include <cstddef>

namespace abell::kernels {

// Memory.
inline constexpr int line_bytes = 64;                   ///< of a cache line
inline constexpr int page_bytes = 4096;                 ///< rows so far apart meet in one set of the first-level cache
inline constexpr std::size_t streamed_bytes = 4 << 20;  ///< a larger result would drive all else out of a core's cache

// Chunks.
inline constexpr int max_gradient_chunks = 32;      ///< each has its sums: enough for a large machine, soon added up
inline constexpr std::size_t sums_chunk = 1024;     ///< values added up at a time: they stay in the first-level cache
inline constexpr std::size_t values_chunk = 32768;  ///< of a loop over values: far longer than it takes to deal it
inline constexpr std::size_t channels_chunk = 32;   ///< of normalisations: two sums in double for each, a few lines
inline constexpr std::size_t most_partial_weights = 65536;  ///< more have few pixels: one product is faster
inline constexpr int many_threads = 16;  ///< that are to share evenly what is cut into more than a few

// Chunks of matrix products.
inline constexpr int gemm_few_rows = 14;              ///< too few to make up for packing B: it is read as it lies
inline constexpr int gemm_chunk_rows = 168;           ///< the least of many rows: common to the register tiles
inline constexpr int gemm_most_chunk_rows = 6 * 168;  ///< longer ones would be too few to share
inline constexpr int gemm_chunk_columns = 64;         ///< the least: four cache lines of floats
inline constexpr int gemm_most_chunk_columns = 512;   ///< wider ones would be too few to share
inline constexpr int gemm_few_chunks = 48;            ///< fewer are not shared evenly by many threads: they are halved
inline constexpr std::size_t gemm_weight_bytes = 1 << 20;  ///< of a chunk's columns: they stay in a core's own cache
inline constexpr int transposed_chunk_rows = 128;          ///< of C = A^T B, with as many
inline constexpr int transposed_chunk_columns = 256;       ///< columns: 128 kB of floats stay in a core's own cache
inline constexpr int transposed_chunk_depth = 256;         ///< the least of a sum: shorter ones are mostly adding up
inline constexpr int transposed_most_chunks = 16;          ///< that a sum is cut into, where C gives no more

// Strips.
inline constexpr int conv2d_strip_pixels = 1024;       ///< long rows are strips of their own
inline constexpr int conv2d_strip_rows = 8;            ///< at most, so that a small image is shared
inline constexpr int conv2d_gradient_strip_rows = 14;  ///< at most; more, as each chunk's sums are cleared and added up
inline constexpr int pointwise_row_pixels = 1024;      ///< of the rows that 1x1 convolutions make one of: long products
inline constexpr int pointwise_strip_bytes = 98304;  ///< of the wider of input and output: both stay in a core's cache
inline constexpr int pointwise_tile_pixels = 48;     ///< that a strip is whole multiples of: common to register tiles
inline constexpr int depthwise_strip_bytes = 65536;  ///< of outputs: what reads them next finds them in the cache
inline constexpr int depthwise_strip_rows = 4;       ///< at least, so that the rows around a strip cost little
inline constexpr int norm_strip_bytes = 65536;       ///< its second reading, for the squares, is from the cache
inline constexpr int conv_pool_weights_strip_rows = 4;  ///< pooled: those whose maxima one tile notes
inline constexpr int conv_pool_input_strip_rows = 30;   ///< pooled, at most: two more are walked for each strip

// Prediction by chains of normalised convolutions.
inline constexpr int pair_strip_pixels = 96;          ///< between two convolutions: they stay in the cache
inline constexpr int pair_few_strips = 16;            ///< fewer keep few threads busy: the convolutions go in turn,
inline constexpr int pair_small_strip_rows = 2;       ///< each cut finely: the first into so many rows
inline constexpr std::size_t images_bytes = 2 << 20;  ///< for each thread, of images that stay in the caches together

// Tiles.
inline constexpr int gemm_tiles = 4;  ///< of rows, that use a tile of weights while it is in the first cache
inline constexpr int gemm_pass_bytes = 128 << 10;  ///< of a tile of weights: more is taken in passes over the sums
inline constexpr int transposed_pass_steps = 256;  ///< of C = A^T B: a tile of each operand stays in the first cache
inline constexpr int transposed_packed_rows = 8;   ///< of A at a time: more, a power of two apart, meet in the cache
inline constexpr int transposed_near_bytes = 256;  ///< rows of A and B up to this long are read as they lie
inline constexpr int gradient_pass_steps = 192;    ///< of a convolution's weights' gradient, over the sums
inline constexpr int gradient_most_lines = 16;     ///< of output together, where they are short
inline constexpr long depthwise_tile_bytes = 22 << 10;  ///< of the rows under one: two thirds of the first cache
inline constexpr int depthwise_tile_vectors = 4;        ///< at least: fewer cost more in loading than they save
inline constexpr int few_tiles = 16;                    ///< whose transformed patches stay in the first cache
inline constexpr int taps_tile_columns = 16;            ///< pooled: their patches stay in the first cache
inline constexpr int picks_tile_columns = 64;           ///< pooled, at most: likewise
inline constexpr std::size_t update_tile_values = 512;  ///< of parameters: with their state in the first cache

// How far ahead memory is read.
inline constexpr int unpacked_lead = 12;         ///< rows of B that are on their way
inline constexpr int pack_lead = 24;             ///< rows of B, to the second level of cache
inline constexpr int pack_transposed_lead = 32;  ///< values of rows, to the second level: in the first they may meet
inline constexpr int picks_lead = 16;            ///< pooled columns

}  // namespace abell::kernels
