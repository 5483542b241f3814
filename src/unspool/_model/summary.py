"""The layers of a network as a table: what each is, what it returns, how many parameters it has."""

import math
from itertools import groupby
from typing import NamedTuple

from unspool._network.config import NetworkConfig
from unspool._network.parameters import parameter_shapes
from unspool._screen.wording import counted
from unspool._views.html import html_table

HEADS = ("layer", "kind", "output shape", "arrays", "parameters")


class LayerLine(NamedTuple):
    """A layer of a network.

    Args:
        layer: Its name, as the names of its arrays begin.
        kind: The cell, or nothing.
        output: The shape of what it returns; T places, B texts.
        arrays: The shapes of its arrays.
        parameters: Number of its parameters.
    """

    layer: str
    kind: str
    output: str
    arrays: str
    parameters: int


def layer_lines(network: NetworkConfig) -> list[LayerLine]:
    """Return the layers of a network, in the order of its arrays."""
    lines = []
    for name, named in groupby(parameter_shapes(network).items(), lambda item: item[0].rpartition(".")[0]):
        shapes = [shape for _, shape in named]
        layer = "embedding" if name == "" else "encoder.embedding" if name == "encoder" else name
        kind = network.cell if "layers." in layer else ""
        arrays = ", ".join(" × ".join(map(str, shape)) for shape in shapes)
        lines.append(LayerLine(layer, kind, _output(layer, network), arrays, sum(map(math.prod, shapes))))
    return lines


def summary_text(network: NetworkConfig) -> str:
    """Return the layers as a table in plain text, with the number of all parameters below."""
    lines = layer_lines(network)
    rows = [HEADS, *((*line[:-1], f"{line.parameters:,}") for line in lines)]
    rows.append(("total", "", "", "", f"{_total(lines):,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = ["  ".join([*map(str.ljust, row[:-1], widths), row[-1].rjust(widths[-1])]) for row in rows]
    rule = "-" * len(texts[0])
    return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])


def summary_html(network: NetworkConfig, title: str) -> str:
    """Return the same table as HTML.

    Args:
        network: The network.
        title: The words above the table.
    """
    lines = layer_lines(network)
    total = f"total: {counted(_total(lines), 'parameter')}"
    return html_table(HEADS, lines, title=title, count=len(lines), notes=[total])


def _total(lines: list[LayerLine]) -> int:
    return sum(line.parameters for line in lines)


def _output(layer: str, network: NetworkConfig) -> str:
    """Return the shape of what a layer returns, in words."""
    H = network.hidden_size
    if layer.endswith("embedding"):
        return f"(T, B, {network.embedding_size})"
    if layer == "output":
        return f"(T, B, {network.symbols})"
    if layer == "context":
        return f"(B, {len(network.kind.gates) * H})"
    if layer == "start":
        return f"(B, {math.prod(network.state_shape)})"
    return f"(T, B, {H})"
