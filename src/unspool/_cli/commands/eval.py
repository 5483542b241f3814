"""``unspool eval``: how well a model predicts a corpus."""

from dataclasses import asdict, replace
from typing import Annotated

from unspool._cli.flags.flag import Argument, FlagValues, takes
from unspool._cli.flags.shared import COMPUTING, READING, Adapt, AsJson, ModelFolder, UnknownInTexts
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.left_out import note_left_out
from unspool._cli.output.printing import finite, note, print_json
from unspool._cli.output.tables import print_facts
from unspool._errors import ConfigError


@takes(READING, COMPUTING)
def evaluate(
    *,
    folder: ModelFolder,
    corpus: Annotated[
        list[str],
        Argument(metavar="CORPUS…", help="Paths, - for standard input, or a name from `unspool corpora`."),
    ],
    unknown: UnknownInTexts = None,
    adapt: Adapt = False,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Measure how well a model predicts a corpus."""
    import unspool
    from unspool._model.scoring import evaluate_both

    model = unspool.load(folder, **flags.computing)
    records = open_corpus(corpus, flags.reading)
    if model.data.get("document") and not records.document:
        note("the model was trained on one document: use --document to read this corpus in the same way")
    names = ", ".join(attribute.name for attribute in model.schema.attributes)
    if names and not flags.reading.get("context"):
        note(f"the model was trained with {names}: choose the columns with --context to use them")
    if flags.reading.get("context") and not names:
        note("the model was trained without a context: --context has no effect")
    if model.source_tokenizer is not None and not records.pairs:
        raise ConfigError(
            "the model was trained on pairs, and the corpus has no sources",
            hint="name the column of the sources (--source) and the column of the texts (--target)",
        )
    note_left_out(model.tokenizer)
    precision, lost = model.runner.inference, None
    if precision == "float32":
        result = model.evaluate(records, unknown=unknown, adapt=adapt)
    else:
        exact = replace(model, precision="float32")
        before, result = evaluate_both(exact, model, records, unknown=unknown, adapt=adapt)
        lost = result.bits_per_character - before.bits_per_character
    if as_json:
        figures = asdict(result) | {"bits_per_character_lost": lost}
        print_json({name: finite(value) for name, value in figures.items()} | {"precision": precision})
        return
    print_facts(
        [
            ("bits per character", f"{result.bits_per_character:.4f}"),
            *([] if lost is None else [(f"lost by {precision}", f"{lost:+.4f} bits per character")]),
            ("loss", f"{result.loss:.4f} nats per symbol"),
            ("perplexity", f"{result.perplexity:.4f} per symbol"),
            ("symbols", f"{result.symbols:,} (with the end of each text)"),
            ("characters", f"{result.characters:,}"),
            *([] if result.unspelled is None else [("not spelled", f"{result.unspelled:,} <unk>")]),
            *([] if result.exact is None else [("answered exactly", f"{result.exact:.2%} of the sources")]),
        ]
    )
