"""Generation speed: one stream and many sequences at once, next to the fastest ways of other libraries.

All peers but the lesson carry their state: PyTorch by its own layers and by a cell written by hand, JAX in
one compiled loop, numba in loops compiled for one stream, onnxruntime by a call for each character; the
lesson reads the whole text again for each character, as it is taught. First all must write the same text.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

import harness

FILTERED = {
    "top_k": 40,
    "top_p": 0.9,
    "repetition_penalty": 1.1,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
}
OURS = (
    "unspool",
    "unspool in bf16",
    "unspool in int8",
    "unspool, filtered",
    "unspool, filtered each its own way",
)
CHECKED = 20  # characters of the text that all write at a temperature so low that nothing is left to chance
COLD = 1e-3
NEVER = np.float32(-1e4)  # a bias so low that <eos> never ends a sequence


def untrained(arguments: argparse.Namespace) -> tuple[object, dict[str, np.ndarray]]:
    """Make the network and its parameters; <eos> is never drawn."""
    from unspool._network.config import NetworkConfig
    from unspool._network.parameters import initialize

    config = NetworkConfig(
        cell=arguments.cell,
        hidden_size=arguments.hidden_size,
        num_layers=arguments.num_layers,
        vocab_size=arguments.vocab_size,
    )
    parameters = {name: 3 * array for name, array in initialize(config, 0).items()}  # it has preferences
    parameters["output.bias"][-1] = NEVER
    return config, parameters


def unspool_speed(
    arguments: argparse.Namespace, batch_size: int, *, inference: str = "float32", **decoding: float
) -> Callable[[], float]:
    """Prepare a round of unspool that returns characters per second, with further generation options."""
    from unspool._engines import make_engine
    from unspool._generation.engine_request import EngineRequest
    from unspool._generation.options.generation_options import GenerationOptions
    from unspool._generation.writer import generate

    config, parameters = untrained(arguments)
    engine = make_engine("cpu", config, threads=arguments.threads, inference=inference)
    length = max(1, arguments.characters // batch_size)
    options = GenerationOptions(max_new_tokens=length, temperature=arguments.temperature, seed=0, **decoding)
    request = EngineRequest([np.zeros(0, np.int32)] * batch_size, options)

    def run() -> float:
        taken = harness.seconds(lambda: results.append(generate(engine.writer(parameters), request)))
        drawn = sum(len(sequence.ids) for sequence in results.pop())
        if drawn != batch_size * length:
            raise SystemExit(f"expected {batch_size * length} characters, got {drawn}")
        return drawn / taken

    results: list[list[object]] = []
    return run


def company_speed(arguments: argparse.Namespace, batch_size: int) -> Callable[[], float]:
    """Prepare a round of as many filtered sequences, each with options of its own: characters per second."""
    from unspool._engines import make_engine
    from unspool._generation.engine_request import EngineRequest
    from unspool._generation.options.generation_options import GenerationOptions

    config, parameters = untrained(arguments)
    engine = make_engine("cpu", config, threads=arguments.threads)
    length = max(1, arguments.characters // batch_size)
    requests = [
        EngineRequest(
            [np.zeros(0, np.int32)],
            GenerationOptions(
                **{**FILTERED, "top_p": 0.9 + 0.05 * i / batch_size},
                max_new_tokens=length,
                temperature=arguments.temperature,
                seed=i,
            ),
        )
        for i in range(batch_size)
    ]

    def write() -> None:
        writer = engine.writer(parameters)
        for request in requests:
            writer.add(request)
        drawn = len(writer.advance(length + 1).drawn.tokens)
        if (drawn, len(writer)) != (batch_size * length, 0):
            raise SystemExit(f"expected {batch_size * length} characters, got {drawn}")

    return lambda: batch_size * length / harness.seconds(write)


@dataclass(frozen=True)
class Peer:
    """Another library's way to write.

    Args:
        package: What must be installed.
        writer: A function (arguments, batch size, characters of each, temperature) that returns a function of
            a seed, which returns the ids (count, B).
        share: How many times fewer characters it draws in a round than unspool.
        most: Highest number of sequences at once.
        any_network: Whether it takes every cell and number of layers; else one layer of LSTM.
    """

    package: str
    writer: Callable[[argparse.Namespace, int, int, float], Callable[[int], np.ndarray]]
    share: int
    most: int | None = None
    any_network: bool = False

    def takes(self, arguments: argparse.Namespace, batch_size: int) -> bool:
        """Return whether it can write with this network so many sequences."""
        fits = self.any_network or (arguments.cell, arguments.num_layers) == ("lstm", 1)
        return fits and (self.most is None or batch_size <= self.most)


def layers_of_torch(
    arguments: argparse.Namespace, batch_size: int, count: int, temperature: float
) -> Callable[[int], np.ndarray]:
    """Prepare `nn.LSTM`, `nn.GRU` or `nn.RNN`, called for each character."""
    import torch

    from unspool._benchmarking.torch_peer import TorchNetwork, generate

    network = TorchNetwork(
        arguments.cell,
        vocab_size=arguments.vocab_size,
        hidden_size=arguments.hidden_size,
        num_layers=arguments.num_layers,
    )
    network.take(untrained(arguments)[1])
    start = arguments.vocab_size - 1

    def run(seed: int) -> np.ndarray:
        torch.set_num_threads(
            1 if batch_size == 1 else arguments.threads
        )  # one stream is faster without a pool
        drawn = generate(network, batch_size=batch_size, count=count, start=start, temperature=temperature)
        return drawn.numpy()

    return run


def by_hand(module: str, **more: str) -> Callable[..., Callable[[int], np.ndarray]]:
    """Return what prepares a peer of `writing_peers`.

    Args:
        module: Its module.
        more: Further arguments of its `writer`, and the names of their flags.
    """

    def prepare(
        arguments: argparse.Namespace, batch_size: int, count: int, temperature: float
    ) -> Callable[[int], np.ndarray]:
        return import_module(f"writing_peers.{module}").writer(
            untrained(arguments)[1],
            batch_size=batch_size,
            count=count,
            start=arguments.vocab_size - 1,
            temperature=temperature,
            **{name: getattr(arguments, flag) for name, flag in more.items()},
        )

    return prepare


PEERS = {
    "PyTorch, its layers": Peer("torch", layers_of_torch, share=25, any_network=True),
    "PyTorch, a cell by hand": Peer("torch", by_hand("in_torch", threads="threads"), share=8),
    "JAX": Peer("jax", by_hand("in_jax"), share=4),
    "numba": Peer("numba", by_hand("in_numba"), share=2, most=1),
    "onnxruntime": Peer("onnxruntime", by_hand("in_onnxruntime", threads="threads"), share=8),
}


def peer_speed(
    peer: Peer, arguments: argparse.Namespace, batch_size: int, wanted: list[int]
) -> Callable[[], float]:
    """Prepare a round of a peer that returns characters per second, once it has written the same text.

    Args:
        peer: The peer.
        arguments: The flags.
        batch_size: Number of sequences.
        wanted: The text, in ids, that is written without chance.

    Raises:
        SystemExit: If it writes another text.
    """
    text = peer.writer(arguments, batch_size, CHECKED, COLD)(0)
    same = (text == np.array(wanted)[:, None]).mean()
    if (
        text.shape != (CHECKED, batch_size) or same < 0.9
    ):  # a sequence may draw the second best of a close pair
        raise SystemExit(f"{peer.package}: not the same work, {same:.0%} of its characters are unspool's")
    count = max(1, arguments.characters // batch_size // peer.share)
    run = peer.writer(arguments, batch_size, count, arguments.temperature)
    run(0)
    return lambda: batch_size * count / harness.seconds(lambda: run(1))


def without_chance(arguments: argparse.Namespace) -> list[int]:
    """Return the most probable text of the network."""
    from unspool._engines import make_engine
    from unspool._generation.engine_request import EngineRequest
    from unspool._generation.options.generation_options import GenerationOptions
    from unspool._generation.writer import generate

    config, parameters = untrained(arguments)
    request = EngineRequest([np.zeros(0, np.int32)], GenerationOptions(temperature=0, max_new_tokens=CHECKED))
    return generate(make_engine("cpu", config, threads=1).writer(parameters), request)[0].ids.tolist()


def lesson_speed(length: int) -> Callable[[], float]:
    """Prepare a round of the lesson's own loop that returns characters per second of one text."""
    from keras_peer import Lesson

    letters = " " + "".join(map(chr, range(43, 123)))  # as many symbols as the lesson's titles have
    lesson = Lesson([letters], [letters])
    lesson.generate("Today ", 2)
    return lambda: length / harness.seconds(lambda: lesson.generate("Today ", length))


def measure(arguments: argparse.Namespace, batch_size: int) -> dict[str, object]:
    """Measure every contender on one batch size."""
    contenders = {
        "unspool": unspool_speed(arguments, batch_size),
        "unspool in bf16": unspool_speed(arguments, batch_size, inference="bf16"),
        "unspool in int8": unspool_speed(arguments, batch_size, inference="int8"),
        "unspool, filtered": unspool_speed(arguments, batch_size, **FILTERED),
        "unspool, filtered each its own way": company_speed(arguments, batch_size),
    }
    wanted = without_chance(arguments)
    for name, peer in PEERS.items():
        if not peer.takes(arguments, batch_size):
            continue
        if harness.installed(peer.package):
            contenders[name] = peer_speed(peer, arguments, batch_size, wanted)
        else:
            harness.absent(name, peer.package)
    if batch_size == 1 and harness.installed("tensorflow-cpu"):
        contenders["lesson"] = lesson_speed(arguments.lesson_characters)
    speeds = harness.take_turns(contenders, rounds=arguments.rounds)
    return {"batch_size": batch_size, "characters_per_second": speeds}


def rows(results: list[dict[str, object]]) -> list[list[str]]:
    """Return a row for each contender and number of sequences; the strongest peer of each is marked."""
    lines = []
    for result in results:
        speeds: dict[str, harness.Spread] = result["characters_per_second"]
        ours = speeds["unspool"].median
        strongest = max(
            (name for name in speeds if name not in OURS), key=lambda n: speeds[n].median, default=""
        )
        for name, speed in speeds.items():
            beside = "" if name in OURS else f"{ours / speed.median:,.1f} ×"
            mark = " (strongest)" if name == strongest else ""
            lines.append([str(result["batch_size"]), name + mark, str(speed), beside])
    return lines


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
    parser.add_argument("--lesson-characters", type=int, default=40, help="characters of the lesson's round")
    arguments = parser.parse_args()
    harness.keep_to_processors(arguments.threads)
    results = [measure(arguments, batch_size) for batch_size in arguments.batch_sizes]
    terms = f"Generated characters a second, median (low to high) of {arguments.rounds} rounds: "
    terms += f"{arguments.cell}, hidden {arguments.hidden_size} x {arguments.num_layers}, "
    terms += f"vocabulary {arguments.vocab_size}, temperature {arguments.temperature}"
    header = ["sequences at once", "", "characters a second", "unspool / it"]
    document = {
        "benchmark": "generation_throughput",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "results": results,
    }
    harness.finish(
        document,
        [terms, "", harness.table(header, rows(results))],
        as_json=arguments.json,
    )


if __name__ == "__main__":
    main()
