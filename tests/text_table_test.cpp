/// Tables in text: what stands between fields, comments, rows of units, bars.

#include <abell/data/table.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"

using abell::FormatError;
using abell::Table;

namespace {

using Texts = std::vector<std::string>;

Table read(const std::string& text) { return abell::parse_csv(text, "t.txt"); }

std::string refused(const std::string& text) {
  return message_of<FormatError>([&] { read(text); });
}

}  // namespace

TEST_CASE("commas, tabs and semicolons stand between fields", "[table]") {
  for (const char* text : {"id,ra,dec\nA 1,2,-3\n", "id, ra , dec\nA 1,2, -3\n", "id\tra\tdec\nA 1\t2\t-3\n",
                           "id;ra;dec\r\nA 1;2;-3", "\xEF\xBB\xBFid;ra;dec\n\"A 1\";2;-3\n",
                           "# a comment, with a comma\n#\nid\tra\tdec\n#more\nA 1\t2\t-3\n", "# id,ra,dec\nA 1,2,-3\n",
                           "# from a catalogue\n# id\tra\tdec\nA 1\t2\t-3\n", "# id    ra  dec\n \"A 1\"  2 -3 \n"}) {
    INFO(text);
    const Table table = read(text);
    REQUIRE(table.header == Texts{"id", "ra", "dec"});
    REQUIRE(table.rows == std::vector<Texts>{{"A 1", "2", "-3"}});
    REQUIRE(table.units.empty());
  }
  REQUIRE(read("a;b,c\n1;2,3\n").header == Texts{"a;b", "c"});
  REQUIRE(read("RA (deg, J2000)\tDEC\n1\t2\n").header == Texts{"RA (deg, J2000)", "DEC"});
  REQUIRE(read("a\tsize\n1\t12\" x 3\"\n").rows[0][1] == "12\" x 3\"");
  REQUIRE(read("a\n#1\n").rows == std::vector<Texts>{{"#1"}});
  REQUIRE_THAT(refused("a;b\n1;2\n1;2;3\n"), Contains("t.txt:3: expected 2 fields, found 3"));
}

TEST_CASE("blanks around fields, and what other forms would take for theirs, are quoted when they are written",
          "[table]") {
  for (const Texts& row : {Texts{" a", "b "}, Texts{"#a", "b"}, Texts{"a;b"}, Texts{"a\tb"}, Texts{"a;b", "c\td"},
                           Texts{"|a", "b"}, Texts{"|a|b|"}, Texts{"\\a", "b"}, Texts{"-", "---"}, Texts{" "}}) {
    INFO(row[0]);
    std::ostringstream out;
    abell::write_csv_row(out, row);
    abell::write_csv_row(out, row);
    abell::write_csv_row(out, row);
    const Table table = read(out.str());
    REQUIRE(table.header == row);
    REQUIRE(table.rows == std::vector<Texts>{row, row});
  }
}

TEST_CASE("VizieR's tables have rows of units and of dashes", "[table]") {
  const Table table = read(
      "#\n#   VizieR Astronomical Server\n#Name: J/A+A/534/A109/mcxc\n"
      "#Column\tMCXC\t(a12)\tMCXC name (JHHMM.m+DDMM)\t[ucd=meta.id;meta.main]\n"
      "#Column\tX\t(a10)\t? Right ascension (J2000)\t[ucd=pos.eq.ra;meta.main]\n"
      "MCXC\tX\tDEJ2000\tz\n \t\"h:m:s\"\t\"d:m:s\"\t \n"
      "------------\t----------\t---------\t------\n"
      "J0000.1+0816\t00 00 07.1\t+08 16 45\t0.0396\nJ0000.4-0237\t00 00 24.7\t-02 37 30\t\n\n#END#\n");
  REQUIRE(table.header == Texts{"MCXC", "X", "DEJ2000", "z"});
  REQUIRE(table.units == Texts{"", "\"h:m:s\"", "\"d:m:s\"", ""});
  REQUIRE(table.ucds == Texts{"meta.id;meta.main", "pos.eq.ra;meta.main", "", ""});
  REQUIRE(table.rows.size() == 2);
  REQUIRE(table.rows[1] == Texts{"J0000.4-0237", "00 00 24.7", "-02 37 30", ""});
  REQUIRE(table.lines[1] == 10);
}

TEST_CASE("IPAC's columns lie between bars", "[table]") {
  const std::string text =
      "\\fixlen = T\n\\ a comment\n"
      "|name   |       ra|   dec|   n|\n|char   |   double|double|long|\n|       |hourangle|   deg|    |\n"
      "|null   |     null|  null|null|\n"
      "  A 1      9.97267 -11.06    1 \n  B           10.0    2.0 null\n  C           11.0\n";
  const Table table = read(text);
  REQUIRE(table.header == Texts{"name", "ra", "dec", "n"});
  REQUIRE(table.units == Texts{"", "hourangle", "deg", ""});
  REQUIRE(table.rows ==
          std::vector<Texts>{{"A 1", "9.97267", "-11.06", "1"}, {"B", "10.0", "2.0", ""}, {"C", "11.0", "", ""}});
  REQUIRE(table.lines[0] == 7);
  REQUIRE_THAT(refused("\\only a comment\n"), Contains("t.txt: expected an IPAC header"));
  REQUIRE_THAT(refused("|a|a|\n 1 2\n"), Contains("column 'a' is there twice"));
}
