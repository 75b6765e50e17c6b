#include <abell/data/table.hpp>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
using abell::IoError;

TEST_CASE("CSV follows RFC 4180", "[table]") {
  const abell::Table table =
      abell::parse_csv("\xEF\xBB\xBFid,\"a \"\"b\"\"\",c\r\n1,\"x,y\",\r\n\"two\nlines\",,z\n\n4,5,\"6\"", "t.csv");
  REQUIRE(table.header == std::vector<std::string>{"id", "a \"b\"", "c"});
  REQUIRE(table.rows ==
          std::vector<std::vector<std::string>>{{"1", "x,y", ""}, {"two\nlines", "", "z"}, {"4", "5", "6"}});
  REQUIRE(table.lines == std::vector<int>{2, 3, 6});
  REQUIRE(table.column("c") == 2);
  REQUIRE(table.where(1) == "t.csv:3");
  REQUIRE_FALSE(table.find("d"));
  REQUIRE_THROWS_WITH(table.column("d"), Contains("t.csv") && Contains("'d'") && Contains("id, "));
}

TEST_CASE("a byte order mark is no part of the first name", "[table]") {
  const std::string mark = "\xEF\xBB\xBF";
  for (const std::string& start : {mark + "a", mark + "\"a\"", "\"" + mark + "a\"", mark + mark + "a"}) {
    REQUIRE(abell::parse_csv(start + ",b\n" + mark + "1,2\n", "t.csv").header == std::vector<std::string>{"a", "b"});
  }
  // U+FF41 begins with the same byte.
  REQUIRE(abell::parse_csv("\xEF\xBD\x81,b\n", "t.csv").header.front() == "\xEF\xBD\x81");
  REQUIRE(abell::parse_csv(mark.substr(0, 2) + "\n", "t.csv").header.front() == mark.substr(0, 2));
  REQUIRE_THROWS_WITH(abell::parse_csv(mark, "t.csv"), Contains("empty file"));
}

TEST_CASE("broken CSV is refused with its line", "[table]") {
  const auto message = [](const std::string& text) {
    return message_of<FormatError>([&] { abell::parse_csv(text, "t.csv"); });
  };
  REQUIRE_THAT(message(""), Contains("t.csv") && Contains("empty"));
  REQUIRE_THAT(message("a,b\n1,2\n3\n"), Contains("t.csv:3") && Contains("expected 2 fields, found 1"));
  REQUIRE_THAT(message("a,b\n1,2,3\n"), Contains("t.csv:2") && Contains("found 3"));
  REQUIRE_THAT(message("a,b\n1,\"2\n3\n"), Contains("t.csv:2") && Contains("never closed"));
  REQUIRE_THAT(message("a,b\n1,\"2\"x\n"), Contains("t.csv:2") && Contains("after a closing quote"));
  REQUIRE_THAT(message("a,b\n\n1,x\"2\"\n"), Contains("t.csv:3") && Contains("quote inside"));
  REQUIRE_THAT(message("a,b,a\n"), Contains("'a' is there twice"));
  REQUIRE_THAT(message(std::string("a\n\0\n", 4)), Contains("zero byte"));
  REQUIRE_THAT(message(std::string("a\n\"x\0\"\n", 7)), Contains("t.csv:2") && Contains("zero byte"));
  const TempFolder folder;
  REQUIRE_THROWS_AS(abell::read_csv(folder / "none.csv"), IoError);
  REQUIRE_THROWS_AS(abell::read_csv(folder.path()), IoError);
}

TEST_CASE("written CSV reads back as it was", "[table]") {
  const TempFolder folder;
  const std::vector<std::string> header{"a", "b,c"};
  const std::vector<std::vector<std::string>> rows{{"x\"y", "line\r\nbreak"}, {"", " spaced "}, {"plain", "1.5"}};
  abell::write_csv(folder / "t.csv", header, rows);
  const abell::Table table = abell::read_csv(folder / "t.csv");
  REQUIRE(table.header == header);
  REQUIRE(table.rows == rows);
  abell::write_csv(folder / "one.csv", {"a"}, {{""}, {"b"}});
  REQUIRE(abell::read_csv(folder / "one.csv").rows == std::vector<std::vector<std::string>>{{""}, {"b"}});
  REQUIRE_THROWS_AS(abell::write_csv(folder / "t.csv", header, {{"short"}}), abell::ShapeError);
  REQUIRE(abell::read_csv(folder / "t.csv").rows == rows);
  REQUIRE_THROWS_AS(abell::write_csv(folder / "none/t.csv", header, rows), IoError);
  REQUIRE(abell::csv_number(0.1) == "0.1");
  REQUIRE(abell::csv_number(std::nan("")).empty());
}

TEST_CASE("what a spreadsheet would evaluate is guarded in CSV and reads back as it was", "[table]") {
  const TempFolder folder;
  const std::vector<std::pair<std::string, std::string>> cells{// as they are, as the file has them
                                                               {"@x", "'@x"},
                                                               {"=1+1", "'=1+1"},
                                                               {"=a,b", "\"'=a,b\""},
                                                               {"-", "'-"},
                                                               {"- 5", "'- 5"},
                                                               {"+-5", "'+-5"},
                                                               {"-1+1", "'-1+1"},
                                                               {"+nan(x)", "'+nan(x)"},
                                                               {"-60:61", "'-60:61"},
                                                               {"\t=1", "'\t=1"},
                                                               {"\r\n@x", "\"'\r\n@x\""},
                                                               {"'=x", "''=x"},
                                                               {"''=x", "'''=x"},
                                                               {"+1", "+1"},
                                                               {"-1", "-1"},
                                                               {"-.5", "-.5"},
                                                               {"1e5", "1e5"},
                                                               {"-1e-400", "-1e-400"},
                                                               {"-inf", "-inf"},
                                                               {"+NaN", "+NaN"},
                                                               {"-11:03:52", "-11:03:52"},
                                                               {"+00 12 30.5", "+00 12 30.5"},
                                                               {"-11d03m52s", "-11d03m52s"},
                                                               {"\t-5", "\t-5"},
                                                               {"\tx", "\tx"},
                                                               {" =x", "\" =x\""},
                                                               {"a=b", "a=b"},
                                                               {"'", "'"},
                                                               {"''", "''"},
                                                               {"'x", "'x"},
                                                               {"'+1", "'+1"},
                                                               {"", ""},
                                                               {"–", "–"}};
  std::string expected = "cell,n\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& [text, cell] : cells) {
    rows.push_back({text, "1"});
    expected += cell + ",1\n";
  }
  abell::write_csv(folder / "t.csv", {"cell", "n"}, rows);
  REQUIRE(slurp(folder / "t.csv") == expected);
  REQUIRE(abell::read_csv(folder / "t.csv").rows == rows);
  abell::write_csv(folder / "t.csv", {"=a"}, {});
  REQUIRE(slurp(folder / "t.csv") == "'=a\n");
  REQUIRE(abell::read_csv(folder / "t.csv").header == std::vector<std::string>{"=a"});
}

TEST_CASE("tables of others lose an apostrophe only where it is a guard", "[table]") {
  const abell::Table table = abell::parse_csv("a,b,c,d\n'=x,'x,'-5,\"'@\"\"y\"\"\"\n-x,=1,'',@\n", "t.csv");
  REQUIRE(table.rows == std::vector<std::vector<std::string>>{{"=x", "'x", "'-5", "@\"y\""}, {"-x", "=1", "''", "@"}});
}

TEST_CASE("a table is read row by row", "[table]") {
  const TempFolder folder;
  abell::TableReader table(folder.write("t.csv", "id,text\n1,one\n\n2,\"t\nw\"\"o\"\n3\n"));
  REQUIRE(table.header == std::vector<std::string>{"id", "text"});
  const std::size_t text = table.column("text");
  REQUIRE(table.next());
  REQUIRE((table[text] == "one" && table.line() == 2));
  REQUIRE(table.next());
  REQUIRE((table[text] == "t\nw\"o" && table.where() == (folder / "t.csv").string() + ":4"));
  REQUIRE(table.fields() == std::vector<std::string>{"2", "t\nw\"o"});
  // What comes later is an error later.
  REQUIRE_THROWS_WITH(table.next(), Contains("t.csv:6: expected 2 fields, found 1"));
}
