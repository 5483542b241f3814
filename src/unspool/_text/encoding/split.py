"""The split of a corpus: the text alone decides whether it is held out of training.

A text is held out if its hash, read as a number between 0 and 1, is below the fraction. So equal texts are
always on the same side. The order of the corpus has no effect, and a text stays on its side if other texts
are added or removed. A larger fraction holds out the texts of a smaller one, and more.

The number is ``int.from_bytes(blake2b(text as UTF-8, digest_size=8, salt=seed), "big") / 2**64``, where the
salt is the seed in 16 bytes, little end first.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from unspool._configuration import check, is_real, is_whole
from unspool._errors import CorpusError
from unspool._screen.wording import counted
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record, normalized
from unspool._text.streams.builder import StreamBuilder
from unspool._text.streams.stream import TokenStream

Sided = tuple[Record, bool]  # a record, and whether it is held out

DIGEST_BYTES = 8
SALT_BYTES = hashlib.blake2b.SALT_SIZE


def is_held_out(text: str, *, fraction: float, seed: int = 0) -> bool:
    """Return whether a text is held out of training.

    Args:
        text: The text, in the Unicode form in which the corpus is read.
        fraction: Share of the different texts to hold out, from 0 to 1.
        seed: Chooses another set of texts, 0 or more, below 2**128.

    Returns:
        Whether it is held out; the same for the same arguments on every machine.

    Raises:
        ConfigError: If `fraction` or `seed` is out of its range.
    """
    return _digest(text, _hasher(seed)) < _limit(fraction)


def sides(
    records: Iterable[Record], recipe: EncodingRecipe, validation: Iterable[Record] | None = None
) -> Iterator[Sided]:
    """Read records in the recipe's Unicode form, each with whether it is held out.

    Args:
        records: The records; all pieces of a text are on the side of its first piece.
        recipe: The encoding recipe, which decides which records are held out.
        validation: Records to hold out in place of a part of `records`, read after these; or None.

    Yields:
        Each record with whether it is held out.
    """
    fraction, form = recipe.hashed_fraction, recipe.form
    rule = hash_split(fraction=fraction) if fraction and validation is None else lambda _: False
    whole, held_out = True, False
    for part, is_out in ((records, rule), (validation or (), lambda _: True)):
        for record in part:
            text = normalized(record.text, form)
            read = record if text is record.text else replace(record, text=text)
            if whole:
                held_out = is_out(read)
            whole = read.ends
            yield read, held_out


def whole_texts(records: Iterable[Record], validation: Iterable[Record] | None) -> Iterator[str]:
    """Yield the texts of records, those in pieces put together.

    Args:
        records: The records.
        validation: Further ones, read after these; or None.
    """
    pieces: list[str] = []
    for record in chain(records, validation or ()):
        pieces.append(record.text)
        if record.ends:
            yield "".join(pieces)
            pieces = []
    if pieces:
        yield "".join(pieces)


def refuse_nothing(training: StreamBuilder, validation: StreamBuilder) -> None:
    """Check that a corpus has text.

    Args:
        training: The training records.
        validation: The records that were held out.

    Raises:
        CorpusError: If there is no record, or no text in any.
    """
    records = training.num_records + validation.num_records
    if records == 0:
        raise CorpusError("the corpus is empty", expected="at least one record", got="none")
    if training.characters + validation.characters == 0:
        raise _no_text(records)


def refuse_unlearnable(training: TokenStream, validation: TokenStream) -> None:
    """Check that a split leaves text for training.

    Args:
        training: The training records.
        validation: The records that were held out.

    Raises:
        CorpusError: If there is no training record, or no text in the training records.
    """
    if not len(training):
        got = f"all {validation.num_records:,} held out"
        hint = "hold out nothing (--validation-fraction none), or use more text"
        raise CorpusError("no record is left for training", expected="at least one", got=got, hint=hint)
    if training.characters == 0:
        raise _no_text(training.num_records)


def _no_text(records: int) -> CorpusError:
    got = f"{counted(records, 'record')} without a known symbol"
    return CorpusError("the corpus has no text to learn from", expected="at least one character", got=got)


def hash_split(*, fraction: float, seed: int = 0) -> Callable[[Record], bool]:
    """Make a function that returns `is_held_out` of a record.

    Args:
        fraction: Share of the different texts to hold out, from 0 to 1.
        seed: Chooses another set of texts, 0 or more, below 2**128.

    Raises:
        ConfigError: If `fraction` or `seed` is out of its range.
    """
    hasher, limit = _hasher(seed), _limit(fraction)
    return lambda record: _digest(record.text, hasher) < limit


def _digest(text: str, hasher: "hashlib.blake2b") -> bytes:
    fresh = hasher.copy()  # takes half the time of a new one
    fresh.update(text.encode("utf-8", "surrogatepass"))  # a later step refuses it and knows its place
    return fresh.digest()


def digest_limit(fraction: float) -> int:
    """Return the number that is above the digests of held-out texts; 2**64 - 1 if all texts are held out.

    Raises:
        ConfigError: If `fraction` is out of its range.
    """
    return int.from_bytes(_limit(fraction)[:DIGEST_BYTES], "big")


def _limit(fraction: float) -> bytes:
    """Return the limit of digests as bytes, big end first, which sort like their numbers."""
    check("fraction", fraction, "a number from 0 to 1", is_real(fraction) and 0 <= fraction <= 1)
    if fraction == 1:
        return b"\xff" * (DIGEST_BYTES + 1)  # above every digest
    return int(fraction * 2 ** (8 * DIGEST_BYTES)).to_bytes(DIGEST_BYTES, "big")


def _hasher(seed: int) -> "hashlib.blake2b":
    within = is_whole(seed, least=0) and seed < 1 << (8 * SALT_BYTES)
    check("seed", seed, "a whole number from 0 to below 2**128", within)
    return hashlib.blake2b(digest_size=DIGEST_BYTES, salt=seed.to_bytes(SALT_BYTES, "little"))
