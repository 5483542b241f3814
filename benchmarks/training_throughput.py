"""Training speed next to PyTorch and JAX: the same windows, forward, backward, clipping, AdamW or Adam.

Without an embedding the network is the same, too, and the losses of the first step must agree. With one, a
network of PyTorch has learnt input rows in place of one-hot ones: other work, and less of it.
"""

import argparse
from collections.abc import Callable

import harness

EMBEDDING = 32  # size of PyTorch's learnt rows
STEPS = 20  # steps of a round
SAME = {"float32": 1e-4, "bf16": 2e-2}  # relative difference of the first losses, at most

# contenders of PyTorch: what differs from one-hot input in eager mode
TORCH = {
    "PyTorch, one-hot": {},
    "PyTorch, one-hot, compiled": {"compiled": True},
    "PyTorch, embedding": {"embedding": EMBEDDING},
    "PyTorch, embedding, compiled": {"embedding": EMBEDDING, "compiled": True},
}
IN_BF16 = {"by autocast": {"bf16": True}, "all in bf16": {"half": True}}


def peers(precision: str) -> dict[str, dict[str, object]]:
    """Return the contenders of PyTorch in this precision, each with its arguments."""
    if precision == "float32":
        return TORCH
    return {
        f"{name}, {way}": {**more, **kind} for name, more in TORCH.items() for way, kind in IN_BF16.items()
    }


def prepared(cell: str, arguments: argparse.Namespace) -> dict[str, Callable[[], float]]:
    """Prepare a step of every contender, which returns its loss; those of the same network must agree."""
    from unspool._benchmarking import contenders
    from unspool._network.config import NetworkConfig
    from unspool._network.parameters import initialize

    config = NetworkConfig(
        cell=cell,
        hidden_size=arguments.hidden_size,
        num_layers=arguments.num_layers,
        vocab_size=arguments.vocab_size,
    )
    sizes = {name: getattr(arguments, name) for name in ("vocab_size", "sequence_length", "batch_size")}
    windows, start = contenders.random_windows(**sizes), initialize(config, 0)
    precision, rate = arguments.precision, contenders.LEARNING_RATE
    ours = {"threads": arguments.threads, "precision": precision}
    steps = {"unspool": contenders.training_step(config, start, windows, **ours)}
    if harness.installed("torch"):
        from unspool._benchmarking import torch_peer

        for name, more in peers(precision).items():
            terms = {"threads": arguments.threads, "learning_rate": rate, **more}
            steps[name] = torch_peer.training_step(config, start, windows, **terms)
    else:
        harness.absent("PyTorch", "torch")
    if precision == "float32" and harness.installed("jax"):
        from jax_training import training_step

        steps["JAX"] = training_step(config, start, windows, learning_rate=rate)
    first = {name: step() for name, step in steps.items()}
    same = {name: loss for name, loss in first.items() if "embedding" not in name}
    contenders.refuse_other_work(same, tolerance=dict.fromkeys(same, SAME[precision]))
    return steps


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
    characters = STEPS * arguments.batch_size * arguments.sequence_length
    rounds = {
        name: lambda step=step: characters / harness.seconds(lambda: [step() for _ in range(STEPS)])
        for name, step in prepared(cell, arguments).items()
    }
    speeds = harness.take_turns(rounds, rounds=arguments.rounds)
    return {"cell": cell, "characters_per_second": speeds, "operations": operations(cell, arguments)}


def rows(result: dict[str, object]) -> list[list[str]]:
    """Return a row for each contender on one cell; the strongest peer is marked."""
    speeds: dict[str, harness.Spread] = result["characters_per_second"]
    ours, *others = speeds
    strongest = max(others, key=lambda name: speeds[name].median, default=None)
    gflops = f"{speeds[ours].median * result['operations'] / 1e9:.0f}"
    lines = [[result["cell"], ours, str(speeds[ours]), gflops, ""]]
    for name in others:
        beside = f"{speeds[ours].median / speeds[name].median:.2f} ×"
        mark = " (strongest)" if name == strongest else ""
        lines.append([result["cell"], name + mark, str(speeds[name]), "", beside])
    return lines


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__)
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "rnn"])
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--num-layers", type=int, default=1)
    parser.add_argument("--vocab-size", type=int, default=84)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--sequence-length", type=int, default=45)
    parser.add_argument("--precision", default="float32", choices=list(SAME), help="of the products")
    arguments = parser.parse_args()
    harness.keep_to_processors(arguments.threads)
    results = [measure(cell, arguments) for cell in arguments.cells]
    terms = f"Training characters a second, median (low to high) of {arguments.rounds} rounds: "
    terms += f"hidden {arguments.hidden_size} x {arguments.num_layers}, vocabulary {arguments.vocab_size}, "
    terms += f"batch {arguments.batch_size} x {arguments.sequence_length}, {arguments.precision}"
    header = ["cell", "", "characters a second", "GFLOP/s", "unspool / it"]
    document = {
        "benchmark": "training_throughput",
        "machine": harness.describe(threads=arguments.threads, precision=arguments.precision),
        "settings": vars(arguments),
        "results": results,
    }
    harness.finish(
        document,
        [terms, "", harness.table(header, [row for result in results for row in rows(result)])],
        as_json=arguments.json,
    )


if __name__ == "__main__":
    main()
