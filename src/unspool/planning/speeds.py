"""How many symbols a second a network learns from on this machine: a few timed steps of each candidate."""

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from unspool.engines import make_engine
from unspool.network.config import NetworkConfig
from unspool.network.parameters import parameter_shapes
from unspool.text.streams.lanes import Window
from unspool.training.config import TrainingConfig
from unspool.training.dropout import dropout_masks
from unspool.training.optimizers import Optimizer

STEPS = 3  # timed, at the least, after one that only warms up
SCALE = 0.05  # of the parameters, which are noise: a product takes as long whatever is multiplied

# Gives symbols a second for each network, or for the first few where the seconds were over before the rest.
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
        networks: The candidates, the fastest first, their vocab_size set.
        training: Batch size, sequence length, optimizer, engine and threads.
        seconds: Time for all of them together; it is overrun by one network's few steps at most.
        clock: Seconds, from anywhere.

    Returns:
        Symbols a second of each network, as its median step does; only of the first ones where the time
        was over, and of one at least.
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
    """Time one network for about so many seconds."""
    random = np.random.default_rng(0)
    B, T = training.batch_size, training.sequence_length
    symbols = random.integers(1, network.symbols, (T + 1, B), dtype=np.int32)  # (T + 1, B)
    window = Window(ids=symbols[:-1].copy(), targets=symbols[1:].copy())
    engine = make_engine(training.engine, network, threads=training.threads, precision=training.precision)
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
