"""``unspool push``: a model to the Hugging Face Hub."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from unspool._cli.flags.flag import Argument, Flag, Option
from unspool._cli.flags.shared import AsJson, WithCounts
from unspool._cli.output.printing import note, print_json
from unspool._cli.output.tables import print_facts
from unspool._errors import ConfigError

if TYPE_CHECKING:
    from unspool._model import Generator

Folder = Annotated[str, Argument(metavar="DIR", help="The folder of a model.")]
Place = Annotated[str, Argument(metavar="USER/NAME", help="Where it goes on the Hub.")]
Private = Annotated[bool, Option(Flag("private", bool, "Show it to its owner alone", default="off"))]
Revision = Annotated[
    str | None, Option(Flag("revision", str, "Branch, made if it is not there", default="main"))
]
Message = Annotated[str | None, Option(Flag("message", str, "Message of the commit", default="a usual one"))]
License = Annotated[
    str | None, Option(Flag("license", str, "Licence as the Hub spells it: apache-2.0, cc-by-4.0, other"))
]
WithIndex = Annotated[
    bool,
    Option(
        Flag("with_novelty_index", bool, "Take the index of the training texts along, for sample --novel")
    ),
]
Language = Annotated[str | None, Option(Flag("language", str, "Code of the language of its texts: en, zh"))]


def push(
    *,
    folder: Folder,
    place: Place,
    private: Private = False,
    revision: Revision = None,
    message: Message = None,
    license: License = None,  # noqa: A002 - as the flag is called
    language: Language = None,
    with_counts: WithCounts = False,
    with_novelty_index: WithIndex = False,
    as_json: AsJson = False,
) -> None:
    """Put a model on the Hugging Face Hub.

    What goes is what a model folder holds, without checkpoints, and README.md with a header for the Hub. What
    the training text can be read out of, its counts, and the index of its texts stay here unless they
    are asked for. It asks for a token with the right to write: hf auth login, or
    HF_TOKEN.
    """
    import unspool
    from unspool._hub.connection import check_installed
    from unspool._hub.places import hub_place, is_hub_place
    from unspool._hub.pushing import license_of
    from unspool._hub.pushing import push as upload
    from unspool._model.publishing import hub_files

    if is_hub_place(folder):
        raise ConfigError(folder, expected="a folder of this machine", got="a place on the Hub")
    where = hub_place(place)
    if revision is not None:
        where = replace(where, revision=revision)
    check_installed()
    model = unspool.load(folder)
    if license is None and not _has_license(Path(folder)):
        license = license_of(where)  # noqa: A001 - an earlier push has named it
    if license is None and not _has_license(Path(folder)):
        note("no licence is named, so nobody knows what they may do with it: --license")
    _tell_what_stays(model, with_counts=with_counts, with_novelty_index=with_novelty_index)
    files = hub_files(
        model if with_counts else model.without_counts(),
        model.history,
        where,
        folder=Path(folder),
        license=license,
        language=language,
        novelty=model.novelty_index if with_novelty_index else None,
    )
    pushed = upload(files, where, private=private, message=message)
    if as_json:
        print_json(
            {"place": str(where), **asdict(pushed), "files": {name: len(files[name]) for name in files}}
        )
        return
    print_facts(
        [
            ("pushed", ", ".join(files)),
            ("to", pushed.url + (" (private)" if pushed.private else "")),
            ("commit", pushed.commit),
            ("load it", f'unspool.load("{where}")'),
        ]
    )


def _tell_what_stays(model: "Generator", *, with_counts: bool, with_novelty_index: bool) -> None:
    """Note what of the training text is not taken along.

    Raises:
        ConfigError: If there is nothing of what is asked for.
    """
    from unspool._training.folder.counts_words import counts_facts

    facts, index = counts_facts(model.counts, model.history), model.novelty_index
    if with_counts and facts is None:
        hint = "push it without counts, or train one with them (--counts)"
        raise ConfigError("there are no counts to take along", expected="a model with counts", hint=hint)
    if with_novelty_index and index is None:
        hint = "push it without, or train one with it (--novelty-index)"
        raise ConfigError("there is no index to take along", expected="a model with an index", hint=hint)
    if facts is not None and not with_counts:
        note(f"{facts.left_out}; to take them along: --with-counts")
    if index is not None and not with_novelty_index:
        note("the index of the training texts is left out; to take it along: --with-novelty-index")


def _has_license(folder: Path) -> bool:
    """Return whether the card in a folder names a licence."""
    from unspool._artifacts.model_folder import CARD

    card = folder / CARD
    text = card.read_text("utf-8") if card.is_file() else ""
    return text.startswith("---") and "\nlicense:" in text.partition("\n---\n")[0]
