"""The layers of a network as a table."""

import math
from itertools import groupby

from unspool._network.config import NetworkConfig
from unspool._network.parameters import count_parameters, parameter_shapes


def summary_of(network: NetworkConfig) -> str:
    """Return a table of the layers: what each is, the shapes of its arrays, how many parameters it has."""
    rows = [("layer", "kind", "shapes", "parameters")]
    for layer, named in groupby(parameter_shapes(network).items(), lambda item: item[0].rpartition(".")[0]):
        shapes = [shape for _, shape in named]
        kind = network.cell if "layers." in layer else ""
        count = sum(map(math.prod, shapes))
        rows.append((layer or "embedding", kind, "  ".join(map(_spelled, shapes)), f"{count:,}"))
    rows.append(("total", "", "", f"{count_parameters(network):,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([*map(str.ljust, row[:-1], widths), row[-1].rjust(widths[-1])]) for row in rows]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _spelled(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
