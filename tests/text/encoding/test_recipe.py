"""A recipe states every choice about how texts become ids, and refuses what cannot be one."""

import dataclasses
import json

import pytest

from unspool._errors import ConfigError
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._text.tokenizers.registry import CharTokenizer, WordTokenizer

ABC = CharTokenizer("abc", normalization=None)
WITH_UNK = CharTokenizer("abc", unk=True)


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EncodingRecipe().grow = True  # type: ignore[misc]


@pytest.mark.parametrize(
    "values",
    [
        {"tokenizer": "byte"},
        {"max_vocab_size": 3},
        {"max_vocab_size": 10, "tokenizer": ABC},
        {"grow": True},
        {"normalization": "nfx"},
        {"validation_fraction": 1.5},
        {"validation_fraction": True},
        {"unknown": "skip"},
    ],
    ids=str,
)
def test_what_is_out_of_its_range_is_named(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(values))} must be"):
        EncodingRecipe(**values)  # type: ignore[arg-type]


def test_an_existing_tokenizer_has_its_own_form_and_rule() -> None:
    assert EncodingRecipe(normalization="NFD").form == "NFD"
    assert EncodingRecipe(tokenizer=ABC, normalization="NFD").form is None
    rules = [EncodingRecipe(tokenizer=known).unknown_rule for known in ("char", ABC, WITH_UNK)]
    assert rules == ["error", "error", "replace"]
    assert EncodingRecipe(tokenizer=WITH_UNK, unknown="drop").unknown_rule == "drop"


def test_nothing_of_a_document_is_held_out_by_its_hash() -> None:
    assert EncodingRecipe(validation_fraction=0.2).hashed_fraction == 0.2
    assert EncodingRecipe(validation_fraction=0.2, document=True).hashed_fraction == 0
    assert EncodingRecipe().hashed_fraction == 0


DECIDING = [field.name for field in dataclasses.fields(EncodingRecipe) if field.name != "minds_repeats"]


@pytest.mark.parametrize("change", DECIDING)
def test_every_choice_is_in_the_json(change: str) -> None:
    plain = EncodingRecipe(tokenizer=ABC)
    other = {
        "tokenizer": WITH_UNK,
        "max_vocab_size": 9,
        "grow": True,
        "normalization": "NFD",
        "validation_fraction": 0.2,
        "document": True,
        "unknown": "drop",
        "contexts": "learn",
        "sources": WordTokenizer(["a"]),
    }
    if change == "max_vocab_size":
        plain = EncodingRecipe()
    changed = dataclasses.replace(plain, **{change: other[change]})
    assert json.dumps(changed.to_json()) != json.dumps(plain.to_json())


@pytest.mark.parametrize(
    "recipe",
    [
        EncodingRecipe(tokenizer="word", max_vocab_size=5, validation_fraction=0.3),
        EncodingRecipe(tokenizer=ABC, grow=True),
        EncodingRecipe(normalization="NFD", document=True, validation_fraction=0.3),
    ],
    ids=["cut", "grown", "document"],
)
def test_a_continued_recipe_makes_the_same_ids(recipe: EncodingRecipe) -> None:
    texts = Records.of(["a b c", "é b d", "c a", "b"], normalization=None)
    first = encode_corpus(texts, recipe)
    again = encode_corpus(texts, recipe.continued(first.tokenizer))
    for one, other in ((first.training, again.training), (first.validation, again.validation)):
        assert one.fingerprint() == other.fingerprint()
