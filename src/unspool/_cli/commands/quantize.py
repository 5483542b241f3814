"""``unspool quantize``: a model in fewer bits."""

from pathlib import Path
from typing import Annotated

from unspool._cli.flags.flag import Flag, FlagValues, Option, takes
from unspool._cli.flags.shared import READING, AsJson, ModelFolder, UnknownInTexts
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.printing import print_json
from unspool._cli.output.tables import print_facts
from unspool._errors import ConfigError
from unspool._hub.places import is_hub_place, model_name
from unspool._screen.wording import size

To = Annotated[
    str | None,
    Option(Flag("to", str, "Number format of the parameters: {choices}",
                table="unspool._model.quantizing:SMALLER")),
]  # fmt: skip
Out = Annotated[
    str | None, Option(Flag("out", Path, "Folder of the rounded model", default="DIR-int8, DIR-float16"))
]
On = Annotated[
    str | None, Option(Flag("on", Path, "Corpus to measure the loss on", default="texts that it writes"))
]
Replace = Annotated[bool, Option(Flag("overwrite", bool, "Replace a model in the folder", default="off"))]


@takes(READING)
def quantize(
    *,
    folder: ModelFolder,
    to: To = None,
    out: Out = None,
    on: On = None,
    unknown: UnknownInTexts = None,
    overwrite: Replace = False,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Write a model in fewer bits, and measure what that costs.

    The new folder is a model for every command; only the training of a run cannot go on in it. In memory its
    parameters are float32 again: it is smaller on disk, not faster.
    """
    import unspool
    from unspool._artifacts.kept_precision import Quantization
    from unspool._artifacts.model_folder import MODEL
    from unspool._configuration import to_dict
    from unspool._hub.fetching import model_folder
    from unspool._model.quantizing import SMALLER

    if to is None:
        raise ConfigError("--to says what to round to", expected=f"one of {', '.join(SMALLER)}")
    whole = model_folder(folder)
    model = unspool.load(whole)
    path = Path(out) if out is not None else _beside(folder, to)
    if path.exists() and not (overwrite and (path / MODEL).is_file() and not path.samefile(whole)):
        hint = "choose another name, or say that a model there may be replaced: --overwrite"
        raise ConfigError(str(path), expected="a new folder", got="one that is there", hint=hint)
    records = None if on is None else open_corpus(on, flags.reading)
    small = model.quantized(to, on=records, unknown=unknown)
    kept = small.quantization or Quantization(to)
    small.save(path)
    sizes = [(where / MODEL).stat().st_size for where in (whole, path)]
    if as_json:
        print_json({"path": str(path), **to_dict(kept), "bytes": sizes[1], "bytes_before": sizes[0]})
        return
    print_facts(
        [
            ("wrote", str(path)),
            ("parameters", f"{size(sizes[1])}, {sizes[1] / sizes[0]:.1%} of the {size(sizes[0])} before"),
            ("rounded to", kept.sentence),
        ]
    )


def _beside(spec: str, precision: str) -> Path:
    """Return the folder beside a model's that is named after the precision; here, for one of the Hub."""
    folder = Path(model_name(spec)) if is_hub_place(spec) else Path(spec)
    named = folder if folder.name else folder.resolve()  # "." and "/" have no name
    return named.with_name(f"{named.name}-{precision.lower()}")
