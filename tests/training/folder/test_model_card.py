"""The card of a model: names that mean nothing else in Markdown or Python, and the whole text."""

from dataclasses import replace
from typing import Any

import pytest

from unspool import CharTokenizer, NetworkConfig, TrainingConfig
from unspool._artifacts.kept_precision import Quantization
from unspool._training.folder.model_card import (
    markdown,
    model_card,
    precision_row,
    python_literal,
    sample_command,
)
from unspool._training.records import EvaluationRecord

EVALUATION = EvaluationRecord(
    step=1200, epoch=1003, training_loss=1.0, training_bits_per_character=1.4427, loss=1.2,
    bits_per_character=1.7312, perplexity=3.3201, best=True, seconds=1234.6,
    measured_characters=4321, exact=0.125,
)  # fmt: skip
NOTHING = EvaluationRecord(
    step=3, epoch=1, training_loss=1.0, training_bits_per_character=2.0, loss=None, bits_per_character=None,
    perplexity=None, best=True, seconds=0.4,
)  # fmt: skip
TRAINING = TrainingConfig(optimizer="sgd", learning_rate=0.0125, schedule="constant")
SIZES = {
    "training": {"records": 1000, "symbols": 20_000, "characters": 19_000},
    "validation": {"records": 100, "symbols": 2000, "characters": 1900},
}
CONTEXT = {
    "attributes": [
        {"name": "a|b", "values": ["x<y", "z"], "counts": [2, 1], "mean": None, "deviation": None},
        {"name": "size", "values": [], "counts": [], "mean": 2.5, "deviation": 0.5},
    ],
    "vector_size": None,
}  # fmt: skip


def card(data: dict[str, Any], evaluation: EvaluationRecord = EVALUATION, **options: Any) -> str:
    tokenizer = CharTokenizer(["a", "b"])
    network = options.pop("network", NetworkConfig(vocab_size=4, hidden_size=3, num_layers=2, residual=True))
    return model_card(
        options.pop("name", "my <model>"), network=network, training=TRAINING, tokenizer=tokenizer,
        data=data, evaluation=evaluation, **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name", "plain name"),
        ("<b>&amp;", "&lt;b>&amp;amp;"),
        (r"a*b`[c]|\d", r"a\*b\`\[c\]\|\\d"),
        ("two\nlines\t.", "two⏎lines ."),
        ("\udcff", r"\\xff"),
    ],
)
def test_a_name_means_nothing_else_in_markdown(name: str, shown: str) -> None:
    assert markdown(name) == shown


@pytest.mark.parametrize(
    ("name", "literal"),
    [("a b", '"a b"'), ("é", '"é"'), ('a"b', "'a\"b'"), ("a\\b", r"'a\\b'"), ("a\nb", r"'a\nb'")],
)
def test_a_name_is_a_string_of_python(name: str, literal: str) -> None:
    assert python_literal(name) == literal


def test_a_command_quotes_a_name() -> None:
    assert sample_command("my run") == "unspool sample 'my run'"


BODY = [
    "Learned from names.txt.",
    "",
    "| | records | symbols | characters |",
    "|---|---:|---:|---:|",
    "| training | 1,000 | 20,000 | 19,000 |",
    "| validation | 100 | 2,000 | 1,900 |",
    "",
    "Equal texts stay together.",
    "",
    "## Context",
    "",
    "What may be said of a text that it is to write or to judge; each can be left out.",
    "",
    "| | |",
    "|---|---|",
    r"| a\|b | x&lt;y, z |",
    "| size | a number, 2.5 ± 0.5 |",
    "",
    "## Figures",
    "",
    "| | |",
    "|---|---|",
    # 4 · 3 gates from 4 symbols, 3 units and a bias; from 3, 3 and a bias; the output: 96 + 84 + 16
    "| parameters | 196 (lstm, 2 × 3, residual) |",
    "| vocabulary | 4 symbols (char) |",
    "| trained for | 1,200 steps, 1,003 epochs, 1,235 s |",
    "| optimizer | sgd, learning rate 0.0125, constant |",
    "| precision | bf16 products in training, sums and all else float32 |",
    "| training, bits per character | 1.443 |",
    "| held-out text, bits per character | 1.731 |",
    "| held-out characters measured | 4,321 |",
    "| held-out sources answered exactly | 12.5% |",
    "| held-out text, perplexity per symbol | 3.320 |",
    "",
    "These are the figures before its parameters were rounded. They are kept in int8, 0.0012 bits per "
    "character lost on names.txt.",
    "",
    "## Limits",
    "",
    "It writes in the manner of its training data and knows nothing else: what it says is not true, its "
    "faults and biases are those of the data, and it may repeat passages of the data word for word. It "
    "can read and write only the symbols that it was trained on.",
]


def test_the_whole_card() -> None:
    data = {
        "description": "names.txt", "sizes": SIZES, "precision": "bf16",
        "split": {"sentence": "equal texts stay together"}, "context": CONTEXT,
    }  # fmt: skip
    rounding = Quantization("int8", 0.00123, "names.txt")
    text = card(data, quantization=rounding)
    head, rest = text.split("## Use\n\n")
    use, rest = rest.split("## Training data\n\n")
    assert head == (
        "# my &lt;model>\n\n"
        "A small LSTM text generator that works character by character, trained with unspool on "
        "names.txt.\n\n"
    )
    assert use == (
        "```\nunspool sample 'my <model>' --temperature 0.8\n```\n\n"
        '```python\nimport unspool\n\nmodel = unspool.load("my <model>")\n'
        'for generation in model.generate("", n=5, temperature=0.8):\n    print(generation.text)\n```\n\n'
    )
    assert rest.splitlines() == BODY


def test_what_is_not_known_is_left_out() -> None:
    text = card({}, NOTHING, name="m")
    assert "trained with unspool on a corpus that was not described." in text
    assert text.split("## Figures")[0].rstrip().endswith("Learned from a corpus that was not described.")
    assert not any(word in text for word in ("held-out", "precision", "rounded", "## Context", "records"))
    assert "| trained for | 3 steps, 1 epoch, 0 s |" in text
    assert "| training, bits per character | 2.000 |" in text


@pytest.mark.parametrize(
    ("data", "row"),
    [
        ({}, {}),
        ({"precision": "float32"}, {"precision": "float32"}),
        ({"precision": "bf16"}, {"precision": "bf16 products in training, sums and all else float32"}),
    ],
)
def test_the_precision_is_told_if_it_is_known(data: dict[str, Any], row: dict[str, str]) -> None:
    assert precision_row(data) == row


def test_one_layer_without_variants_is_told_by_its_size() -> None:
    text = card(
        {}, replace(EVALUATION, exact=None), network=NetworkConfig(vocab_size=4, hidden_size=3, cell="gru")
    )
    assert "(gru, 1 × 3) |" in text
    assert "sources" not in text
