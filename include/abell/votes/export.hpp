#pragma once
/// What is kept of Panoptes classification exports: 16 bytes a classification, and each distinct name once.

#include <abell/votes/names.hpp>
#include <abell/votes/rows.hpp>
#include <abell/votes/workflow_version.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace abell::votes {

/// One classification. The numbers point into the lists of the `Export`.
struct Vote {
  std::uint32_t order;  ///< by time, and by row of two in one second: from 0, how the votes were given
  std::uint32_t subject;
  std::uint32_t user;
  std::uint32_t answers;  ///< which set of answers
};

/// A workflow of one version.
struct WorkflowRows {
  std::string id;
  std::string name;
  WorkflowVersion version = {};
  std::size_t rows = 0;
};

/// One answer to one task, by its text.
struct Answer {
  std::string workflow;  ///< its id
  std::string task;
  std::string text;
  bool null = false;  ///< no text: shown as "None", which panoptes_aggregation calls it
};

/// The answers of a classification.
struct AnswerSet {
  std::uint16_t workflow = 0;               ///< position in `Export::workflows`
  std::vector<std::uint16_t> answers = {};  ///< positions in `Export::answers`, in the order of the tasks
};

/// Exports, read and joined.
struct Export {
  std::string name;  ///< of the files, for messages
  std::vector<Vote> votes;
  std::vector<std::string> users;  ///< as they are shown
  Names objects;                   ///< by the names of `object_name`
  std::vector<WorkflowRows> workflows;
  std::vector<Answer> answers;
  std::vector<AnswerSet> answer_sets;
  /// Answers of other kinds than questions, by workflow and kind: (0, "T0 (drawing)") -> how many.
  std::map<std::pair<std::uint16_t, std::string>, std::size_t> untold;
  std::size_t rows = 0;                                         ///< data rows of the files
  std::size_t bad = 0;                                          ///< rows that were skipped
  std::array<std::size_t, row_choice_names.size()> left_out{};  ///< rows that were not chosen
  std::size_t several_subjects = 0;                             ///< votes on several subjects together
  std::size_t untimed = 0;                                      ///< rows whose time cannot be read
};

}  // namespace abell::votes
