"""``unspool train``: learn to write from a corpus."""

import json
import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from unspool.cli.commands.info import model_facts
from unspool.cli.commands.minutes import Choice, choose, is_left_to_choose
from unspool.cli.flags.flag import Argument, FlagValues, spelled, takes
from unspool.cli.flags.shared import (
    CANARIES,
    NETWORK,
    READING,
    SHOWING,
    TOKENIZER,
    TRAINING,
    AsJson,
    InitFrom,
    KeepNoveltyIndex,
    Overwrite,
    Resume,
    RunFolderFlag,
    ValidationCorpus,
)
from unspool.cli.open_corpus import open_corpus
from unspool.cli.output.brief_audit import brief_audit
from unspool.cli.output.printing import note, print_json, print_sentence
from unspool.errors import ConfigError
from unspool.progress.choice import choose_progress
from unspool.screen.wording import one_line

if TYPE_CHECKING:
    from unspool.model import Generator
    from unspool.text.canaries import Canaries
    from unspool.text.records import Records

STANDARD_INPUT = "-"
CONFIG = "config.json"  # what a run has from its first moment
WHAT_TO_READ = "a path, - for standard input, or a named corpus"

PLANTING = {"canaries": "count", "canary_repeats": "repeats", "canary_format": "format"}

Start = Callable[..., "Generator"]  # takes on_start and on_record


@takes(SHOWING, READING, TOKENIZER, NETWORK, TRAINING, CANARIES)
def train(
    *,
    corpus: Annotated[
        str | None,
        Argument(
            metavar="CORPUS",
            help="A path, - for standard input, or a name from `unspool corpora`; "
            "with --resume, a run's folder.",
        ),
    ] = None,
    out: RunFolderFlag = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    init_from: InitFrom = None,
    validation: ValidationCorpus = None,
    novelty_index: KeepNoveltyIndex = False,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Train a network on a corpus.

    It writes the model to a folder, and shows samples while it trains. Ctrl-C saves the run and prints the
    command that continues it.
    """
    folder = run_folder(corpus, out, resume=resume)
    if resume:
        own = {**flags.tokens, **flags.showing, **flags.planting}
        own |= {"init_from": init_from, "validation": validation, "overwrite": overwrite}
        refuse_for_resuming(name for name, value in own.items() if value)
        start, records = going_on(folder, corpus, flags)
    else:
        start, records = starting(
            folder, corpus, flags, init_from=init_from, validation=validation, overwrite=overwrite
        )
    start = partial(start, novelty_index=novelty_index)
    model = watched(folder, start, records)
    facts = finished_facts(model, folder, reuse=flags.reading.get("reuse", True))
    print_json(facts) if as_json else show_outcome(facts, folder)


def run_folder(corpus: str | None, out: str | None, *, resume: bool) -> Path:
    """Decide where the run is: where it was told, the folder that is resumed, or runs/ and the corpus's name.

    Raises:
        ConfigError: If nothing says where.
    """
    if out is not None:
        return Path(out)
    if corpus is None:
        raise no_corpus(
            "the folder of a run" if resume else "a path, - for standard input, or a named corpus"
        )
    name = "standard-input" if corpus == STANDARD_INPUT else Path(corpus.split(":")[-1]).resolve().name
    usual = Path("runs", name.removesuffix(".gz").rsplit(".", 1)[0] or name)
    if resume and ((Path(corpus) / CONFIG).is_file() or not (usual / CONFIG).is_file()):
        return Path(corpus)  # the run itself; if there is none, the message is to name what was written
    return usual


def no_corpus(expected: str) -> ConfigError:
    """Make the error for a command that does not say what to read."""
    return ConfigError("no corpus is given", expected=expected, hint="see unspool train --help")


def refuse_for_resuming(given: Iterable[str]) -> None:
    """Refuse flags that a run keeps for life.

    Raises:
        ConfigError: On the first of them.
    """
    for flag in map(spelled, given):
        raise ConfigError(
            f"{flag} cannot be changed with --resume: the run keeps its own", hint=f"leave out {flag}"
        )


def starting(
    folder: Path,
    corpus: str | None,
    flags: FlagValues,
    *,
    init_from: str | None,
    validation: str | None,
    overwrite: bool,
) -> tuple[Start, "Records"]:
    """Prepare a new run, and what it reads."""
    import unspool
    from unspool.training.folder.run_folder import refuse_strangers
    from unspool.training.pair_defaults import pair_training

    if corpus is None:
        raise no_corpus(WHAT_TO_READ)
    engine = flags.training.get("engine", "cpu")
    origin = None if init_from is None else unspool.load(init_from, engine=engine)
    base = unspool.NetworkConfig() if origin is None else replace(origin.network, vocab_size=None)
    network = replace(base, **flags.network)
    if is_left_to_choose(flags.training) and "source_text" not in flags.reading:
        refuse_strangers(folder, overwrite=overwrite)  # before a long text is looked at
        choice = choose(corpus, flags, validation=validation, origin=origin)
    else:
        configure = pair_training if "source_text" in flags.reading else unspool.TrainingConfig
        choice = Choice(
            open_corpus(corpus, flags.reading),
            None if validation is None else open_corpus(validation, flags.reading),
            network,
            configure(**flags.training),
        )
    start = partial(
        unspool.train,
        choice.records,
        validation=choice.validation,
        out=folder,
        network=choice.network,
        training=choice.training,
        init_from=origin,
        overwrite=overwrite,
        canaries=secrets_to_plant(flags.planting),
        **{f"sample_{name}s": values for name, values in flags.showing.items()},
        **flags.tokens,
    )
    return start, choice.records


def secrets_to_plant(planting: dict[str, Any]) -> "Canaries | None":
    """Read the flags that plant secrets: nothing is planted unless it is said how many.

    Raises:
        ConfigError: If it is said what they are like, but not how many.
    """
    from unspool.text.canaries import Canaries

    if "canaries" not in planting:
        for flag in map(spelled, planting):
            raise ConfigError(f"{flag} needs --canaries N")
        return None
    return Canaries(**{PLANTING[name]: value for name, value in planting.items()})


def going_on(folder: Path, corpus: str | None, flags: FlagValues) -> tuple[Start, "Records"]:
    """Prepare to go on with a run, its corpus read again from where it came from or from where it is now."""
    from unspool.pipeline import resume_training
    from unspool.text.reading.sources import records_from_spec
    from unspool.training.folder.run_folder import RunFolder

    run = RunFolder.reopen(folder)
    moved = corpus is not None and Path(corpus) != folder
    if not moved:
        refuse_for_resuming(flags.reading)
    reading = {"document": bool(run.data.get("document")), **flags.reading}  # it may have been chosen
    spec = run.data.get("records") or {}
    records = open_corpus(str(corpus), reading) if moved else records_from_spec(spec)
    start = partial(
        resume_training,
        folder,
        records=records,
        network=replace(run.network, **flags.network),
        training=replace(run.training, **flags.training),
    )
    return start, records


def watched(folder: Path, start: Start, records: "Records | None" = None) -> "Generator":
    """Train with the progress on the screen; if it is stopped, tell how to go on.

    Raises:
        Exit: With code 130, if it is stopped.
    """
    try:
        with choose_progress() as progress:
            if records is not None:
                records.meter.report = progress.read
            return start(on_start=progress.start, on_record=progress.show)
    except KeyboardInterrupt:
        note(how_to_go_on(folder))
        raise click.exceptions.Exit(130) from None


def how_to_go_on(folder: Path) -> str:
    """Say which command goes on with a run that was stopped."""
    if not (folder / CONFIG).is_file():
        return "Stopped before the training began; nothing was written"
    stored = json.loads((folder / CONFIG).read_text("utf-8"))
    source = (stored["data"].get("records") or {}).get("source")
    piped = "pipe the same text into" if source == STANDARD_INPUT else "continue with"
    return f"Stopped and saved; {piped}: {shlex.join(['unspool', 'train', '--resume', str(folder)])}"


def finished_facts(model: "Generator", folder: Path, *, reuse: bool = True) -> dict[str, Any]:
    """Gather what there is to know about a model that has just been trained."""
    return model_facts(model, folder) | {"copying": brief_audit(model, folder, reuse=reuse)}


def held_out_part(facts: dict[str, Any]) -> str:
    """Name what was measured: the held-out text, or how much of it."""
    measured = facts["evaluation"].get("measured_characters")
    whole = ((facts["data"].get("sizes") or {}).get("validation") or {}).get("characters")
    if measured is None or whole is None or measured >= whole:
        return "held-out text"
    return f"{measured:,} of {whole:,} held-out characters"


def show_outcome(facts: dict[str, Any], folder: Path) -> None:
    """Print how good a model is and which commands use it; a command stays on one line."""
    best = facts["evaluation"]
    bits = best["bits_per_character"]
    figure = (
        f"{best['training_bits_per_character']:.3f} bits per character in training"
        if bits is None
        else f"{bits:.3f} bits per character on {held_out_part(facts)}"
    )
    if facts["network"]["source_vocab_size"] is None:
        commands = [
            ["sample", str(folder), "--temperature", "0.8"],
            ["info", str(folder)],
            ["audit", str(folder)],
        ]
    else:
        commands = [["sample", str(folder), "--source", "TEXT"], ["info", str(folder)]]
        figure += "" if best.get("exact") is None else f", {best['exact']:.1%} answered exactly,"
    lines = [shlex.join(["unspool", *command]) for command in commands]
    head = f"{one_line(str(folder))}: {figure} at step {best['step']:,}"
    used = facts["data"].get("precision", "float32")
    head += "" if used == "float32" else f", trained in {used}"
    copying = [facts["copying"]["sentence"]] if facts["copying"] else []
    for sentence in (head, facts["fit"]["sentence"], *copying):
        print_sentence(sentence)
    print("\n".join(f"  {line}" for line in lines))
