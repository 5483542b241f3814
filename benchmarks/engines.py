"""Compare the engines on one thread of a CPU: processor seconds of a training step, per token.

    python benchmarks/engines.py [--seconds 2]

Each pair of engines takes turns, and the least of the rounds counts, so that other work on the machine
disturbs both alike. Processor time is counted, and not the time on the wall.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from unspool._engines import make_engine
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Window

V, T, EOS = 96, 32, 95
SIZES = [
    (cell, hidden, batch) for cell in ("lstm", "gru") for hidden, batch in ((128, 16), (512, 64), (1024, 64))
]


def step_of(name: str, config: NetworkConfig, batch: int, *, reset: float) -> Callable[[], object]:
    """Return a step of an engine, on a window with a record's start at this share of its tokens."""
    random, engine = np.random.default_rng(0), make_engine(name, config, threads=1, device="cpu")
    ids = random.integers(1, EOS, (T, batch)).astype(np.int32)
    ids[random.random(ids.shape) < reset] = EOS
    window, parameters, state = Window(ids, ids.copy()), initialize(config, 0), engine.initial_state(batch)
    return lambda: engine.loss_and_gradients(parameters, window, state, reset_id=EOS)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="processor time of each engine at each size"
    )
    seconds = parser.parse_args().seconds
    print("| cell | units | lanes | records | cpu, µs/token | torch, µs/token | torch / cpu |")
    for cell, hidden, batch in SIZES:
        for words, reset in (("one document", 0.0), ("of 50 tokens", 0.02)):
            config = NetworkConfig(cell=cell, hidden_size=hidden, vocab_size=V)
            steps = {name: step_of(name, config, batch, reset=reset) for name in ("cpu", "torch")}
            least, spent = dict.fromkeys(steps, float("inf")), 0.0
            while spent < 2 * seconds:
                for name, step in steps.items():
                    began = time.process_time()
                    step()
                    took = time.process_time() - began
                    least[name], spent = min(least[name], took), spent + took
            ours, its = (1e6 * least[name] / (T * batch) for name in ("cpu", "torch"))
            print(
                f"| {cell} | {hidden} | {batch} | {words} | {ours:.2f} | {its:.2f} | {its / ours:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
