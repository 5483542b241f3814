"""``<unk>`` is not written unless it is asked for, by whatever way a text is made."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._evaluation.audit.run import AuditOptions, _draw
from unspool._generation.options.generation_options import GenerationOptions
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import CharTokenizer, WordTokenizer
from unspool._training.callbacks import SamplingCallback
from unspool._training.task import Moment

TOKENIZERS = {
    "char": CharTokenizer(tuple("abc "), unk=True),
    "word": WordTokenizer(("cat", "dog", " "), unk=True),
}


def fond_of_unk(kind: str, engine: str = "cpu") -> unspool.Generator:
    """Make a model whose most probable symbol is ``<unk>`` everywhere."""
    tokenizer = TOKENIZERS[kind]
    network = unspool.NetworkConfig(hidden_size=8, vocab_size=tokenizer.vocab_size)
    parameters = dict(initialize(network, 0))
    parameters["output.bias"][tokenizer.unk_id] = 3
    parameters["output.bias"][tokenizer.eos_id] = -3
    return unspool.Generator(network=network, tokenizer=tokenizer, parameters=parameters, engine=engine)


def collected(model: unspool.Generator, **options: Any) -> list[str]:
    return [text.text for text in model.collect(n=8, seed=0, max_new_tokens=6, **options)]


WAYS: dict[str, Callable[..., list[str]]] = {
    "generate": lambda model, **options: [
        text.text for text in model.generate(["", "?"], n=20, seed=0, unknown="drop", **options)
    ],
    "greedy": lambda model, **options: [model.generate(temperature=0, **options)[0].text],
    "best_of": lambda model, **options: [text.text for text in model.generate(n=2, best_of=20, **options)],
    "constraint": lambda model, **options: [
        text.text for text in model.generate(n=9, constraint=unspool.Constraint(max_length=9), **options)
    ],
    "bad_words": lambda model, **options: [
        text.text for text in model.generate(n=9, bad_words="zz", unknown="drop", **options)
    ],
    "stream": lambda model, **options: ["".join(model.stream(seed=1, **options))],
    "collect": collected,
    "beams": lambda model, **options: [
        text.text for text in model.beam_search(num_beams=3, n=3, max_new_tokens=5, **options)
    ],
    "enumerate": lambda model, **options: [
        text.text for text in model.enumerate(limit=20, max_new_tokens=5, **options)
    ],
}
ASKED = {"generate", "greedy", "best_of", "stream", "collect", "beams", "enumerate"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", TOKENIZERS)
def test_unk_is_written_only_if_it_is_asked_for(kind: str, way: str) -> None:
    model = fond_of_unk(kind)
    texts = WAYS[way](model)
    assert any(texts)
    assert not any("<unk>" in text for text in texts)
    if way in ASKED:
        assert any("<unk>" in text for text in WAYS[way](model, allow_unk=True))


def test_the_torch_engine_does_not_write_it_either() -> None:
    pytest.importorskip("torch")
    texts = fond_of_unk("word", "torch").generate(n=20, seed=0)
    assert any(text.text for text in texts)
    assert not any("<unk>" in text.text for text in texts)


def test_samples_during_a_training_do_not_have_it() -> None:
    model = fond_of_unk("word")
    callback = SamplingCallback(tokenizer=model.tokenizer, temperatures=[0, 1.0, 2.0])
    moment = Moment(engine=model.runner, parameters=model.parameters, step=1, epoch=1)
    texts = [record.text for record in callback(moment)]
    assert any(texts)
    assert not any("<unk>" in text for text in texts)


def test_an_audit_does_not_judge_it() -> None:
    model = fond_of_unk("word")
    options = AuditOptions(samples=30, generation=GenerationOptions(seed=0, max_new_tokens=9))
    for forbidden, found in ((model.tokenizer.unk_id, False), (None, True)):
        texts = _draw(model.runner, model.parameters, options, forbidden, lambda *_: None)
        assert any(model.tokenizer.unk_id in ids for ids in texts) is found


def test_what_a_search_finds_has_the_probability_of_the_model() -> None:
    model = fond_of_unk("char")
    (found,) = model.beam_search(num_beams=4, max_new_tokens=5)
    (score,) = model.score([found.text], ended=False)
    assert found.total_logprob == pytest.approx(score.total_logprob, abs=1e-5)


def test_a_bias_of_unk_needs_the_option() -> None:
    model = fond_of_unk("word")
    bias = {model.tokenizer.unk_id: 1.0}
    with pytest.raises(unspool.ConfigError, match="allow_unk"):
        model.generate(logit_bias=bias)
    assert "<unk>" in model.generate(logit_bias=bias, allow_unk=True, temperature=0)[0].text


def test_the_biases_of_other_symbols_stay() -> None:
    options = GenerationOptions(logit_bias={2: 1.0})
    assert options.without(5).logit_bias == {2: 1.0, 5: -np.inf}
    assert options.without(None) is options
