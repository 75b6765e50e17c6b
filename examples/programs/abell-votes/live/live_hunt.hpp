#pragma once
/// A hunt that is going on: who takes part, what they said, and what they look at next. All of it is in a database, and
/// once more in memory.

#include <sys/random.h>

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/votes/codes.hpp>
#include <abell/votes/export_rows.hpp>
#include <abell/votes/time.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../../common/sha256.hpp"
#include "database.hpp"

namespace abell::program {

/// `size` letters and digits that nobody can guess, 5 random bits each.
inline std::string random_letters(std::size_t size) {
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string text(size, ' ');
  if (::getrandom(text.data(), size, 0) != static_cast<ssize_t>(size)) throw IoError("no random numbers");
  for (char& c : text) c = digits[static_cast<unsigned char>(c) % digits.size()];
  return text;
}

inline std::string hashed(const std::string& text) {
  Sha256 hash;
  hash.add(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  return hash.digest();
}

/// What the page of a volunteer shows.
struct Dealt {
  std::optional<std::size_t> subject;  ///< none is left
  std::size_t done = 0;
};

struct HuntStatistics {
  std::size_t volunteers = 0;  ///< who voted
  std::size_t classifications = 0;
  std::size_t subjects = 0;
  std::size_t completed = 0;  ///< subjects
  double complete = 0;        ///< share of the votes that are asked for
  double agreement = 0;       ///< share of the votes that have their object's most frequent code; NaN without votes
};

/// The database of a hunt, made where there is none.
class HuntDatabase {
 public:
  static constexpr const char* file_name = "hunt.sqlite";
  static constexpr std::int64_t format = 1;

  HuntDatabase(const std::filesystem::path& folder, bool make) : database_(folder / file_name, make) {
    database_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    Statement version(database_, "PRAGMA user_version");
    version.next();
    const std::int64_t found = version.number(0);
    version.next();
    if (found == format) return;
    if (found != 0 || !make) {
      throw FormatError((folder / file_name).string() + ": expected a hunt of format 1, found " +
                        std::to_string(found));
    }
    database_.execute(
        "BEGIN;"
        "CREATE TABLE hunt (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
        "CREATE TABLE subjects (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
        "CREATE TABLE volunteers (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, cookie TEXT NOT NULL UNIQUE,"
        "  name TEXT NOT NULL, joined INTEGER NOT NULL);"  // the cookie's hash; seconds since 1970
        "CREATE TABLE votes (number INTEGER PRIMARY KEY, volunteer INTEGER NOT NULL REFERENCES volunteers,"
        "  subject INTEGER NOT NULL REFERENCES subjects, code INTEGER NOT NULL, started INTEGER NOT NULL,"
        "  finished INTEGER NOT NULL, UNIQUE (volunteer, subject));"
        "PRAGMA user_version = 1;"
        "COMMIT");
  }

  const Database& get() const { return database_; }

  /// Of the hunt itself; empty where it was never set.
  std::string setting(const std::string& name) const {
    Statement row(database_, "SELECT value FROM hunt WHERE name = ?");
    row.bind(name);
    return row.next() ? row.text(0) : "";
  }
  void set(const std::string& name, const std::string& value) const {
    Statement(database_, "INSERT OR REPLACE INTO hunt VALUES (?, ?)").run(name, value);
  }

  /// The ids of the candidates, in order; empty before they were prepared.
  std::vector<std::string> subjects() const {
    std::vector<std::string> ids;
    for (Statement rows(database_, "SELECT id FROM subjects ORDER BY number"); rows.next();)
      ids.push_back(rows.text(0));
    return ids;
  }
  void add_subjects(const std::vector<std::string>& ids) const {
    database_.execute("BEGIN");
    Statement add(database_, "INSERT INTO subjects VALUES (?, ?)");
    for (std::size_t i = 0; i < ids.size(); ++i) add.run(static_cast<std::int64_t>(i), ids[i]);
    database_.execute("COMMIT");
  }

 private:
  Database database_;
};

/// The functions may be called from any thread. A change is on disk when they return.
class LiveHunt {
 public:
  static constexpr std::size_t most_volunteers = 100000;
  /// Who was dealt a candidate and says nothing for so long may have gone.
  static constexpr std::int64_t patience = 600;

  /// `retire`: votes after which a candidate is not dealt any more.
  LiveHunt(const HuntDatabase& database, std::size_t retire)
      : database_(database.get()),
        retire_(retire),
        add_vote_(database_, "INSERT INTO votes (volunteer, subject, code, started, finished) VALUES (?, ?, ?, ?, ?)"),
        add_volunteer_(database_, "INSERT INTO volunteers VALUES (?, ?, ?, ?, ?)"),
        subjects_(database.subjects().size()),
        committer_(database_) {
    for (Statement rows(database_, "SELECT cookie FROM volunteers ORDER BY number"); rows.next();) {
      by_cookie_[rows.text(0)] = volunteers_.size();
      volunteers_.push_back({std::vector<bool>(subjects_.size())});
    }
    for (Statement rows(database_, "SELECT volunteer, subject, code FROM votes"); rows.next();) {
      Volunteer& volunteer = volunteers_.at(static_cast<std::size_t>(rows.number(0)));
      count(volunteer, static_cast<std::size_t>(rows.number(1)), static_cast<std::size_t>(rows.number(2)));
      volunteer.voted.at(static_cast<std::size_t>(rows.number(1))) = true;
    }
  }

  std::size_t size() const { return subjects_.size(); }

  std::optional<std::size_t> volunteer_of(const std::string& cookie) const {
    const std::string key = hashed(cookie);
    const std::lock_guard lock(mutex_);
    const auto at = by_cookie_.find(key);
    if (at == by_cookie_.end()) return std::nullopt;
    return at->second;
  }

  /// A new volunteer's cookie. No value when there are too many.
  std::optional<std::string> join(const std::string& name) {
    const std::string cookie = random_letters(32);
    const std::string key = hashed(cookie);
    const std::lock_guard joining(joining_);
    std::size_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = volunteers_.size();
    }
    if (number >= most_volunteers) return std::nullopt;
    const std::string id = random_letters(12);
    committer_.commit([&] { add_volunteer_.run(static_cast<std::int64_t>(number), id, key, name, now()); });
    const std::lock_guard lock(mutex_);
    volunteers_.push_back({std::vector<bool>(subjects_.size())});
    by_cookie_[key] = number;
    return cookie;
  }

  /// Keeps the vote unless the volunteer voted on that candidate before, from another tab or because the confirmation
  /// was lost.
  void vote(std::size_t volunteer, std::size_t subject, int code) {
    std::int64_t started = now();
    bool fresh = false;
    {
      const std::lock_guard lock(mutex_);
      Volunteer& voter = volunteers_[volunteer];
      fresh = !voter.voted[subject];
      voter.voted[subject] = true;
      if (voter.dealt == subject) started = voter.since;
    }
    if (!fresh) {  // but it may not be on disk yet
      committer_.commit([] {});
      const std::lock_guard lock(mutex_);
      if (!volunteers_[volunteer].voted[subject]) throw IoError("the vote could not be written");
      return;
    }
    try {
      committer_.commit([&] {
        add_vote_.run(static_cast<std::int64_t>(volunteer), static_cast<std::int64_t>(subject), std::int64_t{code},
                      started, now());
      });
    } catch (...) {
      const std::lock_guard lock(mutex_);
      volunteers_[volunteer].voted[subject] = false;
      throw;
    }
    const std::lock_guard lock(mutex_);
    count(volunteers_[volunteer], subject, static_cast<std::size_t>(code));
  }

  /// What the volunteer looks at: the candidate that is open in another tab, or else the one with fewest votes, those
  /// counted that others are about to give.
  Dealt deal(std::size_t volunteer) {
    const std::lock_guard lock(mutex_);
    Volunteer& voter = volunteers_[volunteer];
    const std::int64_t time = now();
    if (!voter.dealt || voter.voted[*voter.dealt] || subjects_[*voter.dealt].votes >= retire_) {
      voter.dealt = fewest(voter, time);
    }
    voter.since = time;
    return {voter.dealt, voter.done};
  }

  HuntStatistics statistics() const {
    const std::lock_guard lock(mutex_);
    HuntStatistics out{.subjects = subjects_.size()};
    std::size_t wanted = 0;
    std::size_t agreed = 0;
    for (const Volunteer& volunteer : volunteers_) out.volunteers += volunteer.done > 0 ? 1 : 0;
    for (const Subject& subject : subjects_) {
      out.classifications += subject.votes;
      out.completed += subject.votes >= retire_ ? 1 : 0;
      wanted += std::min(subject.votes, retire_);
      agreed += *std::ranges::max_element(subject.codes);
    }
    out.complete = static_cast<double>(wanted) / static_cast<double>(retire_ * subjects_.size());
    out.agreement = static_cast<double>(agreed) / static_cast<double>(out.classifications);
    return out;
  }

 private:
  struct Volunteer {
    std::vector<bool> voted;  ///< by candidate; true also while a vote is being written
    std::size_t done = 0;
    std::optional<std::size_t> dealt = {};
    std::int64_t since = 0;
  };
  struct Subject {
    std::size_t votes = 0;
    std::array<std::size_t, votes::code_count> codes{};
  };

  static std::int64_t now() { return static_cast<std::int64_t>(std::time(nullptr)); }

  void count(Volunteer& volunteer, std::size_t subject, std::size_t code) {
    ++volunteer.done;
    ++subjects_.at(subject).votes;
    ++subjects_[subject].codes.at(code);
  }

  std::optional<std::size_t> fewest(const Volunteer& voter, std::int64_t time) const {
    std::vector<std::size_t> coming(subjects_.size());
    for (const Volunteer& other : volunteers_) {
      if (&other == &voter || !other.dealt || other.since + patience < time || other.voted[*other.dealt]) continue;
      ++coming[*other.dealt];
    }
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      if (voter.voted[i] || subjects_[i].votes >= retire_) continue;
      if (!best || subjects_[i].votes + coming[i] < subjects_[*best].votes + coming[*best]) best = i;
    }
    return best;
  }

  const Database& database_;
  std::size_t retire_;
  Statement add_vote_;
  Statement add_volunteer_;
  std::mutex joining_;  ///< one at a time
  mutable std::mutex mutex_;
  std::map<std::string, std::size_t, std::less<>> by_cookie_;  ///< by the hash
  std::vector<Volunteer> volunteers_;
  std::vector<Subject> subjects_;
  Committer committer_;
};

/// Writes all votes as a Panoptes export. Throws IoError.
inline std::size_t write_live_export(const std::filesystem::path& path, const HuntDatabase& hunt) {
  AtomicFile file(path);
  votes::write_export_header(file.stream());
  const std::string id = hunt.setting("id");
  std::size_t written = 0;
  for (Statement rows(hunt.get(),
                      "SELECT votes.number, volunteers.name, volunteers.id, votes.started, votes.finished, votes.code,"
                      " subjects.number, subjects.id FROM votes JOIN volunteers ON volunteers.number = votes.volunteer"
                      " JOIN subjects ON subjects.number = votes.subject ORDER BY votes.number");
       rows.next(); ++written) {
    const std::string started = votes::panoptes_time(rows.number(3));
    const std::string finished = votes::panoptes_time(rows.number(4));
    votes::write_export_row(
        file.stream(),
        {.id = std::to_string(rows.number(0)),
         .user_name = rows.text(1),
         .user_id = rows.text(2),
         .workflow_name = "The Hunt for Galaxy Clusters (live)",
         .created_at = finished,
         .metadata = {{"source", "abell-votes serve"}, {"set", id}, {"started_at", started}, {"finished_at", finished}},
         .code = static_cast<int>(rows.number(5)),
         .subject_id = id + "-" + std::to_string(rows.number(6) + 1),
         .image_id = rows.text(7)});
  }
  file.commit();
  return written;
}

}  // namespace abell::program
