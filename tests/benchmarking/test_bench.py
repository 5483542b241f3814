"""A tiny machine room: everything is measured, for as short a time as there is."""

import dataclasses

import pytest

from tests.pictures.labels import SVG, check_boxes, check_labels, words
from unspool._benchmarking import bench as benchmark
from unspool._benchmarking.bench import OURS, PEER, PEER_FLOAT32, Bench, BenchConfig, bench
from unspool._benchmarking.contenders import random_windows, refuse_other_work, training_step, writing
from unspool._benchmarking.picture import draw_bench
from unspool._benchmarking.turns import figure
from unspool._cli.commands.bench import rates_in_words, speed_row
from unspool._configuration import to_dict
from unspool._errors import ConfigError, UnspoolError
from unspool._kernels.precision import has_bf16
from unspool._network.cells import native_cells
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

TINY = BenchConfig(seconds=0.01, cell=("gru", "rnn"), hidden_size=(8,), batch_size=(1, 2), threads=1)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "PRODUCT_SIZES", (16,))
    monkeypatch.setattr(benchmark, "COUNTS", {OURS: (4, 3), PEER: (2, 1)})


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "installed", lambda package: None)


def check_sums(found: Bench) -> None:
    """Hold what is derived against what it is derived from."""
    for speed in (*found.training, *found.generation):
        median = speed.characters_per_second[OURS].median
        assert speed.gflops == pytest.approx(median * speed.operations / 1e9)
        assert speed.share == pytest.approx(speed.gflops / speed.machine_gflops.median)
        assert speed.machine_gflops.rounds == speed.characters_per_second[OURS].rounds
    best = max(rate.gflops.median for rate in found.products if rate.precision == "float32")
    assert found.peak_gflops["float32"] == best


def test_everything_is_measured_beside_pytorch(small: None) -> None:
    pytest.importorskip("torch")
    lines: list[str] = []
    found = bench(TINY, say=lines.append)
    check_sums(found)
    assert {rate.contender for rate in found.products} == {"unspool's tile", "NumPy's BLAS", "PyTorch"}
    cases = [(speed.cell, speed.hidden_size, speed.batch_size) for speed in found.training]
    assert cases == [("gru", 8, 1), ("gru", 8, 2), ("rnn", 8, 1), ("rnn", 8, 2)]
    assert [(s.cell, s.hidden_size, s.batch_size) for s in found.generation] == cases
    assert any(line.startswith("training: gru, 8 units, 2") for line in lines)
    for speed in (*found.training, *found.generation):
        ours, peer = (speed.characters_per_second[name].median for name in (OURS, PEER))
        assert speed.ratio == pytest.approx(ours / peer)
    assert PEER not in found.absent


@pytest.mark.skipif(not has_bf16(), reason="the processor has no products in bf16")
def test_bf16_is_set_against_products_in_bf16(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    asked: list[str] = []
    best_product = benchmark.best_product

    def watched(rates: object, precision: str, *others: object) -> object:
        product = best_product(rates, precision, *others)  # type: ignore[arg-type]
        return lambda: asked.append(precision) or product()

    monkeypatch.setattr(benchmark, "best_product", watched)
    found = bench(dataclasses.replace(TINY, cell=("gru",), batch_size=(2,), precision="bf16"))
    check_sums(found)
    kinds = {(rate.contender, rate.precision) for rate in found.products}
    assert kinds >= {("unspool's tile", "bf16"), ("PyTorch", "bf16"), ("unspool's tile", "float32")}
    (trained,) = found.training
    rounds = trained.machine_gflops.rounds + 1  # and one to warm up
    assert asked[:rounds] == ["bf16"] * rounds
    assert set(asked[rounds:]) == {"float32"}  # what is written is computed in float32
    speeds = {name: speed.median for name, speed in trained.characters_per_second.items()}
    assert set(speeds) == {OURS, PEER, PEER_FLOAT32}
    assert trained.peer == max((PEER, PEER_FLOAT32), key=speeds.__getitem__)
    assert trained.ratio == pytest.approx(speeds[OURS] / speeds[trained.peer])
    told = speed_row(dataclasses.replace(trained, peer=PEER_FLOAT32))
    assert told[4] == f"{trained.characters_per_second[PEER_FLOAT32]} float32"
    assert "bf16 product in training" in rates_in_words(found)
    assert any(said.endswith("rate in bf16") for said in words(check_labels(draw_bench(found))))


def test_without_pytorch_it_says_so(small: None, without_torch: None) -> None:
    found = bench(TINY)
    check_sums(found)
    assert "torch is not installed" in found.absent[PEER]
    assert all(speed.ratio is None and set(speed.characters_per_second) == {OURS} for speed in found.training)
    machine = dataclasses.replace(found.machine, versions={"unspool": "1", "numpy": "2"})
    picture = draw_bench(dataclasses.replace(found, machine=machine))
    assert "torch" not in picture.lower()


def test_the_picture_shows_every_figure_inside_its_frame(small: None, without_torch: None) -> None:
    found = bench(TINY)
    machine = dataclasses.replace(found.machine, processor="A <fast> & rare one")
    picture = check_labels(draw_bench(dataclasses.replace(found, machine=machine)))
    assert "A <fast> & rare one" in (picture.findtext(f"{SVG}title") or "")
    check_boxes(picture)
    bars = list(picture.iter(f"{SVG}rect"))
    assert len(bars) == len(found.products) + len(found.training)
    said = words(picture)
    assert said.count("gru, 8 units, batch 2") == said.count("gru, 8 units, 2 texts") == 1
    assert said.count("gru, 8 units, 1 text") == 1
    for speed in (*found.training, *found.generation):
        factor = speed.operations / 1e9 if speed in found.training else 1
        median = figure(factor * speed.characters_per_second[OURS].median)
        assert f"{median} ({speed.share:.0%})" in said


def test_the_document_has_its_names(small: None, without_torch: None) -> None:
    document = to_dict(bench(TINY))
    names = ["machine", "vocab_size", "sequence_length", "peak_gflops", "products", "training", "generation"]
    assert list(document) == [*names, "absent"]
    (product, *_), (speed, *_) = document["products"], document["training"]  # type: ignore[misc]
    assert list(product) == ["contender", "precision", "size", "gflops"]
    assert list(product["gflops"]) == ["median", "low", "high", "rounds"]
    assert list(speed) == ["cell", "hidden_size", "batch_size", "operations", "characters_per_second",
                           "gflops", "machine_gflops", "share", "peer", "ratio"]  # fmt: skip
    assert {"processor", "vectors", "kernels", "threads", "precision", "load"} <= set(document["machine"])  # type: ignore[call-overload]


def test_pytorch_trains_the_same_network() -> None:
    pytest.importorskip("torch")
    from unspool._benchmarking import torch_peer

    windows = random_windows(vocab_size=9, sequence_length=5, batch_size=3)
    for cell in native_cells():
        if benchmark.missing_layer(cell) is not None:
            continue
        config = NetworkConfig(cell=cell, hidden_size=6, num_layers=2, vocab_size=9)
        start = initialize(config, 1)
        ours = training_step(config, start, windows, threads=1)
        theirs = torch_peer.training_step(config, start, windows, threads=1, learning_rate=1e-3)
        first = {"unspool": ours(), "PyTorch": theirs()}
        if cell != "lstm":  # which PyTorch has in bf16 only where the processor has
            bf16 = torch_peer.training_step(config, start, windows, threads=1, learning_rate=1e-3, bf16=True)
            refuse_other_work({**first, "bf16": bf16()}, tolerance={"PyTorch": 1e-4, "bf16": 2e-2})
        with pytest.raises(UnspoolError, match="other work"):
            refuse_other_work({**first, "PyTorch": first["PyTorch"] * 1.1}, tolerance={"PyTorch": 1e-4})
        for _ in range(7):  # and goes on as we do, weight decay and all
            losses = ours(), theirs()
        assert losses[1] == pytest.approx(losses[0], rel=1e-2)


def test_what_is_written_is_as_long_as_it_is_counted() -> None:
    config = NetworkConfig(cell="lstm", hidden_size=6, vocab_size=9)
    texts = writing(config, initialize(config, 0), texts=3, count=50, threads=1)()
    assert [len(text.ids) for text in texts] == [50] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"seconds": 0}, "seconds"), ({"cell": ()}, "cell"), ({"cell": ("lstm", "cnn")}, "rnn, lstm, gru"),
        ({"hidden_size": (0,)}, "hidden_size"),
        ({"batch_size": ()}, "batch_size"), ({"threads": 0}, "threads"),
    ],
)  # fmt: skip
def test_bad_values_are_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        BenchConfig(**values)  # type: ignore[arg-type]
