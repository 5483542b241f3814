"""Each argument of each method does what it does elsewhere: none is taken and then forgotten."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._errors import ConfigError, UnknownSymbolError
from unspool._evaluation.audit import run as audit_run
from unspool._model import scoring, writing

DRAWN: Any = {"seed": 1, "max_new_tokens": 8}
LABELLED = [
    {"text": text, "label": label, "vector": [float(label == "x"), size]}
    for size, (text, label) in enumerate([("ab ab", "x"), ("ba", "y"), ("aa b", "x"), ("b a", "y")] * 3)
]
PAIRS = [("ab", "ba"), ("ba", "ab"), ("aa", "aa"), ("bb", "bb")] * 3
Call = Callable[..., Any]


def opinionated(records: list[Any]) -> unspool.Generator:
    """Make a model that hardly learnt anything, means it, and draws by the usual options."""
    model = unspool.train(
        records, hidden_size=6, epochs=1, validation_fraction=None, threads=1, progress=False
    )
    sure = {name: 5 * array for name, array in model.parameters.items()}
    return replace(model, parameters=sure, generation_config={})


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    return opinionated(LABELLED)


@pytest.fixture(scope="module")
def of_pairs() -> unspool.Generator:
    return opinionated(PAIRS)


def texts(found: Any) -> list[str]:
    return [text.text for text in found]


WRITING: dict[str, Call] = {
    "generate": lambda model, text, **options: texts(model.generate(text, n=4, **DRAWN, **options)),
    "collect": lambda model, text, **options: texts(model.collect(text, n=4, **DRAWN, **options)),
    "stream": lambda model, text, **options: [
        "".join(model.stream(text, seed=seed, max_new_tokens=8, **options)) for seed in range(5)
    ],
    "beam_search": lambda model, text, **options: [
        (found.text, found.total_logprob) for found in model.beam_search(text, n=3, num_beams=3, **options)
    ],
    "enumerate": lambda model, text, **options: [
        (found.text, found.total_logprob)
        for found in model.enumerate(text, limit=3, max_new_tokens=8, **options)
    ],
}  # fmt: skip
SCORING: dict[str, Call] = {
    "score": lambda model, text, **options: model.score([text], **options)[0].token_logprobs.tolist(),
    "surprisal": lambda model, text, **options: model.surprisal(text, **options).bits.tolist(),
    "rank": lambda model, text, **options: model.rank([text], **options)[0].score.token_logprobs.tolist(),
    "likelihood_ratios": lambda model, text, **options: model.likelihood_ratios([text], model, **options)[
        0
    ].against.token_logprobs.tolist(),
}
READING: dict[str, Call] = {
    "encode": lambda model, text, **options: model.encode(text, **options).tolist(),
    "state_after": lambda model, text, **options: model.state_after(text, **options).values.tolist(),
    "next_symbols": lambda model, text, **options: list(model.next_symbols(text, **options)),
    "hidden_states": lambda model, text, **options: model.hidden_states(text, **options).tolist(),
    "classify": lambda model, text, **options: model.classify([text], by="label", **options)[0].probabilities,
    "evaluate": lambda model, text, **options: model.evaluate([text], **options).loss,
}


@pytest.mark.parametrize("name", [*WRITING, *SCORING, *READING])
def test_a_symbol_that_is_not_known_is_an_error_or_dropped(model: unspool.Generator, name: str) -> None:
    call = (WRITING | SCORING | READING)[name]
    assert call(model, "a☂b", unknown="drop") == call(model, "ab") != call(model, "ba")
    with pytest.raises(UnknownSymbolError, match="☂"):
        call(model, "a☂b")
    with pytest.raises(UnknownSymbolError, match="☂"):
        call(model, "a☂b", unknown="error")


@pytest.mark.parametrize("name", [*WRITING, "score", "surprisal", "evaluate"])
def test_what_is_told_of_the_texts_counts(model: unspool.Generator, name: str) -> None:
    call, told = (WRITING | SCORING | READING)[name], {"label": "y"}
    assert call(model, "ab", context=told) == call(model.conditioned_on(told), "ab") != call(model, "ab")


@pytest.mark.parametrize("name", ["generate", "stream"])
def test_a_vector_counts(model: unspool.Generator, name: str) -> None:
    call, vector = WRITING[name], [9.0, -9.0]
    given = model.conditioned_on(vector=vector)
    assert call(model, "", vector=vector) == call(given, "") != call(model, "")
    both = model.conditioned_on({"label": "y"}, vector=vector)
    assert call(model, "", vector=vector, context={"label": "y"}) == call(both, "")


@pytest.mark.parametrize("name", ["generate", "collect", "stream", "beam_search"])
def test_a_source_counts_and_its_unknown_symbols_are_dropped(of_pairs: unspool.Generator, name: str) -> None:
    call = WRITING[name]
    expected = call(of_pairs.conditioned_on(source="ab"), "")
    assert call(of_pairs, "", source="ab") == call(of_pairs, "", source="a☂b", unknown="drop") == expected
    assert call(of_pairs, "", source="bbbb") != expected
    with pytest.raises(UnknownSymbolError, match="☂"):
        call(of_pairs, "", source="a☂b")
    (one, other), (alone,) = of_pairs.encode_sources(["ab", "bbbb"]), of_pairs.encode_sources(["bbbb"])
    np.testing.assert_allclose(other, alone, atol=1e-6)
    assert not np.array_equal(one, other)
    (dropped,) = of_pairs.encode_sources(["a☂b"], unknown="drop")
    np.testing.assert_allclose(dropped, one, atol=1e-6)


def test_of_several_sources_each_is_searched_for(of_pairs: unspool.Generator) -> None:
    several = of_pairs.beam_search("", source=["ab", "bbbb"], n=2, num_beams=2)
    alone = [found for source in ("ab", "bbbb")
             for found in of_pairs.beam_search("", source=source, n=2, num_beams=2)]  # fmt: skip
    assert [(found.text, found.total_logprob) for found in several] == [
        (f.text, f.total_logprob) for f in alone
    ]


@pytest.mark.parametrize("name", SCORING)
def test_what_is_scored_goes_on_from_a_prompt_and_may_be_a_beginning(
    model: unspool.Generator, name: str
) -> None:
    call = SCORING[name]
    whole, open_ended = call(model, "ab"), call(model, "ab", ended=False)
    assert (len(whole), len(open_ended)) == (3, 2)
    assert open_ended == pytest.approx(whole[:2])
    after = call(model, "b", prompt="a")
    assert after == pytest.approx(whole[1:], rel=1e-4)


def test_texts_are_ranked_by_what_is_asked_for(model: unspool.Generator) -> None:
    some = ["a", "ab", "b a b a b", ""]
    for by in ("logprob", "bits_per_character"):
        found = [ranked.index for ranked in model.rank(some, by=by)]
        scores = model.score(some)
        worth = [-s.total_logprob if by == "logprob" else s.bits_per_character or np.inf for s in scores]
        assert found == np.argsort(worth, kind="stable").tolist()


@pytest.mark.parametrize("name", WRITING)
def test_every_text_is_what_the_constraint_asks_for(model: unspool.Generator, name: str) -> None:
    found = WRITING[name](model, "", constraint=unspool.Constraint(regex="aaa"))
    assert {each[0] if isinstance(each, tuple) else each for each in found} == {"aaa"}


@pytest.mark.parametrize("name", ["generate", "collect", "stream"])
def test_a_state_is_gone_on_from(model: unspool.Generator, name: str) -> None:
    state = model.state_after("ab")
    whole = WRITING[name](model, "ab")
    rest = WRITING[name](model, "", state=state)
    assert rest == (whole if name == "stream" else [text[2:] for text in whole])


@pytest.mark.parametrize("name", ["generate", "collect"])
def test_a_text_goes_by_its_index(model: unspool.Generator, name: str) -> None:
    call = getattr(model, name)
    every = texts(call("a", n=6, **DRAWN))
    assert texts(call("a", n=2, first=3, **DRAWN)) == every[3:5]
    assert texts(call(["a", "b"], n=1, **DRAWN))[0] == every[0]
    assert texts(call("a", **DRAWN)) == every[:1]


def test_next_symbols_are_as_many_and_as_sharp_as_asked_for(model: unspool.Generator) -> None:
    every = dict(model.next_symbols("a", top=None))
    assert list(model.next_symbols("a", top=2)) == list(every.items())[:2]
    squared = {symbol: chance**2 for symbol, chance in every.items()}
    sharp = dict(model.next_symbols("a", top=None, temperature=0.5))
    assert sharp == pytest.approx({s: c / sum(squared.values()) for s, c in squared.items()}, rel=1e-4)


@pytest.mark.parametrize("unknown", ["ignore", "DROP", 3])
def test_a_rule_for_unknown_symbols_is_one_of_four(model: unspool.Generator, unknown: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        model.scorer(unknown=unknown)
    assert str(caught.value) == f"unknown must be error, drop, replace or None; got {unknown!r}"
    made = model.scorer(prompt="a", ended=False, unknown="replace")
    assert (made.prompt, made.ended, made.unknown, made.schema) == ("a", False, "replace", model.schema)
    assert (made.engine, made.parameters, made.tokenizer) == (model.runner, model.parameters, model.tokenizer)


def test_of_the_best_of_several_the_first_is_drawn_where_its_share_begins(
    model: unspool.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[int, int]] = []
    draw = writing.draw

    def noted(*arguments: Any, count: int, first: int, **options: Any) -> Any:
        drawn.append((count, first))
        return draw(*arguments, count=count, first=first, **options)

    monkeypatch.setattr(writing, "draw", noted)
    for n, first, best_of in ((2, 0, 6), (2, 4, 6), (3, 5, 3), (2, 3, None)):
        assert len(model.generate("a", n=n, first=first, best_of=best_of, **DRAWN)) == n
    assert drawn == [(6, 0), (6, 12), (3, 5), (2, 3)]
    for asked, message in (
        ({"n": 2, "best_of": 1}, "best_of must be a whole number ≥ n (2), or None; got 1"),
        ({"n": 2, "first": 3, "best_of": 6}, "first must be a multiple of n (2) with best_of; got 3"),
        ({"first": -1}, "first must be a whole number ≥ 0; got -1"),
    ):
        with pytest.raises(ConfigError) as caught:
            model.generate("a", **asked)  # type: ignore[arg-type]
        assert str(caught.value) == message


@pytest.mark.parametrize("option", ["best_of", "logprobs", "echo"])
def test_a_stream_is_one_text_alone(model: unspool.Generator, option: str) -> None:
    with pytest.raises(ConfigError) as caught:
        model.stream("a", **{option: 1 if option != "echo" else True})  # type: ignore[arg-type]
    assert str(caught.value).startswith(
        f"{option} must be left out: a stream yields only text; use generate; got"
    )
    states = [model.state_after("a"), model.state_after("b")]
    for asked, said in (({"n": 2}, "n must be 1: a stream is one text"),
                        ({"state": states}, "state must be one state: a stream is one text")):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            model.stream(**asked)  # type: ignore[arg-type]


def test_an_evaluation_reads_the_texts_as_it_is_told(
    model: unspool.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bool] = []
    measure = scoring.evaluate_stream

    def noted(*arguments: Any, document: bool, **options: Any) -> Any:
        read.append(document)
        return measure(*arguments, document=document, **options)

    monkeypatch.setattr(scoring, "evaluate_stream", noted)
    for document in (None, True, False):
        model.evaluate(["ab", "ba"], document=document)
        model.evaluate(unspool.Records.of(["ab", "ba"], document=True), document=document)
    assert read == [False, True, True, True, False, False]


def test_a_rounded_model_is_measured_on_the_texts_that_are_given(model: unspool.Generator) -> None:
    cost = model.quantized("int8", on=["a☂b"], unknown="drop").quantization
    same = model.quantized("int8", on=["ab"]).quantization
    assert cost is not None
    assert same is not None
    assert cost.bits_per_character_lost == same.bits_per_character_lost
    with pytest.raises(UnknownSymbolError):
        model.quantized("int8", on=["a☂b"])


class HeardError(Exception):
    """Ends a call once its arguments were heard."""


@pytest.fixture
def audited(model: unspool.Generator, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return a function that tells what an audit of a model with such data is asked for."""
    heard: list[Any] = []

    def listen(*arguments: Any, report: Any) -> None:
        heard.append((*arguments, report))
        raise HeardError

    monkeypatch.setattr(audit_run, "audit_network", listen)

    def asked(data: dict[str, Any], **options: Any) -> Any:
        planted = replace(model, data={**model.data, **data}, training={"validation_fraction": 0.25})
        with pytest.raises(HeardError):
            planted.audit(options.pop("records", ["ab"]), **options)
        return heard[-1]

    return asked


def test_an_audit_asks_for_what_it_is_told(audited: Call, model: unspool.Generator) -> None:
    secrets = {"canaries": {"texts": ["ab", "ba"], "format": "{letters:2}"}}
    lines = [{"kind": "step"}]
    usual = audited(secrets)
    engine, parameters, tokenizer, texts_of_it, options, report = usual
    assert isinstance(engine, type(model.runner))
    assert set(parameters) == set(model.parameters)
    assert tokenizer == model.tokenizer
    assert (options.samples, options.secrets, options.canary_format) == (1000, ["ab", "ba"], "{letters:2}")
    assert (options.generation.seed, list(options.metrics)) == (0, [])
    assert report("a step", 0, 0) is None
    recipe = texts_of_it.recipe
    assert (recipe.validation_fraction, recipe.unknown, recipe.document) == (0.25, None, False)
    assert (recipe.normalization, recipe.minds_repeats) == ("NFC", "split" in model.data)
    assert recipe.tokenizer == model.tokenizer
    assert recipe.contexts == model.schema
    assert (texts_of_it.validation, texts_of_it.corpus.description) == (None, "1 text in memory")
    said: list[Any] = []
    told: dict[str, Any] = {
        "samples": 7, "seed": 5, "temperature": 0.5, "metrics": lines, "secrets": ["bb"], "unknown": "drop",
        "canary_format": "{letters:3}", "validation": ["ba"], "report": lambda *step: said.append(step),
        "records": unspool.Records.of(["ab"], document=True, normalization="NFKC"),
    }  # fmt: skip
    *_, texts_of_it, options, report = audited({**secrets, "validation": {}, "split": {}}, **told)
    assert (options.samples, options.secrets, options.canary_format) == (7, ["bb"], "{letters:3}")
    assert (options.generation.seed, options.generation.temperature) == (5, 0.5)
    assert options.metrics == lines
    report("a step", 1, 2)
    assert said == [("a step", 1, 2)]
    recipe = texts_of_it.recipe
    assert (recipe.validation_fraction, recipe.unknown, recipe.document) == (None, "drop", True)
    assert (recipe.normalization, recipe.minds_repeats) == ("NFKC", True)
    assert [record.text for record in texts_of_it.validation] == ["ba"]
    assert texts_of_it.data["canaries"] == secrets["canaries"]
    assert not audited(secrets, secrets=[])[4].secrets
    assert audited({})[4].secrets == ()


def test_a_model_of_pairs_is_not_audited(of_pairs: unspool.Generator) -> None:
    with pytest.raises(ConfigError) as caught:
        of_pairs.audit(["ab"])
    assert str(caught.value) == (
        "a model trained on pairs cannot be audited: it writes no text without sources"
    )
