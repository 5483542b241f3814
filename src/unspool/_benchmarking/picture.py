"""A picture of a measured machine: useful operations beside the machine's own rate, and writing."""

from unspool._benchmarking.bench import OURS, PEER, PEER_FLOAT32, Bench, MeasuredSpeed, rate_precision
from unspool._benchmarking.turns import Spread, figure
from unspool._pictures.canvas import Canvas
from unspool._pictures.colours import BLUE, GREY, ORANGE
from unspool._pictures.rows import Bar, Row, draw_rows, ends
from unspool._pictures.scale import Scale
from unspool._screen.wording import counted


def draw_bench(found: Bench) -> str:
    """Return the measurements of a machine as an SVG document.

    Args:
        found: The measurements.
    """
    machine, rate = found.machine, rate_precision(found.machine.precision)
    threads = counted(machine.threads, "thread")
    versions = [f"{name} {machine.versions[name]}" for name in ("numpy", "torch") if name in machine.versions]
    title = f"unspool {machine.versions.get('unspool', '')} on {machine.processor}"
    terms = f"{threads}, {machine.kernels} kernels, {machine.precision}; {', '.join(versions)}"
    description = "MeasuredSpeed of products of matrices, of training and of writing on this machine."
    canvas = Canvas(title, note=terms, description=description, width=760)
    peer = PEER if any(speed.peer for speed in (*found.training, *found.generation)) else ""
    own_entry = ("box", BLUE, "unspool (share of the machine's rate)")
    canvas.legend([own_entry, ("box", ORANGE, peer)])
    products = [
        (f"{each.contender}, {each.size}", [_bar(GREY, each.gflops, f" {each.precision}")])
        for each in found.products
    ]
    trained = [_row(each, f"batch {each.batch_size}", each.operations / 1e9) for each in found.training]
    written = [
        _row(each, f"{each.batch_size} text{'s' * (each.batch_size > 1)}") for each in found.generation
    ]
    operations = Scale.over(ends([*products, *trained]), zero=True)
    draw_rows(canvas, "Products of matrices, GFLOP/s", products, operations)
    heading = f"Training, useful GFLOP/s; dashed: the machine's rate in {rate}"
    draw_rows(canvas, heading, trained, operations, rule=found.peak_gflops[rate])
    speeds = Scale.logarithm(ends(written), margin=0.06)
    draw_rows(canvas, "Writing, characters a second (logarithmic)", written, speeds)
    return canvas.svg()


def _row(speed: MeasuredSpeed, batch: str, factor: float = 1.0) -> Row:
    """Return the bars of all contenders, with each value multiplied by a factor."""
    remarks = {OURS: f" ({speed.share:.0%})", PEER_FLOAT32: " float32"}
    bars = [
        _bar(BLUE if name == OURS else ORANGE, value, remarks.get(name, ""), factor)
        for name, value in speed.characters_per_second.items()
    ]
    return f"{speed.cell}, {counted(speed.hidden_size, 'unit')}, {batch}", bars


def _bar(colour: str, value: Spread, remark: str, factor: float = 1.0) -> Bar:
    low, middle, high = (factor * each for each in (value.low, value.median, value.high))
    return Bar(colour, low, middle, high, figure(middle) + remark)
