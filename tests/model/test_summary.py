"""The layers of a network as a table, counted by hand."""

from typing import Any

import pytest

from unspool._model.summary import layer_lines, summary_html, summary_text
from unspool._network.config import NetworkConfig


def test_a_table_is_as_wide_as_its_widest_cells() -> None:
    network = NetworkConfig(cell="gru", hidden_size=20, embedding_size=6, vocab_size=9)
    assert summary_text(network).splitlines() == [
        "layer      kind  output shape  arrays                   parameters",
        "------------------------------------------------------------------",
        "embedding        (T, B, 6)     9 × 6                            54",
        "layers.0   gru   (T, B, 20)    6 × 60, 20 × 60, 60, 20       1,640",
        "output           (T, B, 9)     20 × 9, 9                       189",
        "------------------------------------------------------------------",
        "total                                                        1,883",
    ]


@pytest.mark.parametrize(
    ("options", "outputs"),
    [
        (
            {"cell": "lstm", "num_layers": 2, "context_size": 3, "start_size": 4},
            {
                "layers.0": ("lstm", "(T, B, 5)"), "layers.1": ("lstm", "(T, B, 5)"),
                "context": ("", "(B, 20)"), "start": ("", "(B, 20)"), "output": ("", "(T, B, 7)"),
            },
        ),
        (
            {"cell": "gru", "embedding_size": 3, "source_vocab_size": 6},
            {
                "embedding": ("", "(T, B, 3)"), "layers.0": ("gru", "(T, B, 5)"),
                "encoder.embedding": ("", "(T, B, 3)"), "encoder.layers.0": ("gru", "(T, B, 5)"),
                "output": ("", "(T, B, 7)"),
            },
        ),
    ],
)  # fmt: skip
def test_each_layer_has_its_shape(options: dict[str, Any], outputs: dict[str, tuple[str, str]]) -> None:
    lines = layer_lines(NetworkConfig(hidden_size=5, vocab_size=7, **options))
    assert {line.layer: (line.kind, line.output) for line in lines} == outputs


def test_a_notebook_shows_the_same_lines_and_their_sum() -> None:
    network = NetworkConfig(cell="gru", hidden_size=20, embedding_size=6, vocab_size=9)
    shown = summary_html(network, "A model")
    for words in ("A model", "output shape", "(T, B, 20)", "20 × 60, 60, 20", "total: 1,883 parameters"):
        assert words in shown
