"""``unspool bench``: how fast this machine is, and unspool on it."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.flags.flag import Flag, FlagValues, Group, Option, takes
from unspool._cli.flags.shared import AsJson
from unspool._cli.output.new_files import checked_path
from unspool._cli.output.printing import note, print_json, print_sentence
from unspool._cli.output.tables import print_facts, print_table
from unspool._screen.wording import counted

if TYPE_CHECKING:
    from unspool._benchmarking.bench import Bench, MeasuredSpeed
    from unspool._benchmarking.machine import Machine

MEASURING = Group(
    "measuring",
    "What is measured",
    (
        Flag("seconds", float, "Total time, about, in seconds", default="60"),
        Flag("cell", list[str], "{choices}", default="lstm gru rnn", table="unspool._network.cells:CELLS",
             several=True),
        Flag("hidden_size", list[str], "Units in the layer", default="128 512", several=True, parse=int,
             words="a whole number"),
        Flag("batch_size", list[str], "Streams of text in parallel, and texts written at once", default="64",
             several=True, parse=int, words="a whole number"),
        Flag("threads", int, "Number of threads for each library", default="one on each processor"),
        Flag("precision", str, "Number format of matrix products in training: {choices}", default="float32",
             table="unspool._kernels.precision:PRECISIONS"),
    ),
)  # fmt: skip

Picture = Annotated[str | None, Option(Flag("svg", Path, "Draw the results into this file, .svg"))]
Overwrite = Annotated[bool, Option(Flag("overwrite", bool, "Replace an existing file"))]


@takes(MEASURING)
def bench(
    *, svg: Picture = None, overwrite: Overwrite = False, as_json: AsJson = False, flags: FlagValues
) -> None:
    """Measure the speed of this machine, of unspool on it, and of PyTorch.

    The libraries take turns; each figure is a median with its lowest and highest round. Run nothing else at
    the same time.
    """
    path = None if svg is None else checked_path("--svg", svg, (".svg",), overwrite=overwrite)
    from unspool._benchmarking import bench as benchmark
    from unspool._configuration import to_dict
    from unspool._interruptible import interruptible

    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in flags.measuring.items()
    }
    config = benchmark.BenchConfig(**values)
    result = interruptible(partial(benchmark.bench, config, say=note))  # a measured step may take seconds
    if path is not None:
        from unspool._benchmarking.picture import draw_bench
        from unspool._storage import atomic_write

        atomic_write(path, draw_bench(result))
    if as_json:
        print_json(to_dict(result))
    else:
        tell(result)


def tell(result: "Bench") -> None:
    """Print the machine, the three tables, and the failed measurements."""
    print_facts(machine_facts(result.machine))
    print()
    print_table(
        ["product of matrices", "precision", "size", "GFLOP/s"],
        [[rate.contender, rate.precision, str(rate.size), str(rate.gflops)] for rate in result.products],
        right=(2,),
    )
    for name, speeds in (("training", result.training), ("generation", result.generation)):
        print()
        headings = [name, "hidden", "batch", "unspool, characters/s", "PyTorch", "ratio", "GFLOP/s", "share"]
        print_table(headings, map(speed_row, speeds), right=(1, 2, 5, 6, 7))
    print()
    print_facts([(f"{name} absent", reason) for name, reason in result.absent.items()])
    print_sentence(
        f"share: useful operations over {rates_in_words(result)}, measured again in the same rounds;\n"
        f"vocabulary {result.vocab_size}, training windows of {counted(result.sequence_length, 'symbol')}"
    )


def rates_in_words(result: "Bench") -> str:
    """Return a sentence on the rates that the shares refer to."""
    from unspool._benchmarking.bench import rate_precision

    if rate_precision(result.machine.precision) == "float32":
        return "the best float32 product"
    return "the best bf16 product in training, and the best float32 product in generation"


def machine_facts(machine: "Machine") -> list[tuple[str, str]]:
    """Return the names and values of the machine and of the terms."""
    threads = counted(machine.threads, "thread")
    cores = counted(machine.cores, "processor")
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return [
        ("machine", f"{machine.processor}, {machine.system}, {cores}"),
        ("vectors", f"{machine.vectors}; products in bf16: {machine.bf16 or 'none'}"),
        ("unspool", f"{machine.kernels} kernels, {machine.precision}, {threads}"),
        ("load", "unknown" if machine.load is None else f"{machine.load:.1f} before it began"),
        ("versions", f"Python {machine.python}, {versions}"),
    ]


def speed_row(speed: "MeasuredSpeed") -> list[str]:
    """Return the figures of one network as a row."""
    from unspool._benchmarking.bench import OURS, PEER_FLOAT32

    peer = None if speed.peer is None else speed.characters_per_second[speed.peer]
    way = " float32" if speed.peer == PEER_FLOAT32 else ""
    return [
        speed.cell, str(speed.hidden_size), str(speed.batch_size), str(speed.characters_per_second[OURS]),
        "absent" if peer is None else f"{peer}{way}", "" if speed.ratio is None else f"{speed.ratio:.2f}",
        f"{speed.gflops:.1f}", f"{100 * speed.share:.0f} %",
    ]  # fmt: skip
