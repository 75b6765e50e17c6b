#pragma once
/// The whole library without file formats; needs OpenMP only.

#if __cplusplus <= 201703L
#error "abell needs C++20: compile with -std=c++20"
#else

#include <abell/core/cpu.hpp>
#include <abell/core/error.hpp>
#include <abell/core/parallel.hpp>
#include <abell/core/random.hpp>
#include <abell/core/shape.hpp>
#include <abell/core/tensor.hpp>
#include <abell/core/version.hpp>
#include <abell/data/array_samples.hpp>
#include <abell/data/loader.hpp>
#include <abell/data/samples.hpp>
#include <abell/inference/dihedral.hpp>
#include <abell/inference/dropout_spread.hpp>
#include <abell/inference/explain.hpp>
#include <abell/metrics/calibration.hpp>
#include <abell/metrics/comparison.hpp>
#include <abell/metrics/confusion.hpp>
#include <abell/metrics/regression.hpp>
#include <abell/metrics/roc.hpp>
#include <abell/metrics/segmentation.hpp>
#include <abell/metrics/statistics.hpp>
#include <abell/metrics/threshold.hpp>
#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/models/unet.hpp>
#include <abell/network/network.hpp>
#include <abell/network/summary.hpp>
#include <abell/training/fit.hpp>
#include <abell/training/resume.hpp>

#endif
