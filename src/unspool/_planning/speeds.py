"""Measure the training speed of networks on this machine by a few steps of each candidate."""

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from unspool._network.config import NetworkConfig
from unspool._network.memory import check_memory
from unspool._network.parameters import parameter_shapes
from unspool._text.streams.lanes import Window
from unspool._training.config import TrainingConfig
from unspool._training.dropout import dropout_masks
from unspool._training.optimizers import Optimizer, arrays_of
from unspool._training.task import engine_of

STEPS = 3  # least number of timed steps, after one to warm up
SCALE = 0.05  # of the random parameters: the time of a product does not depend on the values

# Returns tokens a second for each network, or only for the first ones if the seconds were over too early.
Measure = Callable[[Sequence[NetworkConfig], TrainingConfig, float], list[float]]


def measure_speeds(
    networks: Sequence[NetworkConfig],
    training: TrainingConfig,
    seconds: float,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Time whole training steps of networks: forward, backward, clipping and update.

    Args:
        networks: The candidates, the fastest first; their vocab_size is set.
        training: The training configuration, with batch size, sequence length, optimizer, engine and threads.
        seconds: Time for all of them together; it may be exceeded by a few steps of one network.
        clock: A function that returns the time in seconds, from any starting point.

    Returns:
        Tokens a second of each network, from its median step; only of the first networks if the time was
        over, and of at least one.

    Raises:
        ConfigError: If a network does not fit into the memory.
    """
    began, speeds = clock(), list[float]()
    for network in networks:
        if speeds and clock() - began >= seconds:
            break
        share = (seconds - (clock() - began)) / (len(networks) - len(speeds))
        speeds.append(_speed(network, training, share, clock))
    return speeds


def _speed(
    network: NetworkConfig, training: TrainingConfig, seconds: float, clock: Callable[[], float]
) -> float:
    """Time one network for about this many seconds."""
    random = np.random.default_rng(0)
    B, T = training.batch_size, training.sequence_length
    check_memory(network, arrays=arrays_of(training), symbols=B * T)
    symbols = random.integers(1, network.symbols, (T + 1, B), dtype=np.int32)  # (T + 1, B)
    window = Window(ids=symbols[:-1].copy(), targets=symbols[1:].copy())
    engine = engine_of(training, network)
    parameters = {
        name: SCALE * random.standard_normal(shape, dtype=np.float32)
        for name, shape in parameter_shapes(network).items()
    }
    optimizer = Optimizer(training.optimizer, parameters, training, threads=engine.threads)
    state, times, began = engine.initial_state(B), list[float](), clock()
    while len(times) <= STEPS or clock() - began < seconds:
        start = clock()
        masks = dropout_masks(network, B, seed=0, step=len(times))
        _, gradients, state = engine.loss_and_gradients(parameters, window, state, reset_id=None, masks=masks)
        optimizer.update(parameters, gradients, training.learning_rate)
        times.append(clock() - start)
    return T * B / statistics.median(times[1:])
