"""``unspool train``: learn to write from a corpus."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from unspool._cli.commands.audit import same_reading
from unspool._cli.commands.info import model_facts
from unspool._cli.flags.config_file import toml_lines, with_config
from unspool._cli.flags.flag import Argument, FlagValues, spelled, takes
from unspool._cli.flags.shared import (
    CANARIES,
    NETWORK,
    READING,
    SHOWING,
    STARTING,
    TABLE,
    TOKENIZER,
    TRAINING,
    AsJson,
    ConfigFlag,
    Overwrite,
    PrintConfig,
    Resume,
    RunFolderFlag,
)
from unspool._cli.open_corpus import open_corpus, say_once
from unspool._cli.output.brief_audit import brief_audit
from unspool._cli.output.printing import for_stdout, note, print_json, print_sentence
from unspool._cli.steps.minutes import Choice, choose, is_left_to_choose
from unspool._errors import ConfigError
from unspool._screen.wording import argument, command_line, one_line
from unspool._text.reading.read_options import STANDARD_INPUT
from unspool._training.stepping.ranks import follows, said_once

if TYPE_CHECKING:
    from unspool._model import Generator
    from unspool._text.canaries import Canaries
    from unspool._text.records import Records

CONFIG = "config.json"  # the first file of a run
WHAT_TO_READ = "a path, - for standard input, or a named corpus"

PLANTING = {"canaries": "count", "canary_repeats": "repeats", "canary_format": "format"}

Start = Callable[..., "Generator"]


GROUPS = (STARTING, SHOWING, READING, TABLE, TOKENIZER, NETWORK, TRAINING, CANARIES)


@takes(
    *GROUPS,
    leading=("minutes", "out", "text", "source", "epochs", "hidden_size", "resume"),
    examples=(
        "unspool train poems.txt",
        "unspool train table.csv --text title --minutes 5 --out runs/titles",
        "unspool train pairs.tsv --source question --target answer",
        "unspool train people.csv --table",
        "unspool train --resume runs/titles",
    ),
)
def train(
    *,
    corpus: Annotated[
        list[str] | None,
        Argument(
            metavar="CORPUS…",
            help="Paths, - for standard input, or a name from `unspool corpora`; "
            "with --resume, a run's folder, and its corpus if that has moved.",
        ),
    ] = None,
    out: RunFolderFlag = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    config: ConfigFlag = None,
    print_config: PrintConfig = False,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Train a network on a corpus.

    It writes the model to a folder, and shows samples while it trains. Ctrl-C saves the run and prints the
    command that continues it.
    """
    if config is not None:
        flags = with_config(flags, config, GROUPS)
    if print_config:
        show_config(flags, as_json=as_json)
        return
    with said_once():
        learn(corpus, out, flags, resume=resume, overwrite=overwrite, as_json=as_json)


def learn(
    corpus: list[str] | None,
    out: str | None,
    flags: FlagValues,
    *,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train, and print how good the model is; of several processes, one prints."""
    novelty_index = flags.starting.pop("novelty_index", False)
    folder = run_folder(corpus, out, resume=resume)
    if resume:
        kept_flags = {**flags.tokens, **flags.table, **flags.showing, **flags.planting, **flags.starting}
        refuse_for_resuming(name for name, value in (kept_flags | {"overwrite": overwrite}).items() if value)
        start = going_on(folder, corpus or [], flags)
    else:
        start = starting(folder, corpus, flags, overwrite=overwrite)
    model = trained(folder, partial(start, novelty_index=novelty_index))
    if follows():
        return
    facts = finished_facts(model, folder, reuse=flags.reading.get("reuse", True))
    print_json(facts) if as_json else show_outcome(facts, folder)


def run_folder(corpus: Sequence[str] | None, out: str | None, *, resume: bool) -> Path:
    """Return the folder of the run: the given one, the resumed one, or runs/ and the first name.

    Raises:
        ConfigError: If neither a folder nor a corpus is given.
    """
    if out is not None:
        return Path(out)
    if not corpus:
        raise no_corpus(
            "the folder of a run" if resume else "a path, - for standard input, or a named corpus"
        )
    from unspool._artifacts.model_folder import has_file

    first = corpus[0]
    name = "standard-input" if first == STANDARD_INPUT else Path(first.split(":")[-1]).resolve().name
    usual = Path("runs", name.removesuffix(".gz").rsplit(".", 1)[0] or name)
    if resume and (has_file(Path(first), CONFIG) or not has_file(usual, CONFIG)):
        return Path(first)  # the run itself; if there is none, the message names this word
    return usual


def no_corpus(expected: str) -> ConfigError:
    """Return the error for a command without a corpus."""
    return ConfigError("no corpus is given", expected=expected, hint="see unspool train --help")


def refuse_for_resuming(names: Iterable[str]) -> None:
    """Check that no flag would change a run that is resumed.

    Raises:
        ConfigError: For the first such flag.
    """
    for flag in map(spelled, names):
        raise ConfigError(
            f"{flag} cannot be changed with --resume: the run keeps its own", hint=f"leave out {flag}"
        )


def show_config(flags: FlagValues, *, as_json: bool) -> None:
    """Print the flags as a configuration file, once they are known to fit together."""
    from unspool import NetworkConfig, TrainingConfig

    NetworkConfig(**flags.network)
    TrainingConfig(**flags.training)
    if as_json:
        print_json(
            {name: value for group in GROUPS for name, value in getattr(flags, group.argument).items()}
        )
    else:
        print(for_stdout("\n".join(toml_lines(flags, GROUPS))))


def starting(folder: Path, corpus: Sequence[str] | None, flags: FlagValues, *, overwrite: bool) -> Start:
    """Return the start of a new run."""
    import unspool
    from unspool._training.folder.run_folder import refuse_strangers
    from unspool._training.pair_defaults import pair_training

    if not corpus:
        raise no_corpus(WHAT_TO_READ)
    engine = flags.training.get("engine", "cpu")
    init_from, validation = (flags.starting.get(name) for name in ("init_from", "validation"))
    origin = None if init_from is None else unspool.load(init_from, engine=engine)
    base = unspool.NetworkConfig() if origin is None else replace(origin.network, vocab_size=None)
    network, rows = replace(base, **flags.network), None
    if flags.table:
        refuse_strangers(folder, overwrite=overwrite)  # before a long table is read
        rows = rows_of(corpus, flags, validation)
    if is_left_to_choose(flags.training) and "source_text" not in flags.reading:
        if rows is None:
            open_corpus(corpus, flags.reading).peek()
            refuse_strangers(folder, overwrite=overwrite)  # before a long text is read
        choice = choose(corpus, flags, validation=validation, origin=origin, rows=rows)
    elif rows is not None:
        choice = Choice(*rows, network, unspool.TrainingConfig(**flags.training))
    else:
        configure = pair_training if "source_text" in flags.reading else unspool.TrainingConfig
        choice = Choice(
            open_corpus(corpus, flags.reading),
            None if validation is None else open_corpus(validation, flags.reading),
            network,
            configure(**flags.training),
        )
    return partial(
        unspool.train,
        choice.records,
        validation=choice.validation,
        out=folder,
        plan=choice.plan,
        network=choice.network,
        training=choice.training,
        init_from=origin,
        overwrite=overwrite,
        canaries=secrets_to_plant(flags.planting),
        **{f"sample_{name}s": values for name, values in flags.showing.items()},
        **flags.tokens,
    )


def rows_of(
    corpus: Sequence[str], flags: FlagValues, validation: str | None
) -> "tuple[Records, Records | None]":
    """Return the rows of a table to learn, and those that are held out, once its schema is shown.

    Raises:
        InputError: If the table cannot be learnt, or --schema comes without --table.
    """
    from unspool import TrainingConfig
    from unspool._tables.corpus import table_records

    if not flags.table.get("table"):
        raise ConfigError("--schema is for the rows of a table", hint="add --table")
    fraction = TrainingConfig(**flags.training).validation_fraction
    rows = table_records(
        corpus, flags.table.get("schema", True), flags.reading, fraction=fraction, validation=validation
    )
    if "schema" not in flags.table:
        for sentence in rows[0].schema.sentences:
            note(sentence)
    return rows


def secrets_to_plant(planting: dict[str, Any]) -> "Canaries | None":
    """Return the secrets to plant by the flags; None if their number is not given.

    Raises:
        ConfigError: If other flags of the secrets are given without their number.
    """
    from unspool._text.canaries import Canaries

    if "canaries" not in planting:
        for flag in map(spelled, planting):
            raise ConfigError(f"{flag} needs --canaries N")
        return None
    return Canaries(**{PLANTING[name]: value for name, value in planting.items()})


def going_on(folder: Path, corpus: Sequence[str], flags: FlagValues) -> Start:
    """Return the start of a resumed run, whose records are at their old place or at `corpus`."""
    from unspool._progress.choice import watching
    from unspool._running.resuming import reading_of, resume_training
    from unspool._tables.corpus import records_again
    from unspool._text.reading.folders import current_spec
    from unspool._training.folder.run_folder import RunFolder

    run = RunFolder.reopen(folder)
    places = corpus[1:] if corpus and Path(corpus[0]) == folder else corpus
    if places:
        spec = current_spec(run.data.get("records") or {})
        records = open_corpus(places, reading_of(folder) | same_reading(spec, places) | flags.reading)
    else:
        refuse_for_resuming(flags.reading)
        records = records_again(run.spec("records"))
        records.notes.report = say_once

    def start(*, novelty_index: bool) -> "Generator":
        changes = {**flags.network, **flags.training}
        with watching(records) as watchers:
            return resume_training(
                folder, records=records, changes=changes, novelty_index=novelty_index, **watchers
            )

    return start


def trained(folder: Path, start: Start) -> "Generator":
    """Train; if it is stopped, print the command that resumes it.

    Raises:
        Exit: With code 130, if it is stopped.
    """
    try:
        return start()
    except KeyboardInterrupt:
        note(how_to_go_on(folder))
        raise click.exceptions.Exit(130) from None


def how_to_go_on(folder: Path) -> str:
    """Return the command that resumes a run."""
    from unspool._artifacts.model_folder import has_file, read_content

    if not has_file(folder, CONFIG):
        return "Stopped before the training began; nothing was written"
    source = (read_content(folder / CONFIG)["data"].get("records") or {}).get("source")
    piped = "pipe the same text into" if source == STANDARD_INPUT else "continue with"
    return f"Stopped and saved; {piped}: {command_line(['unspool', 'train', '--resume', argument(folder)])}"


def finished_facts(model: "Generator", folder: Path, *, reuse: bool = True) -> dict[str, Any]:
    """Return the facts about a model after its training."""
    copying = None if "table" in model.data else brief_audit(model, folder, reuse=reuse)
    return model_facts(model, folder) | {"copying": copying}


def held_out_part(facts: dict[str, Any]) -> str:
    """Return a name of the measured text: the held-out text, or a part of it."""
    measured = facts["evaluation"].get("measured_characters")
    whole = ((facts["data"].get("sizes") or {}).get("validation") or {}).get("characters")
    if measured is None or whole is None or measured >= whole:
        return "held-out text"
    return f"{measured:,} of {whole:,} held-out characters"


def more_training(facts: dict[str, Any], folder: Path) -> list[list[str]]:
    """Return the command that goes on with a run; none if its text came through a pipe."""
    if (facts["data"].get("records") or {}).get("source") == STANDARD_INPUT:
        return []
    epochs, minutes = (facts["training"][name] for name in ("epochs", "minutes"))
    limit = ["--minutes", f"{2 * minutes:.2g}"] if epochs is None else ["--epochs", str(2 * epochs)]
    return [["train", "--resume", str(folder), *limit]]


def show_outcome(facts: dict[str, Any], folder: Path) -> None:
    """Print how good a model is and which commands use it; a command stays on one line."""
    best = facts["evaluation"]
    bits, place = best["bits_per_character"], argument(folder)
    figure = (
        f"{best['training_bits_per_character']:.3f} bits per character in training"
        if bits is None
        else f"{bits:.3f} bits per character on {held_out_part(facts)}"
    )
    if facts["network"]["source_vocab_size"] is None:
        commands = [
            ["sample", place, "--temperature", "0.8"],
            ["info", place],
            ["audit", place],
        ]
        if "table" in facts["data"]:
            commands = [["sample", place, "-n", "1000", "-o", "rows.csv"], ["info", place]]
    else:
        commands = [["sample", place, "--source", "TEXT"], ["info", place]]
        figure += "" if best.get("exact") is None else f", {best['exact']:.1%} answered exactly,"
    if facts["fit"]["verdict"] == "underfitting":
        commands += more_training(facts, folder)
    lines = [command_line(["unspool", *command]) for command in commands]
    head = f"{one_line(str(folder))}: {figure} at step {best['step']:,}"
    used = facts["data"].get("precision", "float32")
    head += "" if used == "float32" else f", trained in {used}"
    copying = [facts["copying"]["sentence"]] if facts["copying"] else []
    for sentence in (head, facts["fit"]["sentence"], *copying):
        print_sentence(sentence)
    print("\n".join(f"  {line}" for line in lines))
