"""From a request to packed tokens and back: bounds, shares, orders, each worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._generation import engine_request, pace
from unspool._generation.engine_request import EngineRequest
from unspool._generation.generated_ids import Alternatives, GeneratedIds
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.pace import Pace
from unspool._generation.requests import _biases, _breakers, _paired, _several_states, make_request
from unspool._generation.results import Generation, Generations
from unspool._generation.selecting.report import CollectionReport
from unspool._generation.selecting.selection import Selection
from unspool._generation.states import State, stacked_states
from unspool._generation.texts import best_texts, generation_of
from unspool._generation.written import TokenReport, Written
from unspool._text.tokenizers.registry import CharTokenizer

TOKENIZER = CharTokenizer(("a", "b", "é"))  # ids 1, 2, 3; <eos> is 4
UNKNOWING = CharTokenizer(("a", "b"), unk=True)  # ids 1 and 2, <unk> 3, <eos> 4
SHAPE = (1, 2, 3)


def request(count: int, **options: Any) -> EngineRequest:
    states = np.arange(6.0 * count, dtype=np.float32).reshape(1, 2, count, 3)
    prompts = [np.full(i, 1, np.int32) for i in range(count)]
    return EngineRequest(prompts, GenerationOptions(seed=5, **options), first=10, states=states)


def test_a_part_has_its_own_streams_and_states() -> None:
    whole = request(4)
    part = whole.part(1, 3)
    assert [len(prompt) for prompt in part.prompts] == [1, 2]
    assert part.first == 11
    np.testing.assert_array_equal(part.keys, whole.keys[1:3])
    assert part.states is not None
    assert whole.states is not None
    np.testing.assert_array_equal(part.states, whole.states[:, :, 1:3])
    assert (part.options, part.guide, part.stop) == (whole.options, None, None)


def test_each_prompt_is_repeated_with_its_state_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_request, "MOST_TEXTS", 6)
    whole = request(2).repeated(3, first=7)
    assert [len(prompt) for prompt in whole.prompts] == [0, 0, 0, 1, 1, 1]
    assert whole.first == 7
    assert whole.states is not None
    assert whole.states[0, 0, :, 0].tolist() == [0.0, 0.0, 0.0, 3.0, 3.0, 3.0]
    with pytest.raises(ConfigError) as caught:
        request(2).repeated(4, first=0)
    assert str(caught.value) == "n or best_of: expected at most 6 texts together, got 8"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"logit_bias": {1: 1.0, 4: 1.0}, "logprobs": 4}, None),
        ({"logit_bias": {5: 1.0}}, "logit_bias must be ids from 1 to 4; got {5: 1.0}"),
        ({"logprobs": 5}, "logprobs must be a whole number from 1 to 4, or None; got 5"),
        ({"dry_sequence_breakers": ((1, 2),)}, None),
        (
            {"dry_sequence_breakers": ((1, 2), "a")},
            "dry_sequence_breakers must be tuples of ids: an engine takes no strings; got ((1, 2), 'a')",
        ),
    ],
)
def test_ids_are_those_of_the_vocabulary(options: dict[str, Any], message: str | None) -> None:
    asked = request(1, **{"dry_sequence_breakers": (), **options})
    if message is None:
        asked.check_ids(5)
        return
    with pytest.raises(ConfigError) as caught:
        asked.check_ids(5)
    assert str(caught.value) == message


def test_an_engine_works_on_ids_and_draws_a_seed() -> None:
    with pytest.raises(ConfigError) as caught:
        request(1, stop=("a",))
    assert str(caught.value) == (
        "stop must be None: an engine works on ids; Generator.generate takes texts; got ('a',)"
    )
    drawn = EngineRequest([np.zeros(0, np.int32)], GenerationOptions(temperature=0.5))
    assert drawn.options.seed is not None
    assert drawn.options.temperature == 0.5


class Timed:
    """Sequences that are written as fast as the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.size = 0.0, 1
        monkeypatch.setattr(pace.time, "perf_counter", lambda: self.now)

    def __len__(self) -> int:
        return self.size

    def call(self, speed: Pace, seconds: float, *, left: int | None = None, most: int | None = None) -> int:
        with speed.call(self, most=most) as steps:
            self.now += seconds
            self.size = self.size if left is None else left
        return steps


def test_a_call_is_as_long_as_the_last_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    writer, speed = Timed(monkeypatch), Pace()
    assert (speed.seconds, speed.sequences) == (0.05, 64)
    speed.seconds = 0.5  # so that no share of it is rounded
    assert writer.call(speed, 0.5) == 64  # as long as it should be
    assert writer.call(speed, 1.0) == 64  # twice as long
    assert writer.call(speed, 1 / 64) == 32  # 32 times shorter: at most eight times as many
    assert writer.call(speed, 0.5) == 256
    assert writer.call(speed, 0.5, most=3) == 3
    assert writer.call(speed, 0.5) == 3
    writer.size = 10
    assert writer.call(speed, 0.25, left=6) == 1  # not fewer than a step: 10 tokens in half the time
    assert writer.call(speed, 0.0, left=5) == 3  # 20 tokens of 6: 18, at once
    assert writer.call(speed, 0.5, left=2) == 28  # eight times as many, 144 of 5
    writer.size = 10
    assert writer.call(speed, 1 / 64, left=5) == 14  # half of them ended
    writer.size = 1
    assert writer.call(speed, 0.5) == 140  # so it grows no further
    for _ in range(5):
        writer.call(speed, 0.0)
    assert speed.sequences == 4096
    assert writer.call(speed, 10.0**9) == 140 * 8**5
    assert writer.call(speed, 0.5) == 1


def test_packed_tokens_come_apart_with_their_reports() -> None:
    """Three sequences of 2, 1 and 2 tokens; the second reports nothing, the third two rivals a place."""
    drawn = TokenReport(
        np.array([0, 2, 3, 5]), np.array([1, 4, 2, 3, 1], np.int32), np.arange(5, dtype=np.float32),
        constrained=np.arange(10, 15, dtype=np.float32), alternatives=np.array([1, 2, 3, 1, 2, 1], np.int32),
        alternative_logprobs=np.arange(6, dtype=np.float32),
    )  # fmt: skip
    echo = TokenReport(
        np.array([0, 1, 1, 3]), np.array([4, 4, 1], np.int32), np.array([0.0, 0.5, 0.25], np.float32),
        alternatives=np.array([7, 8, 9, 6, 5], np.int32),
        alternative_logprobs=np.arange(20, 25, dtype=np.float32),
    )  # fmt: skip
    written = Written(
        np.array([5, 6, 9]), np.array([1, -1, 0], np.int32), drawn, widths=np.array([1, 0, 2], np.int32),
        guided=np.array([True, False, False]), echoed=np.array([True, False, True]), echo=echo,
    )  # fmt: skip
    (first, one), (second, two), (third, three) = written.pieces()
    assert (first, second, third) == (5, 6, 9)
    assert (one.ids.tolist(), one.logprobs.tolist(), one.finish_reason, one.ended) == (
        [1],
        [0, 1],
        "stop",
        True,
    )
    assert (two.ids.tolist(), two.finish_reason, two.ended) == ([2], None, False)
    assert (three.ids.tolist(), three.finish_reason, three.ended) == ([3, 1], "length", False)
    assert one.constrained_logprobs is not None
    assert one.constrained_logprobs.tolist() == [10, 11]
    assert (two.constrained_logprobs, two.alternatives, two.prompt_logprobs) == (None, None, None)
    assert three.constrained_logprobs is None
    assert one.alternatives is not None
    assert one.alternatives.ids.tolist() == [[1], [2]]
    assert three.alternatives is not None
    assert three.alternatives.ids.tolist() == [[3, 1], [2, 1]]
    assert three.alternatives.logprobs.tolist() == [[2, 3], [4, 5]]
    assert one.prompt_logprobs is not None
    assert (one.prompt_logprobs.tolist(), one.prompt_alternatives.ids.tolist()) == ([0.0], [[7]])  # type: ignore[union-attr]
    assert three.prompt_logprobs is not None
    assert three.prompt_logprobs.tolist() == [0.5, 0.25]
    assert three.prompt_alternatives.ids.tolist() == [[8, 9], [6, 5]]  # type: ignore[union-attr]
    assert three.prompt_alternatives.logprobs.tolist() == [[21, 22], [23, 24]]  # type: ignore[union-attr]
    plain = replace(written, widths=None, guided=None, echoed=None, echo=None)
    assert plain.piece(0).alternatives is None
    text = generation_of(TOKENIZER, np.array([1], np.int32), three, GenerationOptions())
    assert (text.text, text.prompt, text.continuation) == ("aéa", "a", "éa")
    assert text.prompt_logprobs is not None
    assert text.prompt_logprobs.tolist() == [0.25]  # without that of <eos>
    assert text.prompt_alternatives.ids.tolist() == [[6, 5]]  # type: ignore[union-attr]
    later = Alternatives(np.arange(6).reshape(3, 2), np.zeros((3, 2), np.float32)).after(2)
    assert later.ids.tolist() == [[4, 5]]
    assert later.logprobs.shape == (1, 2)


@pytest.mark.parametrize(
    ("biases", "ids"),
    [
        ({"a": 1.0, 2: -1.0}, {1: 1.0, 2: -1.0}),
        ({"e\u0301": 2.0}, {3: 2.0}),
        ({4: 2.0}, {4: 2.0}),
        ({}, None),
        ({5: 1.0}, "symbols, or ids from 1 to 4; got 5"),
        ({0: 1.0}, "symbols, or ids from 1 to 4; got 0"),
        ({"ab": 1.0}, "single symbols of the model, or ids; got 'ab'"),
        ({"☂": 1.0}, "single symbols of the model, or ids; got '☂'"),
        ({"a": 1.0, 1: 2.0}, "a list with each symbol once; got 1"),
    ],
)
def test_biases_are_of_symbols_or_ids(biases: dict[str | int, float], ids: Any) -> None:
    options = GenerationOptions(logit_bias=biases)
    if isinstance(ids, str):
        with pytest.raises(ConfigError) as caught:
            _biases(TOKENIZER, options)
        assert str(caught.value) == f"logit_bias must be {ids}"
    else:
        assert _biases(TOKENIZER, options) == ids


def test_what_is_not_known_may_be_drawn_only_if_it_is_allowed() -> None:
    with pytest.raises(ConfigError) as caught:
        _biases(UNKNOWING, GenerationOptions(logit_bias={3: 1.0}))
    assert str(caught.value) == "logit_bias must be symbols that may be drawn: <unk> needs allow_unk; got 3"
    assert _biases(UNKNOWING, GenerationOptions(logit_bias={3: 1.0}, allow_unk=True)) == {3: 1.0}
    breakers = ("a", "ab", "☂", (2, 1), (3,), "e\u0301", "a")
    asked = GenerationOptions(dry_sequence_breakers=breakers)
    assert _breakers(TOKENIZER, asked) == ((1,), (1, 2), (2, 1), (3,))
    assert _breakers(UNKNOWING, asked) == ((1,), (1, 2), (2, 1))
    assert _breakers(TOKENIZER, GenerationOptions(dry_sequence_breakers=None)) == ()


def test_states_are_one_or_several_and_each_prompt_has_one() -> None:
    array = np.zeros(SHAPE, np.float32)
    state = State(array)
    assert _several_states(state) == [state]
    assert len(_several_states([state, array])) == len(_several_states((array, array))) == 2
    assert len(_several_states(np.zeros((3, *SHAPE)))) == 3
    for one in (array, array.tolist(), 7):
        assert len(_several_states(one)) == 1
    prompts = [np.full(n, 1, np.int32) for n in (1, 2)]
    assert [len(p) for p in _paired(prompts, [state])[0]] == [1, 2]
    assert [len(p) for p in _paired(prompts[:1], [state] * 3)[0]] == [1, 1, 1]
    assert len(_paired(prompts, [state] * 2)[1]) == 2
    for count in (3, 4):
        with pytest.raises(ConfigError) as caught:
            _paired(prompts, [state] * count)
        expected = "a single state, or one for each of the 2 prompts"
        assert str(caught.value) == f"state must be {expected}; got {count}"
    read = make_request(
        TOKENIZER, prompts, GenerationOptions(seed=0), state_shape=SHAPE, state=[state, array]
    )
    assert [ids.tolist() for ids in read.in_ids.prompts] == [[1], [4, 1, 1]]  # an array has not read <eos>
    assert read.of_prompt(1).in_ids.prompts[0].tolist() == [4, 1, 1]
    assert [ids.tolist() for ids in read.of_prompt(1).prompts] == [[1, 1]]
    fresh = make_request(TOKENIZER, prompts, GenerationOptions(), state_shape=SHAPE)
    assert fresh.in_ids.states is None
    assert fresh.options.seed == fresh.in_ids.options.seed is not None
    with pytest.raises(ConfigError, match=r"a state of this network \(shape \(1, 2, 4\)\)"):
        stacked_states([state], (1, 2, 4))


def test_strings_are_read_as_the_model_reads_texts() -> None:
    options = GenerationOptions(seed=0, stop=("e\u0301",), bad_words=("be\u0301",), max_new_tokens=5)
    ids = TOKENIZER.encode("b")
    asked = make_request(TOKENIZER, [ids], options, state_shape=SHAPE)
    assert (asked.options.stop, asked.options.bad_words) == (("é",), ("bé",))
    assert asked.in_ids.guide is not None
    assert asked.in_ids.stop is not None
    assert not asked.constrained
    guide = asked.in_ids.guide
    assert asked.in_ids.options.stop is None
    plain = make_request(TOKENIZER, [TOKENIZER.encode("a")], options, state_shape=SHAPE)
    assert plain.in_ids.guide is not None
    assert plain.in_ids.guide.starts.tolist() != guide.starts.tolist()  # "b" has begun what may not come
    longer = make_request(TOKENIZER, [ids], replace(options, min_tokens=5), state_shape=SHAPE).in_ids.guide
    assert longer is not None
    assert longer.automaton.distance[longer.starts].tolist() == [5]
    assert guide.automaton.distance[guide.starts].tolist() == [0]


def generation(mean: float, reason: str = "stop", size: int = 2) -> Generation:
    logprobs = np.full(size, mean, np.float32)
    return Generation(f"{mean}", "", f"{mean}", np.ones(size, np.int32), logprobs, reason)


def test_the_best_of_each_prompt_are_kept_the_best_first() -> None:
    texts = [generation(-2.0), generation(-1.0), generation(-0.5, "blocked"), generation(-4.0, size=0),
             generation(-3.0), generation(-1.5)]  # fmt: skip
    free = best_texts(texts, constrained=False, count=3, n=2)
    assert [text.text for text in free] == ["-0.5", "-1.0", "-1.5", "-3.0"]
    bound = best_texts(texts, constrained=True, count=3, n=2)
    assert [text.text for text in bound] == ["-1.0", "-2.0", "-1.5", "-3.0"]
    assert texts[3].mean_logprob == -np.inf
    assert (texts[0].total_logprob, texts[0].mean_logprob, str(texts[0])) == (-4.0, -2.0, "-2.0")


def test_texts_are_shown_with_their_figures_and_what_was_refused() -> None:
    report = CollectionReport(asked=1200, accepted=1, attempts=2000, blocked=1, cut_off=2, duplicates=3,
                              copies=4, invalid=5, seconds=0.25, held_out_copies=2)  # fmt: skip
    assert str(report) == (
        "1 of 1,200 texts after 2,000 attempts in 0.2 s (1 that could not meet the constraint, 2 cut off, "
        "3 duplicates, 4 copies of known texts, 2 of them held-out ones, 5 invalid)"
    )
    assert str(CollectionReport(asked=1, accepted=1, attempts=1)) == (
        "1 of 1 text after 1 attempt in 0.0 s (none rejected)"
    )
    assert (report.complete, CollectionReport(asked=1, accepted=1).complete) == (False, True)
    shown = Generations([generation(-2.0)], report=report)._repr_html_()
    for words in ("text", "tokens", "log-probability", "end", "-4", "stop", "1 of 1,200 texts"):
        assert words in shown
    assert "attempts" not in Generations([generation(-2.0)])._repr_html_()


@pytest.mark.parametrize(
    ("options", "finished", "refused"),
    [({"ignore_eos": True}, True, True), ({"ignore_eos": True, "stop": "a"}, True, False),
     ({"ignore_eos": True}, False, False), ({}, True, False)],
)  # fmt: skip
def test_texts_that_must_be_finished_can_end(options: dict[str, Any], finished: bool, refused: bool) -> None:
    selection = Selection(finished=finished)
    if not refused:
        selection.check(GenerationOptions(**options))
        return
    with pytest.raises(ConfigError) as caught:
        selection.check(GenerationOptions(**options))
    assert str(caught.value) == (
        "finished must be off: with ignore_eos and without stop, no text ends by itself; got True"
    )


def test_a_piece_of_no_text_has_not_ended() -> None:
    nothing = np.zeros(0, np.int32)
    assert not GeneratedIds(nothing, nothing.astype(np.float32), None).ended
    assert GeneratedIds(nothing, np.zeros(1, np.float32), "stop").ended
