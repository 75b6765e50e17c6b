/// abell-benchmark: Google Benchmark's options only, see --help.

#include "harness.hpp"
#include "lines.hpp"

int main(int argc, char** argv) {
  return abell::bench::run_program(argc, argv, [] {
    abell::bench::add_instructions();
    abell::bench::add_matrix_products();
    abell::bench::add_convolutions();
    abell::bench::add_pooling();
    abell::bench::add_data();
    abell::bench::add_depthwise();
    abell::bench::add_networks();
    abell::bench::add_mobilenet();
  });
}
