#pragma once
/// ABELL_COMPILED(template instance): compiled once, in the library abell::kernels, for units that are compiled with
/// ABELL_COMPILED_KERNELS, as those are that link it; in other units it says nothing. Functions that stand in their
/// class are inline and compiled everywhere all the same, so the long ones stand below it.

#if !defined(ABELL_COMPILED_KERNELS)
#define ABELL_COMPILED(...)
#elif defined(ABELL_DEFINE_KERNELS)
#define ABELL_COMPILED(...) template __VA_ARGS__;
#else
#define ABELL_COMPILED(...) extern template __VA_ARGS__;
#endif
