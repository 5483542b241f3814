"""What comes before the samplers, on logits worked out by hand."""

import numpy as np
import pytest

from unspool._generation.options.generation_options import ROWS, GenerationOptions, PenaltyRow
from unspool._generation.sampling.penalties import PENALTIES, adjusted, repeated_ngrams
from unspool._kernels.writer import stage_names

NEVER = -np.inf
LOGITS = np.array([NEVER, 2.0, -1.0, 0.5, 0.0], np.float32)  # <pad>, three symbols, <eos>
PROMPT, WRITTEN = np.array([1, 3]), np.array([2, 2])


def after(**options: object) -> list[float]:
    chosen = GenerationOptions(**options)  # type: ignore[arg-type]
    return adjusted(LOGITS, chosen, prompt=PROMPT, written=WRITTEN).tolist()


# options, and the logits that they leave
WORKED: list[tuple[dict[str, object], list[float]]] = [
    ({}, [2, -1, 0.5, 0]),
    ({"repetition_penalty": 2.0}, [1, -2, 0.25, 0]),  # the prompt counts
    ({"presence_penalty": 0.5}, [2, -1.5, 0.5, 0]),  # it does not
    ({"frequency_penalty": 0.5}, [2, -2, 0.5, 0]),
    ({"presence_penalty": -1.0, "frequency_penalty": 0.25}, [2, -0.5, 0.5, 0]),
    ({"repetition_penalty": 2.0, "penalty_last_n": 3}, [2, -2, 0.25, 0]),
    ({"frequency_penalty": 0.5, "penalty_last_n": 1}, [2, -1.5, 0.5, 0]),
    ({"logit_bias": {1: -3.0, 4: 1.0}}, [-1, -1, 0.5, 1]),
    ({"logit_bias": {1: NEVER}}, [NEVER, -1, 0.5, 0]),
    ({"logit_bias": {1: -3.0}, "repetition_penalty": 2.0}, [-2, -2, 0.25, 0]),  # the bias comes first
    ({"ignore_eos": True}, [2, -1, 0.5, NEVER]),
    ({"ignore_eos": True, "logit_bias": {4: 9.0}}, [2, -1, 0.5, NEVER]),
    ({"min_tokens": 3}, [2, -1, 0.5, NEVER]),
    ({"min_tokens": 2}, [2, -1, 0.5, 0]),
    ({"dry_multiplier": 0.5, "dry_allowed_length": 1}, [2, -1.5, 0.5, 0]),  # 3 2 2: another 2 repeats
    ({"dry_multiplier": 0.5}, [2, -1, 0.5, 0]),
    ({"no_repeat_ngram_size": 1}, [NEVER, NEVER, NEVER, 0]),
    ({"no_repeat_ngram_size": 2}, [2, NEVER, 0.5, 0]),
]


@pytest.mark.parametrize(("options", "wanted"), WORKED, ids=str)
def test_penalties(options: dict[str, object], wanted: list[float]) -> None:
    assert after(**options) == [NEVER, *wanted]


@pytest.mark.parametrize(
    ("options", "penalties"),
    [
        # the text ends with 1 2 3, which stood before 4, and with 2 3, which stood before 1
        ({}, {4: 1.75, 1: 1.0}),
        ({"dry_base": 3.0}, {4: 3.0, 1: 1.0}),
        ({"dry_base": 1.0}, {4: 1.0, 1: 1.0}),
        ({"dry_allowed_length": 1}, {4: 1.75**2, 1: 1.75}),
        ({"dry_allowed_length": 3}, {4: 1.0}),
        ({"dry_allowed_length": 4}, {}),
        ({"dry_penalty_last_n": 8}, {4: 1.0, 1: 1.0}),  # 2 3 4 2 3 1 2 3: the first 1 is not seen
        ({"dry_penalty_last_n": 7}, {1: 1.0}),
        ({"dry_sequence_breakers": [(1,)]}, {4: 1.0}),  # 2 3 are left, and 1 is free
        ({"dry_sequence_breakers": [(4,)]}, {1: 1.0}),
        ({"dry_sequence_breakers": [(3, 1)]}, {4: 1.0, 1: 1.0}),
        ({"dry_sequence_breakers": [(1, 2)]}, {}),  # only 3 is left
        ({"dry_sequence_breakers": [(4, 1), (9,)]}, {4: 1.75, 1: 1.0}),  # there is none
        ({"dry_sequence_breakers": [(3,)], "dry_allowed_length": 1}, {}),
    ],
    ids=str,
)  # fmt: skip
def test_dry_penalizes_what_goes_on_with_a_repetition(
    options: dict[str, object], penalties: dict[int, float]
) -> None:
    chosen = GenerationOptions(dry_multiplier=1.0, **options)  # type: ignore[arg-type]
    text, written = np.array([1, 2, 3, 4, 2]), np.array([3, 1, 2, 3])
    after = adjusted(np.zeros(6, np.float32), chosen, prompt=text, written=written)
    assert after.tolist() == [-np.float32(penalties.get(i, 0)) for i in range(6)]


def test_dry_stays_finite_in_a_text_of_one_symbol() -> None:
    options = GenerationOptions(dry_multiplier=1e6, dry_base=2.0)
    after = adjusted(np.zeros(3, np.float32), options, prompt=np.ones(500, int), written=np.ones(500, int))
    assert after[1] == -np.float32(1e6 * 2.0**100)  # 70 / ln 2, in whole symbols
    assert after[[0, 2]].tolist() == [0, 0]


def test_the_rows_the_table_and_the_native_rows_have_the_same_names() -> None:
    assert {name for name, row in ROWS.items() if isinstance(row, PenaltyRow)} == set(PENALTIES)
    assert tuple(PENALTIES) == stage_names()[0]


def test_what_a_guide_forbids_is_out_first() -> None:
    allowed = np.array([False, True, False, True, False])
    options = GenerationOptions(logit_bias={2: 50.0})
    result = adjusted(LOGITS, options, prompt=PROMPT, written=WRITTEN, allowed=allowed)
    assert result.tolist() == [NEVER, 2, NEVER, 0.5, NEVER]


@pytest.mark.parametrize(
    ("symbols", "size", "ids"),
    [
        ([], 1, []),
        ([], 2, []),
        ([1], 2, []),
        ([1, 2, 1], 2, [2]),
        ([1, 2, 3, 1, 2], 3, [3]),
        ([1, 2, 3, 1, 2, 4, 1, 2], 3, [3, 4]),
        ([1, 1, 1], 3, [1]),
        ([1, 2, 3], 5, []),
    ],
)
def test_ngrams_that_would_repeat(symbols: list[int], size: int, ids: list[int]) -> None:
    assert np.flatnonzero(repeated_ngrams(np.array(symbols, int), size, 6)).tolist() == ids
