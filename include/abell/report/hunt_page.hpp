#pragma once
/// One self-contained page that asks the Hunt's questions about each candidate, for experts who label their own set.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/report/gallery.hpp>
#include <abell/report/hunt_script.hpp>
#include <abell/report/style.hpp>
#include <abell/report/text.hpp>
#include <abell/votes/codes.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace abell {

/// Writes the page candidate by candidate; memory holds one of them.
///
///     HuntPage page("hunt.html", "My candidates");
///     page.add("id-1", xray, optical);
///     page.finish();
class HuntPage {
 public:
  /// Throws IoError when the file cannot be created.
  HuntPage(const std::filesystem::path& path, const std::string& title) : file_(path), title_(title) {
    std::ostream& out = file_.stream();
    out << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
           "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>"
        << escape_html(title) << "</title>\n<style>" << detail::page_style << detail::hunt_style
        << "</style>\n</head>\n<body>\n<main>" << detail::hunt_body
        << "</main>\n<script type=\"application/json\" id=\"data\">{\"subjects\":[";
  }

  /// The next candidate: its whole field in X-rays and in visible light. The page magnifies the centre by itself.
  void add(const std::string& id, const Picture& xray, const Picture& optical) {
    for (const char c : id) set_ = (set_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    set_ = (set_ ^ 0xFFU) * 0x100000001B3U;
    file_.stream() << (empty_ ? "\n" : ",\n") << "{\"id\":" << script_json(id) << ",\"xray\":\"" << data_uri(xray)
                   << "\",\"optical\":\"" << data_uri(optical) << "\"}";
    empty_ = false;
  }

  /// Completes the file under its name. Throws IoError.
  void finish() {
    using Json = nlohmann::ordered_json;
    Json questions = Json::array();
    for (const votes::HuntQuestion& question : votes::hunt_questions) {
      Json answers = Json::array();
      for (const votes::HuntAnswer& answer : question.answers) {
        answers.push_back({{"label", answer.label}, {"next", answer.next}});
      }
      questions.push_back({{"task", question.task}, {"text", question.text}, {"answers", answers}});
    }
    file_.stream() << "],\n\"set\":\"" << set_ << "\",\"title\":" << script_json(title_)
                   << ",\"workflow\":\"The Hunt for Galaxy Clusters (experts)\",\"questions\":"
                   << script_json(questions) << "}</script>\n<script>" << detail::hunt_script
                   << "</script>\n</body>\n</html>\n";
    file_.commit();
  }

 private:
  /// JSON that may stand in a script element.
  static std::string script_json(const nlohmann::ordered_json& value) {
    std::string out;
    for (const char c : value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) {
      c == '<' ? out += "\\u003c" : out += c;
    }
    return out;
  }

  AtomicFile file_;
  std::string title_;
  std::uint64_t set_ = 0xCBF29CE484222325U;  ///< FNV-1a of the ids: under which name the browser keeps the state
  bool empty_ = true;
};

}  // namespace abell
