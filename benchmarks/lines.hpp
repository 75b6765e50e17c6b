#pragma once
/// The groups of lines that abell-benchmark is made of.

namespace abell::bench {

void add_instructions();     ///< beside.cpp: what shares the units of the multiply-adds
void add_matrix_products();  ///< gemm.cpp: GEMM and dense layers
void add_convolutions();     ///< convolution.cpp: plain and fused, forward and both gradients
void add_pooling();          ///< pooling.cpp
void add_data();             ///< data.cpp: augmentation and loader
void add_depthwise();        ///< depthwise.cpp: MobileNet's, forward and both gradients
void add_networks();         ///< network.cpp: the custom network's steps and predictions, optimizers
void add_mobilenet();        ///< mobilenet.cpp: the same of MobileNet, and the links of its chain

}  // namespace abell::bench
