/// VOTable and ECSV as programs write them, and the form of a table told by its first bytes.

#include <abell/data/dataset.hpp>
#include <abell/data/open_table.hpp>
#include <abell/data/positions.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FormatError;

namespace {

using Texts = std::vector<std::string>;

const std::string fields = R"(
   <FIELD ID="name" arraysize="3" datatype="unicodeChar" name="name"/>
   <FIELD ID="X" datatype="double" name="X" unit="hourangle" ucd="pos.eq.ra;meta.main"/>
   <FIELD ID="Y" datatype="double" name="Y" unit="deg" ucd="pos.eq.dec;meta.main"/>
   <FIELD ID="n" datatype="int" name="n">
    <VALUES null="-99"/>
   </FIELD>
   <FIELD ID="f" datatype="float" name="f"/>
   <FIELD ID="b" datatype="bit" name="b"/>
   <FIELD ID="arr" arraysize="3" datatype="double" name="arr"/>
   <FIELD ID="s" datatype="short" name="s" unit="m"/>
   <FIELD ID="u" datatype="unsignedByte" name="u"/>
)";

/// The same two rows as astropy 5.2.1 writes them in three forms.
const std::string tabledata = R"(<DATA><TABLEDATA>
     <TR><TD>A 1</TD><TD>9.97267</TD><TD>-11.06</TD><TD>1</TD><TD>0.25</TD><TD>1</TD><TD>0 1 2</TD><TD>-1</TD><TD>1</TD></TR>
     <TR><TD>&#xe9;</TD><TD>10</TD><TD> 2 </TD><TD>-99</TD><TD>NaN</TD><TD>0</TD><TD>3 4 5</TD><TD>2</TD><TD>255</TD></TR>
    </TABLEDATA></DATA>)";
const std::string binary = R"(<DATA><BINARY>
     <STREAM encoding="base64">
AEEAIAAxQCPyAc1fmcTAJh64UeuFHwAAAAE+gAAACAAAAAAAAAAAP/AAAAAAAABAAAAAAAAAAP//AQDpAAAAAEAkAAAAAAAAQAAAAAAAAAD/
//+df8AAAABACAAAAAAAAEAQAAAAAAAAQBQAAAAAAAAAAv8=     </STREAM>
    </BINARY></DATA>)";
const std::string binary2 = R"(<DATA><BINARY2>
     <STREAM encoding="base64">
AAAAQQAgADFAI/IBzV+ZxMAmHrhR64UfAAAAAT6AAAAIAAAAAAAAAAA/8AAAAAAAAEAAAAAAAAAA//8BEAAA6QAAAABAJAAAAAAAAEAAAAAA
AAAA////nX/AAAAAQAgAAAAAAABAEAAAAAAAAEAUAAAAAAAAAAL/     </STREAM>
    </BINARY2></DATA>)";

std::string votable(const std::string& inside) {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- a comment -->\n"
         "<VOTABLE version=\"1.4\" xmlns=\"http://www.ivoa.net/xml/VOTable/v1.3\">\n<RESOURCE type=\"results\">" +
         inside + "</RESOURCE></VOTABLE>\n";
}

std::string one_table(const std::string& columns, const std::string& data) {
  return votable("<TABLE>" + columns + data + "</TABLE>");
}

std::string refused(const std::string& text) {
  const TempFolder folder;
  return message_of<abell::Error>([&] { abell::read_catalogue(folder.write("c.vot", text)); });
}

abell::SkyObject first_of(const std::string& name, const std::string& text) {
  const TempFolder folder;
  return abell::read_catalogue(folder.write(name, text)).objects.at(0);
}

}  // namespace

TEST_CASE("VOTables are read in all of their forms", "[table]") {
  for (const std::string& data : {tabledata, binary, binary2}) {
    INFO(data);
    const TempFolder folder;
    const auto path = folder.write("c.vot", one_table(fields, data));
    const abell::Table table = abell::read_votable(path);
    REQUIRE(table.header == Texts{"name", "X", "Y", "n", "f", "b", "s", "u"});
    REQUIRE(table.units == Texts{"", "hourangle", "deg", "", "", "", "m", ""});
    REQUIRE(table.rows.size() == 2);
    REQUIRE(table.rows[0] == Texts{"A 1", "9.97267", "-11.06", "1", "0.25", "1", "-1", "1"});
    REQUIRE(table.rows[1] == Texts{"\u00e9", "10", "2", "", "", "0", "2", "255"});
    const auto catalogue = abell::read_catalogue(path);
    REQUIRE(catalogue.objects[0].id == "A 1");
    REQUIRE(catalogue.objects[0].position.ra == Approx(149.59005).epsilon(1e-12));
    REQUIRE(catalogue.notes.empty());
  }
}

TEST_CASE("arrays of a VOTable whose size varies, truth values and texts", "[table]") {
  const TempFolder folder;
  // "ab", 2 values of short, 'T', null; then "", none, '?', 5.
  const auto path = folder.write(
      "c.vot",
      one_table(R"(<FIELD name="t" datatype="char" arraysize="*"/><FIELD name="a" datatype="short" arraysize="4*"/>
        <FIELD name="b" datatype="boolean"/><FIELD name="l" datatype="long"><VALUES null="7"/></FIELD>)",
                R"(<DATA><BINARY><STREAM encoding="base64">
        AAAAAmFiAAAAAgABAAJUAAAAAAAAAAcAAAAAAAAAAD8AAAAAAAAABQ==</STREAM></BINARY></DATA>)"));
  const abell::Table table = abell::read_votable(path);
  REQUIRE(table.header == Texts{"t", "b", "l"});
  REQUIRE(table.rows == std::vector<Texts>{{"ab", "1", ""}, {"", "", "5"}});
}

TEST_CASE("a VOTable tells its frame and what its service left out", "[table]") {
  const auto at = [](const std::string& systems, const std::string& ref) {
    const std::string columns =
        "<FIELD name=\"ra\" datatype=\"double\"" + ref + "/><FIELD name=\"dec\" datatype=\"double\"/>";
    const std::string row = "<DATA><TABLEDATA><TR><TD>149.59</TD><TD>-11.06</TD></TR></TABLEDATA></DATA>";
    return first_of("c.vot", votable(systems + "<TABLE>" + columns + row + "</TABLE>")).position;
  };
  const std::string fk5 = R"(<COOSYS ID="J2000" system="eq_FK5" equinox="J2000"/>)";
  const std::string fk4 = R"(<COOSYS ID="B1950" system="eq_FK4" equinox="B1950"/>)";
  const abell::SkyPosition from_fk4{150.2029981488218, -11.300855767036428};  // astropy 5.2.1
  REQUIRE(at("", "").ra == 149.59);
  REQUIRE(at(R"(<COOSYS ID="G" system="ICRS" epoch="J2016"/>)", "").ra == 149.59);
  REQUIRE(at(fk5, "").ra == Approx(149.58999295714315).epsilon(1e-12));
  REQUIRE(abell::separation(at(fk5 + fk4, " ref=\"B1950\""), from_fk4) < 1e-6);
  REQUIRE(at(fk5 + fk4, "").ra == 149.59);

  const TempFolder folder;
  const auto path = folder.write(
      "c.vot", votable("<INFO name=\"QUERY_STATUS\" value=\"OVERFLOW\"/><TABLE>" + fields + tabledata + "</TABLE>"));
  REQUIRE_THAT(abell::read_catalogue(path).notes.at(0), Contains("c.vot: ") && Contains("OVERFLOW"));
  REQUIRE_THAT(refused(votable("<INFO name=\"QUERY_STATUS\" value=\"ERROR\">no such column</INFO>")),
               Contains("expected a table of VOTable, found none: no such column"));
  REQUIRE_THAT(refused(votable("<INFO name=\"ERROR\" value=\"no such table\"/>")),
               Contains("found none: no such table"));
}

TEST_CASE("of several VOTables the first with positions is taken", "[table]") {
  const std::string other =
      "<TABLE><FIELD name=\"z\" datatype=\"int\"/><DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE>";
  const TempFolder folder;
  const auto path =
      folder.write("c.vot", votable(other + "<RESOURCE><TABLE>" + fields + binary2 + "</TABLE></RESOURCE>"));
  REQUIRE(abell::read_catalogue(path).objects[0].id == "A 1");
  REQUIRE(abell::read_votable(path).header == Texts{"z"});
  REQUIRE_THAT(refused(votable(other)), Contains("declination, found: z"));
}

TEST_CASE("damaged VOTables are refused with their names", "[table]") {
  const std::string position = R"(<FIELD name="ra" datatype="double"/><FIELD name="dec" datatype="double"/>)";
  REQUIRE_THAT(refused("<html></html>"), Contains("c.vot: expected a table of VOTable, found XML with <html>"));
  REQUIRE_THAT(refused("<VOTABLE><RESOURCE>"), Contains("c.vot: expected a VOTable, found XML with a fault at byte"));
  REQUIRE_THAT(refused(one_table(position, "<DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA>")),
               Contains("c.vot:1: expected 2 fields, found 1"));
  const auto stream = [&](const std::string& attributes, const std::string& text) {
    return refused(
        one_table(position, "<DATA><BINARY><STREAM " + attributes + ">" + text + "</STREAM></BINARY></DATA>"));
  };
  REQUIRE_THAT(stream("encoding=\"base64\"", "AAAA"), Contains("expected 8 more bytes of data, found 3"));
  REQUIRE_THAT(stream("encoding=\"base64\"", "!"), Contains("expected base64"));
  REQUIRE_THAT(stream("encoding=\"gzip\"", ""), Contains("'gzip'"));
  REQUIRE_THAT(stream("href=\"file:///etc/passwd\" encoding=\"base64\"", ""), Contains("found data in another file"));
  REQUIRE_THAT(refused(one_table(position, "<DATA><FITS/></DATA>")), Contains("found data in FITS"));
  REQUIRE_THAT(refused(one_table("<FIELD name=\"a\" datatype=\"quad\"/>", "")), Contains("'a'") && Contains("'quad'"));
  REQUIRE_THAT(refused(one_table("<FIELD name=\"a\" datatype=\"int\" arraysize=\"*x2\"/>", "")), Contains("'*x2'"));
  REQUIRE_THAT(refused(one_table("<FIELD name=\"a\" datatype=\"int\" arraysize=\"0\"/>", binary)),
               Contains("found columns without bytes"));
}

TEST_CASE("ECSV has units and frames", "[table]") {
  // As astropy 5.2.1 writes them.
  const auto hours = first_of("c.ecsv", R"(# %ECSV 1.0
# ---
# datatype:
# - {name: name, datatype: string}
# - {name: X, unit: hourangle, datatype: float64, description: 'a long description that goes over the line end and needs more than one
#     line in the header of yaml, truly', meta: !!omap [{ucd: pos.eq.ra}]}
# - {name: Y, unit: deg, datatype: float64, meta: {ucd: pos.eq.dec}}
# meta: !!omap
# - comments: [x]
# schema: astropy-2.0
name X Y
"A 1" 9.97267 -11.06
B 10.0 2.0
)");
  REQUIRE(hours.id == "A 1");
  REQUIRE(hours.position.ra == Approx(149.59005).epsilon(1e-12));
  const std::string coordinates = R"(# %ECSV 1.0
# ---
# delimiter: ','
# datatype:
# - {name: sky_centroid.ra, unit: deg, datatype: float64}
# - {name: sky_centroid.dec, unit: deg, datatype: float64}
# meta: !!omap
# - __serialized_columns__:
#     sky_centroid:
#       __class__: astropy.coordinates.sky_coordinate.SkyCoord
#       dec: !astropy.table.SerializedColumn
#         unit: &id001 !astropy.units.Unit {unit: deg}
#         value: !astropy.table.SerializedColumn {name: sky_centroid.dec}
#       equinox: !astropy.time.Time {format: jyear_str, in_subfmt: '*', jd1: 2442413.0, jd2: 0.75, scale: tt}
#       frame: fk5
#       ra: !astropy.table.SerializedColumn
#         unit: *id001
# schema: astropy-2.0
sky_centroid.ra,sky_centroid.dec
149.59,-11.06
)";
  const auto frame = first_of("c.ecsv", coordinates);  // J1975
  REQUIRE(abell::separation(frame.position, {149.89647301481142, -11.180222579462566}) < 1e-8);
  REQUIRE_THAT(refused("# %ECSV 1.0\n# ---\n# datatype: [\nra dec\n1 2\n"),
               Contains("c.vot: expected the header of ECSV as YAML"));
  REQUIRE_THAT(refused("# %ECSV 1.0\n# ---\n# a: 1\nra dec\n1 2\n"),
               Contains("expected the columns of ECSV under 'datatype'"));
}

TEST_CASE("the tables of sets have all forms", "[data]") {
  const TempFolder folder;
  folder.write("x.fits", "");
  const std::string columns =
      R"(<FIELD name="id" datatype="char" arraysize="*"/><FIELD name="image" datatype="char" arraysize="*"/>
      <FIELD name="class" datatype="char" arraysize="*"/><FIELD name="l" datatype="double" unit="deg"/>
      <FIELD name="b" datatype="double" unit="deg"/>)";
  const auto path =
      folder.write("set.vot", one_table(columns,
                                        "<DATA><TABLEDATA><TR><TD>a</TD><TD>x.fits</TD><TD>cluster</TD><TD>149.59</TD>"
                                        "<TD>-11.06</TD></TR><TR><TD>b</TD><TD>x.fits</TD><TD>other</TD><TD/><TD/></TR>"
                                        "</TABLEDATA></DATA>"));
  const abell::DataSet set = abell::read_data_set(path);
  REQUIRE(set.objects.size() == 2);
  const auto opened = abell::open_objects(path, {.need_set = false});  // as abell-classify does: no image
  REQUIRE(opened->next()->files[0].filename() == "x.fits");
  REQUIRE(set.objects[0].id == "a");
  REQUIRE(std::stod(set.objects[0].ra) == Approx(50.513137340313946).epsilon(1e-9));
  REQUIRE(set.objects[1].ra.empty());
  REQUIRE(abell::read_data_set(folder.write("set.tsv", "id\timage\tclass\na\tx.fits\tcluster\nb\tx.fits\tother\n"))
              .objects.size() == 2);
}
