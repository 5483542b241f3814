"""``unspool sample``: write with a trained model."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import click

from unspool._cli.flags.flag import Argument, FlagValues, spelled, takes
from unspool._cli.flags.shared import (
    ASKED,
    COLLECTING,
    COMPUTING,
    CONSTRAINTS,
    KNOWN,
    ROWS,
    SAMPLING,
    SEARCH,
    AsJson,
    ModelFolder,
    UnknownSymbols,
)
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.printing import complain, for_stdout, print_json
from unspool._cli.output.text_json import as_dict
from unspool._cli.steps.collecting import FEWER, note_cut
from unspool._cli.steps.shards import BLOCKING, Shard, ShardFlag, check_sampling
from unspool._configuration import to_dict
from unspool._errors import ConfigError

if TYPE_CHECKING:
    from unspool._model import Generator


@takes(
    KNOWN,
    ASKED,
    ROWS,
    SAMPLING,
    CONSTRAINTS,
    SEARCH,
    COLLECTING,
    COMPUTING,
    leading=("n", "temperature", "max_new_tokens", "seed", "regex", "out"),
    examples=(
        "unspool sample runs/titles",
        'unspool sample runs/titles "How to " -n 20 -t 0.8',
        "unspool sample runs/titles -n 1000 --unique --novel -o titles.csv",
        "unspool sample runs/people -n 1000 --given country=FR age=30..40 -o people.csv",
    ),
)
def sample(
    *,
    folder: ModelFolder,
    prompts: Annotated[
        list[str] | None,
        Argument(metavar="[PROMPT]...", help="Texts to continue; without one, the text starts from nothing."),
    ] = None,
    unknown: UnknownSymbols = "error",
    shard: ShardFlag = None,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Write texts with a trained model.

    A single text appears while it is written; several texts are printed one per line. Options that are not
    given come from the model's generation_config.json. The exit code is 3 if too few texts are found, and 130
    after Ctrl-C; the texts found so far are written in both cases.
    """
    import unspool
    from unspool._model.parts import own_options

    model = unspool.load(folder, **flags.computing).conditioned_on(**flags.known)
    if "table" in model.data or flags.rows:
        from unspool._cli.steps.rows import sample_table

        sample_table(model, prompts, flags, as_json=as_json)
        return
    texts = prompts or [""]
    constraint = unspool.Constraint(**flags.constraints) if flags.constraints else None
    keywords = {"unknown": unknown, "constraint": constraint}
    options = own_options(model) | flags.sampling | keywords
    if shard is not None:
        check_sampling(flags, options, as_json=as_json)
    sources = sources_of(flags.asked)
    if sources:
        if len(sources) > 1 and not flags.search:
            refuse_to_choose(flags.collecting)
            write_answers(model, texts, sources, options, shard, as_json=as_json)
            return
        model = model if flags.search else model.conditioned_on(source=sources[0], unknown=unknown)
    if flags.search:
        from unspool._cli.steps.beams import beam_options, write_beams

        chosen = beam_options(flags) | keywords
        chosen |= {"source": sources} if sources else {}
        write_beams(model, texts, chosen, as_json=as_json)
        return
    alone = len(texts) == 1 and options.get("n", 1) == 1 and not (as_json or flags.collecting or shard)
    if options["best_of"] is not None and not flags.collecting:
        write_all(model, texts, options, as_json=as_json)
    elif alone and not (flags.constraints and may_block(options)):
        stream_one(model, texts[0], options)
    else:
        collect_many(model, texts, options, flags.collecting, shard, as_json=as_json)


def sources_of(asked: dict[str, Any]) -> list[str]:
    """Return the sources to answer.

    Raises:
        CorpusError: If the file cannot be read or has no line.
    """
    sources: list[str] = list(asked.get("source", []))
    if "source_file" in asked:
        lines = open_corpus(asked["source_file"], {"format": "text", "normalization": None})
        sources += [record.text for record in lines]
    return sources


def refuse_to_choose(collecting: dict[str, Any]) -> None:
    """Check that no flag selects texts one by one, since several sources are answered together.

    Raises:
        ConfigError: If there is such a flag.
    """
    if collecting:
        hint = "answer one source at a time, or leave it out"
        raise ConfigError(
            spelled(next(iter(collecting))), expected="none beside several sources", got="one", hint=hint
        )


def may_block(options: dict[str, Any]) -> bool:
    """Return whether the options may forbid all tokens that a constraint allows."""
    return any(options[name] for name in BLOCKING)


def write_answers(
    model: "Generator",
    prompts: list[str],
    sources: list[str],
    options: dict[str, Any],
    shard: Shard | None,
    *,
    as_json: bool,
) -> None:
    """Answer several sources, or those of a part, each text by its own number.

    Raises:
        ConfigError: If each source has a prompt of its own, and a part is asked for.
    """
    if shard is None:
        write_all(model, prompts, options | {"source": sources}, as_json=as_json)
        return
    if len(prompts) > 1:
        raise ConfigError("--shard takes one prompt for all sources", expected="one", got=str(len(prompts)))
    n = options.get("n", 1)
    numbers = shard.of(len(sources) * n)
    if numbers:
        own = {"source": [sources[number // n] for number in numbers], "n": 1, "first": numbers.start}
        write_all(model, prompts, options | own, as_json=as_json, begins=shard.begins)


def write_all(
    model: "Generator", prompts: list[str], options: dict[str, Any], *, as_json: bool, begins: bool = True
) -> None:
    """Write all texts at once, and print the texts that meet their constraint.

    Raises:
        Exit: With code 3, if a text does not.
    """
    from unspool._cli.output.text_files import may_have_lines, print_texts

    texts = model.generate(prompts, **options)
    met = [text for text in texts if options["constraint"] is None or text.finish_reason != "blocked"]
    if as_json:
        print_json([as_dict(text) for text in met])
    else:
        print_texts(met, lines=may_have_lines(model, prompts), begins=begins)
    note_cut(sum(text.finish_reason == "length" for text in met), len(met), model, options)
    if len(met) < len(texts):
        got = f"{len(met)} of {len(texts)}: the others could not meet the constraint"
        complain(f"too few texts found: {got}; relax --no-repeat-ngram-size or --logit-bias")
        raise click.exceptions.Exit(FEWER)


def collect_many(
    model: "Generator",
    prompts: list[str],
    options: dict[str, Any],
    collecting: dict[str, Any],
    shard: Shard | None,
    *,
    as_json: bool,
) -> None:
    """Write the texts that pass the selection, or those of a part, as they are drawn."""
    from unspool._cli.output.new_files import checked_path
    from unspool._cli.output.text_files import (
        FILES,
        file_sink,
        json_sink,
        may_have_lines,
        refuse_line_ends,
        screen_sink,
    )
    from unspool._cli.steps.collecting import is_kept, run_collection, selection_of

    out, overwrite = collecting.get("out"), bool(collecting.get("overwrite"))
    path = None if out is None else checked_path("--out", out, FILES, overwrite=overwrite)
    if path is not None:
        refuse_line_ends(path, model, prompts, filtered="valid" in collecting)
    collection = model.collect(prompts, **options, **selection_of(model, collecting))
    if shard is not None:
        collection.only(shard.of(collection.report.asked))
    kept = partial(is_kept, collection, shard)
    begins = shard is None or shard.begins
    if path is not None:
        sink = file_sink(path, kept, begins=begins)
    elif as_json:
        sink = json_sink(as_dict, (lambda: to_dict(collection.report)) if collecting else None)
    else:
        sink = screen_sink(lines=may_have_lines(model, prompts), begins=begins)
    code = run_collection(collection, sink, kept, out=path, reported=bool(collecting) and not as_json)
    report = collection.report
    note_cut(report.cut, report.accepted, model, options)
    if as_json and path is not None:
        print_json({"out": str(path) if kept() else None, "report": to_dict(report)})
    if code:
        raise click.exceptions.Exit(code)


def stream_one(model: "Generator", prompt: str, options: dict[str, Any]) -> None:
    """Print a text while it is drawn."""
    for unused in ("n", "best_of", "logprobs", "echo"):
        options.pop(unused, None)
    pieces, reason = model.stream(prompt, **options), None
    read = model.tokenizer.decode(model.tokenizer.encode(prompt, unknown=options["unknown"]))
    sys.stdout.write(for_stdout(read))
    while reason is None:
        try:
            sys.stdout.write(for_stdout(next(pieces)))
            sys.stdout.flush()
        except StopIteration as end:
            reason = str(end.value)
    sys.stdout.write("\n")
    note_cut(reason == "length", 1, model, options)
