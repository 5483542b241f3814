"""The grid's results as the Markdown table of docs/performance.md, with the mean and the worst cells."""

import math
from collections.abc import Mapping, Sequence

import harness

OURS = ("unspool", "unspool bf16")
TORCH_FLOAT32 = ("PyTorch", "PyTorch compiled")
TORCH = (*TORCH_FLOAT32, "PyTorch bf16")
AGAINST = {"unspool": TORCH_FLOAT32, "unspool bf16": TORCH}  # contenders of PyTorch beside each of unspool
CLAIMS = {
    "unspool": "float32 over PyTorch's best in float32",
    "unspool bf16": "bf16 over PyTorch's best of all",
}
OTHERS = ("Keras", "JAX")
LEAST = 1.2  # a ratio below this is a small lead

Line = Mapping[str, object]
Speeds = Mapping[str, harness.Spread]


def best_torch(speeds: Speeds, ways: Sequence[str]) -> str | None:
    """Return the fastest of these contenders of PyTorch, or None if there is none."""
    return max((name for name in ways if name in speeds), key=lambda name: speeds[name].median, default=None)


def spreads(line: Line) -> dict[str, harness.Spread]:
    """Return the speeds of one line."""
    return {name: harness.Spread(**values) for name, values in line["characters_per_second"].items()}


def ratio(speeds: Speeds, ours: str) -> float | None:
    """Return the ratio of a contender of unspool to PyTorch's best beside it, or None if one is absent."""
    best = best_torch(speeds, AGAINST[ours])
    return None if best is None or ours not in speeds else speeds[ours].median / speeds[best].median


def times(value: float | None) -> str:
    """Return a ratio as text."""
    return "–" if value is None else f"{value:.2f} ×"


def speed_of(speeds: Speeds, name: str | None) -> str:
    """Return a contender's speed as text, with the name of PyTorch's mode."""
    if name is None or name not in speeds:
        return "absent"
    way = name.removeprefix("PyTorch").strip() or "eager"
    return f"{speeds[name]} {way}" if name in TORCH else str(speeds[name])


def row(line: Line) -> list[str]:
    """Return one cell of the grid as a table row."""
    speeds = spreads(line)
    cells = [str(line[name]) for name in ("cell", "hidden_size", "num_layers", "batch_size")]
    for ours, ways in AGAINST.items():
        best = best_torch(speeds, ways)
        cells += [speed_of(speeds, ours), speed_of(speeds, best), times(ratio(speeds, ours))]
    float32 = speeds[OURS[0]]
    cells += [times(float32.median / speeds[name].median if name in speeds else None) for name in OTHERS]
    return [*cells, str(float32.rounds)]


def table(lines: Sequence[Line]) -> str:
    """Return all measured cells as a table."""
    header = ["cell", "hidden", "layers", "batch", "unspool, characters/s", "PyTorch's float32",
              "ratio", "unspool bf16", "PyTorch's best", "ratio", "over Keras", "over JAX",
              "rounds"]  # fmt: skip
    return harness.table(header, [row(line) for line in lines])


def place(line: Line) -> str:
    """Return the name of a cell of the grid."""
    return f"{line['cell']}, hidden {line['hidden_size']} x {line['num_layers']}, batch {line['batch_size']}"


def summary(lines: Sequence[Line]) -> str:
    """Return, for each contender of unspool, the geometric mean, the worst ratio, small leads and losses."""
    claims = [claim(lines, name) for name in OURS]
    return "\n".join(filter(None, claims)) or "PyTorch is absent: there is no ratio to average"


def claim(lines: Sequence[Line], name: str) -> str | None:
    """Return the summary of one contender, or None if it or PyTorch is absent everywhere."""
    known = [(value, line) for line in lines if (value := ratio(spreads(line), name)) is not None]
    if not known:
        return None
    mean = math.exp(sum(math.log(value) for value, _ in known) / len(known))
    worst, where = min(known, key=lambda pair: pair[0])
    lost = [f"{place(line)}: {times(value)}" for value, line in known if value < 1]
    return (
        f"{CLAIMS[name]}: geometric mean of {len(known)} cells {mean:.2f} ×; "
        f"worst {worst:.2f} × ({place(where)}); "
        f"below {LEAST} × in {sum(value < LEAST for value, _ in known)}; "
        f"slower in {len(lost)}" + (f" ({'; '.join(lost)})" if lost else "")
    )
