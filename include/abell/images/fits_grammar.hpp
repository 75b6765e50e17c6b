#pragma once
/// What may stand in the brackets of a FITS name: a part of CFITSIO's extended syntax that names no further file.
/// Blanks may stand between tokens.
///
///     name       file { "[" extension "]" | "[" section "]" | "[" bins "]" | "[" filter "]" }
///     extension  word { word } [ "," count [ "," word ] ]   a number is a word, too
///     section    pixels { "," pixels }
///     pixels     ( "*" | "-*" | count ":" count ) [ ":" count ]
///     bins       "bin" [ "b" | "i" | "j" | "r" | "d" ] [ " " axes [ ";" [ "/" ] ( column | number ) ] ]
///     axes       "(" column { "," column } ")" [ "=" range ] | axis { "," axis }   of up to four columns
///     axis       column [ "=" range ] | range
///     range      number | [ number ] ":" [ number ] [ ":" [ number ] ]
///     filter     operand { operator operand }
///     operand    { "!" | "-" | "+" | ".not." } ( column | number | "(" filter ")" )
///     operator   && || == != = < > <= >= & | ^ ^^ + - * / % ** : .and. .or. .xor. .eq. .ne. .lt. .gt. .le. .ge.
///
/// An extension stands first, a section alone or behind it; there is one filter and one "bin". A word has letters,
/// digits and _-.+' and begins with a letter, a digit or '_'; a column has letters, digits and '_'; a count has up to
/// nine digits. No name is longer than a card of a header can hold, and there is no function, no text and no '@'.

#include <abell/core/error.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace abell {

/// Who brought a FITS name: users may filter and bin, the tables that they give may not.
enum class FitsNameSource { user, table };

/// The brackets of a FITS name by what they ask for, as they were written; empty where they do not.
struct FitsBrackets {
  std::string extension, section, filter, bins;
};

/// The file on disk that a FITS name stands for: itself when a file of exactly that name exists,
/// else the part before the first '['.
inline std::filesystem::path fits_base(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::string name = path.string();
  if (std::filesystem::exists(path, ignored)) return path;
  return name.substr(0, name.find('['));
}

namespace detail {

/// Reads the brackets of a FITS name by the grammar above. What is called as in the grammar takes it; what returns
/// bool takes nothing when it is not there.
class FitsNameParser {
 public:
  /// `name` is what errors begin with.
  FitsNameParser(std::string_view brackets, std::string name, FitsNameSource source)
      : text_(brackets), name_(std::move(name)), user_(source == FitsNameSource::user) {}

  FitsBrackets read() {
    constexpr std::size_t longest = 512;
    if (text_.size() > longest) refuse("at most " + std::to_string(longest) + " characters");
    FitsBrackets found;
    do {
      if (!begins("[")) refuse("'['");
      const std::size_t start = ++at_;
      std::string& part = read_part(found, start == 1);
      need("]");
      part = text_.substr(start, at_ - 1 - start);
    } while (at_ < text_.size());
    return found;
  }

 private:
  static constexpr std::string_view digits = "0123456789";

  /// Takes what is in one pair of brackets. Returns which part of `found` it is.
  std::string& read_part(FitsBrackets& found, bool first) {
    const std::string_view inside = text_.substr(at_, text_.find(']', at_) - at_);
    const auto only = [&](std::string_view set) { return inside.find_first_not_of(set) == inside.npos; };
    const bool sections = !found.section.empty(), rows = !found.filter.empty(), binned = !found.bins.empty();
    if (!sections && !rows && !binned && only(" 0123456789*-:,") && !only(" 0123456789")) {
      section();
      return found.section;
    }
    if (user_ && !sections && !binned && bins()) return found.bins;
    if (is_reserved(inside)) refuse("neither columns, a pixel filter nor packing");
    if (first && extension()) return found.extension;
    if (!user_) refuse("an extension and a section at most, as a table brings this name");
    if (sections || rows) refuse("no more brackets than for a section, or a filter and 'bin'");
    filter(0);
    return found.filter;
  }

  /// Whether CFITSIO takes the first word, when another one follows, for what the grammar has not.
  static bool is_reserved(std::string_view inside) {
    std::string word(inside.substr(0, inside.find(' ')));
    if (word.size() == inside.size()) return false;
    std::ranges::transform(word, word.begin(), lower);
    const bool numbers = word.starts_with("bin") || word.starts_with("pix");
    return word == "col" || word == "compress" || (numbers && word.find_first_not_of("bijrd1", 3) == word.npos);
  }

  bool extension() {
    const std::size_t start = at_;
    bool good = word();
    while (good && word()) continue;
    if (good && take(",")) good = count() && (!take(",") || word());
    if (good && next("]")) return true;
    at_ = start;
    return false;
  }

  void section() {
    do {
      if (!take("*") && !take("-*") && !(count() && take(":") && count())) refuse("FIRST:LAST or '*'");
      if (take(":") && !count()) refuse("a step");
    } while (take(","));
  }

  bool bins() {
    const std::size_t start = at_;
    if (!begins("bin")) return false;
    at_ += 3;
    if (is_of("bijrd")) ++at_;
    if (!begins(" ") && !begins("]")) {
      at_ = start;
      return false;
    }
    if (next("]")) return true;
    axes();
    if (!take(";")) return true;
    take("/");
    return column() || number() || refuse("a weight: a number or a column");
  }

  void axes() {
    const bool same = take("(");
    int columns = 0;
    do {
      const bool named = column();
      if (same && !named) refuse("a column");
      if (!same && (!named || take("="))) range();
      if (++columns > 4) refuse("up to four columns");
    } while (take(","));
    if (!same) return;
    need(")");
    if (take("=")) range();
  }

  void range() {
    const bool low = signed_number();
    if (!low && !next(":")) refuse("a column, or a range of numbers");
    for (int i = 0; i < 2 && take(":"); ++i) signed_number();
  }

  /// No name can stand before a parenthesis: there are no functions.
  void filter(int depth) {
    // A longer one before its own beginning.
    constexpr std::array<std::string_view, 31> operators{
        "&&",    "||",   "==",    "!=",   "<=",   ">=",   "=<",   "=>",   "**",  "^^", "=",
        "<",     ">",    "&",     "|",    "^",    "+",    "-",    "*",    "/",   "%",  ":",
        ".and.", ".or.", ".xor.", ".eq.", ".ne.", ".lt.", ".gt.", ".le.", ".ge."};
    if (depth > 30) refuse("at most 30 parentheses");
    const auto taken = [&](std::string_view text) { return take(text); };
    do {
      while (take("!") || take("-") || take("+") || take(".not.")) continue;
      if (take("(")) {
        filter(depth + 1);
        need(")");
      } else if (!column() && !number()) {
        refuse("a column, a number or '('");
      }
    } while (std::ranges::any_of(operators, taken));
  }

  bool word() { return !next_of("-.+'") && run("_-.+'", true); }
  bool column() { return !next_of(digits) && run("_", true); }

  bool count() {
    skip_blanks();
    const std::size_t start = at_;
    if (!run("") || at_ - start > 9) at_ = start;
    return at_ > start;
  }

  bool signed_number() {
    const std::size_t start = at_;
    if (!take("-")) take("+");
    if (number()) return true;
    at_ = start;
    return false;
  }

  /// "12", "1.5", ".5", "1e-3", "0x1F".
  bool number() {
    if (take("0x")) return run("", true) || refuse("hexadecimal digits");
    skip_blanks();
    const std::size_t start = at_;
    bool good = run("");
    if (begins(".")) {
      ++at_;
      good = run("") || good;
    }
    if (!good) {
      at_ = start;
      return false;
    }
    if (is_of("eEdD")) {
      ++at_;
      if (is_of("+-")) ++at_;
      if (!run("")) refuse("digits of an exponent");
    }
    return true;
  }

  /// Digits, those of `more` and perhaps letters, as many as there are; not longer than a card can hold.
  bool run(std::string_view more, bool letters = false) {
    constexpr std::size_t longest = 68;
    const auto letter = [](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; };
    const std::size_t start = at_;
    while (is_of(digits) || is_of(more) || (letters && at_ < text_.size() && letter(text_[at_]))) ++at_;
    if (at_ - start > longest) refuse("names of up to " + std::to_string(longest) + " characters");
    return at_ > start;
  }

  static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

  /// In capitals or not.
  bool begins(std::string_view token) const {
    return std::ranges::equal(text_.substr(at_, token.size()), token, {}, lower);
  }
  bool is_of(std::string_view set) const { return at_ < text_.size() && set.find(text_[at_]) != set.npos; }
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(' ', at_), text_.size()); }
  bool next(std::string_view token) {
    skip_blanks();
    return begins(token);
  }
  bool next_of(std::string_view set) {
    skip_blanks();
    return is_of(set);
  }
  bool take(std::string_view token) {
    const bool found = next(token);
    if (found) at_ += token.size();
    return found;
  }
  void need(std::string_view token) {
    if (!take(token)) refuse("'" + std::string(token) + "'");
  }

  [[noreturn]] bool refuse(const std::string& expected) const {
    std::string found(text_.substr(at_, 20));
    for (char& c : found) c = c < 32 || c > 126 ? '?' : c;
    throw IoError(name_ +
                  ": only names of local files are accepted, with [extension], [section], [filter] or [bin ...]" +
                  ": expected " + expected + ", found " + (found.empty() ? "the end" : "'" + found + "'"));
  }

  std::string_view text_;
  std::string name_;
  bool user_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// The brackets of a name, none when a file of exactly that name exists. `where` is the place in the table that
/// brings the name. Throws IoError, naming place and file, for what the grammar above has not.
inline FitsBrackets fits_brackets(const std::filesystem::path& path, FitsNameSource source = FitsNameSource::user,
                                  const std::string& where = {}) {
  const std::string name = path.string(), brackets = name.substr(fits_base(path).string().size());
  if (brackets.empty()) return {};
  return detail::FitsNameParser(brackets, where.empty() ? name : where + ": " + name, source).read();
}

}  // namespace abell
