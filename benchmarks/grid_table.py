"""The grid's results as the Markdown table of docs/performance.md, with the mean and the worst cells."""

import math
from collections.abc import Mapping, Sequence

import harness

OURS = ("unspool", "unspool bf16")
TORCH_FLOAT32 = ("PyTorch", "PyTorch compiled")
TORCH = (*TORCH_FLOAT32, "PyTorch bf16")
AGAINST = {"unspool": TORCH_FLOAT32, "unspool bf16": TORCH}  # each of ours, and the ways of PyTorch beside it
CLAIMS = {
    "unspool": "float32 over PyTorch's best in float32",
    "unspool bf16": "bf16 over PyTorch's best of all",
}
OTHERS = ("Keras", "JAX")
LEAST = 1.2  # below it a lead is small

Line = Mapping[str, object]
Speeds = Mapping[str, harness.Spread]


def best_torch(speeds: Speeds, ways: Sequence[str]) -> str | None:
    """Name the fastest of these ways of PyTorch's, or None where there is none."""
    return max((name for name in ways if name in speeds), key=lambda name: speeds[name].median, default=None)


def spreads(line: Line) -> dict[str, harness.Spread]:
    """Read the figures of one line."""
    return {name: harness.Spread(**values) for name, values in line["characters_per_second"].items()}


def ratio(speeds: Speeds, ours: str) -> float | None:
    """Give the median of one of ours to that of PyTorch's best beside it, or None where one is absent."""
    best = best_torch(speeds, AGAINST[ours])
    return None if best is None or ours not in speeds else speeds[ours].median / speeds[best].median


def times(value: float | None) -> str:
    """Write a ratio."""
    return "–" if value is None else f"{value:.2f} ×"


def speed_of(speeds: Speeds, name: str | None) -> str:
    """Write a contender's speed, and which of PyTorch's ways it is."""
    if name is None or name not in speeds:
        return "absent"
    way = name.removeprefix("PyTorch").strip() or "eager"
    return f"{speeds[name]} {way}" if name in TORCH else str(speeds[name])


def row(line: Line) -> list[str]:
    """Lay out one cell of the grid."""
    speeds = spreads(line)
    cells = [str(line[name]) for name in ("cell", "hidden_size", "num_layers", "batch_size")]
    for ours, ways in AGAINST.items():
        best = best_torch(speeds, ways)
        cells += [speed_of(speeds, ours), speed_of(speeds, best), times(ratio(speeds, ours))]
    float32 = speeds[OURS[0]]
    cells += [times(float32.median / speeds[name].median if name in speeds else None) for name in OTHERS]
    return [*cells, str(float32.rounds)]


def table(lines: Sequence[Line]) -> str:
    """Lay out all cells measured."""
    header = ["cell", "hidden", "layers", "batch", "unspool, characters/s", "PyTorch's float32",
              "ratio", "unspool bf16", "PyTorch's best", "ratio", "over Keras", "over JAX",
              "rounds"]  # fmt: skip
    return harness.table(header, [row(line) for line in lines])


def place(line: Line) -> str:
    """Name a cell of the grid."""
    return f"{line['cell']}, hidden {line['hidden_size']} x {line['num_layers']}, batch {line['batch_size']}"


def summary(lines: Sequence[Line]) -> str:
    """Say of each of ours the geometric mean over the cells measured, the worst, small leads, and losses."""
    said = [claim(lines, ours) for ours in OURS]
    return "\n".join(filter(None, said)) or "PyTorch is absent: there is no ratio to average"


def claim(lines: Sequence[Line], ours: str) -> str | None:
    """Sum up one of ours, or give None where it or PyTorch is absent everywhere."""
    known = [(value, line) for line in lines if (value := ratio(spreads(line), ours)) is not None]
    if not known:
        return None
    mean = math.exp(sum(math.log(value) for value, _ in known) / len(known))
    worst, where = min(known, key=lambda pair: pair[0])
    lost = [f"{place(line)}: {times(value)}" for value, line in known if value < 1]
    return (
        f"{CLAIMS[ours]}: geometric mean of {len(known)} cells {mean:.2f} ×; "
        f"worst {worst:.2f} × ({place(where)}); "
        f"below {LEAST} × in {sum(value < LEAST for value, _ in known)}; "
        f"slower in {len(lost)}" + (f" ({'; '.join(lost)})" if lost else "")
    )
