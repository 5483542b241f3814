"""The Python side of the native module: it checks shapes and types, and documents each operation.

The kernels are compiled once for each instruction set. One is chosen when a network is made: the best one of
the processor, or the one in the environment variable ``UNSPOOL_KERNELS``. All arrays are C-contiguous;
floating-point arrays are float32. Results have the same bits for every number of threads.

If the kernels have no instruction for products in bf16, ``UNSPOOL_EMULATE_BF16=1`` in the environment lets
them emulate it in float32 arithmetic. That is slower than float32; it is meant for tests and for experiments
with bf16.
"""
