"""The ids of another network: what begins and ends a text, and which row and column each id here gets."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from tests.importing.foreign import written
from unspool._importing.fitting import NEVER, NOTHING, numbered
from unspool._importing.symbols import symbols_of

ABC = ("a", "b", "c")


@pytest.mark.parametrize(
    ("spellings", "options", "read", "written_ids", "symbols"),
    [
        ((None, *ABC, None, None), {"end": "id:5"}, [1, 2, 3, 0], [1, 2, 3, 5], "abc"),  # as Keras numbers
        (("<pad>", *ABC, "<eos>"), {}, [1, 2, 3, 4], [1, 2, 3, 4], "abc"),
        (("<s>", "</s>", *ABC), {}, [2, 3, 4, 0], [2, 3, 4, 1], "abc"),
        ((*ABC, "\n"), {}, [0, 1, 2, 3, 3], [0, 1, 2, 3, NOTHING], "abc\n"),  # a book: no end
        ((*ABC, "\n"), {"end": "\n"}, [0, 1, 2, 3], [0, 1, 2, 3], "abc"),  # a text on each line
        ((".", *ABC), {"begin": ".", "end": "."}, [1, 2, 3, 0], [1, 2, 3, 0], "abc"),
        ((*ABC, " "), {"begin": " "}, [0, 1, 2, 3, 3], [0, 1, 2, 3, NOTHING], "abc "),
        (("<unk>", *ABC, "<end>"), {}, [1, 2, 3, 0, 4], [1, 2, 3, 0, 4], ("a", "b", "c", "<unk>")),
        (("<eos>", *ABC), {"end": "none"}, [1, 2, 3, 0], [1, 2, 3, NOTHING], "abc"),
    ],
)
def test_each_id_has_its_row_and_its_column(
    spellings: tuple[str | None, ...],
    options: dict[str, str],
    read: list[int],
    written_ids: list[int],
    symbols: Any,
) -> None:
    if options.get("end") == "none":
        options = options | {"begin": "<eos>"}
    found = numbered(spellings, options.get("begin"), options.get("end"))
    assert found.read.tolist() == [NOTHING, *read]
    assert found.written.tolist() == [NOTHING, *written_ids]
    assert found.tokenizer.symbols == tuple(symbols)


def test_nothing_that_begins_a_text_is_guessed() -> None:
    with pytest.raises(unspool.ConfigError, match="--begin"):
        numbered(ABC, None, None)
    with pytest.raises(
        unspool.ConfigError, match=r"end must be a symbol of the network, or id:0 to id:2; got 'z'"
    ):
        numbered(ABC, "a", "z")
    with pytest.raises(unspool.ConfigError, match="id:0 to id:2"):
        numbered(ABC, "id:3", None)


def test_words_are_taken_with_their_white_space_only() -> None:
    assert numbered(("the", " ", "cat", "\n"), None, None).tokenizer.kind == "word"
    with pytest.raises(unspool.TokenizerError, match="white space between them as symbols"):
        numbered((None, "the", "cat"), None, None)


def _state(size: int) -> dict[str, Any]:
    random = np.random.default_rng(2)
    shapes = {"weight_ih_l0": (16, size), "weight_hh_l0": (16, 4), "o.weight": (size, 4), "o.bias": (size,)}
    return {name: random.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def test_a_network_without_an_end_never_writes_one(tmp_path: Path) -> None:
    state = _state(4)
    model = unspool.import_model(written(tmp_path / "x.safetensors", state), tokenizer=[*ABC, "\n"])
    assert model.parameters["output.bias"].tolist() == [0, *state["o.bias"].tolist(), NEVER]
    np.testing.assert_array_equal(model.parameters["layers.0.input_kernel"][5], state["weight_ih_l0"][:, 3])
    assert {len(text.text) for text in model.generate(n=9, max_new_tokens=20, seed=1)} == {20}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.json", json.dumps([None, "a", "\n", "b"])),
        ("index.json", json.dumps({"a": 1, "\n": 2, "b": 3})),
        (
            "keras.json",
            json.dumps({"class_name": "Tokenizer", "config": {"word_index": '{"a": 1, "\\n": 2, "b": 3}'}}),
        ),
        ("lines.txt", "\na\n\\n\nb\n"),
        ("bom.txt", "\ufeff\na\n\\n\nb"),
    ],
)
def test_symbols_come_in_files_of_any_form(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    assert symbols_of(path, 4) == (None, "a", "\n", "b")


def test_a_tokenizer_of_unspool_keeps_its_ids(tmp_path: Path) -> None:
    tokenizer = unspool.CharTokenizer(["a", "b"])
    path = tmp_path / "tokenizer.json"
    path.write_text(tokenizer.to_json(), "utf-8")
    state = _state(4)
    model = unspool.import_model(written(tmp_path / "x.safetensors", state), tokenizer=path)
    assert model.tokenizer == tokenizer
    np.testing.assert_array_equal(model.parameters["layers.0.input_kernel"], state["weight_ih_l0"].T)
    with pytest.raises(unspool.ConfigError, match="leave --begin and --end out"):
        unspool.import_model(tmp_path / "x.safetensors", tokenizer=tokenizer, begin="a")
    with pytest.raises(unspool.TokenizerError, match=r"expected 4 symbols.*got 5 with <pad>"):
        unspool.import_model(tmp_path / "x.safetensors", tokenizer=unspool.CharTokenizer(["a", "b", "c"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('["a", "b"]', "expected 4 symbols"),
        ('["a", "b", "a", "c"]', "symbol 2, .*got the same as symbol 0"),
        ('["a", 1, "b", "c"]', "symbol 1: expected a text or null, got 1"),
        ('{"a": 0, "b": 4}', "'b': expected a number of its own from 0 to 3"),
        ('{"a": 0, "b": 0}', "'b': expected a number of its own"),
        ('{"a": "0"}', "'a': expected a number of its own"),
        ('{"a": 0, "a": 1}', "a key that is there twice"),
        ('{"config": {"word_index": "{"}}', "expected JSON"),
        ("[" * 5000 + "]" * 5000, "levels|JSON"),
        (b"\xff\xfe", "not UTF-8"),
    ],
    ids=range(10),
)
def test_broken_symbols_are_one_error(content: str | bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "symbols"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(unspool.TokenizerError, match=message):
        symbols_of(path, 4)


def test_a_network_alone_asks_for_its_symbols(tmp_path: Path) -> None:
    with pytest.raises(unspool.TokenizerError, match="--tokenizer says which symbols the 4 ids"):
        unspool.import_model(written(tmp_path / "x.safetensors", _state(4)))
