#pragma once
/// The options that say what a network shall learn: --task and what belongs to it.

#include <abell/losses/losses.hpp>
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "../common/networks.hpp"
#include "../common/option_record.hpp"
#include "../common/program.hpp"

namespace abell::program {

struct TaskOptions {
  std::string name = "classify";
  std::vector<std::string> targets;  ///< columns of numbers, of regress
  std::optional<std::string> loss;   ///< of regress
  std::optional<int> size;           ///< side of the images that U-Net gets

  Task task() const { return parse_task(name); }

  /// Throws OptionError for targets and sizes that are of no use.
  void check() const {
    if (task() == Task::regress && targets.empty()) {
      throw OptionError("--target: expected columns of numbers for --task regress, found none");
    }
    for (auto column = targets.begin(); column != targets.end(); ++column) {
      if (column->empty() || std::find(targets.begin(), column, *column) != column) {
        throw OptionError("--target: expected different columns, found '" + *column + "'");
      }
    }
    if (size && *size % unet_step != 0) {
      throw OptionError("--size: expected a multiple of " + std::to_string(unet_step) + ", found " +
                        std::to_string(*size));
    }
  }

  /// The loss where the task decides it; classify's has options of its own.
  Loss make_loss() const {
    if (task() == Task::multilabel) return SigmoidCrossEntropy{};
    if (task() == Task::segment) return SoftmaxCrossEntropy{};
    if (loss.value_or("mse") == "huber") return Huber{};
    return MeanSquaredError{};
  }

  /// What a report calls the loss.
  std::string loss_name() const {
    if (task() == Task::regress) return loss.value_or("mse") == "huber" ? "Huber's loss" : "mean squared error";
    return "cross-entropy";
  }

  /// Adds to a run's record what is not classify's.
  void record(Json& json) const {
    if (task() == Task::classify) return;
    json["task"] = name;
    if (task() == Task::regress) {
      json["targets"] = targets;
      json["loss"] = loss.value_or("mse");
    }
    if (task() == Task::segment) json["size"] = size.value_or(default_unet_size);
  }
};

inline void add_task_options(CLI::App& app, TaskOptions& o) {
  app.option_defaults()->group("Task");
  app.add_option("--task", o.name,
                 "What to learn: classify (the column class: positive or not), multilabel (class: any number of them, "
                 "with semicolons between them; an empty field: none), regress (numbers, --target), or segment (the "
                 "column mask: an image of the class of each pixel)")
      ->transform(one_of({task_names.begin(), task_names.end()}))
      ->capture_default_str();
  app.add_option("--target", o.targets,
                 "Columns of numbers to learn, A,B; an empty field is unknown and left out. A network learns them with "
                 "mean 0 and variance 1, as are loss and error in the history; results are in the columns' units")
      ->delimiter(',');
  app.add_option("--loss", o.loss, "Loss of regress; huber is robust against outliers (default: mse)")
      ->transform(one_of({"mse", "huber"}));
  app.add_option("--size", o.size,
                 "Side of the images that unet sees, a multiple of " + std::to_string(unet_step) +
                     " (default: " + std::to_string(default_unet_size) + ")")
      ->check(within(unet_step, 4096));
}

}  // namespace abell::program
