#pragma once
/// The seven answers that the Hunt for Galaxy Clusters ends in, and the questions that lead to them.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace abell::votes {

/// A code is a number from 0 (a) to 6 (g).
inline constexpr std::size_t code_count = 7;

/// A vote that stands for none of the codes.
inline constexpr int no_code = -1;

/// The codes of the thesis's Figure 4.1, a to g.
inline constexpr std::array<std::string_view, code_count> code_names{
    "no emission",           "edge", "point", "nearby galaxy", "no optical image", "nearby galaxy cluster",
    "distant galaxy cluster"};

constexpr char letter_of(int code) { return static_cast<char>('a' + code); }

/// f and g are votes for a cluster.
constexpr bool is_cluster(int code) { return code == 5 || code == 6; }

/// The code that a letter or a name stands for.
constexpr std::optional<int> code_of(std::string_view text) {
  for (int code = 0; code < static_cast<int>(code_count); ++code) {
    const bool letter = text.size() == 1 && text[0] == letter_of(code);
    if (letter || text == code_names[static_cast<std::size_t>(code)]) return code;
  }
  return std::nullopt;
}

/// One answer to a question: it ends in a code, or leads on to the question `next`.
struct HuntAnswer {
  std::string_view label;
  int code = no_code;
  int next = -1;
};

struct HuntQuestion {
  std::string_view task;
  std::string_view text;
  std::span<const HuntAnswer> answers;
};

namespace detail {
inline constexpr std::array<HuntAnswer, 3> emission_answers{{{.label = "Emission close to the centre", .next = 1},
                                                             {.label = "No emission close to the centre", .code = 0},
                                                             {.label = "Emission near the chip edge", .code = 1}}};
inline constexpr std::array<HuntAnswer, 2> shape_answers{
    {{.label = "Point-like", .code = 2}, {.label = "Extended", .next = 2}}};
inline constexpr std::array<HuntAnswer, 4> optical_answers{{{.label = "A nearby galaxy", .code = 3},
                                                            {.label = "No optical image", .code = 4},
                                                            {.label = "A nearby galaxy cluster", .code = 5},
                                                            {.label = "A distant galaxy cluster", .code = 6}}};
}  // namespace detail

/// The Hunt's tree of questions. The first question and its answers are the project's own words; the others are
/// worded after the codes of Figure 4.1, since their text is not published.
inline constexpr std::array<HuntQuestion, 3> hunt_questions{
    {{"T0", "Look at images 1 & 3. Do you see X-ray emission close to the centre of the image?",
      detail::emission_answers},
     {"T1", "Look at images 1 & 3. Is the emission point-like or extended?", detail::shape_answers},
     {"T2", "Look at image 2. What do you see where the X-ray emission is?", detail::optical_answers}}};

}  // namespace abell::votes
