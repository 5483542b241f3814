"""What a model makes of texts: their scores, and what may come after one."""

from pathlib import Path

from unspool._configuration import check
from unspool._errors import CorpusError
from unspool._evaluation.next_symbols import NextSymbols, named_symbols
from unspool._evaluation.reader import TextReader
from unspool._evaluation.scorer import Scorer, TextScore
from unspool._evaluation.streams import Evaluation, evaluate_adapting, evaluate_stream
from unspool._generation.options.keywords import generation_options
from unspool._generation.sampling.probabilities import probabilities
from unspool._model.parts import ModelParts
from unspool._network.conditions import schema_of
from unspool._text.containers import is_missing_value, items_of
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.opening import Readable, as_records
from unspool._text.reading.notes import Notes
from unspool._text.reading.read_options import STANDARD_INPUT
from unspool._text.records import Record, Records
from unspool._text.tokenizers.unknown import Unknown
from unspool._text.whole_records import whole_records


def make_scorer(
    parts: ModelParts,
    *,
    prompt: str = "",
    ended: bool = True,
    unknown: Unknown | None = None,
    adapt: bool = False,
) -> Scorer:
    """Make what texts are scored with; the arguments are those of `Generator.score`."""
    check("prompt", prompt, "a string", isinstance(prompt, str))
    check("adapt", adapt, "true or false", isinstance(adapt, bool))
    rules = (None, "error", "drop", "replace")
    check("unknown", unknown, "error, drop, replace or None", unknown in rules)
    return Scorer(
        parts.runner,
        parts.parameters,
        parts.tokenizer,
        prompt=prompt,
        ended=ended,
        unknown=unknown,
        schema=parts.schema,
        adapt=adapt,
    )


def score(scorer: Scorer, texts: Readable) -> list[TextScore]:
    """Score texts, each from its start to its end; see `Generator.score`."""
    return list(scorer.scores(texts_of("texts", texts)))


def evaluate_both(
    exact: ModelParts, other: ModelParts, on: Readable, *, unknown: Unknown | None, adapt: bool = False
) -> tuple[Evaluation, Evaluation]:
    """Measure two forms of a model on the same texts, also on texts that can be read only once."""
    corpus = as_records(on)
    if corpus.once or corpus.spec.get("source") == STANDARD_INPUT:
        corpus = corpus.gathered()
    first, second = (
        evaluate(parts, corpus, document=None, unknown=unknown, adapt=adapt) for parts in (exact, other)
    )
    return first, second


def evaluate(
    parts: ModelParts,
    records: Readable,
    *,
    document: bool | None,
    unknown: Unknown | None,
    adapt: bool = False,
) -> Evaluation:
    """Measure how well a model predicts a corpus; see `Generator.evaluate`."""
    corpus = as_records(records)
    sources, schema = parts.source_tokenizer, schema_of(parts.data)
    fits = sources is not None or not corpus.pairs
    check("records", "texts with sources", "texts only: the model was trained without sources", fits)
    recipe = EncodingRecipe(tokenizer=parts.tokenizer, unknown=unknown, contexts=schema, sources=sources)
    check("adapt", adapt, "true or false", isinstance(adapt, bool))
    check("adapt", adapt, "false with sources: an answer depends on its source", not (adapt and sources))
    measure = evaluate_adapting if adapt else evaluate_stream
    return measure(
        parts.runner,
        parts.parameters,
        encode_corpus(corpus, recipe).training,
        eos_id=parts.tokenizer.eos_id,
        document=corpus.document if document is None else document,
    )


def next_symbols(
    parts: ModelParts, prompt: str, *, temperature: float, top: int | None, unknown: Unknown
) -> NextSymbols:
    """Return what may come after a text, the most probable first; see `Generator.next_symbols`."""
    options = generation_options({"temperature": temperature})
    check("prompt", prompt, "a string", isinstance(prompt, str))
    ids = parts.tokenizer.encode(prompt, unknown=unknown)
    reader = TextReader(parts.runner, parts.parameters)
    reader.read(ids)
    return named_symbols(probabilities(reader.logits_after(len(ids)), options), parts.tokenizer, top=top)


def strings_of(name: str, values: Readable) -> list[str]:
    """Gather texts without what else is known of them; see `texts_of`."""
    return [text.text if isinstance(text, Record) else text for text in texts_of(name, values)]


def texts_of(name: str, values: Readable) -> list[str | Record]:
    """Gather texts, each in its place, and refuse a single one, which would be taken letter by letter.

    Args:
        name: What the argument is called.
        values: The texts: a list, a column of a table, records, or a file.

    Raises:
        CorpusError: If they are no strings, or only one.
    """
    if isinstance(values, str | Path | Records):
        return list(whole_records(as_records(values, what=name)))
    texts: list[str | Record] = []
    for place, text in enumerate(items_of(values, Notes())):
        if not isinstance(text, str | Record):
            hint = "leave it out, so that each result has its text" if is_missing_value(text) else None
            raise CorpusError(f"{name}[{place}]", expected="a string", got=repr(text)[:60], hint=hint)
        texts.append(text)
    return texts
