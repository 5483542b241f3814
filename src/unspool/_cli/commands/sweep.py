"""``unspool sweep``: which network is best for a corpus, and by how much more than noise."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from unspool._cli.commands.train import run_folder, trained
from unspool._cli.flags.flag import OFF, Argument, Flag, FlagValues, Group, Option, spelled, takes
from unspool._cli.flags.shared import READING, TOKENIZER, AsJson, ValidationCorpus
from unspool._cli.flags.sweeping import BUDGET, FIXED_NETWORK, FIXED_TRAINING, PLACE, TRYING
from unspool._cli.flags.values import escaped, unescaped
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.printing import note, print_json, print_sentence
from unspool._cli.output.tables import print_table
from unspool._errors import ConfigError
from unspool._screen.wording import argument, command_line, counted, duration, one_line

if TYPE_CHECKING:
    from unspool._sweeping.results import Run, Sweep
    from unspool._sweeping.sweep import SweepPlan
    from unspool._text.records import Records

SweepFolder = Annotated[str | None, Option(Flag("out", Path, "Folder of the sweep", default="sweeps/CORPUS"))]
TrainBest = Annotated[
    str | None,
    Option(Flag("train_best", Path, "Then train the best configuration in full, into this folder")),
]


@takes(TRYING, BUDGET, PLACE, READING, TOKENIZER, FIXED_NETWORK, FIXED_TRAINING)
def sweep(
    *,
    corpus: Annotated[
        list[str],
        Argument(
            metavar="CORPUS…",
            help="Paths, - for standard input, or a name from `unspool corpora`; before the flags.",
        ),
    ],
    out: SweepFolder = None,
    validation: ValidationCorpus = None,
    train_best: TrainBest = None,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Find out which network is best for a corpus.

    Each configuration is trained for the same time with several seeds. Ctrl-C keeps the finished runs;
    repeat the command to continue, also with more values, seeds or trials.
    """
    import unspool

    config = unspool.SweepConfig(**flags.trying, **flags.budget)
    folder = Path(out or Path("sweeps", run_folder(corpus, None, resume=False).name))
    texts = open_corpus(corpus, flags.reading)
    if train_best is not None:
        refuse_to_train(texts, Path(train_best))
    network, training = unspool.NetworkConfig(**flags.network), unspool.TrainingConfig(**flags.training)
    held_out = None if validation is None else open_corpus(validation, flags.reading)
    result = swept(folder, partial(
        unspool.sweep, texts, validation=held_out, out=folder, config=config, network=network,
        training=training, on_start=say_plan, on_run=Running(config), **flags.tokens, **flags.place,
    ))  # fmt: skip
    # The command trains alone, with all threads.
    alone = {name: value for name, value in flags.training.items() if name != "threads"}
    groups = [(flags.reading, READING), (flags.tokens, TOKENIZER), (flags.network, FIXED_NETWORK),
           (alone, FIXED_TRAINING)]  # fmt: skip
    words = train_words(corpus, result, groups, validation=validation, out=train_best)
    tell(result, words, as_json=as_json)
    if train_best is not None and result.best is not None:
        from unspool._sweeping.space import configured

        network, training = configured(network, training, result.best.configuration)
        trained(Path(train_best), partial(
            unspool.train, texts, out=train_best, network=network, training=training, validation=held_out,
            **flags.tokens,
        ))  # fmt: skip


def refuse_to_train(texts: "Records", folder: Path) -> None:
    """Check before a long sweep that the best network can be trained after it.

    Raises:
        InputError: If the corpus cannot be read again, or the folder is in use.
    """
    from unspool._training.folder.run_folder import refuse_strangers

    if texts.once:
        raise ConfigError(
            "--train-best needs a corpus that can be read twice", got=texts.description,
            hint="write the text to a file, or train afterwards with the command that the sweep prints",
        )  # fmt: skip
    refuse_strangers(folder, overwrite=False)


def swept(folder: Path, start: "partial[Sweep]") -> "Sweep":
    """Run the sweep; if it is stopped, print the command that resumes it.

    Raises:
        Exit: With code 130, if it is stopped.
    """
    try:
        return start()
    except KeyboardInterrupt:
        note(f"Stopped; finished trainings are kept in {folder}. Repeat the command to continue")
        raise click.exceptions.Exit(130) from None


def say_plan(plan: "SweepPlan") -> None:
    """Print the plan, and how the time is shared."""
    config = plan.config
    seeds = counted(config.seeds, "seed")
    kind = ("drawn " if config.trials is not None else "") + "configuration"
    finalists = "" if config.finalists is None else f" (then the best {config.finalists} only)"
    each = (
        f"{config.symbols_per_trial:,} symbols each"
        if config.minutes_per_trial is None
        else f"{duration(60 * config.minutes_per_trial)} of training each, without evaluations"
    )
    note(f"text     {one_line(plan.description)}")
    note(f"         {plan.characters:,} characters, {plan.held_out_characters:,} held out, the same for all")
    note(f"sweep    {counted(config.num_configurations, kind)} × {seeds}{finalists}, {each}")
    threads = counted(plan.threads, "thread")
    note(f"         {plan.workers} at a time with {threads} each, so that speeds can be compared")
    done = f"{counted(plan.settled, 'training')} done already, " if plan.settled else ""
    note(f"folder   {plan.folder}: {done}at most {plan.planned} to do{time_left(config, plan)}")


def time_left(config: Any, plan: "SweepPlan") -> str:
    """Return the longest time of the sweep in words, if trainings are measured by time."""
    if config.minutes_per_trial is None or not plan.planned:
        return ""
    rounds = -(-plan.planned // plan.workers)
    return f", about {duration(60 * config.minutes_per_trial * rounds)}"


class Running:
    """A reporter that prints a line for every training that ends.

    Args:
        config: The configuration of the sweep.
    """

    def __init__(self, config: Any) -> None:
        from unspool._sweeping.space import PARAMETERS, Range

        space = config.space
        self._named = [n for n in PARAMETERS if isinstance(space[n], Range) or len(space[n]) > 1]

    def __call__(self, run: "Run", left: int) -> None:
        """Print how a training ended, and how many are left."""
        from unspool._sweeping.space import label

        figure = f"{run.bits_per_character:.4f} bits/character" if run.curve else "not measured"
        why = f" ({run.message})" if run.message else ""
        name = f"{label(run.configuration, self._named)}, seed {run.seed}"
        note(one_line(f"{name}: {figure}, {run.state}{why}; {left} to do"))


def train_words(
    corpus: Sequence[str],
    result: "Sweep",
    groups: Sequence[tuple[dict[str, Any], Group]],
    *,
    validation: str | None,
    out: str | None,
) -> list[str]:
    """Return the command that trains the best configuration in full; empty if there is none."""
    if result.best is None:
        return []
    chosen = [word for values, group in groups for word in as_flags(values, group)]
    held_out = [] if validation is None else ["--validation", argument(validation)]
    folder = out or str(run_folder(corpus, None, resume=False))
    words = ["unspool", "train", *map(argument, corpus), *chosen, *held_out, *result.train_flags()]
    return [*words, "--out", argument(folder)]


def as_flags(values: dict[str, Any], group: Group) -> list[str]:
    """Return given values as flags."""
    words: list[str] = []
    for flag in group.flags:
        if (name := flag.option or flag.name) not in values:
            continue
        value, spelling = values[name], spelled(flag.name)
        if flag.kind is bool:
            words.append(spelling if value else str(flag.negative))
        else:
            for each in value if isinstance(value, list) else [value]:
                written = escaped(str(each)) if flag.parse is unescaped else str(each)
                words += [spelling, OFF if each is None else written]
    return words


def tell(result: "Sweep", words: Sequence[str], *, as_json: bool) -> None:
    """Print the result: the table, the sentence, the command."""
    from unspool._sweeping.results import flags

    if as_json:
        print_json({**result.to_dict(), "train": command_line(words) or None})
        return
    headings, rows = table(result)
    print_table(headings, rows, right=range(1, len(headings)))
    print_sentence(f"\n{result.verdict}")
    for run in result.failed:
        note(one_line(f"failed: {command_line(flags(run.configuration))}, seed {run.seed}: {run.message}"))
    if words:
        print(f"\nTrain the best in full with:\n  {command_line(words)}")
    print(f"\nWritten to {one_line(str(result.folder))}: sweep.svg, sweep.json")


def table(result: "Sweep") -> tuple[list[str], list[list[str]]]:
    """Return the headings, and a row for each configuration: the values that vary, and the outcome."""
    from unspool._sweeping.space import ALWAYS_NAMED, PARAMETERS, varying

    differing = varying([outcome.configuration for outcome in result.outcomes])
    names = [name for name in PARAMETERS if name in differing or name in ALWAYS_NAMED]
    headings = [*(name.replace("_", " ") for name in names), "parameters", "bits/character", "±", "seeds",
                "seconds", "characters/s", ""]  # fmt: skip
    rows = []
    for outcome in result.outcomes:
        bits, spread = outcome.bits_per_character, outcome.spread
        shown = [outcome.configuration[name] for name in names]
        rows.append([
            *(f"{value:.4g}" if isinstance(value, float) else str(value) for value in shown),
            "" if outcome.parameters is None else f"{outcome.parameters:,}",
            "" if bits is None else f"{bits:.4f}",
            "" if spread is None else f"{spread:.4f}",
            str(len(outcome.complete)),
            f"{outcome.seconds:.1f}",
            f"{outcome.characters_per_second:,.0f}",
            outcome.state if bits is None else "",
        ])  # fmt: skip
    return headings, rows
