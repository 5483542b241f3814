"""What a request asks for, field by field: what is left out, what is at a limit, what goes beyond it."""

from typing import Any

import pytest

from unspool._errors import ConfigError
from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError
from unspool._serving.texts import asking
from unspool._serving.texts.asking import Asking, asked_of, prompts_of

LIMITS = Limits(max_texts=6, max_tokens=50, max_pattern=10)
LEFT_OUT: dict[str, Any] = {
    "model": "m", "prompts": [""], "n": 1, "first": 0, "options": {}, "best_of": 1, "logprobs": None,
    "echo": False, "is_empty": False, "stream": False, "wants_usage": False, "constraint": {},
    "selection": {}, "context": None, "vector": None, "sources": None, "unknown": "error",
    "mark_copied": False,
}  # fmt: skip


def asked(**body: Any) -> dict[str, Any]:
    """Return what is asked for beyond what is left out, without the seed that is drawn."""
    found = vars(asked_of({"model": "m", **body}, LIMITS))
    if "seed" not in body:
        assert 0 <= found.pop("seed") < 1 << 48
    return {name: value for name, value in found.items() if LEFT_OUT.get(name, ...) != value}


def test_what_is_left_out_is_as_usual() -> None:
    assert asked() == {}
    assert (
        asked(**dict.fromkeys(("n", "stream", "context", "source", "logprobs", "user", "valid", "suffix")))
        == {}
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"prompt": ["a", "b"], "n": 3}, {"prompts": ["a", "b"], "n": 3, "best_of": 3}),
        ({"n": 2, "best_of": 6}, {"n": 2, "best_of": 6}), ({"seed": 7}, {"seed": 7}),
        ({"seed": 0, "first": 2}, {"seed": 0, "first": 2}), ({"logprobs": 0}, {"logprobs": 0}),
        ({"echo": True, "max_tokens": 0}, {"echo": True, "is_empty": True, "options": {"max_new_tokens": 1}}),
        ({"echo": True, "max_tokens": 1}, {"echo": True, "options": {"max_new_tokens": 1}}),
        ({"max_tokens": 0}, {"options": {"max_new_tokens": 0}}),
        ({"max_tokens": 50}, {"options": {"max_new_tokens": 50}}),
        ({"top_k": None, "top_p": 0.5}, {"options": {"top_k": None, "top_p": 0.5}}),
        ({"logit_bias": {"12": 1, "a": "-inf", "-3": -2}},
         {"options": {"logit_bias": {12: 1, "a": float("-inf"), "-3": -2}}}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True, "wants_usage": True}),
        ({"stream_options": {"include_usage": False}}, {}),
        ({"regex": "a+", "scope": "text"}, {"constraint": {"regex": "a+", "scope": "text"}}),
        ({"unique": True, "novel": False}, {"selection": {"unique": True}}),
        ({"context": {"a": 1}, "vector": [1.5]}, {"context": {"a": 1}, "vector": [1.5]}),
        ({"context": {}}, {"context": {}}),
        ({"source": "a"}, {"sources": ["a"]}), ({"source": ["a", "b"]}, {"sources": ["a", "b"]}),
        ({"source": ["a", "b"], "prompt": ["x", "y"]}, {"sources": ["a", "b"], "prompts": ["x", "y"]}),
        ({"source": ["a"], "prompt": ["x", "y"]}, {"sources": ["a"], "prompts": ["x", "y"]}),
        ({"unknown": "drop"}, {"unknown": "drop"}), ({"mark_copied": True}, {"mark_copied": True}),
        ({"suffix": ""}, {}), ({"valid": "x" * 10}, {"selection": {"valid": "x" * 10}}),
        ({"stop": ["abcd", "abc"]}, {"options": {"stop": ["abcd", "abc"]}}),
    ],
)  # fmt: skip
def test_a_field_is_read(body: dict[str, Any], found: dict[str, Any]) -> None:
    assert asked(**body) == found


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"model": 3}, "model must be the name of a model; got 3; GET /v1/models lists them"),
        ({"stream": 1}, "stream must be true or false; got 1"),
        ({"echo": "x"}, "echo must be true or false; got 'x'"),
        ({"mark_copied": 0}, "mark_copied must be true or false; got 0"),
        ({"suffix": "x"}, "suffix must be left out: a model only continues texts; got 'x'"),
        ({"first": -1}, "first must be a whole number ≥ 0; got -1"),
        ({"best_of": 1, "n": 2}, "best_of must be a whole number ≥ n (2); got 1"),
        ({"best_of": 3, "first": 1}, "first must be 0 with best_of; got 1"),
        ({"logprobs": -1}, "logprobs must be a whole number ≥ 0; got -1"),
        ({"unknown": "skip"}, "unknown must be error, drop or replace; got 'skip'"),
        ({"context": 3}, "context must be an object with names and values; got 3"),
        ({"stream_options": [1]}, "stream_options must be an object with names and values; got [1]"),
        ({"logit_bias": 3}, "logit_bias must be an object with names and values; got 3"),
        ({"source": []}, "source must be a string, or a list of strings; got []"),
        ({"source": ["a", 1]}, "source must be a string, or a list of strings; got ['a', 1]"),
        ({"source": ["a", "b"], "prompt": ["x", "y", "z"]},
         "source must be one, or one for each of the 3 prompts; got 2"),
        ({"topk": 3}, "unknown option 'topk'; did you mean 'top_k'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(body: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        asked(**body)
    assert str(error.value) == told


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        ({"prompt": ["a", "b"], "n": 4},
         "a request may draw at most 6 texts (prompts × n or best_of); got 8", "too_many_texts", "n"),
        ({"source": ["a", "b", "c"], "best_of": 3},
         "a request may draw at most 6 texts (prompts × n or best_of); got 9", "too_many_texts", "n"),
        ({"max_tokens": 51}, "max_tokens may be at most 50; got 51", "too_many_tokens", "max_tokens"),
        ({"logprobs": 101}, "logprobs may be at most 100; got 101", "too_many_logprobs", "logprobs"),
        ({"regex": "a" * 6, "stop": ["bb", "c"]},
         "regex, stop may have at most 10 characters together; got 11",
         "pattern_too_long", "regex"),
        ({"valid": "x" * 11}, "valid may have at most 10 characters together; got 11",
         "pattern_too_long", "valid"),
    ],
)  # fmt: skip
def test_what_is_beyond_a_limit_is_refused(body: dict[str, Any], message: str, code: str, param: str) -> None:
    with pytest.raises(RefusedError) as error:
        asked(**body)
    found = error.value
    assert (found.status, found.message, found.code, found.param) == (400, message, code, param)


def test_no_more_numbers_are_reported_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_NUMBERS", 60)
    assert asked(n=2, max_tokens=10, logprobs=2)["logprobs"] == 2
    with pytest.raises(RefusedError) as error:
        asked(n=2, max_tokens=31)
    assert (error.value.message, error.value.code, error.value.param) == (
        "texts × max_tokens × (1 + logprobs) may be at most 60; got 2 × 31 × 1; ask for less at a time",
        "too_many_tokens", "max_tokens",
    )  # fmt: skip


@pytest.mark.parametrize("value", ["a", "", ["a"], ["a", "b"], [[1]], [[1], [2, 3]], [[]]])
def test_prompts_have_four_forms(value: Any) -> None:
    assert prompts_of(value) == ([value] if isinstance(value, str) else value)
    assert prompts_of([1, 2]) == [[1, 2]]


@pytest.mark.parametrize(
    "value", [[], 3, ["a", 1], [1, "a"], [True], [[1], "a"], [[1.5]], None, ["a" * 99, 1]]
)
def test_nothing_else_is_a_prompt(value: Any) -> None:
    with pytest.raises(ConfigError) as error:
        prompts_of(value)
    assert str(error.value) == (
        "prompt must be a string, a list of strings, a list of ids, or a list of lists of ids; got "
        f"{repr(value)[:60]}"
    )


def test_requests_of_a_kind_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []

    def reading(body: Any, limits: Limits) -> Any:
        read.append(dict(body))
        return asked_of(body, limits)

    monkeypatch.setattr(asking, "asked_of", reading)
    monkeypatch.setattr(asking, "MOST_KNOWN", 2)
    room = Asking(LIMITS)
    plain = {"model": "m", "n": 2, "temperature": 0.5, "echo": True, "user": "u" * 99, "top_k": None}
    first = room.read({**plain, "prompt": "a", "seed": 3})
    second = room.read({**plain, "prompt": "b"})
    assert read == [{**plain, "prompt": ""}]
    assert (first.prompts, first.seed, second.prompts, second.n) == (["a"], 3, ["b"], 2)
    assert 0 <= second.seed < 1 << 48
    assert second.key == first.key
    for body in ({**plain, "prompt": ["a"]}, {**plain, "prompt": [1]}, {**plain, "stop": ["x"]},
                 {**plain, "user": "u" * 100}, {**plain, "logit_bias": {"1": 2}}):  # fmt: skip
        read.clear()
        for _ in range(2):
            room.read(body)
        assert read == [body, body], "what is long or no plain value is read each time"
    room.read({"model": "m", "n": 3})
    room.read({"model": "m", "n": 4})  # the third kind: the first one is forgotten
    read.clear()
    room.read({"model": "m", "n": 3})
    assert read == []
    room.read(plain)
    assert read == [{**plain, "prompt": ""}]


@pytest.mark.parametrize(
    ("body", "compiles"),
    [({}, False), ({"regex": "a"}, True), ({"unique": True}, True), ({"source": "a"}, True),
     ({"bad_words": ["a"]}, True), ({"stop": ["a"]}, False)],
)  # fmt: skip
def test_what_may_take_long_is_known(body: dict[str, Any], compiles: bool) -> None:
    assert asked_of({"model": "m", **body}, LIMITS).compiles is compiles


def test_requests_that_differ_in_more_than_a_prompt_have_keys_of_their_own() -> None:
    def key(**body: Any) -> str:
        return asked_of({"model": "m", **body}, LIMITS).key

    usual = key(top_k=3, top_p=0.5)
    assert usual == key(top_p=0.5, top_k=3, prompt="x", seed=9)
    others = [key(top_k=3), key(top_k=3, top_p=0.5, echo=True), key(top_k=3, top_p=0.5, logprobs=0),
              key(top_k=3, top_p=0.5, n=2), key(top_k=3, top_p=0.5, prompt=["a", "b"])]  # fmt: skip
    assert len({usual, *others}) == 6
