"""What the kernels' face says of arrays and numbers that do not fit, word for word, and what just fits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.kernels.test_conditions import CONFIG as CONDITIONED
from tests.kernels.test_conditions import GATES, GOOD, run
from tests.kernels.test_writer import AUTOMATON, CONFIG, write, writer
from unspool._engines.cpu import CpuEngine
from unspool._errors import ConfigError
from unspool._kernels.arrays import check_array, check_ids, check_number, native_id
from unspool._kernels.lines import EVERY_LINE, Lines, Numbering, find_lines, recode, to_codepoints
from unspool._kernels.machine import kernel_names, thread_team
from unspool._kernels.matching import Matcher, hash_records
from unspool._kernels.network import NativeNetwork
from unspool._kernels.optimizers import Coefficients, optimizer_step
from unspool._kernels.precision import missing_bf16, round_to_bf16, used_precision
from unspool._kernels.products import multiply
from unspool._kernels.writer import Automaton
from unspool._network.parameters import initialize

INTS, WIDE, FLOATS, DOUBLES = (
    np.zeros(3, np.int32),
    np.zeros(3, np.int64),
    np.zeros(3, np.float32),
    np.zeros(3),
)
BYTES = np.zeros(3, np.uint8)
KIND = "expected C-contiguous"


def step(**changes: Any) -> None:
    """Run a window of two steps and one lane."""
    parameters = initialize(CONFIG, 0)
    given: dict[str, Any] = {
        "parameters": parameters,
        "ids": np.ones((2, 1), np.int32),
        "targets": np.ones((2, 1), np.int32),
        "state": np.zeros((1, 1, 1, 4), np.float32),
        "reset_id": None,
        **changes,
    }
    CpuEngine(CONFIG, threads=1)._network.step(**given)


def logits(**changes: Any) -> np.ndarray:
    given = {
        "parameters": initialize(CONFIG, 0),
        "ids": np.ones((2, 1), np.int32),
        "state": np.zeros((1, 1, 1, 4), np.float32),
        "reset_id": None,
        **changes,
    }
    network: NativeNetwork = CpuEngine(CONFIG, threads=1)._network
    return network.logits(**given)


def optimize(
    code: int = 1, *, slots: int = 1, array: Any = FLOATS, gradients: int = 1, decays: int = 1
) -> None:
    rates = Coefficients(step=1, learning_rate=0.1, beta1=0.9, beta2=0.9, epsilon=1e-8)
    optimizer_step(
        code, [FLOATS.copy()], [array] * gradients, [[FLOATS.copy()] for _ in range(slots)], [0.0] * decays,
        coefficients=rates, clip_norm=None,
    )  # fmt: skip


def lines(begin: int, end: int, *, held_out: Any = np.bool_, bounds: Any = np.int64) -> None:
    Numbering().number(BYTES, Lines(np.array([[begin, end]], bounds), np.zeros(1, held_out)))


def automaton(**changes: Any) -> None:
    write(guide=replace(AUTOMATON, **changes))


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: check_array("x", FLOATS, np.float32, (None, 3)),
     f"x: {KIND} float32 (None, 3), got float32 (3,)"),
    (lambda: check_array("x", FLOATS, np.float32, (4,)), f"x: {KIND} float32 (4,), got float32 (3,)"),
    (lambda: check_number("x", 3, 1, 2), "x: expected a number from 1 to 2, got 3"),
    (lambda: check_number("x", 0, 1, 2), "x: expected a number from 1 to 2, got 0"),
    (lambda: check_ids("x", INTS[:0], 1), "x: expected at least one id, got shape (0,)"),
    (lambda: check_ids("x", INTS + 4, 4), "x: expected ids in [0, 4), got 4 to 4"),
    (lambda: native_id("x", 4, 4), "x: expected a number from 0 to 3, got 4"),
    (lambda: find_lines(INTS, limit=0), f"codes: {KIND} uint8 or uint32 in one row, got int32 (3,)"),
    (lambda: find_lines(BYTES + np.uint8(128), limit=0), "codes: expected uint8 below 128, got 128"),
    (lambda: find_lines(np.array([0x110000], np.uint32), limit=0),
     "codes: expected uint32 below 1114112, got 1114112"),
    (lambda: find_lines(BYTES, limit=-1), f"limit: expected a number from 0 to {EVERY_LINE}, got -1"),
    (lambda: find_lines(BYTES, limit=EVERY_LINE + 1),
     f"limit: expected a number from 0 to {EVERY_LINE}, got {EVERY_LINE + 1}"),
    (lambda: lines(0, 4), "bounds: expected lines inside 3 code points"),
    (lambda: lines(-1, 3), "bounds: expected lines inside 3 code points"),
    (lambda: lines(2, 1), "bounds: expected lines inside 3 code points"),
    (lambda: lines(0, 3, held_out=np.uint8), f"held_out: {KIND} bool (1,), got uint8 (1,)"),
    (lambda: lines(0, 3, bounds=np.int32), f"bounds: {KIND} int64 (1, 2), got int32 (1, 2)"),
    (lambda: recode(INTS, BYTES), f"numbers: {KIND} uint8 or uint16 or uint32 in one row, got int32 (3,)"),
    (lambda: recode(BYTES, INTS), f"table: {KIND} uint8 or uint16 or uint32 in one row, got int32 (3,)"),
    (lambda: Matcher(WIDE), f"texts: {KIND} int32 in one row, got int64 (3,)"),
    (lambda: Matcher(np.array([-1, 2], np.int32)),
     "texts: expected fewer than 1,073,741,824 ids in [0, 1,073,741,824), got 2 from -1 to 2"),
    (lambda: Matcher(np.array([1 << 30], np.int32)),
     "texts: expected fewer than 1,073,741,824 ids in [0, 1,073,741,824), got 1 from 1,073,741,824 to "
     "1,073,741,824"),
    (lambda: Matcher(INTS).scan(INTS), f"ids: {KIND} uint8 or uint16 or uint32 in one row, got int32 (3,)"),
    (lambda: hash_records(INTS, WIDE, WIDE),
     f"ids: {KIND} uint8 or uint16 or uint32 in one row, got int32 (3,)"),
    (lambda: hash_records(BYTES, INTS, WIDE), f"starts: {KIND} int64 in one row, got int32 (3,)"),
    (lambda: hash_records(BYTES, WIDE, INTS), f"ends: {KIND} int64 in one row, got int32 (3,)"),
    (lambda: hash_records(BYTES, WIDE[:1], WIDE[:1] + 4), "records: expected them inside 3 ids"),
    (lambda: multiply(FLOATS, FLOATS[None]), f"a: {KIND} float32 (None, None), got float32 (3,)"),
    (lambda: multiply(FLOATS[None], FLOATS[None]), f"b: {KIND} float32 (3, None), got float32 (1, 3)"),
    (lambda: multiply(FLOATS[None], FLOATS[:, None], transposed=True),
     f"b: {KIND} float32 (1, None), got float32 (3, 1)"),
    (lambda: round_to_bf16(DOUBLES), f"values: {KIND} float32 (3,), got float64 (3,)"),
    (lambda: optimize(3), "code: expected a number from 0 to 2, got 3"),
    (lambda: optimize(-1), "code: expected a number from 0 to 2, got -1"),
    (lambda: optimize(array=DOUBLES), f"optimizer array: {KIND} float32 (3,), got float64 (3,)"),
    (lambda: optimize(gradients=2), "expected 1 arrays, got 2"),
    (lambda: optimize(slots=2), "expected 1 decays and 1 slots, got 1 decays and 2 slots"),
    (lambda: optimize(2, slots=0), "expected 1 decays and 1 slots, got 1 decays and 0 slots"),
    (lambda: optimize(decays=2), "expected 1 decays and 1 slots, got 2 decays and 1 slots"),
    (lambda: step(parameters={}), "parameter layers.0.input_kernel: expected float32 (6, 4), got none"),
    (lambda: step(gradients={}), "gradient layers.0.input_kernel: expected float32 (6, 4), got none"),
    (lambda: step(ids=INTS), f"ids: {KIND} int32 (None, None), got int32 (3,)"),
    (lambda: step(targets=INTS[None]), f"targets: {KIND} int32 (2, 1), got int32 (1, 3)"),
    (lambda: step(ids=np.full((2, 1), 6, np.int32)), "ids: expected ids in [0, 6), got 6 to 6"),
    (lambda: step(targets=np.full((2, 1), 6, np.int32)), "targets: expected ids in [0, 6), got 6 to 6"),
    (lambda: step(state=FLOATS), f"state: {KIND} float32 (1, 1, 1, 4), got float32 (3,)"),
    (lambda: step(masks=FLOATS), f"masks: {KIND} float32 (1, 1, 4), got float32 (3,)"),
    (lambda: step(losses=FLOATS), f"losses: {KIND} float32 (2, 1), got float32 (3,)"),
    (lambda: step(reset_id=6), "reset_id: expected a number from 0 to 5, got 6"),
    (lambda: logits(parameters={}), "parameter layers.0.input_kernel: expected float32 (6, 4), got none"),
    (lambda: logits(ids=INTS), f"ids: {KIND} int32 (None, None), got int32 (3,)"),
    (lambda: logits(ids=np.full((2, 1), 6, np.int32)), "ids: expected ids in [0, 6), got 6 to 6"),
    (lambda: logits(state=FLOATS), f"state: {KIND} float32 (1, 1, 1, 4), got float32 (3,)"),
    (lambda: logits(reset_id=-1), "reset_id: expected a number from 0 to 5, got -1"),
    (lambda: run(replace(GOOD, records=None)), "records: expected numbers (3, 2), got None"),
    (lambda: run(replace(GOOD, records=np.ones((3, 2), np.int32))), "records: expected 0 to 0, got 1 to 1"),
    (lambda: run(replace(GOOD, records=np.full((3, 2), -1, np.int32))),
     "records: expected 0 to 0, got -1 to -1"),
    (lambda: run(replace(GOOD, records=INTS)), f"records: {KIND} int32 (3, 2), got int32 (3,)"),
    (lambda: run(replace(GOOD, context=FLOATS[None])),
     f"context: {KIND} float32 (1, {GATES}), got float32 (1, 3)"),
    (lambda: run(replace(GOOD, context_grad=FLOATS)),
     f"context_grad: {KIND} float32 (1, {GATES}), got float32 (3,)"),
    (lambda: run(replace(GOOD, context=None)),
     "context: expected it beside records and context_grad, got None"),
    (lambda: run(replace(GOOD, context=None, records=None)),
     "context: expected it beside records and context_grad, got None"),
    (lambda: run(replace(GOOD, starts=None)), "starts and start_states: expected both or neither"),
    (lambda: run(replace(GOOD, start_states=None)), "starts and start_states: expected both or neither"),
    (lambda: run(replace(GOOD, starts=None, start_states=None)),
     "start_states: expected them beside start_states_grad, got None"),
    (lambda: run(replace(GOOD, start_states=np.zeros((2, 2, 1, 5), np.float32))),
     f"start_states: {KIND} float32 (2, 2, 2, 5), got float32 (2, 2, 1, 5)"),
    (lambda: run(replace(GOOD, start_states_grad=FLOATS)),
     f"start_states_grad: {KIND} float32 (2, 2, 2, 5), got float32 (3,)"),
    (lambda: run(replace(GOOD, starts=np.array([[0, -2], [-1, 1], [-1, -1]], np.int32))),
     "starts: expected -1 to 1, got -2 to 1"),
    (lambda: run(replace(GOOD, starts=np.array([[0, -1], [-1, 2], [-1, -1]], np.int32))),
     "starts: expected -1 to 1, got -1 to 2"),
    (lambda: run(replace(GOOD, starts=np.array([[0, 0], [-1, 1], [-1, -1]], np.int32))),
     "starts: expected each of 2 states once, got 3 starts"),
    (lambda: run(replace(GOOD, starts=np.array([[0, -1], [-1, -1], [-1, -1]], np.int32))),
     "starts: expected each of 2 states once, got 1 starts"),
    (lambda: run(replace(GOOD, final_grad=FLOATS)),
     f"final_grad: {KIND} float32 (2, 2, 2, 5), got float32 (3,)"),
    (lambda: write(prompts=[WIDE]), f"prompts: {KIND} int32 (None,), got int64 (3,)"),
    (lambda: write(prompts=[INTS + 6]), "prompts: expected ids in [0, 6), got 6 to 6"),
    (lambda: write(prompts=[INTS[:0]]), "prompts: expected at least one id each"),
    (lambda: write(max_new_tokens=0),
     "max_new_tokens: expected a number from 1 to 9223372036854775807, got 0"),
    (lambda: write(max_new_tokens=1 << 63),
     "max_new_tokens: expected a number from 1 to 9223372036854775807, got 9223372036854775808"),
    (lambda: write(penalty_last=0), "penalty_last: expected a number from 1 to 9223372036854775807, got 0"),
    (lambda: write(keys=WIDE), f"keys: {KIND} uint64 (1,), got int64 (3,)"),
    (lambda: write(start=FLOATS), f"start: {KIND} float32 (1, 1, 1, 4), got float32 (3,)"),
    (lambda: write(start=np.zeros((1, 1, 2, 4), np.float32)),
     f"start: {KIND} float32 (1, 1, 1, 4), got float32 (1, 1, 2, 4)"),
    (lambda: write(first_bias=FLOATS), f"first_bias: {KIND} float32 (4,), got float32 (3,)"),
    (lambda: write(guide_states=None), "guide_states: expected the state of each sequence"),
    (lambda: write(guide_states=INTS), f"guide_states: {KIND} int32 (1,), got int32 (3,)"),
    (lambda: write(guide_states=INTS[:1] - 1), "guide_states: expected states of the automaton"),
    (lambda: write(guide_states=INTS[:1] + 1), "guide_states: expected states of the automaton"),
    (lambda: write(end_id=6), "end_id: expected a number from 0 to 5, got 6"),
    (lambda: write(alternatives=0), "alternatives: expected a number from 1 to 5, got 0"),
    (lambda: write(alternatives=6), "alternatives: expected a number from 1 to 5, got 6"),
    (lambda: write(penalties=[("logit_bias", [5, 1.0, -1, 1.0])]),
     "logit_bias: expected a number from 0 to 5, got -1"),
    (lambda: write(penalties=[("dry_multiplier", [1, 2, 1, 0, 2, 3])]),
     "dry_multiplier: expected breakers, each after its length"),
    (lambda: write(penalties=[("dry_multiplier", [1, 2, 1, 0, 1, 3, 1])]),
     "dry_multiplier: expected breakers, each after its length"),
    (lambda: write(penalties=[("dry_multiplier", [1, 2, 1, 0, 1, -1])]),
     "dry_multiplier: expected breakers, each after its length"),
    (lambda: writer().advance(0), "steps: expected a number from 1 to 9223372036854775807, got 0"),
    (lambda: automaton(classes=INTS), f"classes: {KIND} int32 (6,), got int32 (3,)"),
    (lambda: automaton(classes=np.ones(6, np.int32)), "classes: expected numbers in [0, 1)"),
    (lambda: automaton(classes=np.full(6, -1, np.int32)), "classes: expected numbers in [0, 1)"),
    (lambda: automaton(transitions=INTS), f"transitions: {KIND} int32 (None, None), got int32 (3,)"),
    (lambda: automaton(transitions=np.ones((1, 1), np.int32)), "transitions: expected numbers under 1"),
    (lambda: automaton(distance=INTS), f"distance: {KIND} int32 (1,), got int32 (3,)"),
    (lambda: automaton(start=1), "transitions: expected numbers under 1"),
    (lambda: automaton(start=-1), "transitions: expected numbers under 1"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_does_not_fit_is_said_word_for_word(number: int) -> None:
    call, message = REFUSED[number]
    with pytest.raises(ValueError, match=r"^.*$") as caught:
        call()
    assert str(caught.value) == message


def test_a_number_outside_a_table_is_named() -> None:
    with pytest.raises(IndexError, match=r"^numbers: expected them below 3, got 3$"):
        recode(np.array([0, 3], np.uint8), BYTES)
    assert recode(np.array([2], np.uint8), np.array([5, 6, 7], np.uint8)).tolist() == [7]


def test_what_is_at_the_edge_fits() -> None:
    check_number("x", 1, 1, 2)
    check_number("x", 2, 1, 2)
    check_ids("x", np.array([0, 3], np.int32), 4)
    assert (native_id("x", None, 4), native_id("x", 0, 4), native_id("x", 3, 4)) == (-1, 0, 3)
    for limit, out in ((0, False), (EVERY_LINE, True)):
        found = find_lines(np.array([127], np.uint8), limit=limit)
        assert found.held_out.tolist() == [out]
    assert find_lines(np.array([0x10FFFF], np.uint32), limit=0).bounds.tolist() == [[0, 1]]
    assert find_lines(BYTES[:0], limit=0).bounds.tolist() == []
    assert len(hash_records(BYTES, np.array([0, 3]), np.array([3, 3]))) == 2
    assert write(max_new_tokens=(1 << 63) - 1, stop=None, end_id=None)["drawn"]["tokens"].size == 9
    assert write(penalties=[("logit_bias", [0, 1.0, 5, 1.0])])["ids"].tolist() == [0]
    assert write(start=np.zeros((1, 1, 1, 4), np.float32))["ids"].tolist() == [0]
    for steps in (1, (1 << 63) - 1):
        writer().advance(steps)
    run(replace(GOOD, context=None, context_grad=None, records=None))
    run(replace(GOOD, starts=None, start_states=None, start_states_grad=None))
    two = Automaton(classes=np.array([0, 1] * 3, np.int32), transitions=np.array([[1, 0], [0, -1]], np.int32),
                    distance=np.zeros(2, np.int32), start=1)  # fmt: skip
    assert write(guide=two, guide_states=np.ones(1, np.int32), stop=None)["ids"].tolist() == [0]
    assert CONDITIONED.vocab_size == 7


def test_texts_are_code_points_in_as_few_bytes_as_they_need() -> None:
    plain, wide = to_codepoints("a\x7f"), to_codepoints("a\x80🎈")
    assert (plain.dtype, plain.tolist()) == (np.uint8, [97, 127])
    assert (wide.dtype, wide.tolist()) == (np.uint32, [97, 128, 0x1F388])


def test_a_product_with_nothing_in_it_is_zeros() -> None:
    nothing = np.zeros((2, 0), np.float32)
    assert multiply(nothing, np.zeros((0, 3), np.float32)).tolist() == np.zeros((2, 3)).tolist()
    assert multiply(nothing, np.zeros((2, 3), np.float32), transposed=True).shape == (0, 3)


def test_a_team_is_made_once_for_each_number_of_threads() -> None:
    assert thread_team(2) is thread_team(2) is not thread_team(1)
    with pytest.raises(ConfigError, match=r"^threads must be a whole number ≥ 1; got 0$"):
        thread_team(0)


def test_a_team_has_no_more_threads_than_are_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspool._kernels.machine.available_processors", lambda: 1)
    assert [thread_team(threads).size for threads in (1, 3, 4, 5, 1000)] == [1, 3, 4, 4, 4]
    assert thread_team(1000) is thread_team(4), "a team that is made for each number takes threads"


def test_what_is_said_of_a_precision_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSPOOL_KERNELS", kernel_names()[-1])  # the plain ones
    monkeypatch.delenv("UNSPOOL_EMULATE_BF16", raising=False)
    assert [used_precision(asked) for asked in ("float32", "bf16", "auto")] == ["float32"] * 3
    assert [missing_bf16(asked) for asked in ("float32", "auto")] == [None, None]
    assert missing_bf16("bf16") == (
        "precision bf16: expected a processor with AMX, AMD's AVX512-BF16 or Arm BF16, got "
        f"{kernel_names()[-1]} kernels without; training in float32"
    )
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "1")
    emulated = ["float32", "bf16 (emulated)", "float32"]
    assert [used_precision(asked) for asked in ("float32", "bf16", "auto")] == emulated
    assert missing_bf16("bf16") is None
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "0")
    assert used_precision("bf16") == "float32"
