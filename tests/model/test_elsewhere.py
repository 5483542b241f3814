"""What a model, and unspool itself, are asked for by the names of other libraries."""

import copy
import re
from typing import Any

import pytest

import unspool
from unspool._model.elsewhere import ELSEWHERE, HERE, no_attribute
from unspool._network.parameters import initialize


@pytest.fixture(scope="module")
def model() -> Any:
    tokenizer = unspool.CharTokenizer(["a", "b"])
    network = unspool.NetworkConfig(hidden_size=2, vocab_size=tokenizer.vocab_size)
    return unspool.Generator(network=network, tokenizer=tokenizer, parameters=initialize(network, 0))


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("fit", r"unspool.train\(texts, init_from=model\)"),
        ("predict", r"generate\(prompt\)"),
        ("save_pretrained", r"save\(folder\)"),
        ("count_params", "num_parameters"),
        ("perplexity", r"evaluate\(texts\).perplexity"),
    ],
)
def test_a_method_of_another_library_is_answered_with_the_one_here(model: Any, name: str, here: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; it is {here} here$"):
        getattr(model, name)
    assert not hasattr(model, name)


def test_any_other_name_is_answered_as_ever_and_a_model_is_copied(model: Any) -> None:
    with pytest.raises(AttributeError, match=r"^'Generator' object has no attribute 'zzz'$"):
        _ = model.zzz
    assert copy.copy(model).generate("a", seed=0)[0].text == model.generate("a", seed=0)[0].text


def test_every_answer_is_there_and_no_name_is_one_here(model: Any) -> None:
    assert not set(ELSEWHERE) & set(dir(model))
    assert len(ELSEWHERE) == sum(map(len, HERE.values()))
    for answer in HERE:
        for word in re.findall(r"(?:^|and |or )((?:unspool\.)?\w+)", answer):
            home = unspool if word.startswith("unspool.") else model
            assert hasattr(home, word.removeprefix("unspool."))


def test_unspool_itself_answers_the_names_of_other_libraries() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'load_model'; it is unspool.load here$"):
        _ = unspool.load_model  # type: ignore[attr-defined]
    assert not set(unspool._ELSEWHERE) & set(unspool.__all__)
    assert set(unspool._ELSEWHERE.values()) <= set(unspool.__all__)


def test_what_it_is_called_here_is_there() -> None:
    for here, names in HERE.items():
        assert [name for name in names if not name.isidentifier()] == []
        place, word = re.fullmatch(r"(unspool\.)?(\w+).*", here).groups()  # type: ignore[union-attr]
        owner: Any = unspool if place else unspool.Generator
        assert hasattr(owner, word) or word in owner.__dataclass_fields__, here
    assert len(ELSEWHERE) == sum(map(len, HERE.values())) == len(set(ELSEWHERE))
    assert no_attribute("fit") == (
        "'Generator' object has no attribute 'fit'; it is unspool.train(texts, init_from=model) here"
    )
    assert no_attribute("xyzzy") == "'Generator' object has no attribute 'xyzzy'"
