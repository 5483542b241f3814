"""The words of commands in their rarer cases, worked out by hand."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import unspool
from unspool._benchmarking.bench import OURS, PEER, PEER_FLOAT32
from unspool._benchmarking.turns import Spread
from unspool._cli.commands import bench, classify, corpora, info, play, push, quantize
from unspool._cli.commands.enumerate import summary
from unspool._generation.options.generation_options import GenerationOptions

TEN, TWO_THOUSAND = Spread(10.0, 9.5, 10.25, 3), Spread(2000.0, 1500.0, 2500.0, 3)


def machine(**changes: Any) -> Any:
    facts = {"processor": "P", "system": "S", "cores": 1, "threads": 1, "vectors": "AVX2", "bf16": None,
             "kernels": "avx2", "precision": "float32", "load": None, "python": "3.11",
             "versions": {"numpy": "2", "torch": "3"}}  # fmt: skip
    return cast("Any", SimpleNamespace(**facts | changes))


def test_the_machine_in_words() -> None:
    assert bench.machine_facts(machine()) == [
        ("machine", "P, S, 1 processor"), ("vectors", "AVX2; products in bf16: none"),
        ("unspool", "avx2 kernels, float32, 1 thread"), ("load", "unknown"),
        ("versions", "Python 3.11, numpy 2, torch 3"),
    ]  # fmt: skip
    other = machine(cores=2, threads=3, bf16="AMX", load=0.25)
    assert [words for _, words in bench.machine_facts(other)][:4] == [
        "P, S, 2 processors", "AVX2; products in bf16: AMX", "avx2 kernels, float32, 3 threads",
        "0.2 before it began",
    ]  # fmt: skip


def speed(peer: str | None, **changes: Any) -> Any:
    facts = {"cell": "gru", "hidden_size": 128, "batch_size": 64, "peer": peer, "ratio": 1.2345,
             "gflops": 9.87, "share": 0.256, "characters_per_second": {OURS: TWO_THOUSAND, PEER: TEN,
             PEER_FLOAT32: TEN}}  # fmt: skip
    return cast("Any", SimpleNamespace(**facts | changes))


@pytest.mark.parametrize(
    ("measured", "beside", "ratio"),
    [
        (speed(PEER), "10.00 (9.50 to 10.25)", "1.23"),
        (speed(PEER_FLOAT32), "10.00 (9.50 to 10.25) float32", "1.23"),
        (speed(None, ratio=None), "absent", ""),
    ],
    ids=["peer", "float32", "none"],
)
def test_a_speed_is_a_row(measured: Any, beside: str, ratio: str) -> None:
    ours = "2,000 (1,500 to 2,500)"
    assert bench.speed_row(measured) == ["gru", "128", "64", ours, beside, ratio, "9.9", "26 %"]


def test_the_tables_of_a_bench(capsys: pytest.CaptureFixture[str]) -> None:
    rate = SimpleNamespace(contender="NumPy", precision="bf16", size=512, gflops=TEN)
    result = SimpleNamespace(machine=machine(), products=[rate], training=[speed(PEER)], generation=[],
                             vocab_size=84, sequence_length=64,
                             absent={"PyTorch": "it is not there"})  # fmt: skip
    bench.tell(cast("Any", result))
    parts = capsys.readouterr().out.split("\n\n")
    columns = "hidden\tbatch\tunspool, characters/s\tPyTorch\tratio\tGFLOP/s\tshare"
    assert parts[0].splitlines()[0] == "machine   P, S, 1 processor"
    assert parts[1:] == [
        "product of matrices\tprecision\tsize\tGFLOP/s\nNumPy\tbf16\t512\t10.00 (9.50 to 10.25)",
        f"training\t{columns}\n" + "\t".join(bench.speed_row(speed(PEER))),
        f"generation\t{columns}",
        "PyTorch absent  it is not there\nshare: useful operations over the best float32 product, measured "
        "again in the same rounds;\nvocabulary 84, training windows of 64 symbols\n",
    ]


def test_the_evaluation_of_a_model_in_rows() -> None:
    best = {"step": 1500, "epoch": 2, "training_bits_per_character": 2.0, "bits_per_character": None}
    rows = [("step", "1,500 (epoch 2)"), ("in training", "2.0000 bits per character")]
    assert info.evaluation_rows(best) == rows
    held_out = best | {"bits_per_character": 2.5, "measured_characters": 4096, "exact": 0.1234}
    assert info.evaluation_rows(held_out) == [
        *rows, ("held out", "2.5000 bits per character, on 4,096 characters"),
        ("exact", "12.3% of the held-out sources answered"),
    ]  # fmt: skip
    of_before = best | {"bits_per_character": 2.5}
    assert info.evaluation_rows(of_before) == [*rows, ("held out", "2.5000 bits per character")]
    assert info.evaluation_rows(None) == []


def test_a_corpus_in_rows() -> None:
    symbols = [[letter, 0.0625] for letter in " \nabcdefghijk"]
    census = {
        "description": "a.txt", "split": None, "records": 1234, "document": False, "characters": 56789,
        "alphabet": 1013, "most_frequent": symbols, "scripts": [["Latin", 0.75], ["Greek", 0.25]],
        "lengths": {"shortest": 0, "quarter": 1000, "median": 2000, "three_quarters": 3000, "longest": 4000},
    }  # fmt: skip
    shown = ", ".join(f"{letter} 6.2%" for letter in "␣⏎abcdefghij")
    rows = [
        ("corpus", "a.txt"), ("records", "1,234"), ("characters", "56,789"),
        ("alphabet", "1,013 different characters"), ("frequent", shown),
        ("scripts", "Latin 75.0%, Greek 25.0%"),
        ("lengths", "median 2,000 characters, half of them 1,000 to 3,000, all 0 to 4,000"),
    ]  # fmt: skip
    assert info.corpus_rows(census) == rows
    document = info.corpus_rows(census | {"document": True, "split": "sentences", "records": 1})
    assert document[1] == ("sentences", "1 (one document)")


@pytest.mark.parametrize(
    ("card", "named"),
    [
        (None, False),
        ("---\nlicense: mit\n---\n# x", True),
        ("---\nlanguage: en\nlicense: mit\n---\n", True),
        ("---\nlanguage: en\n---\nlicense: mit\n", False),
        ("# x\n---\nlicense: mit\n---\n", False),
        ("license: mit\n", False),
    ],
)
def test_a_card_names_a_licence_in_its_header_alone(card: str | None, named: bool, tmp_path: Path) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card, "utf-8")
    assert push._has_license(tmp_path) is named


@pytest.mark.parametrize(
    ("place", "folder"),
    [("runs/a", "runs/a-int8"), ("runs/a/", "runs/a-int8"), ("hf://me/names@v2", "names-int8")],
)
def test_a_rounded_model_stands_beside_its_model(place: str, folder: str) -> None:
    assert quantize._beside(place, "INT8") == Path(folder)


def test_a_rounded_model_of_this_folder_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert quantize._beside(".", "float16") == tmp_path / "a-float16"


def test_the_only_attribute_is_the_one_to_classify_by() -> None:
    assert classify.the_only_one(["label"]) == "label"
    with pytest.raises(unspool.ConfigError) as none:
        classify.the_only_one([])
    assert str(none.value) == "the model has no attribute to classify by; train one with --context"
    with pytest.raises(unspool.ConfigError, match=r"^--by must be one of label, year; got none$"):
        classify.the_only_one(["label", "year"])


def test_what_is_left_of_an_enumeration_is_told() -> None:
    texts = SimpleNamespace(covered=0.12345678, remaining=0.0)
    told = "1,234 texts with a total probability of 0.123457"
    assert summary(1234, cast("Any", texts)) == told
    texts.remaining = 0.00012345
    assert summary(1234, cast("Any", texts)) == f"{told}; all texts not listed: at most 0.000123"


@pytest.mark.parametrize(("columns", "width"), [(40, 40), (101, 100), (300, 100)])
def test_a_corpus_is_a_paragraph_as_wide_as_the_terminal(
    columns: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    row = {"name": "n", "size": "1 MB", "licence": "MIT", "state": "here", "description": "word " * 60}
    lines = corpora.paragraph(row).splitlines()
    assert (lines[0], lines[-1]) == ("n", "  1 MB; MIT; here")
    fitting = (width - 2 + 1) // 5  # words of four letters and a space
    assert lines[1] == "  " + " ".join(["word"] * fitting)
    assert " ".join(lines[1:-1]).split() == ["word"] * 60


@pytest.mark.parametrize(
    ("typed", "out", "err", "what"),
    [
        (False, True, True, "standard input"), (True, False, False, "standard output"),
        (False, False, False, "standard input"), (True, True, False, None), (True, False, True, None),
    ],
)  # fmt: skip
def test_play_needs_a_terminal_to_read_and_one_to_draw_on(
    typed: bool, out: bool, err: bool, what: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminals = {sys.stdin: typed, sys.stdout: out, sys.stderr: err}
    monkeypatch.setattr(play, "is_terminal", lambda stream: terminals[stream])
    hint = "`unspool sample` writes without one"
    if what is None:
        play.check_terminal()
        for name in ("", "dumb", "unknown"):
            monkeypatch.setenv("TERM", name)
            wanted = f"^the terminal: expected one whose cursor can be moved, got TERM={name}; {hint}$"
            with pytest.raises(unspool.InputError, match=wanted):
                play.check_terminal()
        monkeypatch.delenv("TERM")
        with pytest.raises(unspool.InputError, match="got TERM=; "):
            play.check_terminal()
        return
    with pytest.raises(unspool.InputError) as error:
        play.check_terminal()
    assert str(error.value) == f"{what}: expected a terminal, got a file or a pipe; {hint}"


def test_play_draws_its_own_seed_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"temperature": 0.5, "seed": None}
    monkeypatch.setattr("unspool._model.parts.own_options", lambda _: dict(own))
    monkeypatch.setattr("unspool._generation.sampling.random.fresh_seed", lambda: 123_450_678)
    model = cast("Any", None)
    assert play.options_of(model, {"top_k": 3}) == GenerationOptions(temperature=0.5, top_k=3, seed=678)
    assert play.options_of(model, {"seed": 12_345}).seed == 12_345
    with pytest.raises(unspool.ConfigError) as error:
        play.options_of(model, {"temperature": (0.5, 1.0)})
    assert str(error.value).startswith("temperature must be one number; keys change it later; got ")
