"""The face of the native module: checks shapes and types, documents each operation.

The kernels are compiled once for each instruction set and chosen when a network is made: the best one that
the processor has, or the one named by the environment variable ``UNSPOOL_KERNELS``. All arrays are
C-contiguous; floating-point arrays are float32. Results have the same bits for every number of threads.

Where the kernels have no instruction for products in bf16, ``UNSPOOL_EMULATE_BF16=1`` in the environment lets
them emulate it in float32 arithmetic: slower than float32, for tests and to see what bf16 would learn.
"""
