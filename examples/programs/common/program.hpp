#pragma once
/// What every abell program shares: the common options, exit codes, stopping, the folder written and progress.
///
///   int main(int argc, char** argv) {
///     using namespace abell::program;
///     CLI::App app("Counts clusters", "abell-count");
///     CommonOptions common;
///     add_common(app, common);
///     return run(app, argc, argv, [&] { ...; return interrupted() ? exit_stopped() : exit_ok; });
///   }

#include <CLI/CLI.hpp>
#include <abell/core/error.hpp>
#include <abell/core/printable.hpp>
#include <abell/core/version.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "choices.hpp"
#include "help.hpp"
#include "manual.hpp"
#include "option_file.hpp"
#include "output_folder.hpp"
#include "printable_output.hpp"
#include "progress.hpp"
#include "stopping.hpp"

namespace abell::program {

inline constexpr int exit_ok = 0;
inline constexpr int exit_error = 1;  ///< a user's error: one line on standard error
inline constexpr int exit_usage = 2;  ///< wrong options

/// Options that all programs take.
struct CommonOptions {
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0 means all processors
  bool quiet = false;
  bool verbose = false;
};

inline void add_common(CLI::App& app, CommonOptions& options) {
  const std::string heading = app.option_defaults()->get_group();
  app.option_defaults()->group(common_heading);
  app.add_option("--seed", options.seed, "Seed of all random numbers")
      ->check(within(0, 18446744073709551615.0))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Number of threads, 0 for all processors")
      ->check(within(0, 1024))
      ->capture_default_str();
  auto* quiet = app.add_flag("-q,--quiet", options.quiet, "Print errors only");
  app.add_flag("-v,--verbose", options.verbose, "Print more")->excludes(quiet);
  add_option_file(app);
  app.set_version_flag("--version", app.get_name() + " " + std::string(version), "Print the version and stop");
  app.set_help_flag("-h,--help", "Print this and stop");
  add_generate(app);
  app.option_defaults()->group(heading);
  app.formatter(std::make_shared<HelpFormatter>());
}

/// Whether the program, or the command of it that runs, has that option.
inline bool has_option(const CLI::App& app, const std::string& flag) {
  if (app.get_option_no_throw(flag) != nullptr) return true;
  return std::ranges::any_of(app.get_subcommands(),
                             [&](const CLI::App* command) { return command->get_option_no_throw(flag) != nullptr; });
}

/// The message, in which an option of the library, max_megapixels say, is the program's if it has that:
/// --max-megapixels.
inline std::string with_flag(const CLI::App& app, const Error& error) {
  std::string message = error.what();
  std::string flag = "--" + message.substr(error.option_at, error.option_size);
  std::ranges::replace(flag, '_', '-');
  if (error.option_size == 0 || !has_option(app, flag)) return message;
  return message.replace(error.option_at, error.option_size, flag);
}

/// Calls `body` and turns what it throws into an exit code and one line "program: message" on standard error.
inline int guard(const CLI::App& app, const std::function<int()>& body) {
  const auto fail = [&](std::string message, int code) {
    std::ranges::replace(message, '\n', ' ');
    std::cerr << app.get_name() << ": " << message << std::endl;
    return code;
  };
  try {
    const int code = body();
    std::cout.flush();
    return std::cout ? code : fail("standard output: cannot be written", exit_error);
  } catch (const Stopped&) {
    return exit_stopped();
  } catch (const OptionError& error) {
    return fail(with_flag(app, error), exit_usage);
  } catch (const Error& error) {
    return fail(with_flag(app, error), exit_error);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", exit_error);
  } catch (const std::exception& error) {
    return fail(error.what(), exit_error);
  }
}

/// What is wrong with the command line: an option that nobody knows may be why another one is missing.
inline std::string usage_message(CLI::App& app, const CLI::ParseError& error) {
  for (const std::string& argument : app.remaining(true)) {
    if (!argument.starts_with('-')) continue;
    const std::string name = argument.substr(0, argument.find('='));
    return "unknown option " + name + did_you_mean(name, option_names(app));
  }
  return error.what();
}

/// Parses the command line, listens for requests to stop and calls `body` under `guard`.
/// --help and --version give 0, wrong options 2.
inline int run(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  const PrintableOutput output;
  return guard(app, [&] {
    try {
      app.parse(argc, argv);
    } catch (const CLI::FileError&) {
      throw IoError(app.get_config_ptr()->as<std::string>() + ": cannot be opened for reading");
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app.exit(error);
      throw OptionError(usage_message(app, error) + " (see " + app.get_name() + " --help)");
    }
    std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
    listen_for_stop();
    return body();
  });
}

/// Tells the user what does not end the run, a line each.
inline void print_notes(const std::vector<std::string>& notes, bool quiet) {
  if (quiet) return;
  for (const std::string& note : notes) std::cerr << printable(note) << std::endl;
}

/// The command line as typed, the program without its folder; `name` is the program's.
inline std::string command_line(const std::string& name, int argc, char** argv) {
  std::string command = name;
  for (int i = 1; i < argc; ++i) command += " " + std::string(argv[i]);
  return command;
}

}  // namespace abell::program
