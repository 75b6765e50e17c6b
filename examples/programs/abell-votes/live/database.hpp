#pragma once
/// SQLite, in as far as a live hunt needs it.

#include <sqlite3.h>

#include <abell/core/error.hpp>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::program {

class Database {
 public:
  /// Opens the file, which is made unless it must be there. Throws IoError, as all functions here do.
  explicit Database(const std::filesystem::path& path, bool make) : path_(path.string()) {
    sqlite3* opened = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (make ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
    file_.reset(opened);
    if (code != SQLITE_OK) fail();
    sqlite3_busy_timeout(opened, 10000);
  }

  void execute(const char* sql) const {
    if (sqlite3_exec(file_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }
  [[noreturn]] void fail() const {
    throw IoError(path_ + ": " + (file_ ? sqlite3_errmsg(file_.get()) : "out of memory"));
  }
  sqlite3* get() const { return file_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* file) const { sqlite3_close_v2(file); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> file_;
};

/// A prepared statement.
///
///     Statement rows(database, "SELECT id FROM subjects WHERE number > ?");
///     for (rows.bind(7); rows.next();) use(rows.text(0));
class Statement {
 public:
  Statement(const Database& database, const char* sql) : database_(database) {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v2(database.get(), sql, -1, &prepared, nullptr) != SQLITE_OK) database.fail();
    statement_.reset(prepared);
  }

  /// The values of all its question marks.
  template <class... Values>
  void bind(const Values&... values) {
    int at = 0;
    (bind_at(++at, values), ...);
  }
  /// Goes to the next row; false behind the last one, and the statement can be bound and run anew.
  bool next() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    sqlite3_reset(statement_.get());
    if (code != SQLITE_DONE) database_.fail();
    return false;
  }
  /// Runs a statement without rows.
  template <class... Values>
  void run(const Values&... values) {
    bind(values...);
    next();
  }

  std::int64_t number(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  std::string text(int column) const {
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
  }

 private:
  void bind_at(int at, std::int64_t value) { check(sqlite3_bind_int64(statement_.get(), at, value)); }
  void bind_at(int at, const std::string& value) {
    check(sqlite3_bind_text64(statement_.get(), at, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  void check(int code) const {
    if (code != SQLITE_OK) database_.fail();
  }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  const Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Writes from many threads: what comes while the disk is busy shares the next transaction.
class Committer {
 public:
  explicit Committer(const Database& database) : database_(database) {}

  /// Runs `write` in a transaction and returns when it is on disk. Throws what the transaction threw: nothing of it is
  /// written then.
  void commit(std::function<void()> write) {
    Job job{.write = std::move(write)};
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(&job);
    }
    const std::lock_guard turn(turn_);
    if (!job.done) transact();
    if (job.problem) std::rethrow_exception(job.problem);
  }

 private:
  struct Job {
    std::function<void()> write;
    bool done = false;
    std::exception_ptr problem = {};
  };

  /// Writes all that wait, this thread's and others'.
  void transact() {
    std::vector<Job*> jobs;
    {
      const std::lock_guard lock(mutex_);
      jobs.swap(waiting_);
    }
    std::exception_ptr problem;
    try {
      database_.execute("BEGIN IMMEDIATE");
      for (const Job* job : jobs) job->write();
      database_.execute("COMMIT");
    } catch (...) {
      problem = std::current_exception();
      if (sqlite3_get_autocommit(database_.get()) == 0) {
        sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
      }
    }
    for (Job* job : jobs) {
      job->done = true;
      job->problem = problem;
    }
  }

  const Database& database_;
  std::mutex turn_;   ///< held by the thread that writes
  std::mutex mutex_;  ///< guards what follows
  std::vector<Job*> waiting_;
};

}  // namespace abell::program
