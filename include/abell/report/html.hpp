#pragma once
/// One self-contained HTML page: nothing in it is fetched from anywhere, so it can be mailed and kept.

#include <abell/core/atomic_file.hpp>
#include <abell/core/version.hpp>
#include <abell/report/style.hpp>
#include <abell/report/svg.hpp>
#include <abell/report/text.hpp>
#include <abell/report/text_table.hpp>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// One of the numbers that stand first on a page.
struct SummaryTile {
  std::string name = {};
  std::string value = {};
  std::string detail = {};  ///< may have several lines
};

/// Names and values in order.
using KeyValues = std::vector<std::pair<std::string, std::string>>;

/// A drawing with an optional line below it.
struct Figure {
  std::string content = {};  ///< finished SVG or HTML, of `line_plot` or `to_html`; not escaped
  std::string caption = {};
  bool wide = false;  ///< takes two columns where the page is wide enough
};

namespace detail::report {

inline std::string element(std::string_view tag, std::string_view css, std::string_view text) {
  std::string out = "<" + std::string(tag);
  if (!css.empty()) out += " class=\"" + std::string(css) + "\"";
  return out + ">" + escape_html(text) + "</" + std::string(tag) + ">";
}

}  // namespace detail::report

/// The table as HTML. Throws ShapeError when a row is not as long as the head.
inline std::string to_html(const TextTable& table) {
  const std::vector<bool> right = detail::report::right_columns(table);
  std::string out = "<div class=\"scroll\"><table>\n";
  if (!table.caption.empty()) out += detail::report::element("caption", "", table.caption) + "\n";
  const auto add_row = [&](std::string_view tag, const std::vector<std::string>& cells, bool total) {
    out += total ? "<tr class=\"total\">" : "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i)
      out += detail::report::element(tag, right[i] ? "right" : "", cells[i]);
    out += "</tr>\n";
  };
  out += "<thead>\n";
  add_row("th", table.head, false);
  out += "</thead>\n<tbody>\n";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    add_row("td", table.rows[i], table.total && i + 1 == table.rows.size());
  }
  return out + "</tbody>\n</table></div>\n";
}

/// Builds a page from the top down; all text is escaped on the way in. Parts stand in the section opened last, or in
/// the page's head before the first.
///
///     Page page("Simulated clusters", "400 objects, seed 1");
///     page.note("Simulated data.");
///     page.section("Curves").figures({{line_plot(loss), ""}});
///     page.write("report.html");
class Page {
 public:
  explicit Page(std::string title, std::string subtitle = "")
      : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

  /// A remark that no reader should miss, below the title.
  Page& note(std::string_view text) { return add_to(notes_, detail::report::element("p", "note", text) + "\n"); }
  Page& section(std::string_view title) { return add(detail::report::element("h2", "", title) + "\n"); }
  Page& subsection(std::string_view title) { return add(detail::report::element("h3", "", title) + "\n"); }
  Page& paragraph(std::string_view text) { return add(detail::report::element("p", "", text) + "\n"); }
  /// A paragraph in a lighter and smaller hand.
  Page& remark(std::string_view text) { return add(detail::report::element("p", "remark", text) + "\n"); }
  /// Text as it is typed, for commands and file contents.
  Page& code(std::string_view text) { return add("<pre>" + escape_html(text) + "</pre>\n"); }

  Page& tiles(const std::vector<SummaryTile>& tiles) {
    std::string out = "<div class=\"tiles\">\n";
    for (const SummaryTile& tile : tiles) {
      out += "<div class=\"tile\">" + detail::report::element("div", "label", tile.name) +
             detail::report::element("div", "value", tile.value) +
             detail::report::element("div", "detail", tile.detail) + "</div>\n";
    }
    return add(out + "</div>\n");
  }

  /// Throws ShapeError when a row is not as long as the head.
  Page& table(const TextTable& table) { return add(to_html(table)); }

  Page& key_values(const KeyValues& values) {
    std::string out = "<dl>\n";
    for (const auto& [name, value] : values) {
      out += "<div>" + detail::report::element("dt", "", name) + detail::report::element("dd", "", value) + "</div>\n";
    }
    return add(out + "</dl>\n");
  }

  Page& figures(const std::vector<Figure>& figures) {
    std::string out = "<div class=\"figures\">\n";
    for (const Figure& figure : figures) {
      out += (figure.wide ? "<figure class=\"wide\">\n" : "<figure>\n") + figure.content;
      if (!figure.caption.empty()) out += detail::report::element("figcaption", "", figure.caption) + "\n";
      out += "</figure>\n";
    }
    return add(out + "</div>\n");
  }

  /// Finished HTML, for instance of `gallery`; not escaped.
  Page& html_part(std::string_view html) { return add(html); }

  /// The whole page. Its policy forbids the browser to load anything at all.
  std::string html() const {
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'\">\n";
    out += detail::report::element("title", "", title_) + "\n<style>";
    out.append(detail::page_style).append(svg_style).append("</style>\n</head>\n<body>\n<main>\n");
    out += "<header>\n" + detail::report::element("h1", "", title_) + "\n";
    if (!subtitle_.empty()) out += detail::report::element("p", "", subtitle_) + "\n";
    out += notes_ + "</header>\n" + body_;
    out += "<footer>abell " + escape_html(version) + "</footer>\n</main>\n</body>\n</html>\n";
    return out;
  }

  /// Writes the page, complete or not at all. Throws IoError naming the file.
  void write(const std::filesystem::path& path) const {
    AtomicFile file(path);
    file.stream() << html();
    file.commit();
  }

 private:
  Page& add(std::string_view html) { return add_to(body_, html); }
  Page& add_to(std::string& part, std::string_view html) {
    part += html;
    return *this;
  }

  std::string title_;
  std::string subtitle_;
  std::string notes_;
  std::string body_;
};

}  // namespace abell
