"""Generation speed next to PyTorch carrying its state: one stream, and many sequences at once."""

import argparse
from collections.abc import Callable

import numpy as np

import harness

NEVER = np.float32(-1e4)  # the bias that keeps <eos> from ending a sequence early


def untrained(arguments: argparse.Namespace) -> tuple[object, dict[str, np.ndarray]]:
    """Make the network and its parameters, <eos> being out of reach."""
    from unspool.network.config import NetworkConfig
    from unspool.network.parameters import initialize

    config = NetworkConfig(
        cell=arguments.cell,
        hidden_size=arguments.hidden_size,
        num_layers=arguments.num_layers,
        vocab_size=arguments.vocab_size,
    )
    parameters = initialize(config, 0)
    parameters["output.bias"][-1] = NEVER
    return config, parameters


def unspool_speed(arguments: argparse.Namespace, batch_size: int) -> Callable[[], float]:
    """Prepare a round of unspool's: characters per second."""
    from unspool.engines import make_engine
    from unspool.generation.options import GenerationOptions

    config, parameters = untrained(arguments)
    engine = make_engine("cpu", config, threads=arguments.threads)
    length = max(1, arguments.characters // batch_size)
    options = GenerationOptions(max_new_tokens=length, temperature=arguments.temperature, seed=0)
    prompts = [np.zeros(0, np.int32)] * batch_size

    def run() -> float:
        taken = harness.seconds(lambda: made.append(engine.generate(parameters, prompts, options)))
        drawn = sum(len(sequence.ids) for sequence in made.pop())
        if drawn != batch_size * length:
            raise SystemExit(f"expected {batch_size * length} characters, got {drawn}")
        return drawn / taken

    made: list[list[object]] = []
    return run


def torch_speed(arguments: argparse.Namespace, batch_size: int) -> Callable[[], float]:
    """Prepare a round of PyTorch's: characters per second."""
    import torch

    from torch_peer import TorchNetwork, generate

    threads = 1 if batch_size == 1 else arguments.threads  # one stream is faster without a pool
    network = TorchNetwork(
        arguments.cell,
        vocab_size=arguments.vocab_size,
        hidden_size=arguments.hidden_size,
        num_layers=arguments.num_layers,
    )
    network.take(untrained(arguments)[1])
    length = max(1, arguments.characters // batch_size // arguments.peer_share)

    def run() -> float:
        torch.set_num_threads(threads)
        work = lambda: generate(  # noqa: E731
            network,
            batch_size=batch_size,
            count=length,
            start=arguments.vocab_size - 1,
            temperature=arguments.temperature,
        )
        return batch_size * length / harness.seconds(work)

    return run


def measure(arguments: argparse.Namespace, batch_size: int) -> dict[str, object]:
    """Measure every contender on one batch size."""
    contenders = {"unspool": unspool_speed(arguments, batch_size)}
    if harness.installed("torch"):
        contenders["PyTorch"] = torch_speed(arguments, batch_size)
    else:
        harness.absent("PyTorch", "torch")
    speeds = harness.take_turns(contenders, rounds=arguments.rounds)
    return {"batch_size": batch_size, "characters_per_second": speeds}


def row(result: dict[str, object]) -> list[str]:
    """Lay out one batch size's result."""
    speeds: dict[str, harness.Spread] = result["characters_per_second"]
    ours, peer = speeds["unspool"], speeds.get("PyTorch")
    ratio = f"{ours.median / peer.median:.1f}" if peer else "absent"
    return [str(result["batch_size"]), str(ours), str(peer or "absent"), ratio]


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--num-layers", type=int, default=1)
    parser.add_argument("--vocab-size", type=int, default=84)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8, 64, 256])
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--characters", type=int, default=100_000, help="characters in a round of unspool's")
    parser.add_argument("--peer-share", type=int, default=25, help="how many times fewer a peer draws")
    arguments = parser.parse_args()
    results = [measure(arguments, batch_size) for batch_size in arguments.batch_sizes]
    terms = f"Generated characters a second, median (low to high) of {arguments.rounds} rounds: "
    terms += f"{arguments.cell}, hidden {arguments.hidden_size} x {arguments.num_layers}, "
    terms += f"vocabulary {arguments.vocab_size}, temperature {arguments.temperature}"
    header = ["sequences at once", "unspool", "PyTorch", "unspool / PyTorch"]
    document = {
        "benchmark": "generation_throughput",
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
