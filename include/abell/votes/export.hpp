#pragma once
/// What is kept of a Panoptes classification export: 16 bytes a classification, and each distinct name once.

#include <abell/votes/names.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace abell::votes {

/// One classification. The numbers point into the lists of the `Export`.
struct Vote {
  std::uint32_t row;  ///< in the file, from 0: the order in which the votes were given
  std::uint32_t subject;
  std::uint32_t user;
  std::uint16_t workflow;
  std::uint16_t answers;  ///< which set of answers
};

/// A workflow of one major version.
struct WorkflowRows {
  std::string id;
  std::string name;
  int major = 0;
  std::size_t rows = 0;
};

/// One answer to one task, by its text.
struct Answer {
  std::string task;
  std::string text;
};

/// The answers of one classification, as positions in `Export::answers`, in the order of its tasks.
using AnswerSet = std::vector<std::uint16_t>;

/// An export, read.
struct Export {
  std::string name;  ///< of the file, for messages
  std::vector<Vote> votes;
  std::vector<std::string> users;  ///< as they are shown
  Names objects;                   ///< the subjects' image_id, or else their Panoptes id
  std::vector<WorkflowRows> workflows;
  std::vector<Answer> answers;
  std::vector<AnswerSet> answer_sets;         ///< the first one is empty
  std::map<std::string, std::size_t> untold;  ///< answers of other kinds than questions: "T0 (drawing)" -> how many
  std::size_t rows = 0;                       ///< data rows of the file
  std::size_t bad = 0;                        ///< rows that were skipped
};

}  // namespace abell::votes
