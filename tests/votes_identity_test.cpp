/// Which rows speak of the same object, volunteer and task, and in which order.

#include <abell/votes/ballots.hpp>
#include <abell/votes/keys.hpp>
#include <abell/votes/mapping.hpp>
#include <abell/votes/panoptes.hpp>
#include <abell/votes/workflow.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "temp_folder.hpp"
#include "votes_tools.hpp"

using namespace abell;

namespace {

/// Exports of these rows, joined.
votes::Export joined(const std::vector<std::vector<ExportRow>>& exports, const votes::ExportOptions& options = {}) {
  const TempFolder folder;
  std::vector<std::filesystem::path> paths;
  for (const std::vector<ExportRow>& rows : exports) {
    paths.push_back(folder.write("e" + std::to_string(paths.size()) + ".csv", export_text(rows)));
  }
  return votes::read_exports(paths, options);
}

/// "object user" of each vote.
std::vector<std::string> objects_and_users(const votes::Export& from) {
  std::vector<std::string> all;
  for (const votes::Vote& vote : from.votes) all.push_back(from.objects[vote.subject] + " " + from.users[vote.user]);
  return all;
}

std::vector<ExportRow> free_text_and_question() {
  std::vector<ExportRow> rows;
  for (int i = 0; i < 100; ++i) {
    rows.push_back({.user = "u" + std::to_string(i),
                    .annotations = answered("\"text " + std::to_string(i) + "\""),
                    .workflow = "1"});
    rows.push_back({.user = "u" + std::to_string(i), .annotations = answered(R"("Yes")"), .workflow = "2"});
  }
  return rows;
}

}  // namespace

TEST_CASE("one subject number with two image ids is two objects", "[votes]") {
  const votes::Export from = joined({{{.user = "Alice", .data = R"({"1":{"image_id":"setA-1"}})"}},
                                     {{.user = "Bob", .data = R"({"1":{"image_id":"setB-1"}})"}}});
  REQUIRE(objects_and_users(from) == std::vector<std::string>{"setA-1 Alice", "setB-1 Bob"});
}

TEST_CASE("pages that show a set in another order are joined by image id", "[votes]") {
  const auto page = [](const std::string& user, const std::vector<std::string>& order) {
    std::vector<ExportRow> rows;
    for (const std::string& image : order) {
      const std::string number = std::to_string(rows.size() + 1);
      rows.push_back({.user = user, .subject = number, .data = "{\"" + number + R"(":{"image_id":")" + image + "\"}}"});
    }
    return rows;
  };
  const votes::Export from = joined({page("Alice", {"a", "b", "c"}), page("Bob", {"c", "a", "b"})});
  REQUIRE(from.objects.size() == 3);
  REQUIRE(objects_and_users(from) ==
          std::vector<std::string>{"a Alice", "b Alice", "c Alice", "c Bob", "a Bob", "b Bob"});
}

TEST_CASE("a row of several subjects is about an object of its own", "[votes]") {
  const votes::Export from = read_text(export_text({
      {.subject = "11;12", .data = R"({"11":{"image_id":"a"},"12":{"image_id":"b"}})"},
      {.subject = "11", .data = R"({"11":{"image_id":"a"}})"},
      {.subject = "12;13", .data = R"({"13":{"name":"x"},"12":{"image_id":"b"}})"},
  }));
  REQUIRE(objects_and_users(from) == std::vector<std::string>{"a;b u", "a u", "b;13 u"});
  REQUIRE(from.several_subjects == 2);
}

TEST_CASE("who saved a page without a name is another one on another page", "[votes]") {
  const ExportRow nameless{.user = "expert"};
  REQUIRE(joined({{nameless, nameless}, {nameless}}).users == std::vector<std::string>{"expert", "expert/2"});
  const ExportRow named{.user = "Alice"};
  REQUIRE(joined({{named}, {named}}).users == std::vector<std::string>{"Alice"});
}

TEST_CASE("anonymous volunteers are told apart by address, by session or not at all", "[votes]") {
  const auto row = [](const std::string& user, const std::string& session) {
    return ExportRow{.user = user, .metadata = R"({"session":")" + session + "\"}"};
  };
  const std::string text =
      export_text({row("not-logged-in-ab", "0123456789"), row("not-logged-in-ab", "9876543210"),
                   row("not-logged-in-cd", "0123456789"), row("Alice", "9876543210"), row("Alice", "0123456789")});
  const auto users = [&](votes::Anonymous anonymous) { return read_text(text, {.anonymous = anonymous}).users; };
  using Users = std::vector<std::string>;
  REQUIRE(users(votes::Anonymous::ip) == Users{"not-logged-in-ab", "not-logged-in-cd", "Alice"});
  REQUIRE(users(votes::Anonymous::session) == Users{"not-logged-in-ab/01234567", "not-logged-in-ab/98765432", "Alice"});
  REQUIRE(users(votes::Anonymous::each) ==
          Users{"not-logged-in-ab/1", "not-logged-in-ab/2", "not-logged-in-cd/3", "Alice"});
}

TEST_CASE("free text of one workflow takes no votes of another's task", "[votes]") {
  votes::Mapping mapping;
  mapping.add("T0", "Yes", 5);
  votes::Export from = read_text(export_text(free_text_and_question()));
  REQUIRE(votes::untold_answers(from, {.workflows = {"1"}}).at("T0 (free text)") == 100);
  REQUIRE(votes::untold_answers(from, {.workflows = {"2"}}).empty());
  const votes::Ballots ballots = votes::count_votes(from, mapping);
  REQUIRE(ballots.votes.size() == 100);
  REQUIRE(std::ranges::all_of(ballots.votes, [&](const votes::Vote& v) { return ballots.code(v) == 5; }));
}

TEST_CASE("a workflow export tells the kind of a task by workflow and version", "[votes]") {
  const TempFolder folder;
  const std::string header = "workflow_id,display_name,version,minor_version,first_task,tasks,strings\n";
  const auto line = [](const std::string& id, const std::string& version, const std::string& type) {
    return id + ",Flow," + version + R"(,1,T0,"{""T0"":{""type"":"")" + type + R"(""}}",{})" + "\n";
  };
  const auto path =
      folder.write("w.csv", header + line("1", "1", "text") + line("2", "1", "single") + line("1", "2", "single"));
  const auto free_text = votes::free_text_tasks(votes::read_workflows(path));
  const votes::Export from =
      read_text(export_text({{.annotations = answered(R"("Yes")"), .workflow = "1"},
                             {.annotations = answered(R"("Yes")"), .workflow = "2"},
                             {.annotations = answered(R"("Yes")"), .workflow = "1", .version = "2.1"}}),
                {.free_text = free_text});
  REQUIRE(answers_of(from) == std::vector<std::string>{"", "T0=Yes", "T0=Yes"});
}

TEST_CASE("of repeated rows the first in time that says something counts", "[votes]") {
  const auto code_of_one = [](const std::vector<ExportRow>& rows) {
    votes::Export from = read_text(export_text(rows));
    const votes::Ballots ballots = votes::count_votes(from, votes::hunt_mapping());
    REQUIRE(ballots.votes.size() == 1);
    REQUIRE(ballots.duplicates == rows.size() - 1);
    return ballots.code(ballots.votes[0]);
  };
  const std::string nothing = answered(R"("No emission close to the centre")");
  const std::string edge = answered(R"("Emission near the chip edge")");
  REQUIRE(code_of_one({{.annotations = edge, .created = "2015-06-02 00:00:00 UTC"},
                       {.annotations = nothing, .created = "2015-06-01 23:59:59 UTC"}}) == 0);
  REQUIRE(code_of_one({{.annotations = edge}, {.annotations = nothing}}) == 1);  // in the same second: by row
  REQUIRE(code_of_one({{.annotations = answered("null")}, {.annotations = edge}}) == 1);
  REQUIRE(code_of_one({{.annotations = "[]"}, {.annotations = edge}, {.annotations = nothing}}) == 1);
  // An answer that only leads on to a question says nothing yet.
  REQUIRE(code_of_one({{.annotations = answered(R"("Emission close to the centre")")}, {.annotations = edge}}) == 1);
  // An answer that is not mapped is one.
  REQUIRE(code_of_one({{.annotations = answered(R"("I do not know")")}, {.annotations = edge}}) == votes::no_code);
}

TEST_CASE("votes stand in the order of time, and a row without a time follows the one before", "[votes]") {
  const votes::Export from = read_text(export_text({{.user = "a", .created = "2015-06-03 00:00:00 UTC"},
                                                    {.user = "b", .created = "2015-06-01 00:00:00 UTC"},
                                                    {.user = "c", .created = "01/06/2015 10:00"},
                                                    {.user = "d", .created = "2015-06-02T00:00:00.250Z"}}));
  REQUIRE(objects_and_users(from) == std::vector<std::string>{"1 b", "1 c", "1 d", "1 a"});
  REQUIRE(from.votes[3].order == 3);
  REQUIRE(from.untimed == 1);
}
