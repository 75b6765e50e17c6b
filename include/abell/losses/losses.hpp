#pragma once
/// All losses.

#include <abell/losses/heat_map_focal.hpp>
#include <abell/losses/huber.hpp>
#include <abell/losses/mean_squared_error.hpp>
#include <abell/losses/sigmoid_cross_entropy.hpp>
#include <abell/losses/softmax_cross_entropy.hpp>
