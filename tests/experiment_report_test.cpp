#include <abell/report/experiment_report.hpp>
#include <abell/report/experiment_table.hpp>

#include "catch.hpp"
TEST_CASE("page") { CHECK(!abell::experiment_page({}).html().empty()); }
