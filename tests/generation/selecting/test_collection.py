"""Which texts are collected follows from their indices alone, and the report leaves none out."""

import itertools
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._errors import ConfigError
from unspool._generation.options.generation_options import ALIASES, GenerationOptions
from unspool._generation.results import Generation
from unspool._generation.selecting import collection as collecting
from unspool._generation.selecting.collection import Collection, Judgement
from unspool._generation.selecting.selection import CollectionKeywords, Selection, split_keywords, validator
from unspool._text.novelty import NoveltyIndex

KNOWN = NoveltyIndex.of([f"ab{i}" for i in range(0, 40, 3)])


def generation(text: str, reason: str = "stop") -> Generation:
    return Generation(
        text=text, prompt="", continuation=text, ids=np.zeros(0, np.int32),
        token_logprobs=np.zeros(0, np.float32), finish_reason=reason,
    )  # fmt: skip


def text_of(prompt: str, index: int) -> Generation:
    """Give text `index`: some come again, every seventh is cut off."""
    number = (index * 2654435761 >> 7) % 50
    return generation(f"{prompt}{number}", "length" if index % 7 == 0 else "stop")


class Drawer:
    """Draw as a model does after some prompts, and remember how much at once."""

    def __init__(self, prompts: list[str], text: Callable[[str, int], Generation] = text_of) -> None:
        self.prompts, self.text = prompts, text
        self.draws: list[tuple[int, int, int]] = []

    def __call__(self, prompt: int, count: int, first: int) -> list[Generation]:
        self.draws.append((prompt, count, first))
        return [self.text(self.prompts[prompt], first + i) for i in range(count)]


def collect(
    prompts: list[str],
    draw: Drawer | None = None,
    *,
    n: int,
    first: int = 0,
    known: Any = None,
    **chosen: Any,
) -> Collection:
    return Collection(
        draw or Drawer(prompts), len(prompts), n=n, first=first, selection=Selection(**chosen), known=known,
        max_new_tokens=10,
    )  # fmt: skip


def by_hand(
    prompts: list[str], *, n: int, first: int, known: NoveltyIndex | None, chosen: dict[str, Any]
) -> tuple[list[str], int]:
    """Do the same one text after the other."""
    texts: list[str] = []
    index = first
    for prompt in prompts:
        wanted, attempts = n, 0
        while wanted and attempts < chosen.get("max_attempts", 10_000):
            drawn = text_of(prompt, index)
            index, attempts = index + 1, attempts + 1
            good = not (chosen.get("finished") and drawn.finish_reason == "length")
            good &= not (chosen.get("unique") and drawn.text in texts)
            good &= not (known is not None and known.knows(drawn.text))
            good &= not ("valid" in chosen and not re.fullmatch(chosen["valid"], drawn.text))
            if good:
                texts.append(drawn.text)
                wanted -= 1
    return texts, index - first


selections = st.fixed_dictionaries(
    {},
    optional={
        "unique": st.just(True),
        "finished": st.just(True),
        "valid": st.sampled_from(["ab[0-9]*[02468]", "[ab]*.."]),
        "max_attempts": st.integers(1, 120),
    },
)


@settings(max_examples=150, deadline=None)
@given(
    chosen=selections,
    n=st.integers(1, 8),
    first=st.integers(0, 1000),
    prompts=st.lists(st.sampled_from(["ab", "a", "ab"]), min_size=1, max_size=3),
    novel=st.booleans(),
    sizes=st.tuples(st.integers(1, 70), st.integers(1, 20), st.integers(1, 100)),
)
def test_how_much_is_drawn_at_once_changes_nothing(  # noqa: PLR0917 - drawn by hypothesis
    chosen: dict[str, Any], n: int, first: int, prompts: list[str], novel: bool, sizes: tuple[int, int, int]
) -> None:
    known = KNOWN if novel else None
    if not chosen.get("max_attempts"):
        chosen["max_attempts"] = 300
    with pytest.MonkeyPatch.context() as patch:
        for name, size in zip(("FIRST_DRAW", "LEAST_DRAW", "LARGEST_DRAW"), sizes, strict=True):
            patch.setattr(collecting, name, size)
        collection = collect(prompts, n=n, first=first, known=known, **chosen)
        texts = [generation.text for generation in collection]
    wanted, attempts = by_hand(prompts, n=n, first=first, known=known, chosen=chosen)
    assert texts == wanted
    report = collection.report
    assert (report.accepted, report.attempts, report.asked) == (len(texts), attempts, n * len(prompts))
    refused = report.cut_off + report.duplicates + report.copies + report.invalid
    assert report.attempts == report.accepted + refused
    assert report.complete == (len(texts) == report.asked)


def test_a_text_is_refused_for_the_first_reason() -> None:
    texts = {
        0: generation("good"), 1: generation("good", "length"), 2: generation("good"), 3: generation("known"),
        4: generation("bad!"), 5: generation("bad!"), 6: generation("fine"),
    }  # fmt: skip
    collection = collect(
        ["x"], Drawer(["x"], lambda _, index: texts[index]), n=2, known=NoveltyIndex.of(["known"]),
        unique=True, valid="[a-z]+", finished=True, max_attempts=7,
    )  # fmt: skip
    assert [text.text for text in collection] == ["good", "fine"]
    report = collection.report
    counts = (report.cut_off, report.duplicates, report.copies, report.invalid, report.attempts)
    assert counts == (1, 1, 1, 2, 7)
    assert str(report).startswith("2 of 2 texts after 7 attempts in 0.0 s (1 cut off, 1 duplicate, 1 copy")


def test_a_text_that_does_not_meet_its_constraint_is_refused() -> None:
    texts = {0: generation("ab", "blocked"), 1: generation("ab"), 2: generation("abc", "length")}
    asked = {"n": 2, "first": 0, "known": None, "max_new_tokens": 10, "selection": Selection(max_attempts=3)}
    drawer = Drawer(["x"], lambda _, index: texts[index])
    collection = Collection(drawer, 1, constrained=True, **asked)
    assert [text.text for text in collection] == ["ab", "abc"]
    assert collection.report.blocked == 1
    assert "1 that could not meet the constraint" in str(collection.report)
    free = Collection(drawer, 1, **asked)
    assert [text.finish_reason for text in free] == ["blocked", "stop"]


def test_the_verdicts_are_the_fields_of_the_report() -> None:
    fields = list(collecting.CollectionReport.__dataclass_fields__)
    assert [name for name in fields[3:-2] if name != "cut"] == [verdict.value for verdict in Judgement][:-1]
    assert Judgement.ACCEPTED.value in fields


def test_texts_come_before_the_last_is_drawn_and_memory_stays_flat() -> None:
    draw = Drawer(["x"], lambda prompt, index: generation(f"{prompt}{index}"))
    collection = collect(["x"], draw, n=10**12)
    assert next(collection).text == "x0"
    assert draw.draws == [(0, collecting.FIRST_DRAW, 0)]
    for _ in itertools.islice(collection, 20_000):
        pass
    tracemalloc.start()
    for _ in itertools.islice(collection, 30_000):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6_000_000, "two draws take 4 million bytes, and all texts 12 million"
    assert max(count for _, count, _ in draw.draws) == collecting.LARGEST_DRAW
    assert collection.report.accepted == 50_001


def test_long_texts_are_drawn_a_few_at_once() -> None:
    draw = Drawer(["x"])
    collection = Collection(
        draw, 1, n=10_000, first=0, selection=Selection(), known=None, max_new_tokens=1 << 20
    )
    assert len(list(collection)) == 10_000
    assert max(count for _, count, _ in draw.draws) == collecting.LEAST_DRAW


def test_what_cannot_be_found_ends() -> None:
    draw = Drawer(["x"])
    assert list(collect(["x"], draw, n=3, valid="never")) == []
    assert sum(count for _, count, _ in draw.draws) == collecting.LEAST_ATTEMPTS
    collection = collect(["x"], n=200, valid="never")
    assert list(collection) == []
    assert collection.report.attempts == 200 * collecting.ATTEMPTS_PER_TEXT


def test_it_stops_when_it_is_told_to_and_keeps_what_is_there() -> None:
    collection = collect(["x", "y"], n=100)
    seen: list[str] = []
    collection.stop_when(lambda: len(seen) == 5)
    for text in collection:
        seen.append(text.text)
    assert len(seen) == 5
    collection = collect(["x", "y"], n=100, valid="never")
    collection.stop_when(lambda: collection.report.attempts >= 70)
    assert list(collection) == []
    assert collection.report.attempts == 70


def test_a_stop_in_a_draw_keeps_the_texts_that_were_finished_before() -> None:
    over = False

    def draw(prompt: int, count: int, first: int) -> list[Generation]:
        nonlocal over
        over = first > 0
        texts = collect(["x"], n=count).gather()
        return texts[:4] if over else texts

    collection = collecting.Collection(
        draw, 1, n=500, first=0, selection=Selection(), known=None, max_new_tokens=9
    )
    collection.stop_when(lambda: over)
    assert len(list(collection)) == 64 + 4
    assert collection.stopped()


def test_time_stands_still_after_the_end() -> None:
    collection = collect(["x"], n=3)
    assert collection.report.seconds == 0
    texts = collection.gather()
    assert len(texts) == 3
    assert texts.report is not None
    assert texts.report.seconds == collection.report.seconds > 0


def test_the_keywords_are_the_fields() -> None:
    options = set(GenerationOptions.__dataclass_fields__) | set(ALIASES)
    assert set(CollectionKeywords.__annotations__) - options == set(Selection.__dataclass_fields__)
    selection, rest = split_keywords({"unique": True, "temperature": 0.5, "seed": 3})
    assert selection == Selection(unique=True)
    assert rest == {"temperature": 0.5, "seed": 3}
    assert split_keywords({"unique": False})[0].is_off


@pytest.mark.parametrize(
    "valid", ["[ab]+", re.compile("[ab]+"), lambda text: set(text) <= set("ab") and text]
)
def test_valid_is_of_the_whole_text(valid: Any) -> None:
    good = validator(valid)
    assert good is not None
    assert [bool(good(text)) for text in ("ab", "abc", "", "cab")] == [True, False, False, False]
    assert validator(None) is None


@pytest.mark.parametrize(
    ("chosen", "match"),
    [
        ({"unique": 1}, "unique"),
        ({"finished": "yes"}, "finished"),
        ({"novel": 1}, "novel"),
        ({"novel": ["a"]}, "novel"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_attempts": True}, "max_attempts"),
        ({"valid": "["}, "valid.*unterminated"),
        ({"valid": re.compile(b"a")}, "bytes"),
        ({"valid": r"(?!x)(a+)+b"}, "valid.*got a negative lookahead"),
        ({"valid": 3}, "valid"),
    ],
    ids=str,
)
def test_what_is_out_of_range_is_refused(chosen: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        Selection(**chosen)


@pytest.mark.parametrize("chosen", [{"n": 0}, {"n": True}, {"n": 1, "first": -1}])
def test_counts_are_whole_numbers(chosen: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        collect(["x"], **chosen)


@pytest.mark.parametrize("numbers", [range(6), range(2), range(1, 5), range(3, 3), range(5, 6)])
def test_a_part_has_the_texts_of_its_numbers(numbers: range) -> None:
    """Of three prompts with two texts each, text i is drawn by index 10 + i, for prompt i // 2."""
    drawn = []

    def draw(prompt: int, count: int, first: int) -> list[Generation]:
        drawn.extend((prompt, index) for index in range(first, first + count))
        return [generation(f"{prompt}:{index}") for index in range(first, first + count)]

    part = Collection(draw, 3, n=2, first=10, selection=Selection(), known=None, max_new_tokens=9)
    part.only(numbers)
    assert [text.text for text in part] == [f"{i // 2}:{10 + i}" for i in numbers]
    assert drawn == [(i // 2, 10 + i) for i in numbers], "nothing is drawn beside them"
    report = part.report
    assert (report.asked, report.accepted, report.complete) == (len(numbers), len(numbers), True)


def test_texts_that_may_be_refused_have_no_part() -> None:
    some = Collection(
        lambda *_: [], 1, n=9, first=0, selection=Selection(unique=True), known=None, max_new_tokens=9
    )
    with pytest.raises(ConfigError, match="selection"):
        some.only(range(3))
