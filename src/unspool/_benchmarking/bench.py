"""Measure a machine in about a minute: its products, unspool's share of them, and PyTorch beside it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import product as combinations
from typing import Any

from unspool._benchmarking import contenders, products
from unspool._benchmarking.machine import Machine, describe, installed
from unspool._benchmarking.operations import generation_operations, training_operations
from unspool._benchmarking.turns import Spread, repeated, take_turns
from unspool._configuration import check, is_real, is_whole
from unspool._extras import install_command
from unspool._kernels.precision import EMULATED, PRECISIONS, has_bf16, missing_bf16, used_precision
from unspool._network.cells import native_cells
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._screen.wording import counted
from unspool._system import available_processors

OURS, PEER, MACHINE = "unspool", "PyTorch", "the machine's best product"
PEER_FLOAT32 = "PyTorch float32"  # beside PyTorch's autocast, which is not always faster
PEERS = (PEER, PEER_FLOAT32)
PEER_WAYS = {  # PyTorch's contenders beside each precision of unspool; whether they autocast to bf16
    "float32": {PEER: False},
    "bf16": {PEER: True, PEER_FLOAT32: False},
    EMULATED: {PEER_FLOAT32: False},  # autocast of an LSTM needs a processor with bf16
}
VOCAB_SIZE = 84
SEQUENCE_LENGTH = 45
PRODUCT_SIZES = (512, 1024)  # the faster one is the machine's rate; which one it is depends on the caches
SHARES = {"products": 0.15, "training": 0.55, "generation": 0.3}  # shares of the time
MOST_ROUNDS = 15
FEWEST_ROUNDS = 4  # number of rounds that should fit into the time, with the warm-up
ASLEEP = 0.02  # seconds: threads of unspool, PyTorch and the BLAS wait actively for some ms after their turn
BUSY = 0.5  # load of each processor above which other processes disturb the measurement
SAME = {"float32": 1e-4, "bf16": 2e-2}  # relative difference of losses of the same work, by precision
COUNTS = {OURS: (1000, 100), PEER: (40, 20)}  # tokens in a call: of a single text, and of each of many

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """The configuration of a measurement: the networks to measure, and the time.

    Args:
        seconds: Approximate time of the whole measurement, > 0; slow contenders take longer.
        cell: Cells with native kernels.
        hidden_size: Numbers of units in the layer.
        batch_size: Numbers of lanes that are trained in parallel, and of texts that are written at once.
        threads: Number of threads of every contender; None for one on each processor that this process may
            use.
        precision: Precision of unspool's products in training. With bf16, PyTorch runs beside it by autocast
            and in float32.

    Raises:
        ConfigError: If a value is out of its range.
    """

    seconds: float = 60.0
    cell: tuple[str, ...] = ("lstm", "gru", "rnn")
    hidden_size: tuple[int, ...] = (128, 512)
    batch_size: tuple[int, ...] = (64,)
    threads: int | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        """Check every value against its range."""
        ok = is_real(self.seconds) and 0 < self.seconds < float("inf")
        check("seconds", self.seconds, "a number > 0", ok)
        allowed = f"some of {', '.join(native_cells())}, the cells with native kernels"
        check("cell", self.cell, allowed, bool(self.cell) and set(self.cell) <= set(native_cells()))
        for name in ("hidden_size", "batch_size"):
            values = getattr(self, name)
            ok = len(values) > 0 and all(is_whole(value, least=1) for value in values)
            check(name, values, "whole numbers ≥ 1", ok)
        ok = self.threads is None or is_whole(self.threads, least=1)
        check("threads", self.threads, "a whole number ≥ 1, or None", ok)
        ok = self.precision in PRECISIONS
        check("precision", self.precision, f"one of {', '.join(PRECISIONS)}", ok)


@dataclass(frozen=True, kw_only=True)
class ProductRate:
    """The speed of a product of two square matrices.

    Args:
        contender: The name of the contender.
        precision: The precision of the product.
        size: Number of rows and columns of both matrices.
        gflops: 10^9 multiplications and additions a second.
    """

    contender: str
    precision: str
    size: int
    gflops: Spread


@dataclass(frozen=True, kw_only=True)
class MeasuredSpeed:
    """The speed at which one network is trained or writes.

    Args:
        cell: The cell of the network.
        hidden_size: The number of its units.
        batch_size: Number of lanes in parallel, or of texts at once.
        operations: Useful multiplications and additions for one character.
        characters_per_second: Speed of each contender.
        gflops: 10^9 useful operations a second, from unspool's median.
        machine_gflops: The machine's best product, which took turns with the contenders: in bf16 if the
            training used bf16, else in float32.
        share: `gflops` divided by the median of `machine_gflops`.
        peer: The faster contender of PyTorch, or None if it is not installed.
        ratio: unspool's median divided by the peer's.
    """

    cell: str
    hidden_size: int
    batch_size: int
    operations: int
    characters_per_second: dict[str, Spread]
    gflops: float
    machine_gflops: Spread
    share: float
    peer: str | None
    ratio: float | None


@dataclass(frozen=True, kw_only=True)
class Bench:
    """All measurements; `unspool._configuration.to_dict` writes them as JSON.

    Args:
        machine: The machine.
        vocab_size: Number of token ids of every network.
        sequence_length: Number of steps of a training window.
        peak_gflops: The machine's rate by precision: the median of the best product.
        products: Speeds of matrix products.
        training: Speeds of training: forward, backward, clipping and AdamW.
        generation: Speeds of writing.
        absent: Contenders that could not be measured, with the reason.
    """

    machine: Machine
    vocab_size: int
    sequence_length: int
    peak_gflops: dict[str, float]
    products: tuple[ProductRate, ...]
    training: tuple[MeasuredSpeed, ...]
    generation: tuple[MeasuredSpeed, ...]
    absent: dict[str, str]


def bench(config: BenchConfig | None = None, *, say: Say = lambda _: None) -> Bench:
    """Measure this machine.

    Args:
        config: What is measured; None for the defaults.
        say: A function that gets a line before each measurement.

    Raises:
        ConfigError: If the system does not allow that many threads.
        UnspoolError: If PyTorch's network computes something else than unspool's.
    """
    chosen = config or BenchConfig()
    threads = chosen.threads or available_processors()
    used = used_precision(chosen.precision)
    machine = describe(threads=threads, precision=used)
    if (without := missing_bf16(chosen.precision)) is not None:
        say(without)
    if machine.load is not None and machine.load > BUSY * machine.cores:
        say(
            f"the machine is busy, {machine.load:.1f} others wait for its processors: all figures are too low"
        )
    absent = missing(machine, chosen.cell)
    rates = measured_products(machine, chosen.seconds * SHARES["products"], say=say)
    peak = {
        precision: max(rate.gflops.median for rate in rates if rate.precision == precision)
        for precision in sorted({rate.precision for rate in rates})
    }
    cases = list(combinations(chosen.cell, chosen.hidden_size, chosen.batch_size))
    alone = list(combinations(chosen.cell, chosen.hidden_size, sorted({1, *chosen.batch_size})))
    part = chosen.seconds / (len(cases) + len(alone))
    with ExitStack() as stack:
        best = {
            precision: best_product(rates, precision, machine, part, stack)
            for precision in {rate_precision(used), "float32"}
        }
        measure = partial(measured, threads=threads, precision=used, say=say)
        training = partial(measure, "training", product=best[rate_precision(used)])
        generation = partial(measure, "generation", product=best["float32"])
        trained = [training(*case, seconds=chosen.seconds / len(cases)) for case in cases]
        written = [generation(*case, seconds=chosen.seconds / len(alone)) for case in alone]
    return Bench(
        machine=machine,
        vocab_size=VOCAB_SIZE,
        sequence_length=SEQUENCE_LENGTH,
        peak_gflops=peak,
        products=tuple(rates),
        training=tuple(trained),
        generation=tuple(written),
        absent=absent,
    )


def missing(machine: Machine, cells: Sequence[str]) -> dict[str, str]:
    """Return what cannot be measured here, with the reasons."""
    reasons = {}
    if not installed("torch"):
        reasons[PEER] = f"torch is not installed; {install_command('torch')}"
    else:
        without = {cell: missing_layer(cell) for cell in cells}
        reasons |= {f"{PEER} {cell}": reason for cell, reason in without.items() if reason is not None}
    if machine.bf16 is None:
        reasons["bf16"] = "the processor has no products in bf16"
    elif PEER in reasons and not has_bf16():
        reasons["bf16"] = f"the {machine.kernels} kernels have none, and torch is not installed"
    return reasons


def missing_layer(cell: str) -> str | None:
    """Return why PyTorch, if it is installed, cannot run a cell; None if it can."""
    from unspool._engines.torch import TORCH_CELLS  # noqa: PLC0415 - where it is installed alone

    layer = TORCH_CELLS[cell].layer if cell in TORCH_CELLS else "its step in PyTorch is not written"
    return layer if isinstance(layer, str) else None


def peer_of(cell: str) -> Any:
    """Return the module that runs a cell in PyTorch; None if torch is missing or has no layer for it."""
    if not installed("torch") or missing_layer(cell) is not None:
        return None
    from unspool._benchmarking import torch_peer  # noqa: PLC0415 - where it is installed alone

    return torch_peer


def rate_precision(used: str) -> str:
    """Return the precision of the product for comparison; emulated bf16 is float32 arithmetic."""
    return "bf16" if used == "bf16" else "float32"


def measured_products(machine: Machine, limit: float, *, say: Say) -> list[ProductRate]:
    """Return the rates of all contenders that multiply, for every size."""
    say(f"products of matrices on {counted(machine.threads, 'thread')}")
    rates = []
    for size in PRODUCT_SIZES:
        part = limit / len(PRODUCT_SIZES)
        with ExitStack() as stack:
            turns = multipliers(size, machine, part, stack)
            spreads = take_turns(turns, rounds=MOST_ROUNDS, limit=part, settle=settled(part, len(turns)))
        for name, spread in spreads.items():
            contender, precision = name.rsplit(" ", 1)
            rates.append(ProductRate(contender=contender, precision=precision, size=size, gflops=spread))
    return rates


def best_product(
    rates: Sequence[ProductRate], precision: str, machine: Machine, limit: float, stack: ExitStack
) -> Callable[[], float]:
    """Return the fastest product, to be measured again beside the networks."""
    best = max((rate for rate in rates if rate.precision == precision), key=lambda rate: rate.gflops.median)
    return multipliers(best.size, machine, limit, stack)[f"{best.contender} {best.precision}"]


def multipliers(
    size: int, machine: Machine, limit: float, stack: ExitStack
) -> dict[str, Callable[[], float]]:
    """Return the contenders for products by name and precision; a round returns 10^9 operations a second.

    Args:
        size: Number of rows and columns of both matrices.
        machine: The machine.
        limit: Seconds for all contenders together.
        stack: It ends the process of NumPy's product.
    """
    threads, amount = machine.threads, products.operations(size) / 1e9
    least = round_seconds(limit, 4)
    blas = stack.enter_context(products.numpy_product(size, threads=threads, least=least))
    works: dict[str, Callable[[], object]] = {
        "unspool's tile float32": products.own_product(size, threads=threads)
    }
    if has_bf16():
        works["unspool's tile bf16"] = products.own_product(size, threads=threads, precision="bf16")
    if installed("torch"):
        from unspool._benchmarking import torch_peer  # noqa: PLC0415 - where it is installed alone

        works["PyTorch float32"] = torch_peer.product(size, threads=threads)
        if machine.bf16 is not None:
            works["PyTorch bf16"] = torch_peer.product(size, threads=threads, bf16=True)
    contenders_by_name = {name: repeated(work, least=least, amount=amount) for name, work in works.items()}
    return {"NumPy's BLAS float32": lambda: blas() / 1e9, **contenders_by_name}


def measured(
    kind: str,
    cell: str,
    hidden_size: int,
    batch_size: int,
    *,
    seconds: float,
    product: Callable[[], float],
    threads: int,
    precision: str,
    say: Say,
) -> MeasuredSpeed:
    """Measure how fast one network is trained or writes, beside PyTorch if it is installed.

    Args:
        kind: "training" or "generation".
        cell: The cell of the network.
        hidden_size: H, the number of units.
        batch_size: B, the number of lanes or texts.
        seconds: This network's part of the whole time.
        product: A round of the machine's best product, which returns 10^9 operations a second. It takes turns
            with the contenders, so that a slow minute of the machine affects both sides of the share.
        threads: Number of threads of every contender.
        precision: Precision of training; writing is always float32.
        say: A function that gets a line before the measurement.
    """
    say(f"{kind}: {cell}, {counted(hidden_size, 'unit')}, {batch_size} at once")
    config = NetworkConfig(cell=cell, hidden_size=hidden_size, vocab_size=VOCAB_SIZE)
    training = kind == "training"
    works = (
        trainers(config, batch_size, threads, precision) if training else writers(config, batch_size, threads)
    )
    limit = seconds * SHARES[kind]
    least = round_seconds(limit, len(works) + 1)
    turns = {name: repeated(work, least=least, amount=amount) for name, (work, amount) in works.items()}
    speeds = take_turns(
        {**turns, MACHINE: product}, rounds=MOST_ROUNDS, limit=limit, settle=settled(limit, len(works) + 1)
    )
    machine_gflops = speeds.pop(MACHINE)
    operations = training_operations(config) if training else generation_operations(config)
    gflops = operations * speeds[OURS].median / 1e9
    peer = max((name for name in PEERS if name in speeds), key=lambda name: speeds[name].median, default=None)
    return MeasuredSpeed(
        cell=cell,
        hidden_size=hidden_size,
        batch_size=batch_size,
        operations=operations,
        characters_per_second=speeds,
        gflops=gflops,
        machine_gflops=machine_gflops,
        share=gflops / machine_gflops.median,
        peer=peer,
        ratio=None if peer is None else speeds[OURS].median / speeds[peer].median,
    )


def round_seconds(limit: float, works: int) -> float:
    """Return the seconds of one contender's round, so that a few rounds fit into the limit."""
    return 0.7 * limit / FEWEST_ROUNDS / works


def settled(limit: float, works: int) -> float:
    """Return the seconds to wait before a turn: the rest of the rounds' time, within bounds."""
    return min(0.2, max(ASLEEP, 0.3 * limit / FEWEST_ROUNDS / works))


def trainers(
    config: NetworkConfig, batch_size: int, threads: int, precision: str
) -> Mapping[str, tuple[Callable[[], object], int]]:
    """Return the contenders that train the network: a function that makes a step, and its characters."""
    windows = contenders.random_windows(
        vocab_size=VOCAB_SIZE, sequence_length=SEQUENCE_LENGTH, batch_size=batch_size
    )
    start = initialize(config, 0)
    kind = "float32" if precision == "float32" else "bf16"
    steps = {OURS: contenders.training_step(config, start, windows, threads=threads, precision=kind)}
    if (peer := peer_of(config.cell)) is not None:
        ways, rate = PEER_WAYS[precision], contenders.LEARNING_RATE
        step = partial(peer.training_step, config, start, windows, threads=threads, learning_rate=rate)
        steps |= {name: step(bf16=bf16) for name, bf16 in ways.items()}
        first = {name: step() for name, step in steps.items()}
        contenders.refuse_other_work(first, tolerance=dict.fromkeys(PEERS, SAME[kind]))
    return {name: (step, batch_size * SEQUENCE_LENGTH) for name, step in steps.items()}


def writers(
    config: NetworkConfig, texts: int, threads: int
) -> Mapping[str, tuple[Callable[[], object], int]]:
    """Return the contenders that write: a function that writes all texts, and their characters."""
    start, peer = initialize(config, 0), peer_of(config.cell)
    preparing = {OURS: contenders.writing} | ({} if peer is None else {PEER: peer.writing})
    counts = {name: COUNTS[name][texts > 1] for name in preparing}
    return {
        name: (write(config, start, texts=texts, count=counts[name], threads=threads), texts * counts[name])
        for name, write in preparing.items()
    }
