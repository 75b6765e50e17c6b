/// Which rows of an export are read: by time, version, and what Panoptes notes beside the answers.

#include <abell/core/yes_no.hpp>
#include <abell/votes/ballots.hpp>
#include <abell/votes/mapping.hpp>
#include <abell/votes/panoptes.hpp>
#include <abell/votes/rows.hpp>
#include <abell/votes/time.hpp>
#include <abell/votes/workflow_version.hpp>
#include <array>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "votes_tools.hpp"

using namespace abell;

TEST_CASE("times of Panoptes", "[votes]") {
  REQUIRE(votes::panoptes_time(1433116897) == "2015-06-01 00:01:37 UTC");
  for (const char* const text :
       {"2015-06-01 00:01:37 UTC", "2015-06-01T00:01:37.250Z", "2015-06-01 00:01:37", "2015-06-01T00:01:37+00:00"}) {
    REQUIRE(votes::time_of(text) == 1433116897);
  }
  REQUIRE(votes::day_of("2015-06-01") == 1433116800);
  for (const char* const text : {"", "2015-06-01", "01/06/2015 10:00", "2015-06-01 00:01", "2015-06-01 24:00:00",
                                 "2015-02-29 00:00:00", "2015-06-01 00:01:37 CET", "2015-06-01 00:01:3x"}) {
    REQUIRE_FALSE(votes::time_of(text));
  }
  for (const char* const text : {"", "2015-06", "2015-13-01", "2015-02-30", "2015/06/01", "20x5-06-01"})
    REQUIRE_FALSE(votes::day_of(text));
}

TEST_CASE("versions compare as pairs of integers", "[votes]") {
  const auto version = [](const char* text) { return votes::version_of(text).value(); };
  REQUIRE(version("10.9") < version("10.10"));
  REQUIRE(version("9.99") < version("10.1"));
  REQUIRE(version("7") == votes::WorkflowVersion{7, 0});
  for (const char* const text : {"", "new", "10.", ".9", "10.x", "-1", "1.-1", "1.2.3", "99999999999"})
    REQUIRE_FALSE(votes::version_of(text));
  const auto contains = [](const char* range, const char* text) {
    return votes::versions_of(range).value().contains(votes::version_of(text).value());
  };
  REQUIRE(contains("10.9..10.11", "10.10"));
  REQUIRE_FALSE(contains("10.9..10.11", "10.1"));
  REQUIRE_FALSE(contains("10.9..10.11", "10.12"));
  REQUIRE(contains("10", "10.400"));
  REQUIRE(contains("9..10", "10.400"));
  REQUIRE_FALSE(contains("10.9", "10.10"));
  for (const char* const text : {"", "10..", "..10", "10.11..10.9", "a..b", "1...2"})
    REQUIRE_FALSE(votes::versions_of(text));
  REQUIRE(votes::shown_range(*votes::versions_of("10.9..11")) == " version 10.9..11");
}

TEST_CASE("a range of versions counts, the others are told", "[votes]") {
  std::vector<ExportRow> rows;
  for (const char* const version : {"10.1", "10.9", "10.10", "10.11", "10.12", "10.10"}) {
    rows.push_back({.user = std::to_string(rows.size()), .version = version});
  }
  votes::Export from = read_text(export_text(rows));
  const votes::Choice choice{{"7"}, *votes::versions_of("10.9..10.11")};
  std::vector<std::string> told;
  for (const votes::WorkflowGroup& g : votes::workflow_groups(from, choice)) {
    told.push_back(g.version + " " + std::to_string(g.rows) + (g.counted ? " counted" : ""));
  }
  REQUIRE(told ==
          std::vector<std::string>{"10.1 1", "10.9 1 counted", "10.10 2 counted", "10.11 1 counted", "10.12 1"});
  REQUIRE(votes::workflow_groups(from, {{"7"}, *votes::versions_of("10")}).size() == 1);
  const votes::Ballots ballots = votes::count_votes(from, votes::Mapping(), choice);
  REQUIRE(ballots.votes.size() == 4);
  REQUIRE(ballots.other_workflows == 2);
  from = read_text(export_text(rows));
  REQUIRE_THAT(message_of<FormatError>([&] {
                 votes::count_votes(from, votes::Mapping(), {{"7"}, *votes::versions_of("10.2..10.8")});
               }),
               Contains("expected workflow 7 version 10.2..10.8, found: 7 version 10.1, 7 version 10.9"));
  from = read_text(export_text(rows));
  REQUIRE_THAT(message_of<FormatError>([&] {
                 votes::count_votes(from, votes::Mapping(), {.workflows = {"7", "8"}});
               }),
               Contains("expected workflow 8, found: 7 version 10"));
}

TEST_CASE("several workflows count together", "[votes]") {
  votes::Export from = read_text(export_text({{.annotations = answered(R"("Yes")"), .workflow = "1"},
                                              {.user = "v", .annotations = answered(R"("Yes")"), .workflow = "2"},
                                              {.user = "w", .annotations = answered(R"("Yes")"), .workflow = "3"}}));
  votes::Mapping mapping;
  mapping.add("T0", "Yes", 5);
  const votes::Ballots ballots = votes::count_votes(from, mapping, {.workflows = {"1", "3"}});
  REQUIRE(ballots.votes.size() == 2);
  REQUIRE(ballots.other_workflows == 1);
}

TEST_CASE("each choice leaves its rows out and counts them", "[votes]") {
  const std::string text = export_text({
      {.user = "early", .metadata = R"({"live_project":true})", .created = "2015-05-31 23:59:59 UTC"},
      {.user = "first", .metadata = R"({"live_project":true})", .created = "2015-06-01 00:00:00 UTC"},
      {.user = "last", .metadata = R"({"live_project":true})", .created = "2015-06-30 23:59:59 UTC"},
      {.user = "late", .metadata = R"({"live_project":true})", .created = "2015-07-01 00:00:00 UTC"},
      {.user = "tester", .metadata = R"({"live_project":false})", .created = "2015-06-02 00:00:00 UTC"},
      {.user = "unknown", .metadata = "{}", .created = "2015-06-02 00:00:00 UTC"},
      {.user = "gold", .metadata = R"({"live_project":true})", .created = "2015-06-02 00:00:00 UTC", .gold = "true"},
      {.user = "again",
       .metadata = R"({"live_project":true,"seen_before":true})",
       .created = "2015-06-02 00:00:00 UTC"},
      {.user = "seen",
       .metadata = R"({"live_project":"true","subject_selection_state":{"already_seen":true}})",
       .created = "2015-06-02 00:00:00 UTC"},
      {.user = "not-logged-in-x", .metadata = R"({"live_project":true})", .created = "2015-06-02 00:00:00 UTC"},
  });
  const auto users = [&](const votes::RowChoice& rows) { return read_text(text, {.rows = rows}).users; };
  using Users = std::vector<std::string>;
  REQUIRE(users({}).size() == 10);
  REQUIRE(users({.from = votes::day_of("2015-06-30")}) == Users{"last", "late"});
  REQUIRE(users({.to = votes::day_of("2015-06-01")}) == Users{"early", "first"});
  REQUIRE(users({.live_only = true}).size() == 8);
  REQUIRE(users({.no_gold = true}).size() == 9);
  REQUIRE(users({.no_seen = true}).size() == 8);
  REQUIRE(users({.logged_in_only = true}).size() == 9);
  const votes::Export from = read_text(text, {.rows = {.from = votes::day_of("2015-06-01"),
                                                       .to = votes::time_of("2015-06-30 23:59:59"),
                                                       .live_only = true,
                                                       .no_gold = true,
                                                       .no_seen = true,
                                                       .logged_in_only = true}});
  REQUIRE(from.users == Users{"first", "last"});
  REQUIRE(from.left_out == std::array<std::size_t, 6>{1, 1, 2, 1, 2, 1});
  REQUIRE(from.rows == 10);
  REQUIRE(from.bad == 0);
}

TEST_CASE("what a choice needs must be there", "[votes]") {
  const std::string text = export_text({{.metadata = "[]", .created = "yesterday"}, {.metadata = "{}"}});
  REQUIRE(read_text(text).bad == 0);
  std::vector<std::string> named;
  const votes::ExportOptions options{.rows = {.from = 0},
                                     .on_bad_row = [&](const std::string& m) { named.push_back(m); }};
  REQUIRE(read_text(text, options).votes.size() == 1);
  REQUIRE_THAT(named.at(0), Contains("e.csv:2: created_at: expected a time, found 'yesterday'"));
  REQUIRE_THAT(
      message_of<FormatError>([&] { read_text(text, {.strict = true, .anonymous = votes::Anonymous::session}); }),
      Contains("metadata: expected a JSON object, found '[]'"));
  const std::string narrow =
      "user_name,user_id,workflow_id,workflow_name,workflow_version,annotations,subject_data,"
      "subject_ids\nu,,7,Flow,1.1,[],{},1\n";
  REQUIRE(read_text(narrow).votes.size() == 1);
  REQUIRE_THAT(message_of<FormatError>([&] { read_text(narrow, {.rows = {.no_gold = true}}); }),
               Contains("column 'gold_standard'"));
}

TEST_CASE("yes and no as tables write them", "[votes]") {
  for (const char* const text : {"True", "TRUE", "T", "Yes", "1", "y", "true"}) REQUIRE(yes_or_no(text) == true);
  for (const char* const text : {"", "False", "no", "N", "f", "0"}) REQUIRE(yes_or_no(text) == false);
  for (const char* const text : {"maybe", "2", " yes"}) REQUIRE_FALSE(yes_or_no(text));
}
