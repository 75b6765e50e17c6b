/// What the answers of a row say, and for which code they stand.

#include <abell/votes/ballots.hpp>
#include <abell/votes/consensus.hpp>
#include <abell/votes/mapping.hpp>
#include <abell/votes/panoptes.hpp>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "votes_tools.hpp"

using namespace abell;

namespace {

using Untold = std::map<std::string, std::size_t>;

votes::Mapping mapping_of(const std::string& answers) {
  return votes::parse_mapping("{\"answers\":{\"T0\":" + answers + "}}", "m.json");
}

/// The code of the only vote of a row.
int code_of_row(const std::string& annotations, const votes::Mapping& mapping) {
  votes::Export from = read_text(export_text({{.annotations = annotations}}));
  const votes::Ballots ballots = votes::count_votes(from, mapping);
  return ballots.code(ballots.votes.at(0));
}

}  // namespace

TEST_CASE("answers whose simplified texts coincide have codes of their own", "[votes]") {
  const votes::Mapping galaxies = mapping_of(R"({"< 5 galaxies":"a","> 5 galaxies":"f","+1":"g","-1":"b","?":"c"})");
  REQUIRE(galaxies.find("T0", "< 5 galaxies") == 0);
  REQUIRE(galaxies.find("T0", "> 5 galaxies") == 5);
  REQUIRE(galaxies.find("T0", "+1") == 6);
  REQUIRE(galaxies.find("T0", "-1") == 1);
  REQUIRE(galaxies.find("T0", "?") == 2);
  REQUIRE_FALSE(galaxies.find("T0", "!"));  // nothing is left of it
  REQUIRE_THAT(message_of<FormatError>([&] { galaxies.find("T0", "5 galaxies"); }),
               Contains("m.json: expected a line for '5 galaxies' in task 'T0', which may be '< 5 galaxies' or '> 5 "
                        "galaxies'"));
  REQUIRE(mapping_of(R"({"Yes!":"f","yes":"f"})").find("T0", "YES") == 5);  // the same code
  REQUIRE_THAT(message_of<FormatError>([&] { mapping_of(R"({"Yes":"f","Yes":"a"})"); }),
               Contains("m.json: expected 'Yes' once, found it twice"));

  const std::string text = export_text({{.annotations = answered(R"("5 galaxies")"), .workflow = "1"},
                                        {.annotations = answered(R"("> 5 galaxies")"), .workflow = "2"}});
  votes::Export from = read_text(text);
  REQUIRE(votes::count_votes(from, galaxies, {.workflows = {"2"}}).votes.size() == 1);
  from = read_text(text);
  REQUIRE_THROWS_AS(votes::count_votes(from, galaxies, {.workflows = {"1"}}), FormatError);
}

TEST_CASE("mapping keys as panoptes_aggregation writes them", "[votes]") {
  const votes::Mapping mapping = mapping_of(R"({"1000-or-more":"f","less-than-1000":"a"})");
  REQUIRE(mapping.find("T0", "1,000 or more") == 5);
  REQUIRE(mapping.find("T0", "**Less** than 1,000!") == 0);
  REQUIRE(votes::slug("1, 2,x,3") == "1-2-x-3");
}

TEST_CASE("a task that the exporter could not write costs nothing but itself", "[votes]") {
  votes::Export from = read_text(export_text({
      {.user = "u", .annotations = R"([{"task":"T0","value":"Yes"},{"task":"T1","error":"task cannot be exported"}])"},
      {.user = "v", .annotations = answered(R"("No")")},
  }));
  REQUIRE(from.bad == 0);
  REQUIRE(untold_of(from) == Untold{{"T1 (not exported)", 1}});
  const votes::Ballots ballots = votes::count_votes(from, mapping_of(R"({"Yes":"f","No":"a"})"));
  REQUIRE(ballots.votes.size() == 2);
  REQUIRE(votes::unweighted(ballots).subjects[0].p_cluster == 0.5);

  from = read_text(export_text({
      {.annotations = R"([{"error":"task cannot be exported"},{"task":"T0"},{"task":"T1","value":"Yes"}])"},
      {.annotations = R"([{"task":"T9","value":[{"error":"task cannot be exported"},{"task":"T1","value":"Yes"}]}])"},
  }));
  REQUIRE(answers_of(from) == std::vector<std::string>{"T1=Yes", "T1=Yes"});
  REQUIRE(untold_of(from) == Untold{{"T0 (not exported)", 1}, {"a task (not exported)", 2}});
}

TEST_CASE("ticked answers of different codes decide nothing, in either order", "[votes]") {
  const votes::Mapping hunt = votes::hunt_mapping();
  const std::string galaxy = "\"A nearby galaxy\"";
  const std::string cluster = "\"A nearby galaxy cluster\"";
  REQUIRE(code_of_row(answered("[" + galaxy + "," + cluster + "]"), hunt) == votes::no_code);
  REQUIRE(code_of_row(answered("[" + cluster + "," + galaxy + "]"), hunt) == votes::no_code);
  REQUIRE(code_of_row(answered("[" + cluster + ",\"other words\"]"), hunt) == 5);
  REQUIRE(code_of_row(answered("[" + galaxy + "," + galaxy + "]"), hunt) == 3);
  const votes::Mapping same = mapping_of(R"({"Arc":"f","Many galaxies":"f","Dust":"a"})");
  REQUIRE(code_of_row(answered(R"(["Many galaxies","Arc"])"), same) == 5);
  REQUIRE(code_of_row(answered(R"(["Many galaxies","Dust","Arc"])"), same) == votes::no_code);
  // The later task decides.
  REQUIRE(code_of_row(R"([{"task":"T0","value":"Emission near the chip edge"},{"task":"T1","value":"Point-like"}])",
                      hunt) == 2);

  votes::Export from = read_text(export_text({{.annotations = answered("[" + galaxy + "," + cluster + "]")},
                                              {.user = "v", .annotations = answered("[" + cluster + "]")}}));
  const votes::Ballots ballots = votes::count_votes(from, hunt);
  REQUIRE(votes::undecided_votes(from, ballots, hunt) == 1);
}

TEST_CASE("of a task that is answered twice the last answer counts", "[votes]") {
  const auto twice = [](const std::string& first, const std::string& second) {
    return answers_of(read_text(
        export_text({{.annotations = R"([{"task":"T0","value":)" + first +
                                     R"(},{"task":"T1","value":"x"},{"task":"T0","value":)" + second + "}]"}})))[0];
  };
  REQUIRE(twice(R"("Yes")", R"("No")") == "T1=x|T0=No");
  REQUIRE(twice(R"(["a","b"])", R"(["c"])") == "T1=x|T0=c");
  REQUIRE(twice(R"("Yes")", "null") == "T0=Yes|T1=x");  // null takes nothing back
  REQUIRE(twice("null", R"("Yes")") == "T1=x|T0=Yes");
}

TEST_CASE("many combinations of a multiple-answer question are no free text", "[votes]") {
  std::vector<ExportRow> rows;
  for (unsigned combination = 1; combination < 128; ++combination) {
    std::string ticked;
    for (unsigned bit = 0; bit < 7; ++bit) {
      if (combination >> bit & 1U) ticked += (ticked.empty() ? "\"" : ",\"") + std::string(1, char('a' + bit)) + "\"";
    }
    rows.push_back({.annotations = answered("[" + ticked + "]")});
  }
  for (const bool pairs : {false, true}) {
    const votes::Export from = read_text(export_text(rows), {.pairs = pairs});
    REQUIRE(from.untold.empty());
    REQUIRE(from.answers.size() == (pairs ? 127 : 7));
    REQUIRE(answers_of(from)[126] == (pairs ? "T0=a+b+c+d+e+f+g" : "T0=a|T0=b|T0=c|T0=d|T0=e|T0=f|T0=g"));
  }
}

TEST_CASE("answers of the newer classifier are counted or told", "[votes]") {
  const votes::Export from = read_text(export_text({
      {.annotations = answered(R"([{"frame":0,"toolIndex":0,"toolType":"point","x":1.5}])")},
      {.annotations = R"([{"task":"T0.0.0","taskType":"single","markIndex":0,"value":1}])"},
      {.annotations = answered(R"({"select_label":"Colour","option":true,"value":2,"label":"Red"})")},
      {.annotations = answered(R"({"selection":2,"option":true})")},
      {.annotations = answered(R"([{"select_label":"Colour","option":true,"value":"x","label":"Red"}])")},
      {.annotations =
           answered(R"([{"select_label":"A","option":true,"label":"Red"},{"select_label":"B","option":false}])")},
      {.annotations =
           answered(R"([{"task":"T1","value":"c"},{"task":"T2","value":[{"task":"T3","value":"d"}]}])", "T9")},
      {.annotations = answered(R"([[1],{"a":2}])")},
  }));
  REQUIRE(answers_of(from) == std::vector<std::string>{"", "", "T0=Red", "", "T0=Red", "T0=A: Red", "T1=c", ""});
  REQUIRE(untold_of(from) == Untold{{"T0 (drawing)", 1},
                                    {"T0 (dropdown)", 2},
                                    {"T0 (nested list)", 1},
                                    {"T0 (unknown kind)", 1},
                                    {"T0.0.0 (drawing)", 1},
                                    {"T2 (combo)", 1}});
}

TEST_CASE("a long list that drops down is no free text", "[votes]") {
  std::vector<ExportRow> rows;
  for (int i = 0; i < 200; ++i) {
    rows.push_back({.annotations = answered(R"({"option":true,"value":)" + std::to_string(i) + R"(,"label":"Country )" +
                                            std::to_string(i) + "\"}")});
  }
  const votes::Export from = read_text(export_text(rows));
  REQUIRE(from.untold.empty());
  REQUIRE(answers_of(from)[199] == "T0=Country 199");
}
