#pragma once
/// The live hunt over HTTP: the page, its images, and four requests in JSON.
///
///     POST /join {"name": "...", "code": "..."}              -> a cookie
///     POST /next {}                                          -> {"subject": {...} or null, "done": 3, "total": 40}
///     POST /answer {"subject": 7, "answers": [[0, 0], ...]}  -> the same, once the answer is on disk
///     POST /leave {}                                         -> takes the cookie back
///
/// A request that changes something must come from the hunt's own page (Origin), and to an address of this machine only
/// under its own names (Host): other pages in a volunteer's browser can neither vote nor look.

#include <httplib.h>
#include <sys/resource.h>

#include <abell/report/html.hpp>
#include <abell/report/hunt_page.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "connection_watch.hpp"
#include "live_hunt.hpp"

namespace abell::program {

/// A thread for each connection, so that idle ones keep nobody waiting; `most` at a time, further ones wait for the
/// system to hand them over.
class ThreadEach : public httplib::TaskQueue {
 public:
  explicit ThreadEach(std::size_t most) : most_(most) {}

  /// What the library's own returns: nothing or, since 0.15, whether there was room.
  using Enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));

  Enqueued enqueue(std::function<void()> serve) override {
    {
      std::unique_lock lock(mutex_);
      change_.wait(lock, [&] { return running_ < most_; });
      ++running_;
    }
    try {
      std::thread([this, serve] { run(serve); }).detach();
    } catch (const std::system_error&) {  // no more threads: here and now
      run(serve);
    }
    return static_cast<Enqueued>(true);
  }
  void shutdown() override {
    std::unique_lock lock(mutex_);
    change_.wait(lock, [&] { return running_ == 0; });
  }

 private:
  void run(const std::function<void()>& serve) {
    serve();
    const std::lock_guard lock(mutex_);
    --running_;
    change_.notify_all();
  }

  std::size_t most_;
  std::size_t running_ = 0;
  std::mutex mutex_;
  std::condition_variable change_;
};

struct ServerOptions {
  std::filesystem::path folder;
  std::string title;
  std::string address = "127.0.0.1";
  int port = 8000;
  std::string code = {};  ///< to join; empty: none is asked for
};

/// Whether only this machine reaches that address.
inline bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

class HuntServer {
 public:
  HuntServer(LiveHunt& hunt, const std::string& id, const ServerOptions& options)
      : hunt_(hunt), options_(options), cookie_("hunt-" + id), page_(live_hunt_page(options.title, asks_code())) {
    server_.new_task_queue = [this] { return new ThreadEach(room_); };
    server_.set_payload_max_length(most_body);
    server_.set_keep_alive_timeout(3);
    server_.set_keep_alive_max_count(1000);
    server_.set_read_timeout(5);
    server_.set_write_timeout(5);
    server_.set_tcp_nodelay(true);
    server_.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                                 {"X-Frame-Options", "DENY"},
                                 {"Cross-Origin-Resource-Policy", "same-origin"}});
    server_.set_socket_options([this](auto socket) {
      socket_ = socket;
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.set_mount_point("/images", (options.folder / "images").string(),
                            {{"Cache-Control", "private, max-age=86400"}});
    server_.set_pre_routing_handler(
        [this](const Request& request, Response& response) { return gate(request, response); });
    server_.set_exception_handler([](const Request&, Response& response, const auto& /*of one type or another*/) {
      refuse(response, 500, "The answer could not be saved.");
    });
    server_.Get("/", [this](const Request&, Response& response) {
      response.set_header("Cache-Control", "no-store");
      response.set_content(page_, "text/html; charset=utf-8");
    });
    server_.Get("/statistics", [this](const Request&, Response& response) {
      response.set_header("Refresh", "30");
      response.set_header("Cache-Control", "no-store");
      response.set_content(statistics_page(), "text/html; charset=utf-8");
    });
    post("/join", &HuntServer::join);
    post("/leave", &HuntServer::leave);
    post("/next", &HuntServer::next);
    post("/answer", &HuntServer::answer);
  }

  /// Takes the port, any free one for 0, and returns it. Throws IoError.
  int bind() {
    port_ = options_.port;
    if (port_ == 0)
      port_ = server_.bind_to_any_port(options_.address);
    else if (!server_.bind_to_port(options_.address, port_))
      port_ = -1;
    if (port_ < 0 || ::listen(socket_, most_waiting) != 0) {
      throw IoError(options_.address + " port " + std::to_string(options_.port) +
                    ": cannot be listened on (is it taken, or not of this machine?)");
    }
    return port_;
  }

  /// Serves until `stop` says so. Requests that have come are answered.
  void serve(const std::function<bool()>& stop) {
    std::atomic<bool> ended = false;
    std::thread listener([&] {
      server_.listen_after_bind();
      ended = true;
    });
    const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); };
    while (!ended && !server_.is_running()) wait();
    ConnectionWatch watch(port_, room_);
    for (int turn = 1; !ended && !stop(); ++turn) {
      if (turn % 20 == 0) watch.look();
      wait();
    }
    const bool failed = ended;
    server_.stop();
    listener.join();
    if (failed) throw IoError(options_.address + " port " + std::to_string(port_) + ": no connections any more");
  }

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;
  using Json = nlohmann::json;
  using Gate = httplib::Server::HandlerResponse;
  static constexpr std::size_t most_body = 4096;
  static constexpr std::size_t longest_name = 60;  ///< in characters
  static constexpr int most_waiting = 1024;        ///< connections

  bool asks_code() const { return !options_.code.empty(); }

  /// How many connections the system has files for, with some to spare.
  static std::size_t room_for_connections() {
    constexpr rlim_t wanted = 960, spare = 64;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < wanted + spare) {
      files.rlim_cur = std::min(files.rlim_max, wanted + spare);
      ::setrlimit(RLIMIT_NOFILE, &files);
    }
    return static_cast<std::size_t>(std::max<rlim_t>(std::min(wanted + spare, files.rlim_cur), spare + 16) - spare);
  }

  static void reply(Response& response, const Json& json) {
    response.set_header("Cache-Control", "no-store");
    response.set_content(json.dump(-1, ' ', false, Json::error_handler_t::replace), "application/json");
  }
  static void refuse(Response& response, int status, const std::string& why) {
    response.status = status;
    reply(response, {{"error", why}});
  }

  std::string cookie_of(const Request& request) const {
    const std::string cookies = request.get_header_value("Cookie");
    for (std::size_t at = 0; at < cookies.size();) {
      const std::size_t end = std::min(cookies.find(';', at), cookies.size());
      std::string_view one(cookies.data() + at, end - at);
      while (one.starts_with(' ')) one.remove_prefix(1);
      if (one.starts_with(cookie_ + "=")) return std::string(one.substr(cookie_.size() + 1));
      at = end + 1;
    }
    return {};
  }
  std::optional<std::size_t> volunteer_of(const Request& request) const {
    const std::string cookie = cookie_of(request);
    return cookie.empty() ? std::nullopt : hunt_.volunteer_of(cookie);
  }

  /// Who may go on to what was asked for.
  Gate gate(const Request& request, Response& response) const {
    const auto closed = [&](int status, const std::string& why) {
      response.set_header("Connection", "close");  // a body that was not read is no next request
      refuse(response, status, why);
      return Gate::Handled;
    };
    const std::string host = request.get_header_value("Host");
    const std::string port = ":" + std::to_string(port_);
    if (is_loopback(options_.address) && host != "127.0.0.1" + port && host != "localhost" + port &&
        host != options_.address + port && host != "[::1]" + port) {
      return closed(403, "This is another machine's address.");
    }
    if (request.method == "POST") {
      const std::string origin = request.get_header_value("Origin");
      if (origin != "http://" + host && origin != "https://" + host) {
        return closed(403, "Only the hunt's own page can vote.");
      }
      if (!request.get_header_value("Content-Type").starts_with("application/json")) {
        return closed(415, "Expected JSON.");
      }
    } else if (request.method != "GET" && request.method != "HEAD") {
      return closed(405, "Expected GET or POST.");
    }
    const bool open = request.path == "/" || request.path == "/join" || (request.path == "/statistics" && !asks_code());
    if (!open && !volunteer_of(request)) return closed(401, "Join the hunt first.");
    return Gate::Unhandled;
  }

  /// A request with a JSON object, of bounded size.
  void post(const char* path, void (HuntServer::*handle)(const Request&, const Json&, Response&)) {
    server_.Post(path, [this, handle](const Request& request, Response& response, const httplib::ContentReader& read) {
      std::string body;
      bool fits = true;
      const bool whole = read([&](const char* bytes, std::size_t size) {
        fits = body.size() + size <= most_body;
        if (fits) body.append(bytes, size);
        return fits;
      });
      if (!fits || response.status == 413) return refuse(response, 413, "That is too long.");
      const Json json = whole ? Json::parse(body, nullptr, false) : Json();
      if (!json.is_object()) return refuse(response, 400, "Expected a JSON object.");
      (this->*handle)(request, json, response);
    });
  }

  void join(const Request&, const Json& json, Response& response) {
    const auto text = [&](const char* key) {
      const auto value = json.find(key);
      return value != json.end() && value->is_string() ? value->get<std::string>() : std::string();
    };
    if (asks_code() && hashed(text("code")) != hashed(options_.code)) {
      return refuse(response, 403, "That is not the join code.");
    }
    const std::string name = text("name");
    const auto is_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    const bool plain =
        std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
    if (!plain || name.find_first_not_of(' ') == std::string::npos ||
        std::ranges::count_if(name, is_character) > static_cast<std::ptrdiff_t>(longest_name)) {
      return refuse(response, 400, "Expected a name of up to " + std::to_string(longest_name) + " letters.");
    }
    const std::optional<std::string> cookie = hunt_.join(name);
    if (!cookie) return refuse(response, 403, "The hunt is full.");
    set_cookie(response, *cookie, 31536000);
    reply(response, Json::object());
  }

  void leave(const Request&, const Json&, Response& response) {
    set_cookie(response, "", 0);
    reply(response, Json::object());
  }

  void next(const Request& request, const Json&, Response& response) { deal(*volunteer_of(request), response); }

  void answer(const Request& request, const Json& json, Response& response) {
    const auto subject = json.find("subject");
    if (subject == json.end() || !subject->is_number_unsigned() || subject->get<std::size_t>() >= hunt_.size()) {
      return refuse(response, 400, "Expected the number of a candidate.");
    }
    const std::optional<int> code = code_of(json.value("answers", Json()));
    if (!code) return refuse(response, 400, "Expected answers to all questions.");
    const std::size_t volunteer = *volunteer_of(request);
    hunt_.vote(volunteer, subject->get<std::size_t>(), *code);
    deal(volunteer, response);
  }

  /// The code in which the answers end, question by question; no value when they are not a path of the Hunt's tree.
  static std::optional<int> code_of(const Json& answers) {
    int question = 0;
    if (!answers.is_array()) return std::nullopt;
    for (const Json& one : answers) {
      const bool numbers =
          one.is_array() && one.size() == 2 && one[0].is_number_unsigned() && one[1].is_number_unsigned();
      if (!numbers || question < 0 || one[0].get<std::size_t>() != static_cast<std::size_t>(question))
        return std::nullopt;
      const auto& choices = votes::hunt_questions[static_cast<std::size_t>(question)].answers;
      const auto chosen = one[1].get<std::size_t>();
      if (chosen >= choices.size()) return std::nullopt;
      question = choices[chosen].next;
      if (question < 0 && &one == &answers.back()) return choices[chosen].code;
    }
    return std::nullopt;
  }

  void deal(std::size_t volunteer, Response& response) {
    const Dealt dealt = hunt_.deal(volunteer);
    Json json{{"subject", nullptr}, {"done", dealt.done}, {"total", hunt_.size()}};
    if (dealt.subject) {
      json["subject"] = {{"number", *dealt.subject},
                         {"xray", image_name(*dealt.subject, image_kinds[0])},
                         {"optical", image_name(*dealt.subject, image_kinds[1])}};
    }
    reply(response, json);
  }

  void set_cookie(Response& response, const std::string& value, int seconds) const {
    response.set_header("Set-Cookie", cookie_ + "=" + value +
                                          "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(seconds));
  }

  std::string statistics_page() const {
    const HuntStatistics now = hunt_.statistics();
    const auto percent = [](double share) {
      return std::isnan(share) ? std::string("-") : fixed_text(100 * share, 1) + " %";
    };
    Page page(options_.title, "Statistics of the live hunt");
    page.tiles({{"complete", percent(now.complete), ""},
                {"volunteers", grouped_text(now.volunteers), ""},
                {"classifications", grouped_text(now.classifications), ""},
                {"subjects", grouped_text(now.subjects), ""},
                {"completed subjects", grouped_text(now.completed), ""},
                {"agreement", percent(now.agreement), "votes that have their candidate's most frequent answer"}});
    return page.html();
  }

  LiveHunt& hunt_;
  ServerOptions options_;
  std::string cookie_;
  std::string page_;
  std::size_t room_ = room_for_connections();
  int port_ = -1;
  int socket_ = -1;
  httplib::Server server_;
};

}  // namespace abell::program
