"""Train a network of PyTorch for a number of processor seconds, on the windows that unspool reads.

Records are read one after the other as one stream, with the state carried on: PyTorch's layers cannot forget
in the middle of a window. Import this module only if torch is installed.
"""

import math
import time
from collections.abc import Callable, Iterator
from itertools import count

import torch
from torch.nn import functional

import ours
from unspool._benchmarking.torch_peer import TorchTrainer
from unspool._evaluation.streams import document_lanes
from unspool._text.streams.lanes import Lanes, Window
from unspool._text.streams.stream import TokenStream
from unspool._training.config import TrainingConfig
from unspool._training.schedules import SCHEDULES

STEPS_AT_ONCE = 32  # of an evaluation, which bounds the memory


def train(
    network: torch.nn.Module,
    split: ours.Split,
    *,
    config: TrainingConfig,
    share: Callable[[float, int], float],
) -> tuple[float, int]:
    """Train until the share of the run that is done is 1.

    Args:
        network: A network with ids (T, B) and a state as input, and logits and a state as output.
        split: The text.
        config: How it trains.
        share: Function that returns the share of the run that is done, from processor seconds and steps.

    Returns:
        Processor seconds used, and steps made.
    """
    trainer = TorchTrainer(
        network,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        betas=(config.beta1, config.beta2),
        epsilon=config.epsilon,
    )
    schedule, began, steps = SCHEDULES[config.schedule], time.process_time(), 0
    for first, window in _windows(split, config):
        seconds = time.process_time() - began
        done = share(seconds, steps)
        if done >= 1:
            break
        if first:
            trainer.state = None
        ids, targets = (torch.from_numpy(part).long() for part in (window.ids, window.targets))
        factor = schedule(done, config.warmup_fraction, config.floor_fraction)
        trainer.step(ids, targets, learning_rate=config.learning_rate * max(factor, 1e-3))
        steps += 1
    return seconds, steps


def _windows(split: ours.Split, config: TrainingConfig) -> Iterator[tuple[bool, Window]]:
    """Yield windows for ever, each with whether it is the first of an epoch."""
    lanes = Lanes(
        split.training,
        batch_size=config.batch_size,
        sequence_length=config.sequence_length,
        seed=config.seed,
        eos_id=split.tokenizer.eos_id,
        document=True,
    )
    for epoch in count():
        for number, window in enumerate(lanes.windows(epoch)):
            yield number == 0, window


@torch.inference_mode()
def bits(network: torch.nn.Module, stream: TokenStream, *, eos_id: int) -> float:
    """Return the bits per character of a stream, the ends of records counted."""
    state, nats = None, 0.0
    for window in document_lanes(stream, eos_id):
        for first in range(0, len(window.ids), STEPS_AT_ONCE):
            part = slice(first, first + STEPS_AT_ONCE)
            ids, targets = (torch.from_numpy(array[part]).long() for array in (window.ids, window.targets))
            logits, state = network(ids, state)
            nats += functional.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), ignore_index=0, reduction="sum"
            ).item()
    return nats / math.log(2) / stream.characters
