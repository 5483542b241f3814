"""``unspool import``: a model that was made elsewhere, or that left in another form."""

from pathlib import Path
from typing import Annotated

from unspool._cli.flags.flag import Argument, Flag, Option
from unspool._cli.flags.shared import AsJson
from unspool._cli.output.printing import print_json
from unspool._cli.output.tables import print_facts
from unspool._errors import ConfigError
from unspool._screen.wording import counted

WORDS = "A state dictionary of PyTorch in safetensors, a .keras file, or an export of unspool."
FoundAt = Annotated[str, Argument(metavar="PATH", help=WORDS)]
Out = Annotated[str | None, Option(Flag("out", Path, "Folder of the model to write"))]
Symbols = Annotated[
    str | None,
    Option(Flag("tokenizer", Path, "File with the symbols of its ids", default="those that it brings")),
]
Begin = Annotated[
    str | None,
    Option(Flag("begin", str, "Symbol that it reads before a text, or id:N", default="looked for")),
]
End = Annotated[
    str | None,
    Option(Flag("end", str, "Symbol that it writes after a text, id:N, or none", default="looked for")),
]
Replace = Annotated[bool, Option(Flag("overwrite", bool, "Replace a model in the folder", default="off"))]


def import_model(
    *,
    path: FoundAt,
    out: Out = None,
    tokenizer: Symbols = None,
    begin: Begin = None,
    end: End = None,
    overwrite: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Make a model folder of a model that was made elsewhere.

    Nothing of what is read is executed or unpickled. A network that unspool has not is refused by the name of
    its layer.
    """
    from unspool._configuration import to_dict
    from unspool._importing.importers import IMPORTERS, import_path
    from unspool._model import Generator
    from unspool._model.saving import save_parts
    from unspool._network.parameters import count_parameters

    folder = _checked(out, overwrite=overwrite)
    imported = import_path(path, tokenizer=tokenizer, begin=begin, end=end)
    model, numbering = imported.model, imported.numbering
    save_parts(Generator(**vars(model), threads=1), folder, novelty=None, history=[])
    network = model.network
    facts = {
        "folder": str(folder),
        "found": imported.kind,
        "network": to_dict(network),
        "num_parameters": count_parameters(network),
        "begins": None if numbering is None else numbering.begins,
        "ends": None if numbering is None else numbering.ends,
    }
    if as_json:
        print_json(facts)
        return
    layers = f"{network.num_layers} × {network.cell} of {counted(network.hidden_size, 'unit')}"
    ends = [] if numbering is None else [("begins with", numbering.begins), ("ends with", numbering.ends)]
    print_facts(
        [
            ("model", str(folder)),
            ("found", IMPORTERS[imported.kind].help),
            ("network", f"{layers}, {counted(count_parameters(network), 'parameter')}"),
            ("symbols", f"{model.tokenizer.vocab_size:,} ({model.tokenizer.kind})"),
            *ends,
        ]
    )


def _checked(out: str | None, *, overwrite: bool) -> Path:
    """Return the folder to write, which must be new.

    Raises:
        ConfigError: If it is not, or none was named.
    """
    if out is None:
        raise ConfigError("--out says where the model shall be", expected="a new folder")
    folder = Path(out)
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        hint = "choose another name, or say that it may be replaced: --overwrite"
        raise ConfigError(str(folder), expected="a new folder", got="one with files in it", hint=hint)
    return folder
