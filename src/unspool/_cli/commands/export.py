"""``unspool export``: a model in the form of another program."""

from pathlib import Path
from typing import Annotated

from unspool._cli.flags.flag import Flag, Option
from unspool._cli.flags.shared import AsJson, ModelFolder, WithCounts
from unspool._cli.output.printing import note, print_json
from unspool._cli.output.tables import print_facts
from unspool._errors import ConfigError
from unspool._screen.wording import size

To = Annotated[
    str | None,
    Option(Flag("to", str, "What to write: {choices}", table="unspool._exporting.exporters:EXPORTERS")),
]
Out = Annotated[
    str | None, Option(Flag("out", Path, "File or folder to write", default="named after the model"))
]
Precision = Annotated[
    str,
    Option(Flag("precision", str, "Number format of the parameters: {choices}", default="float32",
                table="unspool._network.quantization:PRECISIONS")),
]  # fmt: skip
Replace = Annotated[bool, Option(Flag("overwrite", bool, "Replace what is there", default="off"))]


def export(
    *,
    folder: ModelFolder,
    to: To = None,
    out: Out = None,
    precision: Precision = "float32",
    with_counts: WithCounts = False,
    overwrite: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Write a model in the form of another program.

    What is written needs no unspool to run. What a smaller number format costs in bits per character is
    measured on texts that the model writes. Counts of the training text stay here unless they are asked for.
    """
    from unspool._artifacts import load_model
    from unspool._exporting.exporters import EXPORTERS
    from unspool._exporting.exporters import export as write
    from unspool._hub.fetching import model_folder
    from unspool._hub.places import model_name
    from unspool._training.folder.counts_words import counts_facts
    from unspool._training.folder.metrics import METRICS, read_metrics

    if to is None:
        raise ConfigError("--to says what to write", expected=f"one of {', '.join(EXPORTERS)}")
    home = model_folder(folder)
    model = load_model(home)
    path, exported = write(
        model,
        to,
        out,
        name=model_name(folder),
        precision=precision,
        with_counts=with_counts,
        overwrite=overwrite,
    )
    counts = counts_facts(model.counts, read_metrics(home / METRICS))
    if counts is not None and not with_counts:
        able = ", ".join(name for name, exporter in EXPORTERS.items() if exporter.counts)
        note(f"{counts.left_out}; to take them along ({able}): --with-counts")
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    facts = {
        "path": str(path),
        "to": to,
        "precision": exported.precision,
        "bits_per_character_lost": exported.cost,
        "counts": exported.model.counts is not None,
        "files": {str(file.relative_to(path.parent)): file.stat().st_size for file in files},
    }
    if as_json:
        print_json(facts)
        return
    before = model.quantization
    on = "on its own texts" if before is None else f"with those of its rounding to {before.precision} before"
    lost = (
        []
        if exported.cost is None
        else [("lost", f"{round(exported.cost, 4) + 0.0:.4f} bits per character, {on}")]
    )
    print_facts([("wrote", str(path)), *((file.name, size(file.stat().st_size)) for file in files), *lost])
