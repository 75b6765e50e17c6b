#pragma once
/// When and where a program ran, for reports whose bytes are not promised.

#include <sys/utsname.h>

#include <abell/core/cpu.hpp>
#include <array>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace abell::program {

/// "2026-05-04 13:12 UTC".
inline std::string date_text(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return text.data();
}

/// The processor's name as the system has it, or else its architecture.
inline std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  utsname system{};
  return uname(&system) == 0 ? system.machine : "unknown";
}

/// The date of now, and the machine without its name.
inline std::vector<std::pair<std::string, std::string>> machine_values(int threads) {
  return {{"Date", date_text(std::time(nullptr))},
          {"Processor", processor_name()},
          {"Processors", std::to_string(std::thread::hardware_concurrency())},
          {"Threads", std::to_string(threads)},
          {"Instruction set", std::string(name_of(active_isa()))}};
}

}  // namespace abell::program
