"""Small parts of an evaluation, each worked out by hand: lists, shares, windows, pictures."""

import math
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._evaluation import exact_answers, forward, surprisal, surprisal_svg
from unspool._evaluation.classifying import classified
from unspool._evaluation.exact_answers import exact_share
from unspool._evaluation.forward import most_columns
from unspool._evaluation.guess_numbers import GuessNumbers, _exp
from unspool._evaluation.next_symbols import NextSymbols, named_symbols
from unspool._evaluation.precision_cost import _window, _without_encoder
from unspool._evaluation.scorer import TextScore
from unspool._evaluation.surprisal import Surprisal, surprisal_of
from unspool._generation.generated_ids import GeneratedIds
from unspool._text.tokenizers.registry import CharTokenizer

from .test_grid_tables import Measured

TOKENIZER = CharTokenizer(("a", "b", " "))  # ids 1, 2, 3; <eos> is 4


def test_symbols_that_may_come_are_named_the_most_probable_first() -> None:
    chances = np.array([0.5, 0.125, 0.25, 0.125, 0.0])
    assert named_symbols(chances, TOKENIZER) == [("b", 0.25), ("a", 0.125), (" ", 0.125)]
    assert named_symbols(chances, TOKENIZER, top=2) == [("b", 0.25)]  # <pad> is among the first two
    ended = named_symbols(np.array([0.0, 0.1, 0.2, 0.3, 0.4]), TOKENIZER, top=None)
    assert [symbol for symbol, _ in ended] == ["<eos>", " ", "b", "a"]
    many = CharTokenizer(tuple("abcdefghijkl"))
    assert len(named_symbols(np.full(14, 1 / 14), many)) == 9  # ten, <pad> left out
    with pytest.raises(ConfigError) as caught:
        named_symbols(chances, TOKENIZER, top=0)
    assert str(caught.value) == "top must be a whole number ≥ 1, or None; got 0"


def test_a_list_of_symbols_is_shown_with_bars() -> None:
    shown = NextSymbols([(" ", 0.5), ("a\nb", 0.25)])._repr_html_()
    assert "␣" in shown
    for words in ("symbol", "probability", "0.5", "0.25"):
        assert words in shown
    assert "100" in shown  # the first bar is whole, and the second half as long
    assert "50" in shown
    assert repr(NextSymbols([("a", 0.5)])).startswith("<NextSymbols")
    pytest.importorskip("pandas")
    frame = NextSymbols([("a", 0.5), ("b", 0.25)]).to_frame("pandas")
    assert frame.to_dict("list") == {"symbol": ["a", "b"], "probability": [0.5, 0.25]}


class Telling:
    """A scorer that gives each text a fixed log-probability, and notes where it was in the list."""

    def __init__(self, **logprobs: float) -> None:
        self.logprobs, self.firsts = logprobs, list[int]()

    def scores(self, texts: list[str], *, first: int) -> Any:
        self.firsts.append(first)
        return [SimpleNamespace(total_logprob=self.logprobs[text]) for text in texts]


def test_a_text_is_taken_for_what_makes_it_most_probable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspool._evaluation.scorer.TEXTS_AT_ONCE", 1)
    scorers: Any = {"x": Telling(a=math.log(0.2), b=-2000.0), "y": Telling(a=math.log(0.6), b=-2001.0)}
    one, other = classified(["a", "b"], scorers, None)
    assert (one.value, other.value) == ("y", "x")
    assert one.probabilities == pytest.approx({"x": 0.25, "y": 0.75})
    assert other.probabilities == pytest.approx({"x": 1 / (1 + math.exp(-1)), "y": 1 / (1 + math.e)})
    assert scorers["x"].firsts == scorers["y"].firsts == [0, 1]
    (weighed,) = classified(["a"], scorers, np.array([0.9, 0.1]))
    assert weighed.probabilities == pytest.approx({"x": 0.75, "y": 0.25})
    assert weighed.value == "x"


def test_a_step_takes_a_part_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "STEP_PRODUCTS", 1000)
    small, large = {"a": np.zeros((2, 3)), "b": np.zeros(4)}, {"a": np.zeros(100)}
    assert (most_columns(small), most_columns(large)) == (100, 64)


@pytest.mark.parametrize(
    ("most", "chosen"),
    [(None, [0, 1, 2, 3, 4]), (5, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4]), (2, [0, 2]), (3, [0, 1, 3])],
)
def test_answers_are_spread_evenly(
    monkeypatch: pytest.MonkeyPatch, most: int | None, chosen: list[int]
) -> None:
    asked: list[list[int]] = []

    def right(engine: Any, parameters: Any, stream: Any, records: Any, eos_id: int) -> int:
        assert eos_id == 4
        asked.append(records.tolist())
        return sum(record % 2 == 0 for record in records)

    monkeypatch.setattr(exact_answers, "_right", right)
    monkeypatch.setattr(exact_answers, "AT_ONCE", 2)
    stream: Any = SimpleNamespace(num_records=5)
    engine: Any = None
    share = exact_share(engine, {}, stream, eos_id=4, most=most)
    assert [record for part in asked for record in part] == chosen
    assert max(map(len, asked)) <= 2
    assert share == sum(record % 2 == 0 for record in chosen) / len(chosen)


def test_texts_stand_side_by_side_from_their_start_to_their_end() -> None:
    def drawn(*ids: int, ended: bool) -> GeneratedIds:
        return GeneratedIds(np.array(ids, np.int32), np.zeros(len(ids) + ended, np.float32), None)

    window = _window([drawn(1, 2, ended=True), drawn(3, ended=False), drawn(ended=True)], TOKENIZER)
    assert window.ids.shape == window.targets.shape == (101, 3)
    assert window.ids[:4].T.tolist() == [[4, 1, 2, 4], [4, 3, 0, 0], [4, 4, 0, 0]]
    assert window.targets[:4].T.tolist() == [[1, 2, 4, 0], [3, 0, 0, 0], [4, 0, 0, 0]]
    assert not window.targets[4:].any()
    arrays = {"encoder.layers.0.bias": np.zeros(1), "output.bias": np.zeros(1), "encoder": np.zeros(1)}
    assert "encoder.layers.0.bias" not in _without_encoder(arrays)
    assert "output.bias" in _without_encoder(arrays)


def test_a_number_beyond_a_float_is_infinite() -> None:
    assert _exp(708.9) == math.exp(708.9)
    assert _exp(710.0) == math.inf
    with pytest.raises(ConfigError) as caught:
        GuessNumbers.draw(None, samples=10_000_001)  # type: ignore[arg-type]
    assert str(caught.value) == "samples must be a whole number from 2 to 10000000; got 10000001"


def test_a_surprisal_is_the_score_in_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    score = TextScore(-3.0, np.array([-math.log(2), -math.log(4), -math.log(8)], np.float32), 2.5, 0)
    found = surprisal_of("ab", score, TOKENIZER, unknown="error")
    np.testing.assert_allclose(found.bits, [1.0, 2.0, 3.0], rtol=1e-6)
    assert (found.symbols, found.spans.tolist()) == (("a", "b", "<eos>"), [[0, 1], [1, 2], [2, 2]])
    assert (found.text, found.bits_per_character, found.replaced.tolist()) == ("ab", 2.5, [False] * 3)
    assert found.total_bits == pytest.approx(6.0)
    assert found.svg(title="Mine") == surprisal_svg.surprisal_svg([found], title="Mine") != found.svg()
    monkeypatch.setattr(surprisal, "MOST_CHARACTERS", 3)
    for text in ("aaa", "aaaa"):
        empty = Surprisal(text, (), found.bits[:0], found.spans[:0], found.replaced[:0], None)
        shown = empty._repr_html_()
        assert shown.startswith("<svg") if text == "aaa" else shown == "<pre>4 characters</pre>"


SVG = "{http://www.w3.org/2000/svg}"


def drawn(*texts: Measured, title: str | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(surprisal_svg.surprisal_svg(texts, title=title))


def places(root: ElementTree.Element) -> list[tuple[str, float, float]]:
    """Return the characters that are shown with their places, from the left and from the first row."""
    groups = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    shown = [each for group in groups for each in group.iter(f"{SVG}text")]
    found = [(each.text or "", float(each.attrib["x"]) - 88, float(each.attrib["y"])) for each in shown]
    top = min((y for *_, y in found), default=0.0)
    return [(text, x, y - top) for text, x, y in found]


def test_characters_stand_in_a_grid() -> None:
    assert places(drawn(Measured("a漢b"))) == [("a", 5.0, 0.0), ("漢", 20.0, 0.0), ("b", 35.0, 0.0)]
    wrapped = places(drawn(Measured("a" * 81)))
    assert wrapped[79:] == [("a", 795.0, 0.0), ("a", 5.0, 24.0)]
    assert places(drawn(Measured("אב"))) == [("ב", 785.0, 0.0), ("א", 795.0, 0.0)]
    two = places(drawn(Measured("a"), Measured("b")))
    assert two == [("a", 5.0, 0.0), ("b", 5.0, 32.0)]
    assert [text for text, *_ in places(drawn(Measured("a b")))] == ["a", "b"]  # a space has no letter


def test_the_picture_has_its_legend_its_figures_and_its_title() -> None:
    one, empty = Measured("ab"), Measured("")
    one.bits_per_character, empty.bits_per_character = 1.5, None  # type: ignore[assignment]
    root = drawn(one, empty)
    texts = [each.text or "" for each in root.iter(f"{SVG}text")]
    for words in ("Surprisal of 2 texts", "bits/char", "bits per symbol", "1.50", "–", "0–1", "1–2", "4–6",
                  "8–12", "≥ 12"):  # fmt: skip
        assert words in texts
    assert "Surprisal of 1 text" in [each.text for each in drawn(one).iter(f"{SVG}text")]
    assert "Mine" in [each.text for each in drawn(one, title="Mine").iter(f"{SVG}text")]
    assert "bits per character, 1.50 on average." in (root.findtext(f"{SVG}desc") or "")
    assert "on average" not in (drawn(empty).findtext(f"{SVG}desc") or "")
    heats = [group.get("class") for group in root.iter(f"{SVG}g") if "heat" in (group.get("class") or "")]
    assert heats[:8] == [f"heat{level}" for level in range(8)]
    assert heats[8:] == ["heat1", "heat1"]
    boxes = [group.find(f"{SVG}rect") is not None for group in root.iter(f"{SVG}g") if group.get("class")]
    assert boxes == [False, *[True] * 9]  # what is least surprising has no colour


def test_what_is_too_long_for_a_picture_is_said() -> None:
    with pytest.raises(ConfigError) as caught:
        surprisal_svg.surprisal_svg([Measured("a" * 30_000), Measured("a" * 20_001)])
    assert str(caught.value) == (
        "surprisals must be texts of 50,000 characters at the most; choose some (--top N); got "
        "'50,001 characters'"
    )
