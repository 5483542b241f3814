"""`unspool score`: figures, order, files and colours, as a user asks for them."""

import csv
import io
import json
import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

import unspool as library
from tests.cli.conftest import TEXTS, TINY, run
from unspool._cli.output.score_rows import MEASURES, key_of, whole_texts
from unspool._cli.output.score_sinks import file_sink
from unspool._cli.output.surprisal_screen import SurprisalScreen
from unspool._text.records import Record


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a second model, of other texts, which has an <unk>."""
    folder = tmp_path_factory.mktemp("runs") / "other"
    texts = "".join(f"{text[::-1]}\n" for text in TEXTS)
    arguments = ["train", "-", "--out", str(folder), "--epochs", "2", "--max-vocab-size", "15", *TINY]
    done = run(arguments, input=texts)
    assert done.exit_code == 0, done.stderr
    return folder


class Interrupting(dict[str, Any]):
    """A row at which somebody presses Ctrl-C."""

    def __getitem__(self, name: str) -> Any:
        raise KeyboardInterrupt


def json_of(arguments: list[str], **options: Any) -> list[dict[str, Any]]:
    done = run(["score", *arguments, "--json"], **options)
    assert done.exit_code == 0, done.stderr
    return list(json.loads(done.stdout))


def test_symbols_are_told_of_in_json(model: Path) -> None:
    (item,) = json_of([str(model), "-", "--per-symbol", "--unknown", "drop"], input="oil Ω\n")
    one = library.load(model).surprisal("oil Ω", unknown="drop")
    assert item["symbols"] == list(one.symbols) == ["o", "i", "l", " ", "<eos>"]
    assert item["bits"] == pytest.approx(one.bits.tolist(), abs=1e-4)
    assert item["spans"] == one.spans.tolist()
    assert item["replaced"] == [False] * 5
    (bare,) = json_of([str(model), "-", "--no-end", "--prompt", "oil "], input="rise\n")
    assert "symbols" not in bare
    expected = library.load(model).score(["rise"], prompt="oil ", ended=False)[0].total_logprob
    assert bare["total_logprob"] == pytest.approx(expected)


def test_texts_come_in_the_order_asked_for(model: Path, corpus: Path) -> None:
    everything = json_of([str(model), str(corpus)])
    for by, column in (("bits-per-character", "bits_per_character"), ("logprob", "total_logprob")):
        key = key_of(by, worst=False)
        best = json_of([str(model), str(corpus), "--sort", "best", "--by", by])
        assert best == sorted(everything, key=key)
        worst = json_of([str(model), str(corpus), "--sort", "worst", "--by", by, "--top", "3"])
        assert [row[column] for row in worst] == sorted(
            (row[column] for row in everything), reverse=by == "bits-per-character"
        )[:3]
    assert json_of([str(model), str(corpus), "--top", "1"]) == json_of(
        [str(model), str(corpus), "--sort", "best", "--top", "1"]
    )


@pytest.mark.parametrize("worst", [True, False])
def test_a_text_without_a_figure_is_last_in_every_order(worst: bool) -> None:
    rows: list[dict[str, Any]] = [{"bits_per_character": bits} for bits in (None, 1.0, 2.0)]
    order = [row["bits_per_character"] for row in sorted(rows, key=key_of("bits-per-character", worst=worst))]
    assert order == ([2.0, 1.0, None] if worst else [1.0, 2.0, None])


def test_two_models_are_compared(model: Path, other: Path) -> None:
    lines = "oil rise again\nniaga esir\n"
    forth = json_of([str(model), "-", "--against", str(other)], input=lines)
    back = json_of([str(other), "-", "--against", str(model)], input=lines)
    for one, two in zip(forth, back, strict=True):
        assert one["log_likelihood_ratio"] == pytest.approx(-two["log_likelihood_ratio"])
        assert one["bits_per_character"] == two["against_bits_per_character"]
    assert forth[0]["log_likelihood_ratio"] > forth[1]["log_likelihood_ratio"]
    (first, _) = json_of([str(model), "-", "--against", str(other), "--sort", "worst"], input=lines)
    assert first["text"] == "niaga esir"
    plain = run(["score", str(model), "-", "--against", str(other)], input=lines)
    assert len(plain.stdout.splitlines()[0].split("\t")) == 4


def test_guess_numbers_come_with_their_error(model: Path) -> None:
    arguments = [str(model), "-", "--guess-number", "--samples", "300", "--unknown", "drop"]
    items = json_of(arguments, input="oil rise late\nqqqq\noil oil oil oil oil oil oil oil oil\n")
    known = library.load(model).guess_numbers(["oil rise late"], samples=300)[0]
    assert items[0]["guess_number"] == pytest.approx(known.guess_number)
    assert items[0]["log2_guess_number"] == pytest.approx(math.log2(known.guess_number))
    assert items[0]["standard_error"] > 0
    assert 0 <= items[2]["percentile"] <= 100
    plain = run(["score", *arguments], input="oil rise late\n")
    assert plain.stdout.count("%") == 1


def test_a_model_with_unk_reads_unknown_symbols_as_such(other: Path, model: Path, tmp_path: Path) -> None:
    (item,) = json_of([str(other), "-"], input="Ω\n")
    assert item["unknown"] == 1
    texts = tmp_path / "texts.txt"
    texts.write_text("oil Ω\n", "utf-8")
    assert run(["eval", str(other), str(texts)]).exit_code == 0
    assert run(["eval", str(other), str(texts), "--unknown", "error"]).exit_code == 2
    assert run(["eval", str(model), str(texts)]).exit_code == 2


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_files_have_the_rows_of_the_json(model: Path, tmp_path: Path, suffix: str) -> None:
    lines, out = 'say "oil, late"\noil rise\n', tmp_path / f"scores{suffix}"
    options = ["--unknown", "drop"]
    done = run(["score", str(model), "-", "--out", str(out), *options], input=lines)
    assert (done.exit_code, done.stdout) == (0, "")
    expected = json_of([str(model), "-", *options], input=lines)
    text = out.read_text("utf-8")
    if suffix == ".jsonl":
        assert [json.loads(line) for line in text.splitlines()] == expected
    else:
        rows = list(csv.DictReader(io.StringIO(text), delimiter="," if suffix == ".csv" else "\t"))
        assert [row["text"] for row in rows] == [item["text"] for item in expected]
        assert float(rows[0]["total_logprob"]) == expected[0]["total_logprob"]
    again = run(["score", str(model), "-", "--out", str(out), *options], input=lines)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert (
        run(["score", str(model), "-", "--out", str(out), "--overwrite", *options], input="oil\n").exit_code
        == 0
    )
    assert "rise" not in out.read_text("utf-8")


def test_a_file_is_there_whole_or_not_at_all(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    done = run(["score", str(model), "-", "--out", str(out)], input="oil\nΩ\n")
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []
    stopped = pytest.raises(KeyboardInterrupt)
    with stopped, file_sink(out, ["text"], lists=False) as write:
        write(Interrupting(text="half"))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_drawn(model: Path, tmp_path: Path) -> None:
    picture = tmp_path / "texts.svg"
    arguments = ["score", str(model), "-", "--svg", str(picture), "--unknown", "drop"]
    assert run(arguments, input="oil <Ω>\nrise\n").exit_code == 0
    root = ET.fromstring(picture.read_text("utf-8"))
    assert len(list(root.iter("{http://www.w3.org/2000/svg}title"))) == 1 + 8 + 5
    picture.unlink()
    long = run(arguments, input="oil rise\n" * 7000)
    assert long.exit_code == 2
    assert "--top" in long.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sort", "up"], "best or worst"),
        (["--top", "0"], "a whole number ≥ 1"),
        (["--by", "ratio"], "--against"),
        (["--per-symbol"], "--json"),
        (["--show", "--json"], "--json"),
        (["--out", "scores.xml"], ".csv, .tsv, .jsonl"),
        (["--out", "no/such/folder/scores.csv"], "no folder"),
        (["--svg", "picture.png"], ".svg"),
        (["--guess-number", "--no-end"], "whole texts"),
        (["--guess-number", "--samples", "1"], "samples"),
        (["--against", "no/such/model"], "no/such/model"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_scored(
    model: Path, corpus: Path, arguments: list[str], said: str
) -> None:
    done = run(["score", str(model), str(corpus), *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_measures_are_all_known_to_the_order() -> None:
    row = {"bits_per_character": 1.0, "total_logprob": -2.0, "log_likelihood_ratio": 3.0}
    assert [key_of(by, worst=False)(row) for by in MEASURES] == [1.0, 2.0, -3.0]


def shown(model: Path, text: str, *, colours: str | None, width: int = 40) -> list[str]:
    console = Console(
        file=io.StringIO(), force_terminal=colours is not None, color_system=colours, width=width,  # type: ignore[arg-type]
        highlight=False, no_color=colours is None,
    )  # fmt: skip
    screen = SurprisalScreen(console)
    screen.legend()
    screen.show(library.load(model).surprisal(text, unknown="drop"))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_without_colours_a_digit_stands_beneath_each_character(model: Path) -> None:
    one = library.load(model).surprisal("oil 猫a", unknown="drop")
    _, letters, digits = shown(model, "oil 猫a", colours=None)
    assert letters.endswith("  oil 猫a∎")
    whole = [str(min(9, int(bits))) for bits in one.bits]
    assert digits.strip() == "".join([*whole[:4], "× ", *whole[4:]])
    assert "\x1b" not in letters


@pytest.mark.parametrize(("colours", "mark"), [("truecolor", "\x1b[38;2;"), ("standard", "\x1b[3")])
def test_colours_fit_the_terminal(model: Path, colours: str, mark: str) -> None:
    legend, line = shown(model, "q\x1b[31m", colours=colours)
    assert mark in legend
    assert "\x1b[31m" not in line
    assert "␛" in line


def test_the_legend_says_how_many_bits_a_colour_stands_for(model: Path) -> None:
    legend = re.sub(r"\x1b\[[\d;]*m", "", shown(model, "q", colours="truecolor")[0])
    assert legend.split() == [
        "bits/char", "bits", "per", "symbol", "0–1", "1–2", "2–3", "3–4", "4–6", "6–8", "8–12", "12+",
    ]  # fmt: skip


def test_long_texts_are_broken_to_the_width(model: Path) -> None:
    lines = shown(model, "oil rise again " * 6, colours=None, width=40)[1:]
    assert len(lines) >= 6
    assert max(map(len, lines)) <= 40


def test_no_color_is_respected(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    arguments = ["score", str(model), "-", "--show"]
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in run(arguments, input="oil\n").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run(arguments, input="oil\n").stdout


def test_a_record_in_pieces_is_one_text() -> None:
    pieces = [("a", True), ("b", False), ("c", False), ("d", True), ("e", True), ("f", False), ("g", True)]
    records = [Record(text, ends=ends) for text, ends in pieces]
    assert list(whole_texts(records)) == ["a", "bcd", "e", "fg"]
