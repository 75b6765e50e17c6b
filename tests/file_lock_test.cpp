#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <abell/core/file_lock.hpp>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "../examples/programs/common/output_folder.hpp"
#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FolderLock;
using abell::IoError;
namespace fs = std::filesystem;

namespace {
std::atomic<int> flock_error{0};
}

// As on a file system that has no locks.
extern "C" int flock(int file, int operation) noexcept {
  if (flock_error == 0) return static_cast<int>(::syscall(SYS_flock, file, operation));
  errno = flock_error;
  return -1;
}

namespace {

std::string host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// A process that holds the lock of a folder until it is killed.
class Holder {
 public:
  explicit Holder(const fs::path& folder) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    process_ = ::fork();
    if (process_ == 0) {
      const FolderLock lock(folder);
      if (::write(ready[1], "x", 1) == 1) ::pause();
      ::_exit(1);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { kill(); }

  pid_t process() const { return process_; }
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }

 private:
  pid_t process_ = 0;
};

}  // namespace

TEST_CASE("a folder is held by one run, which is named to the others", "[files]") {
  const TempFolder folder;
  const fs::path file = folder / FolderLock::file_name;
  {
    const FolderLock lock(folder.path());
    REQUIRE(lock.held());
    REQUIRE(message_of<IoError>([&] { FolderLock(folder.path()); }) ==
            folder.path().string() + " is in use by another run (process " + std::to_string(::getpid()) + " on " +
                host() + ")");
    REQUIRE(fs::exists(file));
  }
  REQUIRE(fs::is_empty(folder.path()));
  const FolderLock again(folder.path());
  REQUIRE_THAT(message_of<IoError>([&] { FolderLock(folder / "none"); }),
               Contains("none: cannot be written: No such file or directory"));
}

TEST_CASE("a lock goes with its process, also when that is killed", "[files]") {
  const TempFolder folder;
  Holder holder(folder.path());
  REQUIRE_THAT(message_of<IoError>([&] { FolderLock(folder.path()); }),
               Contains("(process " + std::to_string(holder.process()) + " on "));
  holder.kill();
  REQUIRE(fs::exists(folder / FolderLock::file_name));
  { const FolderLock lock(folder.path()); }
  REQUIRE(fs::is_empty(folder.path()));
}

TEST_CASE("the file of a lock may hold anything", "[files]") {
  const TempFolder folder;
  folder.write(FolderLock::file_name, std::string(1000, 'x'));
  {
    const FolderLock lock(folder.path());
    REQUIRE(slurp(folder / FolderLock::file_name) == "process " + std::to_string(::getpid()) + " on " + host());
    folder.write(FolderLock::file_name, "\x1b[2J\n");
    REQUIRE_THAT(message_of<IoError>([&] { FolderLock(folder.path()); }), Contains("(?[2J?)"));
    folder.write(FolderLock::file_name, "");
    REQUIRE(message_of<IoError>([&] { FolderLock(folder.path()); }) ==
            folder.path().string() + " is in use by another run");
  }
  folder.write("victim", "safe");
  fs::create_symlink("victim", folder / FolderLock::file_name);
  REQUIRE_THROWS_AS(FolderLock(folder.path()), IoError);
  REQUIRE(slurp(folder / "victim") == "safe");
}

TEST_CASE("a file system without locks keeps nobody out", "[files]") {
  const TempFolder folder;
  for (const int error : {ENOLCK, EOPNOTSUPP, ENOSYS}) {
    flock_error = error;
    const FolderLock one(folder.path());
    const FolderLock two(folder.path());
    flock_error = 0;
    REQUIRE_FALSE(one.held());
    REQUIRE_FALSE(two.held());
  }
  REQUIRE(fs::is_empty(folder.path()));
}

TEST_CASE("a lock that is taken and given back all the time has one holder", "[files]") {
  const TempFolder folder;
  std::atomic<int> holders{0};
  std::atomic<int> wrong{0};
  std::atomic<int> rounds{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (rounds < 300) {
        try {
          const FolderLock lock(folder.path());
          if (++holders != 1) ++wrong;
          ++rounds;
          --holders;
        } catch (const IoError&) {  // held by another thread
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(wrong == 0);
  REQUIRE(fs::is_empty(folder.path()));
}

TEST_CASE("the folder of a run", "[files]") {
  using abell::program::OutputFolder;
  const TempFolder folder;
  const fs::path out = folder / "a/b";
  {
    const OutputFolder held(out, false);
    REQUIRE(fs::exists(out / FolderLock::file_name));
    REQUIRE_THAT(message_of<IoError>([&] { const OutputFolder second(out, false); }),
                 Contains("b is in use by another run"));
    REQUIRE_THAT(message_of<IoError>([&] { const OutputFolder second(out, true); }),
                 Contains("b is in use by another run"));
  }
  REQUIRE(fs::is_empty(folder.path()));  // what a run made and left empty goes with it
  {
    const OutputFolder held(out, false);
    folder.write("a/b/file", "text");
  }
  REQUIRE(fs::exists(out / "file"));
  REQUIRE_FALSE(fs::exists(out / FolderLock::file_name));
  REQUIRE_THAT(message_of<IoError>([&] { const OutputFolder second(out, false); }), Contains("b: folder is not empty"));
  REQUIRE_THAT(message_of<IoError>([&] { const OutputFolder second(out / "file", true); }),
               Contains("file: is not a folder"));
  { const OutputFolder held(out, true); }
  REQUIRE(fs::exists(out / "file"));

  // What a killed run left neither counts nor stays.
  fs::create_directory(folder / "c");
  folder.write("c/.abell-lock", "");
  folder.write("c/file.part-abell-abcdefghijklmnop", "half");
  { const OutputFolder held(folder / "c", true); }
  REQUIRE(fs::is_empty(folder / "c"));
}

TEST_CASE("a run says once that a file system has no locks, and goes on", "[files]") {
  const TempFolder folder;
  std::ostringstream said;
  std::streambuf* const before = std::cerr.rdbuf(said.rdbuf());
  flock_error = ENOLCK;
  {
    const abell::program::OutputFolder held(folder.path(), true);
    abell::program::make_folder(folder / "images");
  }
  flock_error = 0;
  std::cerr.rdbuf(before);
  REQUIRE(said.str() == folder.path().string() + ": this file system has no locks; nothing keeps other runs out\n");
}
