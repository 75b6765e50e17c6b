/// The one main of all Catch2 test programs.

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

/// Read by the leak sanitizer: LLVM's OpenMP runtime loses some of its threads' memory when teams change in size,
/// wcslib some of its own when it refuses a header, and HDF5 when a file is damaged.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libomp\nleak:libwcs\nleak:libhdf5"; }

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
