"""Secrets: their numbering, their draws, and where they are planted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import ConfigError
from unspool._text.canaries import Canaries, CanaryFormat, draw_canaries, with_canaries
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.split import is_held_out
from unspool._text.records import Records


def test_a_format_numbers_its_texts() -> None:
    form = CanaryFormat("a{digits:1}b{letters:2}c")
    assert (form.prefix, form.size) == ("a", 10 * 26 * 26)
    assert [form[i] for i in (0, 1, 26, 676, form.size - 1)] == [
        "a0baac",
        "a0babc",
        "a0bbac",
        "a1baac",
        "a9bzzc",
    ]


@given(st.integers(0, 10 * 26 * 26 - 1))
def test_every_number_is_another_text_of_the_format(number: int) -> None:
    form = CanaryFormat("a{digits:1}b{letters:2}c")
    text = form[number]
    assert form.has(text)
    assert int(text[1]) * 676 + (ord(text[3]) - 97) * 26 + ord(text[4]) - 97 == number
    assert not form.has(text + "c")
    assert not form.has(text.replace("b", "x", 1))


@pytest.mark.parametrize("text", ["no slot", "{digits}", "{digits:0}", "{numbers:3}", "", 5])
def test_a_format_without_a_slot_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"canary_format.*\{digits:6\}"):
        CanaryFormat(text)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"count": 0}, "canaries"),
        ({"repeats": 0}, "canary_repeats"),
        ({"count": 3, "format": "{digits:1}"}, "quarter"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, object], part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        Canaries(**values)  # type: ignore[arg-type]


def test_draws_are_different_and_go_by_the_seed() -> None:
    form = CanaryFormat("{digits:2}")
    drawn = form.draw(25, seed=3)
    assert len(set(drawn)) == 25
    assert drawn == form.draw(25, seed=3)
    assert drawn != form.draw(25, seed=4)
    assert drawn[:5] == form.draw(5, seed=3)
    assert "07" not in form.draw(90, seed=3, avoid={"07"}.__contains__)


def test_large_formats_are_drawn_from_everywhere() -> None:
    drawn = CanaryFormat("{digits:40}").draw(200, seed=0)
    assert {text[0] for text in drawn} == {text[-1] for text in drawn} == set("0123456789")


def test_no_secret_is_held_out() -> None:
    data = draw_canaries(Canaries(count=50), EncodingRecipe(validation_fraction=0.5), seed=0)
    texts = data["canaries"]["texts"]
    assert len(set(texts)) == 50
    assert not any(is_held_out(text, fraction=0.5) for text in texts)


def test_planting_is_asked_for() -> None:
    assert draw_canaries(None, EncodingRecipe(tokenizer="word"), seed=0) == {}
    records = Records.of(["a", "b"])
    assert with_canaries(records, {}) is records
    with pytest.raises(ConfigError, match="need the char tokenizer"):
        draw_canaries(Canaries(), EncodingRecipe(tokenizer="word"), seed=0)


def test_secrets_stand_before_the_corpus() -> None:
    data = {"canaries": {"format": "x{digits:1}", "repeats": 2, "texts": ["x1", "x2"]}}
    planted = with_canaries(Records.of(["a"], document=True), data)
    for _ in range(2):  # as often as it is read
        assert [record.text for record in planted] == ["x1", "x1", "x2", "x2", "a"]
    assert planted.document


@pytest.mark.parametrize("broken", [{}, {"texts": 1, "repeats": 1}, {"texts": [], "repeats": "x"}, 7])
def test_a_broken_description_is_named(broken: object) -> None:
    if broken == {"texts": [], "repeats": "x"}:
        broken = {"texts": ["a"], "repeats": "x"}
    with pytest.raises(ConfigError, match="canaries"):
        with_canaries(Records.of(["a"]), {"canaries": broken})
