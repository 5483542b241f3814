"""Beam search next to a careful loop in PyTorch that carries the state of all beams: steps a second.

Both find the same texts, which is checked before anything is timed.
"""

import argparse
from collections.abc import Callable

import numpy as np

import harness

NEVER = np.float32(-1e4)  # a bias so low that <eos> never ends a text


def untrained(arguments: argparse.Namespace) -> tuple[object, dict[str, np.ndarray]]:
    """Make the network and its parameters; <eos> is never drawn."""
    from unspool._network.config import NetworkConfig
    from unspool._network.parameters import initialize

    config = NetworkConfig(
        cell=arguments.cell, hidden_size=arguments.hidden_size, vocab_size=arguments.vocab_size
    )
    random = np.random.default_rng(0)
    parameters = {
        name: array + random.normal(0, 0.1, array.shape).astype(np.float32)
        for name, array in initialize(config, 0).items()
    }
    parameters["output.bias"][-1] = NEVER
    return config, parameters


def ours(arguments: argparse.Namespace, prompts: int) -> Callable[[], np.ndarray]:
    """Prepare unspool's search, which returns the best text of each prompt.  # (P, T)."""
    from unspool._engines import make_engine
    from unspool._generation.search.beams import search_beams
    from unspool._generation.search.forward import Searched
    from unspool._generation.search.search_options import BeamOptions

    config, parameters = untrained(arguments)
    engine = make_engine("cpu", config, threads=arguments.threads)
    options = BeamOptions(num_beams=arguments.num_beams, max_new_tokens=arguments.length)
    starts = [np.array([1 + p % (arguments.vocab_size - 2)], np.int32) for p in range(prompts)]

    def run() -> np.ndarray:
        forward = engine.forward(parameters, lanes=prompts * arguments.num_beams)
        network = Searched(forward, engine.initial_state, arguments.vocab_size - 1)
        return np.stack([best.ids for (best,) in search_beams(network, starts, options)])

    return run


def torchs(arguments: argparse.Namespace, prompts: int) -> Callable[[], np.ndarray]:
    """Prepare the peer's search, which returns the best text of each prompt.  # (P, T)."""
    import torch

    from unspool._benchmarking.torch_peer import TorchNetwork

    V, K = arguments.vocab_size, arguments.num_beams
    network = TorchNetwork(arguments.cell, vocab_size=V, hidden_size=arguments.hidden_size)
    network.take(untrained(arguments)[1])
    starts = torch.tensor([[V - 1] * prompts, [1 + p % (V - 2) for p in range(prompts)]])

    @torch.inference_mode()
    def run() -> np.ndarray:
        torch.set_num_threads(1 if prompts * K < 64 else arguments.threads)
        logits, state = network(starts)
        totals, ids = torch.zeros(prompts, 1), torch.zeros(prompts, 1, 0, dtype=torch.long)
        logits = logits[-1]
        for _ in range(arguments.length):
            steps = torch.log_softmax(logits, dim=-1).view(prompts, -1, V)
            totals, places = (totals[..., None] + steps).flatten(1).topk(K)  # (P, K)
            parents, symbols = places // V, places % V
            lanes = (torch.arange(prompts)[:, None] * steps.shape[1] + parents).flatten()
            ids = torch.cat([ids.flatten(0, 1)[lanes].view(prompts, K, -1), symbols[..., None]], dim=-1)
            best = [part[:, lanes] for part in state] if isinstance(state, tuple) else state[:, lanes]
            logits, state = network(symbols.view(1, -1), tuple(best) if isinstance(state, tuple) else best)
            logits = logits[0]
        return ids[:, 0].numpy()

    return run


def measure(arguments: argparse.Namespace, prompts: int) -> dict[str, object]:
    """Measure both on this many prompts at once."""
    searches = {"unspool": ours(arguments, prompts)}
    if harness.installed("torch"):
        searches["PyTorch"] = torchs(arguments, prompts)
        same = (searches["unspool"]() == searches["PyTorch"]()).all(axis=1).mean()
        if same < 0.9:  # float32 may decide near ties differently
            raise SystemExit(f"the same text for {same:.0%} of the prompts only")
    else:
        harness.absent("PyTorch", "torch")
    symbols = prompts * arguments.num_beams * arguments.length
    contenders = {
        name: lambda search=search: symbols / harness.seconds(search) for name, search in searches.items()
    }
    return {"prompts": prompts, "symbols_per_second": harness.take_turns(contenders, rounds=arguments.rounds)}


def row(result: dict[str, object]) -> list[str]:
    """Return one result as a table row."""
    speeds: dict[str, harness.Spread] = result["symbols_per_second"]
    unspool, peer = speeds["unspool"], speeds.get("PyTorch")
    ratio = f"{unspool.median / peer.median:.1f}" if peer else "absent"
    return [str(result["prompts"]), str(unspool), str(peer or "absent"), ratio]


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--vocab-size", type=int, default=84)
    parser.add_argument("--num-beams", type=int, default=5)
    parser.add_argument("--length", type=int, default=100, help="symbols of each text")
    parser.add_argument("--prompts", type=int, nargs="+", default=[1, 64])
    arguments = parser.parse_args()
    results = [measure(arguments, prompts) for prompts in arguments.prompts]
    terms = f"Symbols read by all beams a second, median (low to high) of {arguments.rounds} rounds: "
    terms += f"{arguments.cell}, hidden {arguments.hidden_size}, vocabulary {arguments.vocab_size}, "
    terms += f"{arguments.num_beams} beams"
    header = ["prompts at once", "unspool", "PyTorch", "unspool / PyTorch"]
    document = {
        "benchmark": "beam_search",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "results": results,
    }
    lines = [terms, "", harness.table(header, [row(result) for result in results])]
    harness.finish(document, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
