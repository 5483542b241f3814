"""From what is asked for to what is drawn: options, ids and limits, for a small model."""

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.serving.texts.company import CHARS, SCHEMA, made
from unspool._configuration import to_dict
from unspool._errors import ConfigError
from unspool._serving.limits import Limits
from unspool._serving.models.found import FILES
from unspool._serving.models.loaded import Loaded
from unspool._serving.refusals import RefusedError
from unspool._serving.texts import planning
from unspool._serving.texts.asking import asked_of
from unspool._serving.texts.planning import Plan, make_plan, plan_of

LIMITS = Limits()
MARK = tuple((10**9, 1, number) for number in range(len(FILES)))
LAST = CHARS.vocab_size - 1


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return Loaded("m", made(CHARS, 1), mark=MARK, limits=LIMITS, let_go=lambda _: None)


@pytest.fixture(autouse=True)
def nothing_kept(loaded: Loaded) -> None:
    loaded.templates.clear()


def plan(loaded: Loaded, limits: Limits = LIMITS, **body: Any) -> Plan:
    return make_plan(asked_of({"model": "m", "seed": 5, **body}, limits), loaded, limits)


def test_options_are_those_of_the_model_but_for_what_is_asked(loaded: Loaded) -> None:
    usual = plan(loaded).request.options
    assert (usual.temperature, usual.max_new_tokens) == (loaded.defaults["temperature"], 200)
    assert (usual.seed, usual.best_of, usual.logprobs, usual.echo) == (5, None, None, False)
    asked = plan(loaded, top_k=3, temperature=0.5, max_tokens=7, seed=9).request.options
    assert (asked.top_k, asked.temperature, asked.max_new_tokens, asked.seed) == (3, 0.5, 7, 9)
    assert plan(loaded, logprobs=0).request.options.logprobs is None
    assert plan(loaded, logprobs=2).request.options.logprobs == 2
    assert plan(loaded, logprobs=100).request.options.logprobs == LAST
    assert [plan(loaded, echo=echo, logprobs=logprobs).request.options.echo
            for echo in (True, False) for logprobs in (0, None)] == [True, False, False, False]  # fmt: skip


def test_no_text_is_longer_than_what_may_be_told(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(loaded, Limits(max_tokens=199)).request.options.max_new_tokens == 199
    monkeypatch.setattr(planning, "MOST_NUMBERS", 60)
    two = {"prompt": ["", ""], "n": 3}
    for body, most in ((two, 10), ({"n": 3, "logprobs": 1}, 10), ({}, 60), ({"n": 61}, 1)):
        loaded.templates.clear()
        assert plan(loaded, **body).request.options.max_new_tokens == most


def test_prompts_are_read_into_ids(loaded: Loaded) -> None:
    symbols = CHARS.symbols
    texts = plan(loaded, prompt=[symbols[0] + symbols[1], ""])
    assert [each.tolist() for each in texts.request.prompts] == [[1, 2], []]
    assert texts.prompt_tokens == 2
    ids = plan(loaded, prompt=[[1, LAST], [2]])
    assert [each.tolist() for each in ids.request.prompts] == [[1, LAST], [2]]
    assert ids.request.prompts[0].dtype == np.int32
    assert (ids.selection, texts.selection) == (None, None)
    for wrong in ([0], [LAST + 1], [1, -1]):
        with pytest.raises(ConfigError) as error:
            plan(loaded, prompt=[wrong])
        assert str(error.value) == f"prompt must be ids from 1 to {LAST}; got '{wrong}'"


def test_no_more_symbols_are_read_than_allowed(loaded: Loaded) -> None:
    few = Limits(max_prompt=3)
    assert plan(loaded, few, prompt=[[1, 2], [1]]).prompt_tokens == 3
    with pytest.raises(RefusedError) as error:
        plan(loaded, few, prompt=[[1, 2], [1, 1]])
    told = "the prompt may have at most 3 symbols; got 4"
    assert (error.value.status, error.value.message, error.value.code, error.value.param) == (
        400, told, "prompt_too_long", "prompt",
    )  # fmt: skip
    pairs = made(CHARS, 6, source=CHARS, source_vocab_size=CHARS.vocab_size)
    of_pairs = Loaded("m", pairs, mark=MARK, limits=LIMITS, let_go=lambda _: None)
    symbol = CHARS.symbols[0]
    assert plan(of_pairs, few, source=symbol * 3).request.prompts
    with pytest.raises(RefusedError, match=r"^the source may have at most 3 symbols; got 4$"):
        plan(of_pairs, few, source=[symbol * 4])


def test_what_was_checked_once_is_taken_for_another_prompt(loaded: Loaded) -> None:
    one = plan(loaded, top_k=4, prompt=[[1]], seed=1)
    (key,) = loaded.templates
    template = loaded.templates[key]
    two = plan(loaded, top_k=4, prompt=[[2, 3]], seed=2)
    assert list(loaded.templates) == [key]
    assert loaded.templates[key] is template
    assert (two.request.options.seed, two.request.in_ids.options.seed, one.request.options.seed) == (2, 2, 1)
    assert [each.tolist() for each in two.request.in_ids.prompts] == [[2, 3]]
    plan(loaded, top_k=5)
    assert len(loaded.templates) == 2
    for body in ({"regex": "a*"}, {"unique": True}):
        plan(loaded, **body)
    assert len(loaded.templates) == 2, "what is compiled is made anew"


def test_a_selection_and_a_constraint_come_with_the_seed(loaded: Loaded) -> None:
    found = plan(loaded, unique=True, max_length=9, seed=8)
    assert found.selection is not None
    assert (found.selection.unique, found.request.options.seed) == (True, 8)
    assert found.request.constrained
    assert plan(loaded).selection is None


def test_a_context_is_a_row_of_the_request() -> None:
    model = made(CHARS, 4, data={"context": to_dict(SCHEMA)}, context_size=SCHEMA.size)
    of_context = Loaded("m", model, mark=MARK, limits=LIMITS, let_go=lambda _: None)
    row = plan(of_context, context={"label": "two", "size": 3.0}).request.in_ids.context
    assert row is not None
    assert np.asarray(row).ravel().tolist() == [
        0.0,
        1.0,
        1.0,
        1.0,
    ]  # (3 - 1) / 2, and a mark that it is known
    assert of_context.templates == {}


class Threads:
    """A library that keeps what it is given to do."""

    def __init__(self) -> None:
        self.done = 0

    async def work(self, function: Any, *given: Any) -> Any:
        self.done += 1
        return function(*given)


def test_what_may_take_long_is_done_on_a_thread(loaded: Loaded) -> None:
    def threads(**body: Any) -> int:
        library, asked = Threads(), asked_of({"model": "m", "seed": 1, **body}, LIMITS)
        asyncio.run(plan_of(library, LIMITS, asked, loaded))  # type: ignore[arg-type]
        return library.done

    few, symbol = planning.FEW_CHARACTERS, CHARS.symbols[0]
    assert threads() == threads(prompt=symbol * few) == threads(prompt=[symbol, symbol * (few - 1)]) == 0
    assert threads(prompt=symbol * (few + 1)) == threads(unique=True) == threads(regex="a*") == 1
    assert (threads(stop=[symbol], top_k=9), threads(stop=[symbol], top_k=9)) == (1, 0)
