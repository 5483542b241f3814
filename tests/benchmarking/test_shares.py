"""How the time is shared, who measures what, and what becomes of it: contenders that the test makes up."""

import platform
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unspool._benchmarking import bench as benchmark
from unspool._benchmarking import contenders, machine
from unspool._benchmarking.bench import OURS, PEER, PEER_FLOAT32, BenchConfig, ProductRate, bench
from unspool._benchmarking.machine import describe, processor
from unspool._benchmarking.turns import Spread, figure, repeated
from unspool._errors import ConfigError, UnspoolError
from unspool._kernels.precision import PRECISIONS
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

MACHINE = replace(describe(threads=2), bf16="bf16", kernels="plain", cores=4, load=0.0)
ONE = Spread(1.0, 1.0, 1.0, 1)


def test_a_round_is_a_share_of_the_time_and_a_rest() -> None:
    assert benchmark.round_seconds(8.0, 2) == pytest.approx(0.7)  # of four rounds of two
    assert [benchmark.settled(limit, 2) for limit in (0.1, 2.0, 8.0)] == pytest.approx([0.02, 0.075, 0.2])


@pytest.mark.parametrize(
    ("value", "text"),
    [(999.4, "999"), (999.6, "1e+03"), (1000.0, "1,000"), (-1234.5, "-1,234"), (100.0, "100"), (123.4, "123"),
     (99.99, "99.99"), (-99.0, "-99.00"), (-100.0, "-100")],
)  # fmt: skip
def test_a_figure_has_three_digits_or_all_of_a_large_one(value: float, text: str) -> None:
    assert figure(value) == text


def test_a_first_call_counts_if_it_is_a_fourth_of_a_round() -> None:
    for first, counts in ((0.25, True), (0.125, False)):
        now, durations = [0.0], iter([first] + [0.25] * 9)

        def work(now: list[float] = now, durations: Any = durations) -> None:
            now[0] += next(durations)

        rate = repeated(work, least=1.0, amount=8.0, clock=lambda now=now: now[0])()  # type: ignore[misc]
        assert rate == 4 * 8.0
        assert now[0] == 1.0 + (0.0 if counts else first)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seconds": float("inf")}, "seconds must be a number > 0; got inf"),
        ({"seconds": True}, "seconds must be a number > 0; got True"),
        ({"hidden_size": ()}, "hidden_size must be whole numbers ≥ 1; got ()"),
        ({"batch_size": (1, 0)}, "batch_size must be whole numbers ≥ 1; got (1, 0)"),
        ({"threads": 0}, "threads must be a whole number ≥ 1, or None; got 0"),
        ({"precision": "fp8"}, f"precision must be one of {', '.join(PRECISIONS)}; got 'fp8'"),
        ({"cell": ("lstm", "cnn")}, "cell must be some of rnn, lstm, gru, the cells with native kernels; got "
                                    "('lstm', 'cnn')"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_said(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BenchConfig(**values)
    assert str(caught.value) == message
    assert BenchConfig(hidden_size=(1,), batch_size=(1,), threads=1).seconds == 60.0


def test_the_machine_is_all_that_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["model name\t: A: B", "flags\t\t: avx2 amx_bf16 avx512_bf16"]
    monkeypatch.setattr(machine, "processor_words", lambda: lines)
    monkeypatch.setattr(machine, "chosen_kernels", lambda: "avx2")
    monkeypatch.setattr(machine, "available_processors", lambda: 7)
    monkeypatch.setattr(machine, "load_average", lambda: 1.5)
    monkeypatch.setattr(machine, "installed", {"unspool": "1", "torch": "2"}.get)
    found = describe(threads=3, precision="bf16")
    assert (found.processor, found.vectors, found.bf16, found.kernels) == ("A: B", "AVX2", "amx_bf16", "avx2")
    assert (found.cores, found.threads, found.precision, found.load) == (7, 3, "bf16", 1.5)
    assert found.versions == {"unspool": "1", "torch": "2"}
    assert found.system == f"{platform.system()} {platform.machine()}"
    assert found.python == platform.python_version()
    monkeypatch.setattr(machine, "processor_words", list)
    bare = describe(threads=1)
    assert (bare.vectors, bare.bf16, bare.precision) == ("unknown", None, "float32")
    assert bare.processor == (platform.processor() or platform.machine())
    assert processor(["flags : model name"]) == bare.processor


@pytest.mark.parametrize(
    ("torch", "bf16", "kernels_have", "reasons"),
    [
        (True, "bf16", True, {}),
        (True, None, True, {"bf16": "the processor has no products in bf16"}),
        (False, "bf16", True, {PEER: "torch"}),
        (
            False,
            "bf16",
            False,
            {PEER: "torch", "bf16": "the plain kernels have none, and torch is not installed"},
        ),
        (False, None, False, {PEER: "torch", "bf16": "the processor has no products in bf16"}),
    ],
)
def test_what_is_missing_has_its_reason(
    monkeypatch: pytest.MonkeyPatch,
    torch: bool,
    bf16: str | None,
    kernels_have: bool,
    reasons: dict[str, str],
) -> None:
    monkeypatch.setattr(benchmark, "installed", lambda _: "2" if torch else None)
    monkeypatch.setattr(benchmark, "missing_layer", lambda _: None)
    monkeypatch.setattr(benchmark, "has_bf16", lambda: kernels_have)
    found = benchmark.missing(replace(MACHINE, bf16=bf16), ["lstm"])
    assert found.pop(PEER, "").startswith("torch is not installed; pip install" if PEER in reasons else "")
    assert found == {name: reason for name, reason in reasons.items() if name != PEER}
    monkeypatch.setattr(benchmark, "missing_layer", {"rnn": None, "mgu": "no layer"}.get)
    with_torch = benchmark.missing(MACHINE, ["rnn", "mgu"]) if torch else {}
    assert with_torch.get("PyTorch mgu") == ("no layer" if torch else None)


@pytest.fixture
def multiplied(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note who is asked to multiply what, in place of multiplying."""
    asked: list[Any] = []

    @contextmanager
    def blas(size: int, *, threads: int, least: float) -> Any:
        asked.append(("BLAS", size, threads, least))
        yield lambda: 5e9

    def tile(size: int, *, threads: int, precision: str = "float32") -> Any:
        asked.append((precision, size, threads))
        return lambda: None

    monkeypatch.setattr(benchmark.products, "numpy_product", blas)
    monkeypatch.setattr(benchmark.products, "own_product", tile)
    monkeypatch.setattr(benchmark, "installed", lambda _: None)
    return asked


@pytest.mark.parametrize("bf16", [True, False])
def test_products_are_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch, multiplied: list[Any], bf16: bool
) -> None:
    monkeypatch.setattr(benchmark, "has_bf16", lambda: bf16)
    with ExitStack() as stack:
        turns = benchmark.multipliers(100, MACHINE, 8.0, stack)
    tiles = ["unspool's tile float32", *(["unspool's tile bf16"] if bf16 else [])]
    assert list(turns) == ["NumPy's BLAS float32", *tiles]
    assert turns["NumPy's BLAS float32"]() == 5.0
    least = pytest.approx(0.7 * 8.0 / 4 / 4)
    assert multiplied == [("BLAS", 100, 2, least), ("float32", 100, 2), *([("bf16", 100, 2)] if bf16 else [])]


def rate(contender: str, precision: str, size: int, gflops: float) -> ProductRate:
    return ProductRate(
        contender=contender, precision=precision, size=size, gflops=Spread(gflops, 0.0, 99.0, 1)
    )


def test_the_best_product_of_a_precision_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = [rate("A", "float32", 16, 3.0), rate("B", "float32", 32, 5.0), rate("A", "bf16", 16, 9.0)]
    made: list[Any] = []

    def multipliers(size: int, *rest: Any) -> dict[str, Any]:
        made.append((size, *rest[:2]))
        return {"A float32": 1, "B float32": 2, "A bf16": 3}

    monkeypatch.setattr(benchmark, "multipliers", multipliers)
    with ExitStack() as stack:
        found = [benchmark.best_product(rates, p, MACHINE, 4.0, stack) for p in ("float32", "bf16")]
    assert found == [2, 3]
    assert made == [(32, MACHINE, 4.0), (16, MACHINE, 4.0)]


def test_the_time_is_shared_among_products_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    said: list[str] = []

    def products(where: Any, limit: float, *, say: Any) -> list[ProductRate]:
        heard.append(("products", limit))
        return [rate("A", "float32", 16, 3.0), rate("B", "float32", 16, 5.0), rate("B", "bf16", 16, 7.0)]

    def best(rates: Any, precision: str, where: Any, part: float, stack: Any) -> Any:
        heard.append((precision, part))
        return precision

    def measured(kind: str, cell: str, *sizes: int, seconds: float, product: str, **rest: Any) -> Any:
        heard.append((kind, cell, *sizes, seconds, product))
        assert (rest["threads"], rest["precision"]) == (3, "bf16")
        return SimpleNamespace(kind=kind)

    monkeypatch.setattr(benchmark, "describe", lambda **given: replace(MACHINE, load=2.1, **given))
    monkeypatch.setattr(benchmark, "used_precision", lambda precision: precision)
    monkeypatch.setattr(benchmark, "missing_bf16", lambda _: "bf16 is emulated")
    monkeypatch.setattr(benchmark, "missing", lambda where, cells: {"x": f"{cells}"})
    for name, stand_in in (("measured_products", products), ("best_product", best), ("measured", measured)):
        monkeypatch.setattr(benchmark, name, stand_in)
    config = BenchConfig(seconds=60.0, cell=("lstm", "gru"), hidden_size=(8,), batch_size=(4,), threads=3,
                         precision="bf16")  # fmt: skip
    found = bench(config, say=said.append)
    assert said == [
        "bf16 is emulated",
        "the machine is busy, 2.1 others wait for its processors: all figures are too low",
    ]
    assert heard[0] == ("products", 9.0)
    assert sorted(heard[1:3]) == [("bf16", 10.0), ("float32", 10.0)]  # two to train and four to write
    assert heard[3:5] == [("training", "lstm", 8, 4, 30.0, "bf16"), ("training", "gru", 8, 4, 30.0, "bf16")]
    assert heard[5:] == [
        ("generation", cell, 8, texts, 15.0, "float32") for cell in ("lstm", "gru") for texts in (1, 4)
    ]
    assert found.absent == {"x": "('lstm', 'gru')"}
    assert found.peak_gflops == {"bf16": 7.0, "float32": 5.0}
    assert (found.vocab_size, found.sequence_length, found.machine.threads) == (84, 45, 3)
    assert (found.machine.precision, len(found.products)) == ("bf16", 3)
    assert ([s.kind for s in found.training], [s.kind for s in found.generation]) == (  # type: ignore[attr-defined]
        ["training"] * 2, ["generation"] * 4
    )  # fmt: skip
    said.clear()
    monkeypatch.setattr(benchmark, "describe", lambda **given: replace(MACHINE, load=2.0, **given))
    monkeypatch.setattr(benchmark, "missing_bf16", lambda _: None)
    bench(config, say=said.append)
    assert said == []  # half of the processors are free


def test_a_speed_is_set_against_the_faster_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    medians = {OURS: 6e6, PEER: 2e6, PEER_FLOAT32: 3e6, benchmark.MACHINE: 50.0}

    def turns(made: Any, **options: Any) -> dict[str, Spread]:
        asked.update(options, names=list(made))
        return {name: replace(ONE, median=medians[name]) for name in made}

    monkeypatch.setattr(benchmark, "take_turns", turns)
    works = {name: (lambda: None, 10) for name in (OURS, PEER, PEER_FLOAT32)}
    monkeypatch.setattr(benchmark, "trainers", lambda *_: works)
    monkeypatch.setattr(benchmark, "writers", lambda *_: {OURS: works[OURS]})
    said: list[str] = []
    told: Any = {
        "seconds": 8.0,
        "product": lambda: 1.0,
        "threads": 2,
        "precision": "bf16",
        "say": said.append,
    }
    found = benchmark.measured("training", "gru", 8, 4, **told)
    assert asked["names"] == [OURS, PEER, PEER_FLOAT32, benchmark.MACHINE]
    assert (asked["rounds"], asked["limit"]) == (15, pytest.approx(4.4))
    assert asked["settle"] == pytest.approx(0.3 * 4.4 / 4 / 4)
    assert (found.peer, found.ratio) == (PEER_FLOAT32, 2.0)
    operations = 6 * (3 * 8 * 8 + 8 * 84)
    assert (found.cell, found.hidden_size, found.batch_size, found.operations) == ("gru", 8, 4, operations)
    assert found.gflops == pytest.approx(operations * 6e6 / 1e9)
    assert found.share == pytest.approx(found.gflops / 50.0)
    assert set(found.characters_per_second) == {OURS, PEER, PEER_FLOAT32}
    alone = benchmark.measured("generation", "gru", 8, 4, **told)
    assert (alone.peer, alone.ratio, alone.operations) == (None, None, operations // 3)
    assert asked["limit"] == pytest.approx(2.4)
    assert said == [f"{kind}: gru, 8 units, 4 at once" for kind in ("training", "generation")]
    medians[PEER] = 4e6
    other = benchmark.measured("training", "gru", 8, 4, **told)
    assert (other.peer, other.ratio) == (PEER, 1.5)


def test_contenders_write_as_many_characters_as_they_count(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []

    def writing(config: Any, start: Any, **options: Any) -> Any:
        written.append(options)
        return lambda: None

    monkeypatch.setattr(benchmark.contenders, "writing", writing)
    monkeypatch.setattr(benchmark, "peer_of", lambda _: SimpleNamespace(writing=writing))
    config = NetworkConfig(cell="gru", hidden_size=3, vocab_size=84)
    counts = [
        {name: count for name, (_, count) in benchmark.writers(config, texts, 2).items()} for texts in (1, 5)
    ]
    assert counts == [{OURS: 1000, PEER: 40}, {OURS: 500, PEER: 100}]
    assert [(each["texts"], each["count"], each["threads"]) for each in written] == [
        (1, 1000, 2), (1, 40, 2), (5, 100, 2), (5, 20, 2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("precision", "ways"),
    [("float32", {PEER: False}), ("bf16", {PEER: True, PEER_FLOAT32: False}),
     (benchmark.EMULATED, {PEER_FLOAT32: False})],
)  # fmt: skip
def test_peers_train_in_the_same_precision(
    monkeypatch: pytest.MonkeyPatch, precision: str, ways: dict[str, bool]
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        benchmark.contenders,
        "training_step",
        lambda *_, **options: [asked.update(ours=options), lambda: 1.0][1],
    )

    def training_step(*_: Any, bf16: bool, **options: Any) -> Any:
        asked.setdefault("bf16", []).append(bf16)
        asked["theirs"] = options
        return lambda: 1.0 + asked.get("off", 0.0)

    monkeypatch.setattr(benchmark, "peer_of", lambda _: SimpleNamespace(training_step=training_step))
    config = NetworkConfig(cell="gru", hidden_size=3, vocab_size=84)
    steps = benchmark.trainers(config, 4, 2, precision)
    assert {name: count for name, (_, count) in steps.items()} == dict.fromkeys([OURS, *ways], 4 * 45)
    assert asked["ours"] == {"threads": 2, "precision": "float32" if precision == "float32" else "bf16"}
    assert asked["bf16"] == list(ways.values())
    assert asked["theirs"] == {"threads": 2, "learning_rate": 1e-3}
    asked["off"] = 0.0101 if precision == "float32" else 0.0202
    with pytest.raises(UnspoolError) as caught:
        benchmark.trainers(config, 4, 2, precision)
    assert str(caught.value).startswith(
        f"{next(iter(ways))} does other work than unspool: the losses of the first "
    )


def test_windows_are_the_same_each_time_and_have_no_padding() -> None:
    windows = contenders.random_windows(vocab_size=5, sequence_length=40, batch_size=3)
    again = contenders.random_windows(vocab_size=5, sequence_length=40, batch_size=3)
    assert len(windows) == contenders.WINDOWS == 8
    for window, same in zip(windows, again, strict=True):
        assert window.ids.shape == window.targets.shape == (40, 3)
        np.testing.assert_array_equal(window.ids, same.ids)
        np.testing.assert_array_equal(window.ids[1:], window.targets[:-1])
    drawn = np.concatenate([window.ids for window in windows])
    assert set(np.unique(drawn)) == {1, 2, 3, 4}


def test_the_contender_learns_with_its_rate_from_a_copy() -> None:
    windows = contenders.random_windows(vocab_size=5, sequence_length=4, batch_size=3)
    config = NetworkConfig(cell="gru", hidden_size=3, vocab_size=5)
    start = initialize(config, 0)
    before = {name: array.copy() for name, array in start.items()}
    step = contenders.training_step(config, start, windows, threads=1)
    losses = [step() for _ in range(9)]
    assert all(np.array_equal(start[name], before[name]) for name in start)
    assert losses[8] != losses[0]  # the ninth is the first window again, and something was learnt
    assert abs(losses[8] - losses[0]) < 0.1


@pytest.mark.parametrize(
    ("loss", "other"), [(1.01, False), (0.99, False), (1.0101, True), (float("nan"), True)]
)
def test_other_work_is_refused(loss: float, other: bool) -> None:
    losses = {"a": 1.0, "b": loss}
    if not other:
        contenders.refuse_other_work(losses, tolerance={"b": 0.0101})
        return
    with pytest.raises(UnspoolError) as caught:
        contenders.refuse_other_work(losses, tolerance={"b": 0.01})
    assert str(caught.value) == f"b does other work than a: the losses of the first step are {loss} and 1.0"
