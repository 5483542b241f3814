"""Training speed next to PyTorch: the same network, the same windows, forward, backward, clipping, AdamW."""

import argparse
from collections.abc import Callable

import numpy as np

import harness

LEARNING_RATE = 1e-3

Step = Callable[[], float]


def windows(arguments: argparse.Namespace) -> list[np.ndarray]:
    """Draw the windows that all contenders train on: ids (T + 1, B) from 1 to V - 1."""
    generator = np.random.default_rng(0)
    shape = (arguments.sequence_length + 1, arguments.batch_size)
    return [
        generator.integers(1, arguments.vocab_size, shape).astype(np.int32) for _ in range(arguments.steps)
    ]


def unspool_steps(cell: str, arguments: argparse.Namespace) -> tuple[dict[str, np.ndarray], list[Step]]:
    """Prepare unspool's steps; return the initial parameters as well."""
    from unspool._engines import make_engine
    from unspool._network.config import NetworkConfig
    from unspool._network.parameters import initialize
    from unspool._text.streams.lanes import Window
    from unspool._training.config import TrainingConfig
    from unspool._training.optimizers import Optimizer

    config = NetworkConfig(
        cell=cell,
        hidden_size=arguments.hidden_size,
        num_layers=arguments.num_layers,
        vocab_size=arguments.vocab_size,
    )
    engine = make_engine("cpu", config, threads=arguments.threads)
    parameters = initialize(config, 0)
    start = {name: array.copy() for name, array in parameters.items()}
    recipe = TrainingConfig(optimizer="adamw", clip_norm=1.0)
    optimizer = Optimizer("adamw", parameters, recipe, threads=arguments.threads)
    state = engine.initial_state(arguments.batch_size)

    def step(window: Window) -> float:
        nonlocal state
        loss, gradients, state = engine.loss_and_gradients(parameters, window, state, reset_id=None)
        optimizer.update(parameters, gradients, LEARNING_RATE)
        return loss.mean

    prepared = [Window(np.ascontiguousarray(w[:-1]), np.ascontiguousarray(w[1:])) for w in windows(arguments)]
    return start, [lambda window=window: step(window) for window in prepared]


def torch_steps(cell: str, arguments: argparse.Namespace, start: dict[str, np.ndarray]) -> list[Step]:
    """Prepare PyTorch's steps, from the same parameters."""
    import torch

    from unspool._benchmarking.torch_peer import TorchNetwork, TorchTrainer

    torch.set_num_threads(arguments.threads)
    network = TorchNetwork(
        cell,
        vocab_size=arguments.vocab_size,
        hidden_size=arguments.hidden_size,
        num_layers=arguments.num_layers,
    )
    network.take(start)
    trainer = TorchTrainer(network, learning_rate=LEARNING_RATE)
    tensors = [torch.from_numpy(window).long() for window in windows(arguments)]
    return [lambda window=window: trainer.step(window[:-1], window[1:]) for window in tensors]


def speed(steps: list[Step], characters: int) -> float:
    """Run all steps once and return characters per second."""
    return len(steps) * characters / harness.seconds(lambda: [step() for step in steps])


def operations(cell: str, arguments: argparse.Namespace) -> int:
    """Return the useful operations for one training character."""
    from unspool._benchmarking.operations import training_operations
    from unspool._network.config import NetworkConfig

    return training_operations(
        NetworkConfig(
            cell=cell,
            hidden_size=arguments.hidden_size,
            num_layers=arguments.num_layers,
            vocab_size=arguments.vocab_size,
        )
    )


def measure(cell: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Measure every contender on one cell."""
    start, steps_of_unspool = unspool_steps(cell, arguments)
    contenders = {"unspool": steps_of_unspool}
    if harness.installed("torch"):
        contenders["PyTorch"] = torch_steps(cell, arguments, start)
        first = {name: steps[0]() for name, steps in contenders.items()}
        if abs(first["unspool"] - first["PyTorch"]) > 1e-4 * first["PyTorch"]:
            raise SystemExit(f"{cell}: not the same work, the losses of the first step differ: {first}")
    else:
        harness.absent("PyTorch", "torch")
    characters = arguments.batch_size * arguments.sequence_length
    speeds = harness.take_turns(
        {name: lambda steps=steps: speed(steps, characters) for name, steps in contenders.items()},
        rounds=arguments.rounds,
    )
    return {"cell": cell, "characters_per_second": speeds, "operations": operations(cell, arguments)}


def row(result: dict[str, object]) -> list[str]:
    """Return one cell's result as a table row."""
    speeds: dict[str, harness.Spread] = result["characters_per_second"]
    unspool, peer = speeds["unspool"], speeds.get("PyTorch")
    gflops = unspool.median * result["operations"] / 1e9
    ratio = f"{unspool.median / peer.median:.2f}" if peer else "absent"
    return [result["cell"], str(unspool), f"{gflops:.0f}", str(peer or "absent"), ratio]


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__)
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "rnn"])
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--num-layers", type=int, default=1)
    parser.add_argument("--vocab-size", type=int, default=84)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--sequence-length", type=int, default=45)
    parser.add_argument("--steps", type=int, default=20, help="steps in a round")
    arguments = parser.parse_args()
    results = [measure(cell, arguments) for cell in arguments.cells]
    terms = f"Training characters a second, median (low to high) of {arguments.rounds} rounds: "
    terms += f"hidden {arguments.hidden_size} x {arguments.num_layers}, vocabulary {arguments.vocab_size}, "
    terms += f"batch {arguments.batch_size} x {arguments.sequence_length}"
    header = ["cell", "unspool", "GFLOP/s", "PyTorch", "unspool / PyTorch"]
    document = {
        "benchmark": "training_throughput",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "results": results,
    }
    harness.finish(
        document,
        [terms, "", harness.table(header, [row(result) for result in results])],
        as_json=arguments.json,
    )


if __name__ == "__main__":
    main()
