#pragma once
/// The page that asks the Hunt's questions about each candidate: for experts who label their own set, who save their
/// answers from the browser, and for the volunteers of a live hunt, whose answers go to a server.

#include <abell/core/atomic_file.hpp>
#include <abell/report/gallery.hpp>
#include <abell/report/hunt_look.hpp>
#include <abell/report/hunt_script.hpp>
#include <abell/report/hunt_stores.hpp>
#include <abell/report/style.hpp>
#include <abell/report/text.hpp>
#include <abell/votes/codes.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace abell {

namespace detail {

/// JSON that may stand in a script element.
inline std::string script_json(const nlohmann::ordered_json& value) {
  std::string out;
  for (const char c : value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) {
    c == '<' ? out += "\\u003c" : out += c;
  }
  return out;
}

/// Up to the list of candidates. `images` and `connections` are what the browser may load.
inline void begin_hunt_page(std::ostream& out, const std::string& title, std::string_view images,
                            std::string_view connections) {
  out << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
      << images << "; connect-src " << connections
      << "; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>" << escape_html(title)
      << "</title>\n<style>" << page_style << hunt_style << "</style>\n</head>\n<body>\n<main>" << hunt_body
      << "</main>\n<script type=\"application/json\" id=\"data\">{\"subjects\":[";
}

/// From there on. `data` is added to what the script knows.
inline void end_hunt_page(std::ostream& out, const std::string& title, nlohmann::ordered_json data) {
  auto questions = nlohmann::ordered_json::array();
  for (const votes::HuntQuestion& question : votes::hunt_questions) {
    auto answers = nlohmann::ordered_json::array();
    for (const votes::HuntAnswer& answer : question.answers) {
      answers.push_back({{"label", answer.label}, {"next", answer.next}});
    }
    questions.push_back({{"task", question.task}, {"text", question.text}, {"answers", answers}});
  }
  data["title"] = title;
  data["questions"] = questions;
  out << "],\n" << script_json(data).substr(1) << "</script>\n<script>" << hunt_script;
  out << hunt_browser_store << hunt_server_store << hunt_start << "</script>\n</body>\n</html>\n";
}

}  // namespace detail

/// Writes the page candidate by candidate; memory holds one of them.
///
///     HuntPage page("hunt/index.html", "My candidates");
///     page.add("id-1", "images/1_xray.png", "images/1_optical.png");
///     page.finish();
class HuntPage {
 public:
  /// Throws IoError when the file cannot be created.
  HuntPage(const std::filesystem::path& path, const std::string& title) : file_(path), title_(title) {
    detail::begin_hunt_page(file_.stream(), title, "'self' file: data:", "'none'");
  }

  /// The next candidate: its whole field in X-rays and in visible light, as addresses relative to the page, of which a
  /// browser loads those that it shows, or as `data_uri`. The page magnifies the centre by itself.
  void add(const std::string& id, const std::string& xray, const std::string& optical) {
    for (const char c : id) set_ = (set_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    set_ = (set_ ^ 0xFFU) * 0x100000001B3U;
    file_.stream() << (empty_ ? "\n" : ",\n") << "{\"id\":" << detail::script_json(id) << ",\"xray\":\"" << xray
                   << "\",\"optical\":\"" << optical << "\"}";
    empty_ = false;
  }

  /// Completes the file under its name. Throws IoError.
  void finish() {
    detail::end_hunt_page(file_.stream(), title_,
                          {{"set", std::to_string(set_)}, {"workflow", "The Hunt for Galaxy Clusters (experts)"}});
    file_.commit();
  }

 private:
  AtomicFile file_;
  std::string title_;
  std::uint64_t set_ = 0xCBF29CE484222325U;  ///< FNV-1a of the ids: under which name the browser keeps the state
  bool empty_ = true;
};

/// The same page for a server, which it asks for candidates and tells the answers. With `code` the volunteers are asked
/// for a code to join.
inline std::string live_hunt_page(const std::string& title, bool code) {
  std::ostringstream out;
  detail::begin_hunt_page(out, title, "'self'", "'self'");
  detail::end_hunt_page(out, title, {{"live", true}, {"code", code}});
  return out.str();
}

}  // namespace abell
