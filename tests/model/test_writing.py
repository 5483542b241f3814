"""What users ask of generation in texts: stop strings, bad words, biases, states, the best of several."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._errors import NetworkError
from unspool._network.parameters import initialize
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records

TEXTS = ["the cat sat", "a dog ran far", "the dog sat", "réd cat 猫", "cat\nnap"]


def lively(kind: str) -> unspool.Generator:
    """Make a model that never ends a text and does not care much what it writes."""
    tokenizer = encode_corpus(Records.of(TEXTS), EncodingRecipe(tokenizer=kind)).tokenizer
    network = unspool.NetworkConfig(hidden_size=12, num_layers=2, vocab_size=tokenizer.vocab_size)
    parameters = dict(initialize(network, 3))
    parameters["output.bias"][tokenizer.eos_id] = -8
    return unspool.Generator(network=network, tokenizer=tokenizer, parameters=parameters, threads=2)


@pytest.fixture(scope="module", params=["char", "word"])
def model(request: pytest.FixtureRequest) -> unspool.Generator:
    return lively(request.param)


@pytest.fixture(scope="module")
def chars() -> unspool.Generator:
    return lively("char")


def test_a_breaker_is_a_string_or_ids(model: unspool.Generator) -> None:
    def written(**options: Any) -> list[str]:
        asked: dict[str, Any] = {"dry_multiplier": 9.0, "dry_allowed_length": 1, "seed": 2, **options}
        return [text.text for text in model.generate("the cat sat", n=20, max_new_tokens=40, **asked)]

    def having(string: str) -> list[list[int]]:
        return [[i] for i, spelling in enumerate(model.tokenizer.spellings) if string in spelling]

    without = written()
    assert written(dry_sequence_breakers="a") == written(dry_sequence_breakers=having("a")) != without
    cat = having("cat") or [model.tokenizer.encode("cat").tolist()]  # a symbol of a word model
    assert written(dry_sequence_breakers=["cat", "a"]) == written(dry_sequence_breakers=[*cat, *having("a")])
    assert written(dry_sequence_breakers=["☂", "qq"]) == without  # they never come up


@pytest.mark.parametrize("stop", ["a", ["at", "t d"], ["dog", "og", "d"], [" ", "ca"]], ids=str)
def test_a_text_ends_before_the_first_stop_string(model: unspool.Generator, stop: Any) -> None:
    strings = [stop] if isinstance(stop, str) else stop
    free = model.generate("the ", n=20, seed=1, max_new_tokens=60)
    texts = model.generate("the ", n=20, seed=1, max_new_tokens=60, stop=stop)
    for text, without in zip(texts, free, strict=True):
        assert not any(string in text.continuation for string in strings)
        assert without.continuation.startswith(text.continuation)
        if text.stop_reason is not None:
            rest = without.continuation[len(text.continuation) :]
            assert rest.startswith(text.stop_reason)
            assert text.finish_reason == "stop"
        assert text.text == text.prompt + text.continuation
    assert any(text.stop_reason in strings for text in texts)
    kept = model.generate("the ", n=20, seed=1, max_new_tokens=60, stop=stop, include_stop=True)
    for text, whole in zip(texts, kept, strict=True):
        assert whole.continuation == text.continuation + (text.stop_reason or "")


def test_the_prompt_does_not_stop_a_text(model: unspool.Generator) -> None:
    (text,) = model.generate("the cat", seed=0, stop="cat", max_new_tokens=5)
    assert text.prompt == "the cat"
    assert len(text.ids) >= 1


def test_a_stop_string_waits_for_the_least_number_of_symbols(chars: unspool.Generator) -> None:
    for text in chars.generate("", n=30, seed=2, stop=["a", "t"], min_tokens=10, max_new_tokens=40):
        assert len(text.ids) >= 10
        assert not set("at") & set(text.continuation[9:])


@pytest.mark.parametrize("words", ["a", ["at", "og"], ["the", "he", " "], ["zzz"]], ids=str)
def test_bad_words_never_come_up(model: unspool.Generator, words: Any) -> None:
    for prompt in ("the ca", "the d"):
        try:
            texts = model.generate(prompt, n=20, seed=1, max_new_tokens=60, bad_words=words)
        except unspool.UnknownSymbolError:
            continue  # no word of the word-level model
        for text in texts:
            for word in [words] if isinstance(words, str) else words:
                ends = [end for end in range(len(text.text) + 1) if text.text[:end].endswith(word)]
                assert all(end <= len(text.prompt) for end in ends)
            assert text.constrained_logprobs is not None
            assert len(text.constrained_logprobs) == len(text.token_logprobs)


def test_a_bad_word_is_not_finished_where_the_prompt_began_it(chars: unspool.Generator) -> None:
    firsts = {text.continuation[:1] for text in chars.generate("the ca", n=300, seed=0, bad_words="cat")}
    assert "t" not in firsts
    assert "t" in {text.continuation[:1] for text in chars.generate("the ca", n=300, seed=0)}


def test_bad_words_and_the_least_length_hold_together(chars: unspool.Generator) -> None:
    bad = [symbol for symbol in chars.tokenizer.symbols if symbol not in "ad"] + ["aa", "dd"]
    for text in chars.generate("", n=5, seed=0, bad_words=bad, min_tokens=9, max_new_tokens=12):
        assert text.continuation in ("ad" * 6)[: len(text.ids)] + " " + ("da" * 6)[: len(text.ids)]
        assert len(text.ids) >= 9
    with pytest.raises(unspool.ConfigError, match="no text can meet"):
        chars.generate("", bad_words=list(chars.tokenizer.symbols), min_tokens=1)


@pytest.mark.parametrize(
    "options",
    [
        {"stop": ["at", "t d", " "]}, {"stop": "a", "min_tokens": 20}, {"bad_words": ["a", "th"]},
        {"stop": "dog", "include_stop": True}, {"repetition_penalty": 1.5, "no_repeat_ngram_size": 3},
        {"temperature": [0.2, 2.0], "typical_p": 0.9, "logit_bias": {" ": 2.0}},
    ],
    ids=str,
)  # fmt: skip
def test_a_stream_honours_everything(model: unspool.Generator, options: dict[str, Any]) -> None:
    for seed in range(4):
        (whole,) = model.generate("the ", max_new_tokens=150, seed=seed, **options)
        pieces = list(model.stream("the ", max_new_tokens=150, seed=seed, **options))
        assert "".join(pieces) == whole.continuation
        assert all(pieces)


def test_a_bias_is_for_a_symbol_or_an_id(chars: unspool.Generator) -> None:
    symbol = int(chars.tokenizer.encode("d")[0])
    by_name, by_id = (chars.generate("", seed=0, logit_bias={key: 9.0})[0] for key in ("d", symbol))
    assert by_name.text == by_id.text
    assert by_name.text.count("d") > 100
    assert "d" not in chars.generate("", seed=0, logit_bias={"d": -np.inf})[0].text
    for wrong in ({"do": 1.0}, {"?": 1.0}, {0: 1.0}, {99: 1.0}, {"d": 1.0, symbol: 2.0}):
        with pytest.raises(unspool.ConfigError, match="logit_bias"):
            chars.generate("", logit_bias=wrong)


def test_a_text_with_nothing_left_to_write_says_so(chars: unspool.Generator) -> None:
    only_a = {
        symbol: -np.inf for symbol in (*chars.tokenizer.symbols, chars.tokenizer.eos_id) if symbol != "a"
    }
    (text,) = chars.generate("", logit_bias=only_a, no_repeat_ngram_size=3, seed=0)
    assert (text.text, text.finish_reason, text.stop_reason) == ("aaa", "blocked", None)


def test_the_best_of_several(chars: unspool.Generator) -> None:
    all_of_them = chars.generate(["the ", "a"], n=6, seed=5, max_new_tokens=12)
    best = chars.generate(["the ", "a"], n=2, best_of=6, seed=5, max_new_tokens=12)
    for group in range(2):
        ranked = sorted(all_of_them[6 * group : 6 * group + 6], key=lambda text: -text.mean_logprob)
        assert [text.text for text in best[2 * group : 2 * group + 2]] == [text.text for text in ranked[:2]]
    later = chars.generate("a", n=2, best_of=6, seed=5, max_new_tokens=12, first=2)
    assert [text.text for text in later] == [text.text for text in best[2:]]  # the second group
    with pytest.raises(unspool.ConfigError, match="best_of must be a whole number ≥ n"):
        chars.generate("", n=3, best_of=2)
    with pytest.raises(unspool.ConfigError, match="first must be a multiple"):
        chars.generate("", n=3, best_of=4, first=1)


def test_alternatives_and_the_echo_are_the_models_own(chars: unspool.Generator) -> None:
    (text,) = chars.generate("the ", seed=0, max_new_tokens=9, logprobs=3, echo=True, temperature=2.0)
    assert text.alternatives is not None
    assert text.prompt_logprobs is not None
    assert text.prompt_alternatives is not None
    assert text.alternatives.ids.shape == (len(text.token_logprobs), 3)
    assert text.prompt_alternatives.ids.shape == (4, 3)
    assert (text.alternatives.logprobs[:, 0] >= text.token_logprobs - 1e-6).all()
    assert (np.diff(text.alternatives.logprobs, axis=1) <= 0).all()
    (scored,) = chars.score([text.text])
    both = np.concatenate([text.prompt_logprobs, text.token_logprobs])
    assert scored.total_logprob == pytest.approx(both.sum() + chars_end(chars, text.text), rel=1e-4)


def chars_end(model: unspool.Generator, text: str) -> float:
    """Tell how probable it is that a text ends where it does."""
    (all_,) = model.generate(text, max_new_tokens=1, logprobs=model.tokenizer.vocab_size - 1, seed=0)
    assert all_.alternatives is not None
    at = all_.alternatives.ids[0].tolist().index(model.tokenizer.eos_id)
    return float(all_.alternatives.logprobs[0, at])


def test_generation_goes_on_from_a_state(model: unspool.Generator) -> None:
    whole = model.generate("the cat", n=3, seed=1)
    state = model.state_after("the cat")
    for text, other in zip(whole, model.generate(n=3, seed=1, state=state), strict=True):
        assert (other.text, other.prompt) == (text.continuation, "")
    part = model.generate(" cat", n=3, seed=1, state=model.state_after("the"))
    assert [text.continuation for text in part] == [text.continuation for text in whole]
    assert "".join(model.stream(state=state, seed=1)) == whole[0].continuation
    fresh = model.generate("a", seed=2, state=np.zeros(model.network.state_shape, np.float32))
    assert fresh[0].text == model.generate("a", seed=2)[0].text  # an array has not read <eos> yet
    assert model.generate(seed=2, state=model.state_after())[0].text == model.generate(seed=2)[0].text


def test_a_prompt_goes_on_from_each_of_several_states(chars: unspool.Generator, tmp_path: Path) -> None:
    a, b = chars.state_after("the cat"), chars.state_after("a dog ran")
    path = [a.interpolate(b, share) for share in np.linspace(0, 1, 5)]
    texts = chars.generate(state=path, n=2, seed=0, max_new_tokens=9)
    assert len(texts) == 10
    assert texts[0].text == chars.generate(state=a, seed=0, max_new_tokens=9)[0].text
    np.save(tmp_path / "state.npy", a.values)
    again = unspool.State(np.load(tmp_path / "state.npy"))
    assert chars.generate(state=again, seed=3)[0].text == chars.generate(state=a, seed=3)[0].text
    pair = chars.generate(["a", "the"], state=[a, b], seed=1, echo=True)
    assert [len(text.prompt_logprobs) for text in pair if text.prompt_logprobs is not None] == [1, 3]
    raw = chars.generate("the", state=np.stack([a.values, b.values]), seed=1, echo=True)
    assert [len(text.prompt_logprobs) for text in raw if text.prompt_logprobs is not None] == [3, 3]
    for wrong in ([a, b, a], [], "state", np.zeros((1, 2, 3)), 5):
        with pytest.raises(unspool.ConfigError, match="state"):
            chars.generate(["a", "the"], state=wrong)  # type: ignore[arg-type]


def test_results_do_not_depend_on_batch_threads_or_chunks(chars: unspool.Generator) -> None:
    single = unspool.Generator(
        network=chars.network, tokenizer=chars.tokenizer, parameters=chars.parameters, threads=1
    )
    options: dict[str, Any] = {
        "seed": 9, "max_new_tokens": 80, "top_p": 0.9, "repetition_penalty": 1.2, "penalty_last_n": 20,
        "bad_words": ["at", "og"], "no_repeat_ngram_size": 4, "temperature": [0.7, 1.5],
    }  # fmt: skip
    many = chars.generate("the ", n=150, **options)
    for i in (0, 1, 77, 149):
        (alone,) = single.generate("the ", first=i, **options)
        assert alone.text == many[i].text
        assert np.array_equal(alone.token_logprobs, many[i].token_logprobs)
        assert np.array_equal(alone.constrained_logprobs, many[i].constrained_logprobs)  # type: ignore[arg-type]


def test_other_names_work_where_texts_are_asked_for(chars: unspool.Generator) -> None:
    mine = chars.generate("a", n=2, max_new_tokens=7, seed=1, temperature=0.7)
    theirs = chars.generate("a", num_return_sequences=2, max_tokens=7, seed=1, temp=0.7)
    assert [text.text for text in mine] == [text.text for text in theirs]
    with pytest.raises(unspool.ConfigError, match="num_return_sequences"):
        chars.generate("a", n=2, num_return_sequences=2)
    with pytest.raises(unspool.ConfigError, match="max_tokens and max_new_tokens"):
        chars.generate("a", max_tokens=2, max_new_tokens=2)


@pytest.mark.parametrize(
    "options", [{"best_of": 2}, {"logprobs": 1}, {"echo": True}, {"num_return_sequences": 2}]
)
def test_a_stream_is_one_text_and_nothing_else(chars: unspool.Generator, options: dict[str, Any]) -> None:
    with pytest.raises(unspool.ConfigError, match="a stream"):
        chars.stream("a", **options)


@pytest.mark.parametrize("penalty", [0.01, 0.4, 100.0])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_no_penalty_brings_back_what_is_forbidden(
    model: unspool.Generator, penalty: float, temperature: float
) -> None:
    few = {"no_repeat_ngram_size": 1, "repetition_penalty": penalty, "temperature": temperature}
    shape = unspool.Constraint(regex="(the|cat| )*", scope="continuation", min_length=10)
    for text in model.generate("the dog", n=20, seed=1, constraint=shape, **few):
        assert text.finish_reason == "blocked"  # ten letters of these words cannot all differ
        assert not set(text.ids.tolist()) & set(model.tokenizer.encode("the dog").tolist())


@pytest.mark.parametrize("scale", [3e38, 1e31])
def test_logits_that_are_not_finite_are_an_error(chars: unspool.Generator, scale: float) -> None:
    parameters = dict(chars.parameters)
    kernel = parameters["output.kernel"]
    signs = np.where(np.arange(kernel.size) % 2, 1, -1).reshape(kernel.shape)
    parameters["output.kernel"] = (scale * signs).astype(np.float32)
    parameters["output.bias"] = np.full_like(parameters["output.bias"], scale)
    model = unspool.Generator(network=chars.network, tokenizer=chars.tokenizer, parameters=parameters)
    calls = [
        lambda: model.generate("the", temperature=0),
        lambda: model.generate("the", top_k=3, repetition_penalty=2),
        lambda: model.generate("the", echo=True),
        lambda: list(model.stream("the")),
        lambda: model.beam_search("the", num_beams=2),
        lambda: next(model.enumerate("the", limit=3)),
        lambda: model.next_symbols("the"),
    ]
    for call in calls:
        with pytest.raises(NetworkError, match="expected finite numbers"):
            call()


def test_the_weights_of_pad_change_no_text(chars: unspool.Generator) -> None:
    parameters = {name: values.copy() for name, values in chars.parameters.items()}
    parameters["output.kernel"][:, 0] = 1e30
    parameters["output.bias"][0] = 1e30
    model = unspool.Generator(network=chars.network, tokenizer=chars.tokenizer, parameters=parameters)
    for options in ({}, {"top_k": 3}, {"temperature": 0.0}, {"logprobs": 4}):
        texts, usual = (one.generate("the", n=5, seed=1, **options) for one in (model, chars))
        assert [text.text for text in texts] == [text.text for text in usual]
        assert [text.total_logprob for text in texts] == [text.total_logprob for text in usual]


def test_a_text_whose_probability_overflows_is_an_error(chars: unspool.Generator) -> None:
    parameters = dict(chars.parameters)
    parameters["output.bias"] = np.full_like(parameters["output.bias"], 3e38)
    parameters["output.bias"][1::2] *= -1
    model = unspool.Generator(network=chars.network, tokenizer=chars.tokenizer, parameters=parameters)
    with pytest.raises(NetworkError):
        model.score(["the cat"])
    with pytest.raises(NetworkError):
        model.evaluate(["the cat"])


def test_the_best_of_several_under_a_constraint_are_those_that_meet_it(chars: unspool.Generator) -> None:
    asked = {"constraint": unspool.Constraint(regex="(cat|dog){2}"), "no_repeat_ngram_size": 3}
    drawn = chars.generate(n=40, seed=3, **asked)
    met = {text.text for text in drawn if text.finish_reason != "blocked"}
    assert met == {"catdog", "dogcat"}
    best = chars.generate(n=5, best_of=40, seed=3, **asked)
    assert {text.text for text in best} <= met
