/// The cache of decoded pixels: in memory, in a scratch file, off; and what ends it.

#include <abell/core/parallel.hpp>
#include <abell/data/pixel_cache.hpp>
#include <abell/data/table.hpp>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cached_bytes.hpp"
#include "catch.hpp"
#include "error_message.hpp"
#include "full_disk.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
using abell::IoError;
using abell::Shape;

TEST_CASE("the cache gives the same bytes in memory, in a file and without", "[data]") {
  const TempFolder folder;
  const Shape shape{3, 4, 3};
  std::atomic<int> decoded{0};
  const auto decode = [&](std::size_t index, std::span<std::uint8_t> out) {
    ++decoded;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(31 * index + i);
    return index % 3;
  };
  for (const std::string& place : {std::string("ram"), std::string("off"), (folder / "new/scratch").string()}) {
    INFO(place);
    decoded = 0;
    std::size_t calls = 0, last = 0;
    const auto progress = [&](std::size_t done, std::size_t total) {
      ++calls;
      last = done;
      REQUIRE(total == 50);
    };
    const abell::PixelCache cache(50, shape, decode, {.cache = place, .threads = 4, .progress = progress});
    const bool off = place == "off";
    REQUIRE(decoded == (off ? 0 : 50));
    REQUIRE(calls == (off ? 0U : 50U));
    REQUIRE(last == (off ? 0U : 50U));
    std::vector<int> good(50);
    abell::parallel_for(50, 4, [&](int chunk, int) {
      const auto index = static_cast<std::size_t>(chunk);
      const auto bytes = bytes_of(cache, index);
      bool same = bytes.size() == shape.size();
      for (std::size_t i = 0; i < bytes.size(); ++i)
        same = same && bytes[i] == static_cast<std::uint8_t>(31 * index + i);
      good[index] = same;
    });
    REQUIRE(good == std::vector<int>(50, 1));
    if (!off) REQUIRE(cache.masked(5) == 2);
    REQUIRE(decoded == 50);
  }
  REQUIRE(std::filesystem::is_empty(folder / "new/scratch"));
}

TEST_CASE("an unreadable image or a full disk ends the cache with one error", "[data]") {
  const TempFolder folder;
  const auto failing = [](std::size_t index, std::span<std::uint8_t>) -> std::size_t {
    if (index == 7) throw FormatError("image 7: broken");
    return 0;
  };
  REQUIRE_THROWS_WITH(abell::PixelCache(20, {2, 2, 1}, failing, {.threads = 3}), Contains("image 7"));
  const auto file = folder.write("file", "x");
  const auto fine = [](std::size_t, std::span<std::uint8_t>) -> std::size_t { return 0; };
  REQUIRE_THROWS_AS(abell::PixelCache(2, {2, 2, 1}, fine, {.cache = file.string()}), IoError);

  const std::string message = message_of<IoError>([&] {
    const FullDisk disk(1000);
    abell::PixelCache(100, {10, 10, 3}, fine, {.cache = (folder / "full").string(), .threads = 1});
  });
  const std::string table = message_of<IoError>([&] {
    const FullDisk disk(1000);
    abell::write_csv(folder / "full/table.csv", {"a"}, std::vector<std::vector<std::string>>(2000, {"value"}));
  });
  REQUIRE_THAT(message, Contains("cannot write the scratch file"));
  REQUIRE_THAT(table, Contains("table.csv: cannot be written"));
  REQUIRE(std::filesystem::is_empty(folder / "full"));
}

TEST_CASE("what the progress of a cache throws ends the decoding at once", "[data]") {
  std::atomic<int> decoded{0};
  const auto decode = [&](std::size_t, std::span<std::uint8_t>) -> std::size_t { return ++decoded, 0; };
  const auto enough = [](std::size_t done, std::size_t) {
    if (done == 3) throw IoError("enough");
  };
  REQUIRE_THROWS_WITH(abell::PixelCache(1000, {2, 2, 1}, decode, {.threads = 1, .progress = enough}), "enough");
  REQUIRE(decoded == 3);
  decoded = 0;
  const auto no_more = [](std::size_t, std::size_t) { throw IoError("enough"); };
  REQUIRE_THROWS_AS(abell::PixelCache(1000, {2, 2, 1}, decode, {.threads = 3, .progress = no_more}), IoError);
  REQUIRE(decoded <= 3);
}
