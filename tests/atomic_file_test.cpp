#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <abell/core/atomic_file.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "full_disk.hpp"
#include "temp_folder.hpp"

using abell::AtomicFile;
using abell::Durability;
using abell::IoError;
namespace fs = std::filesystem;

// What the library asks of the system, counted; it may be made to fail, or to be foreseen.
namespace {
std::atomic<int> syncs{0};
std::atomic<int> syncs_of_all{0};
std::atomic<int> sync_error{0};
std::atomic<int> foreseen{0};  // calls whose random bytes are all zero
}  // namespace

extern "C" int fsync(int file) {
  ++syncs;
  if (sync_error == 0) return static_cast<int>(::syscall(SYS_fsync, file));
  errno = sync_error;
  return -1;
}
extern "C" int syncfs(int) noexcept {
  ++syncs_of_all;
  return 0;
}
extern "C" int getentropy(void* bytes, std::size_t size) {
  if (foreseen > 0 && foreseen-- > 0) {
    std::memset(bytes, 0, size);
    return 0;
  }
  return ::syscall(SYS_getrandom, bytes, size, 0) == static_cast<long>(size) ? 0 : -1;
}

namespace {

const std::string zeros(16, 'a');  // as a temporary name has them
const std::string mark(abell::detail::temporary_mark);

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

/// The only temporary file of `folder`.
std::string temporary_in(const fs::path& folder) {
  std::string found;
  for (const std::string& name : names_in(folder)) {
    if (!abell::detail::is_temporary(name)) continue;
    REQUIRE(found.empty());
    found = name;
  }
  return found;
}

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

void write(const fs::path& path, const std::string& text, Durability durability = Durability::now) {
  AtomicFile file(path, durability);
  file.stream() << text;
  file.commit();
}

}  // namespace

TEST_CASE("a file has its name when it is complete, or not at all", "[files]") {
  const TempFolder folder;
  folder.write("kept.txt", "old");
  {
    AtomicFile file(folder / "kept.txt");
    file.stream() << "new" << std::flush;
    REQUIRE(slurp(folder / "kept.txt") == "old");
    REQUIRE(slurp(folder / temporary_in(folder.path())) == "new");
  }
  REQUIRE(slurp(folder / "kept.txt") == "old");
  {
    AtomicFile file(folder / "kept.txt");
    file.stream() << "new";
    file.stream().setstate(std::ios::badbit);
    REQUIRE_THROWS_AS(file.commit(), IoError);
  }
  REQUIRE(slurp(folder / "kept.txt") == "old");
  REQUIRE(names_in(folder.path()) == std::set<std::string>{"kept.txt"});
  write(folder / "kept.txt", "new");
  REQUIRE(slurp(folder / "kept.txt") == "new");
  REQUIRE(names_in(folder.path()) == std::set<std::string>{"kept.txt"});
}

TEST_CASE("all that is written arrives, in pieces of any size", "[files]") {
  const TempFolder folder;
  std::string text;
  AtomicFile file(folder / "a");
  for (const std::size_t size : {1UL, 65535UL, 65536UL, 1UL, 65537UL, 300000UL, 0UL, 40000UL, 40000UL}) {
    const std::string piece(size, static_cast<char>('a' + text.size() % 26));
    file.stream() << piece;
    file.stream().put('.');
    text += piece + '.';
  }
  file.commit();
  REQUIRE(slurp(folder / "a") == text);
}

TEST_CASE("what stands at the start may be written last", "[files]") {
  const TempFolder folder;
  {
    AtomicFile file(folder / "f");
    file.stream() << "????" << std::string(200'000, 'x') << "end";
    file.stream().seekp(0);
    file.stream() << "head";
    file.commit();
  }
  REQUIRE(slurp(folder / "f") == "head" + std::string(200'000, 'x') + "end");
}

TEST_CASE("temporary names cannot be foreseen, and are never opened twice", "[files]") {
  const TempFolder folder;
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) names.insert(abell::detail::temporary_name(folder / "a.csv").string());
  REQUIRE(names.size() == 1000);

  // Somebody who foresaw the names would have put a file and a link there.
  foreseen = 1;
  folder.write("victim", "safe");
  const std::string taken = "a.csv" + mark + zeros;
  fs::create_symlink("victim", folder / taken);
  write(folder / "a.csv", "mine");
  REQUIRE(foreseen == 0);
  REQUIRE(slurp(folder / "victim") == "safe");
  REQUIRE(slurp(folder / "a.csv") == "mine");
  fs::remove(folder / taken);
  foreseen = 1;
  folder.write(taken, "of another program");
  write(folder / "a.csv", "mine", Durability::later);
  REQUIRE(foreseen == 0);
  REQUIRE(slurp(folder / taken) == "of another program");
}

TEST_CASE("long names have shorter temporary ones", "[files]") {
  const TempFolder folder;
  const std::string name(255, 'n');
  write(folder / name, "text");
  REQUIRE(slurp(folder / name) == "text");
}

TEST_CASE("a file that is replaced hands on its mode; a new one has that of its time", "[files]") {
  const TempFolder folder;
  const mode_t mask = ::umask(027);
  write(folder / "new", "");
  ::umask(mask);
  REQUIRE(mode_of(folder / "new") == 0640);
  for (const unsigned mode : {0600U, 0444U, 0664U, 0755U}) {
    REQUIRE(::chmod((folder / "new").c_str(), mode) == 0);
    AtomicFile file(folder / "new");
    // Never more open than the old one while it is written, and not closed to whoever tidies up.
    const unsigned before = mode_of(folder / temporary_in(folder.path()));
    REQUIRE((before & 077U & ~mode) == 0);
    REQUIRE((before & 0600U) == 0600U);
    file.commit();
    REQUIRE(mode_of(folder / "new") == mode);
  }
}

TEST_CASE("a symbolic link stays, and what it leads to is replaced", "[files]") {
  const TempFolder folder;
  folder.write("disk/model", "old");
  fs::create_directory(folder / "run");
  fs::create_symlink("../disk/model", folder / "run/model");
  fs::create_symlink(folder / "run/model", folder / "chain");
  {
    AtomicFile file(folder / "chain");
    file.stream() << "new";
    REQUIRE(names_in(folder / "disk").size() == 2);
    REQUIRE(names_in(folder / "run").size() == 1);
    file.commit();
  }
  REQUIRE(fs::is_symlink(folder / "chain"));
  REQUIRE(fs::is_symlink(folder / "run/model"));
  REQUIRE(slurp(folder / "disk/model") == "new");
  fs::create_symlink("nothing yet", folder / "dangling");
  write(folder / "dangling", "text");
  REQUIRE(fs::is_symlink(folder / "dangling"));
  REQUIRE(slurp(folder / "nothing yet") == "text");
  fs::create_symlink("circle", folder / "circle");
  REQUIRE_THAT(message_of<IoError>([&] { AtomicFile(folder / "circle"); }), Contains("too many symbolic links"));
  REQUIRE(names_in(folder.path()).size() == 6);
}

TEST_CASE("what is no file is not replaced", "[files]") {
  const TempFolder folder;
  fs::create_directory(folder / "folder");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  for (const fs::path& path : {folder / "folder", folder / "pipe", fs::path("/dev/null")}) {
    REQUIRE_THAT(message_of<IoError>([&] { AtomicFile{path}; }), Contains(path.string() + ": is not a file"));
  }
  REQUIRE(names_in(folder.path()).size() == 2);
}

TEST_CASE("a file that cannot be written is an error, keeps the old one and leaves nothing", "[files]") {
  const TempFolder folder;
  folder.write("kept.txt", "old");
  const std::string full = message_of<IoError>([&] {
    const FullDisk disk(100000);
    write(folder / "kept.txt", std::string(200000, 'x'));
  });
  REQUIRE_THAT(full, Contains("kept.txt: cannot be written: File too large"));
  sync_error = EIO;
  const std::string broken = message_of<IoError>([&] { write(folder / "kept.txt", "new"); });
  sync_error = 0;
  REQUIRE_THAT(broken, Contains("kept.txt: cannot be written: Input/output error"));
  REQUIRE(slurp(folder / "kept.txt") == "old");
  REQUIRE(names_in(folder.path()) == std::set<std::string>{"kept.txt"});

  REQUIRE_THAT(message_of<IoError>([&] { AtomicFile(folder / "none/a"); }),
               Contains("none/a: cannot be created: No such file or directory"));
  fs::create_directory(folder / "gone");
  AtomicFile file(folder / "gone/a");
  fs::remove_all(folder / "gone");
  REQUIRE_THAT(message_of<IoError>([&] { file.commit(); }), Contains("gone/a: cannot be renamed into place"));
  fs::create_directory(folder / "taken");
  AtomicFile late(folder / "taken/a");
  fs::create_directory(folder / "taken/a");
  REQUIRE_THAT(message_of<IoError>([&] { late.commit(); }), Contains("taken/a: cannot be renamed into place"));
}

TEST_CASE("a file and its folder are put on disk, those of a set once", "[files]") {
  const TempFolder folder;
  syncs = 0;
  syncs_of_all = 0;
  write(folder / "a", "text");
  REQUIRE(syncs == 2);
  for (int i = 0; i < 10; ++i) write(folder / std::to_string(i), "text", Durability::later);
  REQUIRE(syncs == 2);
  REQUIRE(syncs_of_all == 0);
  abell::sync_folder(folder.path());
  REQUIRE(syncs_of_all == 1);
  REQUIRE_THROWS_AS(abell::sync_folder(folder / "none"), IoError);
}

TEST_CASE("leftovers of killed runs go, files that are being written stay", "[files]") {
  const TempFolder folder;
  const std::string leftover = "a.csv" + mark + zeros;
  const std::string of_another = "b.csv" + mark + zeros;
  // Names that somebody else may have given.
  for (const char* name : {"a.csv.part-1", "a.csv.part-abell-short", "a.csv.part-abell-Aaaaaaaaaaaaaaaa"}) {
    folder.write(name, "foreign");
  }
  folder.write(mark + zeros, "foreign");
  folder.write(leftover, "half");
  folder.write(of_another, "half");
  {
    AtomicFile alive(folder / "a.csv");
    const std::string temporary = [&] {
      for (const std::string& name : names_in(folder.path())) {
        if (abell::detail::is_temporary(name) && name != of_another) return name;
      }
      return std::string();
    }();
    REQUIRE_FALSE(fs::exists(folder / leftover));
    REQUIRE(fs::exists(folder / of_another));
    abell::remove_leftovers(folder.path());
    REQUIRE_FALSE(fs::exists(folder / of_another));
    write(folder / "a.csv", "of another run");
    REQUIRE(fs::exists(folder / temporary));
    alive.stream() << "text";
    alive.commit();
  }
  REQUIRE(slurp(folder / "a.csv") == "text");
  REQUIRE(names_in(folder.path()).size() == 5);
}

TEST_CASE("what a killed process was writing goes when the file is written next", "[files]") {
  const TempFolder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(folder / "a");
    file.stream() << "half" << std::flush;
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  const std::string temporary = temporary_in(folder.path());
  write(folder / "a", "while it lives");
  REQUIRE(temporary_in(folder.path()) == temporary);
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  REQUIRE(slurp(folder / temporary) == "half");
  write(folder / "a", "next");
  REQUIRE(names_in(folder.path()) == std::set<std::string>{"a"});
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("many writers of one file: a reader sees one of them, whole", "[files]") {
  const TempFolder folder;
  write(folder / "a", std::string(70000, 'z'));
  std::atomic<int> writing{4};
  std::atomic<int> errors{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        // Those that look for leftovers meet files that are just being made.
        const Durability durability = round % 2 == 0 ? Durability::later : Durability::now;
        const std::string message = message_of<IoError>(
            [&] { write(folder / "a", std::string(70000, static_cast<char>('a' + i)), durability); });
        if (!message.empty()) ++errors;
      }
      --writing;
    });
  }
  while (writing > 0) {
    const std::string text = slurp(folder / "a");
    if (text.size() != 70000 || text != std::string(70000, text[0])) ++errors;
    abell::remove_leftovers(folder.path());
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(errors == 0);
  REQUIRE(names_in(folder.path()) == std::set<std::string>{"a"});
}
