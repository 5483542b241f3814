"""The grid's results as the Markdown table of docs/performance.md, with the mean and the worst cell."""

import math
from collections.abc import Mapping, Sequence

import harness

OURS = "unspool"
TORCH = ("PyTorch", "PyTorch bf16", "PyTorch compiled")
OTHERS = ("Keras", "JAX")

Line = Mapping[str, object]


def best_torch(speeds: Mapping[str, harness.Spread]) -> str | None:
    """Name the fastest of PyTorch's ways, or None where there is none."""
    there = [name for name in TORCH if name in speeds]
    return max(there, key=lambda name: speeds[name].median, default=None)


def spreads(line: Line) -> dict[str, harness.Spread]:
    """Read the figures of one line."""
    return {name: harness.Spread(**values) for name, values in line["characters_per_second"].items()}


def ratio(line: Line) -> float | None:
    """Give unspool's median to that of PyTorch's best."""
    speeds = spreads(line)
    best = best_torch(speeds)
    return None if best is None else speeds[OURS].median / speeds[best].median


def row(line: Line) -> list[str]:
    """Lay out one cell of the grid."""
    speeds = spreads(line)
    best = best_torch(speeds)
    of = ratio(line)
    others = [
        f"{speeds[OURS].median / speeds[name].median:.2f} ×" if name in speeds else "–" for name in OTHERS
    ]
    kind = "" if best is None else best.removeprefix("PyTorch").strip() or "eager"
    return [
        str(line["cell"]), str(line["hidden_size"]), str(line["num_layers"]), str(line["batch_size"]),
        str(speeds[OURS]), "absent" if best is None else f"{speeds[best]} {kind}",
        "–" if of is None else f"{of:.2f} ×", *others, str(speeds[OURS].rounds),
    ]  # fmt: skip


def table(lines: Sequence[Line]) -> str:
    """Lay out all cells measured."""
    header = ["cell", "hidden", "layers", "batch", "unspool, characters/s", "PyTorch's best", "over PyTorch",
              "over Keras", "over JAX", "rounds"]  # fmt: skip
    return harness.table(header, [row(line) for line in lines])


def summary(lines: Sequence[Line]) -> str:
    """Say the geometric mean over the cells measured, the worst of them, and where unspool loses."""
    known = [(value, line) for line in lines if (value := ratio(line)) is not None]
    if not known:
        return "PyTorch is absent: there is no ratio to average"
    mean = math.exp(sum(math.log(value) for value, _ in known) / len(known))
    worst, where = min(known, key=lambda pair: pair[0])
    place = (
        f"{where['cell']}, hidden {where['hidden_size']} x {where['num_layers']}, batch {where['batch_size']}"
    )
    lost = sum(value < 1 for value, _ in known)
    return (
        f"Over PyTorch's best: geometric mean of {len(known)} cells {mean:.2f} ×; "
        f"worst {worst:.2f} × ({place}); "
        f"slower than PyTorch in {lost}"
    )
