"""Encode a corpus by a recipe, in two parts: one to learn from and one that is held out.

The result for large files is stored in the cache and read from there the next time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial

from unspool._text.encoding.cache import reused
from unspool._text.encoding.contexts import ContextGatherer
from unspool._text.encoding.encoded_corpus import EncodedCorpus, NumberedCorpus
from unspool._text.encoding.lines_to_ids import number_lines
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.records_to_ids import number_records
from unspool._text.encoding.repeats import new_sides, with_new_sides
from unspool._text.encoding.source_texts import SourceGatherer, with_sources
from unspool._text.encoding.split import refuse_unlearnable, sides, whole_texts
from unspool._text.records import Record, Records


def encode_corpus(
    records: Iterable[Record],
    recipe: EncodingRecipe,
    validation: Iterable[Record] | None = None,
    *,
    planted: Collection[str] = (),
) -> EncodedCorpus:
    """Read records once and encode them, making a tokenizer on the way or using an existing one.

    A new tokenizer knows the symbols of the whole corpus, those of held-out records too, so that every text
    can be scored. Records whose `ends` is False are joined with the next one, without ``<eos>``; the first
    piece decides whether all of them are held out. A record without text is an ``<eos>`` alone.

    Args:
        records: The texts.
        recipe: How they become ids.
        validation: Texts to hold out in place of a part of `records`, or None.
        planted: Texts among the records that must be learnt.

    Returns:
        The tokenizer and the two parts. What was passed over or looks damaged is warned of, unless a function
        of the records' notes reports it.

    Raises:
        ConfigError: If a record has a context that the recipe does not know.
        CorpusError: If a text cannot be read, there is none, nothing is left to learn from, or one has a
            lone surrogate.
        UnknownSymbolError: If a symbol is unknown to an existing tokenizer, and that is an error.
        TokenizerError: If the corpus has more different words than a tokenizer can hold.

    Example:
        >>> encode_corpus(Records.of(["abc", "ab"]), EncodingRecipe()).training.ids.tolist()
        [1, 2, 3, 4, 1, 2, 4]
    """
    parts = [records] if validation is None else [records, validation]
    files = [part for part in parts if isinstance(part, Records)]
    splits = 0 < recipe.hashed_fraction < 1 and recipe.minds_repeats and validation is None
    rebalanced = (
        partial(_rebalanced, fraction=recipe.hashed_fraction, planted=planted) if splits else _as_usual
    )
    if not recipe.texts_alone:
        encoded = _encode(records, recipe, validation, rebalanced)
    elif len(files) < len(parts):
        encoded = rebalanced(_encode(records, recipe, validation))
    else:  # the cache has corpora that are split as usual
        encoded = rebalanced(reused(lambda: _encode(records, recipe, validation), files, recipe))
    refuse_unlearnable(encoded.training, encoded.validation)
    for part in files:
        part.notes.warn()
    return encoded


Rebalance = Callable[..., EncodedCorpus]


def _as_usual(encoded: EncodedCorpus, *gatherers: object) -> EncodedCorpus:
    return encoded


def _rebalanced(
    encoded: EncodedCorpus,
    contexts: ContextGatherer | None = None,
    sources: SourceGatherer | None = None,
    *,
    fraction: float,
    planted: Collection[str],
) -> EncodedCorpus:
    """Split an unusual corpus in its own way, with what is known of its records."""
    read = None if sources is None else sources.by_side()
    sides = new_sides(encoded, fraction, sources=read, planted=planted)
    if sides is None:
        return encoded
    for gatherer in (contexts, sources):
        if gatherer is not None:
            gatherer.move(*sides.order())
    return with_new_sides(encoded, sides)


def _encode(
    records: Iterable[Record],
    recipe: EncodingRecipe,
    validation: Iterable[Record] | None,
    rebalanced: Rebalance = _as_usual,
) -> EncodedCorpus:
    if validation is not None:
        recipe = replace(recipe, validation_fraction=None)
    if isinstance(records, Records) and records.lines and validation is None and recipe.texts_alone:
        numbered = number_lines(records.lines(), recipe)
        if numbered is not None:
            return _finished(numbered)
    if recipe.known is None and not recipe.counts:
        records = list(records) if isinstance(records, Iterator) else records
        validation = list(validation) if isinstance(validation, Iterator) else validation
        recipe = recipe.learnt(lambda: whole_texts(records, validation))
    sided = sides(records, recipe, validation)
    contexts = None if recipe.contexts is None else ContextGatherer()
    sources = None if recipe.sources is None else SourceGatherer()
    for gatherer in (contexts, sources):
        if gatherer is not None:
            sided = gatherer.passing(sided)
    encoded = rebalanced(_finished(number_records(sided, recipe)), contexts, sources)
    if contexts is not None:
        encoded = contexts.joined(encoded, recipe.contexts)
    if sources is not None:
        read = recipe.for_sources(encoded.tokenizer).learnt(sources.texts)
        encoded = with_sources(encoded, _finished(number_records(sources.sides(read.form), read)))
    if recipe.document and recipe.validation_fraction is not None:
        head, tail = encoded.training.tail_split(recipe.validation_fraction)
        return replace(encoded, training=head, validation=tail)
    return encoded


def _finished(numbered: NumberedCorpus) -> EncodedCorpus:
    """Convert the numbers of both parts to ids."""
    lengths = numbered.tokenizer.symbol_lengths
    symbol_lengths = None if (lengths[1:-1] == 1).all() else lengths
    training, validation = (
        part.finish(numbered.table, symbol_lengths=symbol_lengths, spelling=numbered.spelling)
        for part in (numbered.training, numbered.validation)
    )
    return EncodedCorpus(numbered.tokenizer, training, validation, numbered.unknown)


def fingerprints(encoded: EncodedCorpus) -> dict[str, str]:
    """Return a hash of each part, which shows later whether a corpus is still the same."""
    return {
        "training": encoded.training.fingerprint(),
        "validation": encoded.validation.fingerprint(),
    }
