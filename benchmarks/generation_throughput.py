"""Generation speed: one stream and many sequences at once, next to PyTorch, JAX and the lesson in Keras.

PyTorch and JAX carry their state, JAX in one compiled loop; the lesson reads the whole text again for each
character, as it is taught.
"""

import argparse
from collections.abc import Callable

import numpy as np

import harness

FILTERED = {
    "top_k": 40,
    "top_p": 0.9,
    "repetition_penalty": 1.1,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
}
OURS = ("unspool", "unspool, filtered", "unspool, filtered each its own way")
PEERS = ("PyTorch", "JAX", "lesson")
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
    parameters = initialize(config, 0)
    parameters["output.bias"][-1] = NEVER
    return config, parameters


def unspool_speed(arguments: argparse.Namespace, batch_size: int, **decoding: float) -> Callable[[], float]:
    """Prepare a round of unspool that returns characters per second, with further generation options."""
    from unspool._engines import make_engine
    from unspool._generation.engine_request import EngineRequest
    from unspool._generation.options.generation_options import GenerationOptions
    from unspool._generation.writer import generate

    config, parameters = untrained(arguments)
    engine = make_engine("cpu", config, threads=arguments.threads)
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


def torch_speed(arguments: argparse.Namespace, batch_size: int) -> Callable[[], float]:
    """Prepare a round of PyTorch that returns characters per second."""
    import torch

    from unspool._benchmarking.torch_peer import TorchNetwork, generate

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


def jax_speed(arguments: argparse.Namespace, batch_size: int) -> Callable[[], float]:
    """Prepare a round of JAX that returns characters per second; it is compiled before."""
    from jax_peer import writer

    length = max(1, arguments.characters // batch_size // 4)
    run = writer(
        untrained(arguments)[1],
        batch_size=batch_size,
        count=length,
        start=arguments.vocab_size - 1,
        temperature=arguments.temperature,
    )
    run(0)
    return lambda: batch_size * length / harness.seconds(lambda: run(1))


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
        "unspool, filtered": unspool_speed(arguments, batch_size, **FILTERED),
        "unspool, filtered each its own way": company_speed(arguments, batch_size),
    }
    if harness.installed("torch"):
        contenders["PyTorch"] = torch_speed(arguments, batch_size)
    else:
        harness.absent("PyTorch", "torch")
    if harness.installed("jax") and arguments.cell == "lstm" and arguments.num_layers == 1:
        contenders["JAX"] = jax_speed(arguments, batch_size)
    if batch_size == 1 and harness.installed("tensorflow-cpu"):
        contenders["lesson"] = lesson_speed(arguments.lesson_characters)
    speeds = harness.take_turns(contenders, rounds=arguments.rounds)
    return {"batch_size": batch_size, "characters_per_second": speeds}


def row(result: dict[str, object]) -> list[str]:
    """Return one batch size's result as a table row."""
    speeds: dict[str, harness.Spread] = result["characters_per_second"]
    unspool = speeds["unspool"].median
    cells = [
        f"{speed} {unspool / speed.median:,.1f} ×" if speed else "absent" for speed in map(speeds.get, PEERS)
    ]
    return [str(result["batch_size"]), *(str(speeds[name]) for name in OURS if name in speeds), *cells]


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
    parser.add_argument("--peer-share", type=int, default=25, help="how many times fewer a peer draws")
    arguments = parser.parse_args()
    results = [measure(arguments, batch_size) for batch_size in arguments.batch_sizes]
    terms = f"Generated characters a second, median (low to high) of {arguments.rounds} rounds: "
    terms += f"{arguments.cell}, hidden {arguments.hidden_size} x {arguments.num_layers}, "
    terms += f"vocabulary {arguments.vocab_size}, temperature {arguments.temperature}"
    header = ["sequences at once", *OURS, *(f"{name}, unspool beside it" for name in PEERS)]
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
