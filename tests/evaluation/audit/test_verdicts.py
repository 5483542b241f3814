"""What counts become: verdicts worked out by hand."""

import pytest

from unspool._evaluation.audit.copying import CopiedText
from unspool._evaluation.audit.verdicts import Whole, judge_copying


def texts(*copied: int, verbatim: bool = False) -> list[CopiedText]:
    return [
        CopiedText(
            text="x" * 40, characters=40, copied=n, start=0, verbatim=verbatim, record=1, position=0,
            before="", span="x" * n, after="",
        )
        for n in copied
    ]  # fmt: skip


def whole(in_training: int, in_held_out: int, *, held_out: int = 100) -> Whole:
    return Whole(
        different=1000, in_training=in_training, in_held_out=in_held_out, training=900, held_out=held_out,
        repeated_share=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("generated", "real", "verdict", "words"),
    [
        (
            [12, 13] * 25,
            [12] * 25 + [13] * 25,
            "not copying",
            "median 12 characters (real held-out texts: 12).",
        ),
        (
            [40] * 50,
            [12] * 50,
            "copying",
            "median 40 characters (real held-out texts: 12): the model copies.",
        ),
        ([8] * 50, [12] * 50, "not copying", "median 8 characters (real held-out texts: 12)."),
        ([40] * 50, [12] * 5, "unknown", "too little held-out text"),
        ([], [12] * 50, "unknown", "wrote nothing"),
    ],
)
def test_lengths(generated: list[int], real: list[int], verdict: str, words: str) -> None:
    result = judge_copying(texts(*generated), texts(*real), whole=None)
    assert result.verdict == verdict
    assert words in result.sentence


def test_chance_is_what_held_out_records_tell() -> None:
    """Nine times as many training records as held-out ones: nine times as many hits."""
    assert whole(270, 30).by_chance == 270
    assert not whole(270, 30).beyond_chance
    assert whole(600, 5).by_chance == 45
    assert whole(600, 5).beyond_chance
    assert not whole(40, 0).beyond_chance  # too few to speak of
    assert whole(600, 5, held_out=10).by_chance is None
    assert not whole(600, 5, held_out=10).beyond_chance


def test_more_whole_records_than_by_chance_are_copying() -> None:
    same = texts(*[12] * 50)
    copied = judge_copying(same, same, whole=whole(600, 5))
    assert copied.verdict == "copying"
    assert (
        "600 of 1,000 distinct texts are exact copies (45 expected by chance, clearly more)"
        in copied.sentence
    )
    honest = judge_copying(same, same, whole=whole(270, 30))
    assert honest.verdict == "not copying"
    assert "(270 expected by chance)" in honest.sentence


def test_with_nothing_to_compare_half_word_for_word_is_copying() -> None:
    verbatim, other = texts(*[40] * 5, verbatim=True), texts(*[3] * 5)
    assert judge_copying([*verbatim, *other], [], whole=None).verdict == "copying"
    assert judge_copying([*verbatim[1:], *other], [], whole=None).verdict == "unknown"
