#include <malloc.h>

#include <abell/core/random.hpp>
#include <abell/votes/ballots.hpp>
#include <abell/votes/mapping.hpp>
#include <abell/votes/output.hpp>
#include <abell/votes/panoptes.hpp>
#include <abell/votes/workflow.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "reduced.hpp"
#include "temp_folder.hpp"
#include "votes_tools.hpp"

using namespace abell;

namespace {

const std::string centre = "\"Emission close to the centre\"";

}  // namespace

TEST_CASE("answers of every kind of task are read or counted", "[votes]") {
  const votes::Export from = read_text(export_text({
      {.annotations = answered("\" Yes\\n\"")},
      {.user = "v", .annotations = answered("null")},
      {.user = "w", .annotations = answered(R"(["a","b"])")},
      {.user = "x", .annotations = answered(R"([{"tool":0,"x":1.5}])")},
      {.user = "y", .annotations = answered(R"([{"task":"T1","value":"c"},{"task":"T2","value":[]}])")},
      {.user = "z", .annotations = answered(R"([{"choice":"CAT"},{"option":true,"value":3}])")},
      {.user = "0",
       .annotations = R"([{"task":"T0","value":5},{"task":"T1","value":true},{"task":"T3","value":{"k":1}}])"},
  }));
  REQUIRE(answers_of(from) ==
          std::vector<std::string>{"T0=Yes", "T0=None", "T0=a|T0=b", "", "T1=c", "", "T0=5|T1=True"});
  REQUIRE(untold_of(from) ==
          std::map<std::string, std::size_t>{
              {"T0 (drawing)", 1}, {"T0 (dropdown)", 1}, {"T0 (survey)", 1}, {"T3 (unknown kind)", 1}});
  REQUIRE(from.bad == 0);
  const votes::Export pairs = read_text(export_text({{.annotations = answered(R"(["b","a"])")}}), {.pairs = true});
  REQUIRE(answers_of(pairs) == std::vector<std::string>{"T0=a+b"});
}

TEST_CASE("free text does not fill the memory", "[votes]") {
  std::vector<ExportRow> rows;
  for (int i = 0; i < 100; ++i) rows.push_back({.annotations = answered("\"text " + std::to_string(i) + "\"")});
  rows.push_back({.annotations = answered("\"" + std::string(2000, 'x') + "\"", "T1")});
  const votes::Export from = read_text(export_text(rows));
  REQUIRE(std::ranges::count(answers_of(from), "") == 101);
  REQUIRE(untold_of(from).at("T0 (free text)") == 100);
  REQUIRE(untold_of(from).at("T1 (free text)") == 1);
  const votes::Export told = read_text(export_text(rows), {.free_text = {{"7", 1, "T0"}}});
  REQUIRE(untold_of(told).at("T0 (free text)") == 100);
  REQUIRE(untold_of(read_text(export_text({rows[0]}), {.free_text = {{"7", 1, "T0"}}})).at("T0 (free text)") == 1);
}

TEST_CASE("texts that were read before mean what they mean when they are read again", "[votes]") {
  std::vector<std::string> texts{"[]",
                                 "no JSON",
                                 answered("null"),
                                 answered(R"(["b","a"])"),
                                 answered(R"({"tool":1})"),
                                 answered("\"a\"", "T1"),
                                 R"([{"task":"T0"}])",
                                 answered("\"" + std::string(5000, 'y') + "\"")};
  for (int i = 0; i < 100; ++i)
    texts.push_back(answered("\"text " + std::to_string(i) + "\"", i % 2 == 0 ? "T0" : "T1"));
  const std::vector<votes::WorkflowRows> workflows{{.id = "1", .name = "a"}, {.id = "2", .name = "b"}};
  votes::AnswerReader each;
  votes::AnswerReader once;
  votes::Export of_each;
  votes::Export of_once;
  Random random(1, {.purpose = Purpose::votes});
  for (int i = 0; i < 5000; ++i) {
    const std::string& text = texts[random.below(static_cast<std::uint32_t>(i < 1000 ? 20 : texts.size()))];
    const auto number = static_cast<std::uint16_t>(random.below(2));
    const auto expected = each.read(text, workflows[number], number);
    const auto found = once.read(
        "raw " + text, [&] { return std::string_view(text); }, workflows[number], number);
    REQUIRE(found == expected);
    if (!found) continue;
    of_each.votes.push_back({0, 0, 0, *expected});
    of_once.votes.push_back({0, 0, 0, *found});
  }
  each.finish(of_each);
  once.finish(of_once);
  REQUIRE(of_once.untold == of_each.untold);
  REQUIRE(of_once.untold.at({0, "T0 (free text)"}) > 1000);
  REQUIRE(answers_of(of_once) == answers_of(of_each));
}

TEST_CASE("users and objects are told apart", "[votes]") {
  const votes::Export from = read_text(export_text({
      {.user = "old name", .user_id = "5", .subject = "1", .data = R"({"1":{"retired":null,"image_id":"a"}})"},
      {.user = "new name", .user_id = "5", .subject = "2", .data = R"({"2":{"#image_id":12}})"},
      {.user = "not-logged-in-1", .subject = "3", .data = R"({"3":{"//image_id":"a","retired":{"id":1}}})"},
      {.user = "5", .subject = "4", .data = R"({"4":{"name":"x"}})"},
  }));
  REQUIRE(from.users == std::vector<std::string>{"old name", "not-logged-in-1", "5"});
  std::vector<std::string> objects;
  for (const votes::Vote& vote : from.votes) objects.push_back(from.objects[vote.subject]);
  REQUIRE(objects == std::vector<std::string>{"a", "12", "a", "4"});
  const votes::Export named = read_text(export_text({{.data = R"({"1":{"name":"x"}})"}}), {.id = "name"});
  REQUIRE(named.objects[0] == "x");
}

TEST_CASE("an id has lost the guard of the manifest that it came with", "[votes]") {
  const auto from = read_text(export_text({{.user = "-u", .data = R"({"1":{"#image_id":"'=a"}})"},
                                           {.subject = "2", .data = R"({"2":{"image_id":"'b"}})"}}));
  REQUIRE(from.objects.size() == 2);
  REQUIRE(from.objects[0] == "=a");
  REQUIRE(from.objects[1] == "'b");
  REQUIRE(from.users[0] == "-u");
}

TEST_CASE("bad rows are named, skipped and counted", "[votes]") {
  std::vector<std::string> named;
  const std::string text = export_text({
                               {.annotations = "[{\"task\""},
                               {.annotations = "{}"},
                               {.annotations = R"([{"value":"x"}])"},
                               {.data = "[1]"},
                               {.data = "{"},
                               {.version = "new"},
                               {.subject = ""},
                               {.user = ""},
                               {.annotations = answered(centre)},
                           }) +
                           "1,2\n" + "x\n";
  const votes::Export from = read_text(text, {.on_bad_row = [&](const std::string& m) { named.push_back(m); }});
  REQUIRE(from.rows == 11);
  REQUIRE(from.bad == 10);
  REQUIRE(from.votes.size() == 1);
  REQUIRE(named.size() == 10);
  // A quoted line break in each row: the second one starts on line 4.
  for (const std::size_t i : {0U, 1U, 2U}) REQUIRE_THAT(named[i], Contains("annotations: expected a JSON list"));
  REQUIRE_THAT(named[1], Contains("e.csv:4: "));
  for (const std::size_t i : {3U, 4U}) REQUIRE_THAT(named[i], Contains("subject_data: expected a JSON object"));
  REQUIRE_THAT(named[5], Contains("workflow_version: expected a number, found 'new'"));
  REQUIRE_THAT(named[6], Contains("subject_ids"));
  REQUIRE_THAT(named[7], Contains("user_name or user_id"));
  REQUIRE_THAT(named[8], Contains("expected 14 fields, found 2"));
  REQUIRE_THAT(message_of<FormatError>([&] { read_text(text, {.strict = true}); }), Contains("e.csv:2: annotations"));
}

TEST_CASE("an export that is cut short or none at all is refused", "[votes]") {
  const std::string text = export_text({{.annotations = answered(centre)}, {.annotations = answered(centre)}});
  const auto message = [](const std::string& part) { return message_of<FormatError>([&] { read_text(part); }); };
  REQUIRE_THAT(message(text.substr(0, text.size() - 60)), Contains("e.csv:5: ") && Contains("never closed"));
  REQUIRE_THAT(message(text.substr(0, text.rfind(",2015"))),
               Contains("e.csv:4: ") && Contains("found 7: the file is cut short"));
  REQUIRE_THAT(message(""), Contains("empty file"));
  REQUIRE_THAT(message("id,class\n1,2\n"), Contains("column 'user_name', found: id, class"));
  REQUIRE(read_text(text.substr(0, text.find('\n'))).rows == 0);
  REQUIRE_THROWS_AS(votes::read_export(std::filesystem::path("/nowhere/e.csv")), IoError);
}

TEST_CASE("the votes that count are of one workflow, one a volunteer and subject", "[votes]") {
  const auto text = export_text({
      {.user = "u", .annotations = answered("\"No emission close to the centre\""), .version = "1.9"},
      {.user = "u", .annotations = answered("\"Emission near the chip edge\""), .version = "2.1"},
      {.user = "v", .annotations = answered(centre), .version = "2.2"},
      {.user = "v", .subject = "2", .annotations = answered("\"other words\"")},
      {.user = "u", .annotations = answered("\"Yes\""), .workflow = "8"},
      {.user = "v", .annotations = answered("\"Yes\""), .workflow = "8"},
      {.user = "w", .annotations = answered("\"Yes\""), .workflow = "8"},
      {.user = "x", .annotations = answered("\"Yes\""), .workflow = "8"},
      {.user = "y", .annotations = answered("\"Yes\""), .workflow = "8"},
  });
  const auto counted = [&](const votes::Choice& choice, const votes::Mapping& mapping = votes::hunt_mapping()) {
    votes::Export from = read_text(text);
    return votes::count_votes(from, mapping, choice);
  };
  const votes::Ballots hunt = counted({});  // 8 has more rows, but the mapping knows 7
  REQUIRE(hunt.votes.size() == 3);
  REQUIRE(hunt.duplicates == 1);
  REQUIRE(hunt.other_workflows == 5);
  REQUIRE(hunt.code(hunt.votes[0]) == 0);  // the first of the two
  REQUIRE(hunt.code(hunt.votes[1]) == votes::no_code);
  REQUIRE(counted({{"7"}, *votes::versions_of("2")}).votes.size() == 2);
  REQUIRE(counted({{"7"}, *votes::versions_of("2")}).other_workflows == 7);
  REQUIRE(counted({}, votes::Mapping()).votes.size() == 5);
  REQUIRE_THAT(message_of<FormatError>([&] { counted({.workflows = {"9"}}); }),
               Contains("expected workflow 9, found: 7 version 1, 7 version 2, 8 version 1"));
}

TEST_CASE("answers that are not mapped are counted under their own text", "[votes]") {
  const TempFolder folder;
  votes::Export from = read_text(export_text({{.user = "u", .annotations = answered("\"Yes\"")},
                                              {.user = "v", .annotations = answered("\"No\"")},
                                              {.user = "w", .annotations = answered("\"Yes\"")}}));
  const votes::Mapping mapping;
  const votes::Ballots ballots = votes::count_votes(from, mapping);
  votes::write_consensus(folder / "c.csv", from, ballots, mapping, votes::unweighted(ballots), 0.5);
  REQUIRE(slurp(folder / "c.csv") ==
          "id,class,p_cluster,code,agreement,votes,a,b,c,d,e,f,g,T0: Yes,T0: No\n"
          "1,,,,,3,0,0,0,0,0,0,0,2,1\n");
}

TEST_CASE("mapping files", "[votes]") {
  const TempFolder folder;
  const auto read = [&](const std::string& text) { return votes::read_mapping(folder.write("m.json", text)); };
  const votes::Mapping mapping =
      read(R"({"answers":{"T0":{"**Yes**":"f","No!":null},"*":{"yes":"nearby galaxy","Maybe":"a"}}})");
  REQUIRE(mapping.find("T0", "yes") == 5);
  REQUIRE(mapping.find("T1", "Yes.") == 3);
  REQUIRE(mapping.find("T0", "no") == votes::no_code);
  REQUIRE_FALSE(mapping.find("T1", "no"));
  const auto message = [&](const std::string& text) { return message_of<FormatError>([&] { read(text); }); };
  REQUIRE_THAT(message("{"), Contains("m.json") && Contains("no JSON"));
  REQUIRE_THAT(message("{}"), Contains("\"answers\""));
  REQUIRE_THAT(message(R"({"answers":{"T0":"f"}})"), Contains("task 'T0'"));
  REQUIRE_THAT(message(R"({"answers":{"T0":{"Yes":"q"}}})"), Contains("for 'Yes' in task 'T0', found \"q\""));
  REQUIRE_THAT(message(R"({"answers":{"T0":["f"]}})"), Contains("task 'T0', found an array"));
  REQUIRE_THAT(message(R"({"answers":{"T0":{"Yes":{"a":1}}}})"), Contains("task 'T0', found an object"));
  REQUIRE_THROWS_AS(votes::read_mapping(folder / "none.json"), IoError);
}

TEST_CASE("real exports are read", "[votes]") {
  const char* const data = std::getenv("ABELL_REAL_DATA");
  if (data == nullptr) {
    std::cout << "skipped: real exports are read (ABELL_REAL_DATA is not set)\n";
    return;
  }
  const std::filesystem::path folder = std::filesystem::path(data) / "zooniverse";
  const votes::Export supernovae = votes::read_export(folder / "cls_export.csv");
  REQUIRE(supernovae.votes.size() == 7);
  REQUIRE(supernovae.workflows.size() == 1);
  REQUIRE(supernovae.workflows[0].version == votes::WorkflowVersion{16, 55});
  std::vector<std::string> answers = answers_of(supernovae);
  std::ranges::sort(answers);
  REQUIRE(answers == std::vector<std::string>{"T0=No", "T0=No", "T0=No", "T0=No", "T0=Yes|T1=No", "T0=Yes|T1=No",
                                              "T0=Yes|T1=Yes"});
  const auto workflows = votes::read_workflows(folder / "wf_export.csv");
  const votes::Workflow* workflow = votes::find_workflow(workflows, "10");
  REQUIRE(workflow != nullptr);
  REQUIRE(workflow->first_task == "T0");
  REQUIRE(workflow->tasks.size() == 2);
  REQUIRE(workflow->tasks[0].type == "single");
  REQUIRE(workflow->tasks[0].answers[0].label == "Yes");
  REQUIRE(workflow->tasks[0].answers[0].next == "T1");
  REQUIRE(workflow->tasks[1].question == "Is the cross-hair in the image close to a faint, fuzzy galaxy?");
  votes::Export fossils = votes::read_export(folder / "fossil-finder-classifications_test.csv");
  REQUIRE(fossils.bad == 0);
  REQUIRE(untold_of(fossils) == std::map<std::string, std::size_t>{{"T1 (drawing)", 12}, {"T3 (drawing)", 55}});
  const votes::Ballots ballots = votes::count_votes(fossils, votes::hunt_mapping());
  REQUIRE(ballots.votes.size() == 25);  // of workflow 1962, which has most
  REQUIRE(ballots.other_workflows == 16);
  votes::Export several = votes::read_export(folder / "example_classifications.csv");
  REQUIRE(several.rows == 163);
  REQUIRE(several.bad == 0);
  REQUIRE(votes::workflow_groups(several, {}).size() == 10);
  REQUIRE(votes::count_votes(several, votes::hunt_mapping(), {{"4994"}, *votes::versions_of("108")}).other_workflows ==
          105);
}

namespace {

/// Writes an export whose rows are as long as real ones.
void write_long_export(const std::filesystem::path& path, int rows) {
  const std::string metadata = "{\"session\":\"" + std::string(64, 'a') +
                               R"(","viewport":{"width":1710,"height":948},"started_at":"2024-02-23T16:16:35.085Z",)" +
                               "\"user_agent\":\"" + std::string(110, 'm') + R"(","utc_offset":"18000",)" +
                               R"("subject_dimensions":[{"clientWidth":558,"clientHeight":419}],"live_project":true})";
  const std::string annotations =
      R"([{"task":"T0","task_label":"Look at images 1 & 3. Do you see X-ray emission close to the centre?","value":"Emi)"
      R"(ssion close to the centre"},{"task":"T1","task_label":"Is the emission point-like or extended?","value":"Point-like"}])";
  std::ofstream file(path, std::ios::binary);
  file << export_text({});
  for (int row = 0; row < rows; ++row) {
    const std::string subject = std::to_string(row / 30);
    write_csv_row(file, std::vector<std::string>{
                            "1", "user" + std::to_string(row * 7919 % 1693), "", "", "7", "Flow", "1.1",
                            "2015-01-01 00:00:00 UTC", "", "", metadata, annotations,
                            R"({")" + subject + R"(":{"retired":null,"image_id":"object)" + subject + "\"}}", subject});
  }
}

std::size_t heap() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

TEST_CASE("a vote takes 48 bytes at most while an export is read", "[votes]") {
  const TempFolder folder;
  const int rows = testing::reduced() ? 2049 : 65537;  // just after the list of votes has doubled
  write_long_export(folder / "e.csv", rows);
  const std::size_t before = heap();
  std::size_t peak = before;
  const votes::Export from = votes::read_export(folder / "e.csv", {.on_progress = [&](std::uint64_t) {
                                                  peak = std::max(peak, heap());
                                                  return true;
                                                }});
  REQUIRE(from.votes.size() == static_cast<std::size_t>(rows));
  constexpr std::size_t name = 250;  // a volunteer's or subject's name, and its places in the indices
  constexpr std::size_t buffers = 300000;
  REQUIRE(peak - before <= 48U * from.votes.size() + name * (from.users.size() + 2 * from.objects.size()) + buffers);
}
