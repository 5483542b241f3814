"""The split of a corpus that is not what most are: a few texts make up much of it, or there are few texts.

The usual split (`split`) holds out each text by its hash, with all its copies. Where copies of a few texts
are a large share of the records, the held-out part is then all copies of a few lines, or of another size than
asked for; where there are few texts nothing may be left to learn from. Such a corpus is split in its own way,
which is the same on every machine and for every order of its records:

- A text is **repeated** if it stands there `LEAST_COPIES` times or more and its copies would be more than
  `MOST_OF_HELD_OUT` of the held-out part.
- The corpus is **unusual** if copies of repeated texts are more than `UNUSUAL` of its records or of what the
  usual split holds out, if the usual split leaves nothing to learn from, or if there are so few different
  texts that the share to hold out is less than one of them.
- Repeated texts are always learnt. Of the others, those with the smallest hashes are held out with all their
  copies, until they are the share of all records that was asked for, but at most `MOST_OF_OTHERS` of the
  others, or that share of them if it is larger. With too few different texts nothing is held out.

With sources, an unusual corpus is split by text and source: many sources may have one answer. A record
with an ``<unk>`` is never repeated and keeps the side that the hash of its text gave it.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unspool._kernels.matching import hash_records
from unspool._text.encoding.encoded_corpus import EncodedCorpus, UnusualSplit
from unspool._text.novelty import texts_of
from unspool._text.streams.builder import StreamBuilder
from unspool._text.streams.stream import TokenStream

LEAST_COPIES = 5
MOST_OF_HELD_OUT = 0.05
UNUSUAL = 0.2
MOST_OF_OTHERS = 0.25

BUCKET_BITS = 20
PREFIX = 24  # tokens of a record that tell it from most others
AT_ONCE = 1 << 18  # records that are looked at together
FEW_RECORDS = 1 << 16  # at most so many are all compared, to count the different texts

Flags = NDArray[np.bool_]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class NewSides:
    """The sides of the records of an unusual corpus.

    Args:
        training: Whether each record that was to be learnt is held out now.  # (training records,)
        validation: Whether each record that was held out still is.  # (held-out records,)
        split: What is unusual, and what became of it.
    """

    training: Flags
    validation: Flags
    split: UnusualSplit

    def order(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the records of the two new parts, numbered through the old parts, one after the other."""
        out = np.concatenate([self.training, self.validation])
        return np.flatnonzero(~out), np.flatnonzero(out)


def new_sides(
    encoded: EncodedCorpus,
    fraction: float,
    *,
    sources: Iterable[str] | None = None,
    planted: Collection[str] = (),
) -> NewSides | None:
    """Return the sides of the records of an unusual corpus; None for any other.

    Args:
        encoded: The corpus, split as usual.
        fraction: Share of the records to hold out, above 0 and below 1.
        sources: The source of each record, of those to learn from first; None without sources.
        planted: Texts that must be learnt.
    """
    parts = (encoded.training, encoded.validation)
    records = sum(part.num_records for part in parts)
    readable = [_readable(part) for part in parts]
    repeated = _repeated(zip(parts, readable, strict=True), least=_copies(fraction * records))
    flags = [_among(part, repeated) & known for part, known in zip(parts, readable, strict=True)]
    usual = parts[0].num_records > 0 and fraction * _different(parts, readable) >= 1
    if usual and max(_share(np.concatenate(flags)), _share(flags[1])) <= UNUSUAL:
        return None
    texts = (text for part in parts for text in texts_of(part, encoded.tokenizer))
    keys = texts if sources is None else map("\0".join, zip(texts, sources, strict=True))
    hashes = np.fromiter(map(_number, keys), np.uint64, records)
    learnt, known = np.concatenate(flags), np.concatenate(readable)
    if sources is not None:
        learnt = _copied(hashes, _copies(fraction * records)) & known
    if planted:
        learnt |= np.isin(hashes, np.array([_number(text) for text in planted], np.uint64))
    out = ~known & (np.arange(records) >= len(flags[0]))  # copies of what is not known in full stay together
    if records > FEW_RECORDS or fraction * (len(np.unique(hashes[known])) + np.count_nonzero(~known)) >= 1:
        share, able = max(MOST_OF_OTHERS, fraction) * np.count_nonzero(~learnt), known & ~learnt
        most = int(min(share, fraction * records)) - int(np.count_nonzero(out))
        out |= _smallest(hashes, able, max(0, min(most, int(np.count_nonzero(able)) - 1)))
    split = UnusualSplit(
        records=records,
        repeated_texts=len(np.unique(hashes[learnt])),
        copies=int(np.count_nonzero(learnt)),
        held_out=int(np.count_nonzero(out)),
    )
    return NewSides(out[: len(flags[0])], out[len(flags[0]) :], split)


def with_new_sides(encoded: EncodedCorpus, sides: NewSides) -> EncodedCorpus:
    """Return an encoded corpus whose records have other sides, in bounded memory.

    Args:
        encoded: The corpus, without contexts and sources.
        sides: The new sides.
    """
    builders = (StreamBuilder(), StreamBuilder())
    table = np.arange(encoded.tokenizer.vocab_size, dtype=np.uint32)
    table[0] = encoded.tokenizer.eos_id
    for part, held_out in ((encoded.training, sides.training), (encoded.validation, sides.validation)):
        for first in range(0, part.num_records, AT_ONCE):
            numbers = np.arange(first, min(first + AT_ONCE, part.num_records))
            for builder, chosen in zip(builders, (~held_out[numbers], held_out[numbers]), strict=True):
                if chosen.any():
                    _add(builder, part.take(numbers[chosen]))
            part.give_back()
    lengths = encoded.training.symbol_lengths
    spelling: dict[int, float] | None = None if encoded.training.spelling is None else {}
    training, validation = (
        builder.finish(table, symbol_lengths=lengths, spelling=spelling) for builder in builders
    )
    return replace(encoded, training=training, validation=validation, split=sides.split)


def _add(builder: StreamBuilder, chosen: TokenStream) -> None:
    ends = np.append(chosen.starts[1:], len(chosen))
    numbers = chosen.ids.copy()
    numbers[ends - 1] = 0
    builder.add_ended(numbers, ends=ends, characters=chosen.characters, spelling=chosen.spelling)


def _copies(held_out: float) -> int:
    """Return the number of copies from which on a text is repeated, for a number of held-out records."""
    return max(LEAST_COPIES, int(MOST_OF_HELD_OUT * held_out) + 1)


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def _number(text: str) -> int:
    """Return the number by which `split` decides as well."""
    raw = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big")


def _repeated(parts: Iterable[tuple[TokenStream, Flags]], *, least: int) -> Hashes:
    """Return the hashes of the readable records that stand in a corpus `least` times or more.

    A table counts beginnings, so that only records whose beginning is frequent are compared as a whole.
    """
    parts = list(parts)
    counts = np.zeros(1 << BUCKET_BITS, np.int64)
    for part, _ in parts:
        for first in range(0, part.num_records, AT_ONCE):
            counts += np.bincount(_buckets(part, first), minlength=len(counts))
            part.give_back()
    frequent = counts >= least
    found, copies = np.empty(0, np.uint64), np.empty(0, np.int64)
    if not frequent.any():
        return found
    for part, readable in parts:
        for first in range(0, part.num_records, AT_ONCE):
            some = readable[first : first + AT_ONCE]
            chosen = first + np.flatnonzero(frequent[_buckets(part, first)] & some)
            new, times = np.unique(_hashes(part, chosen), return_counts=True)
            found, places = np.unique(np.concatenate([found, new]), return_inverse=True)
            copies = np.bincount(places, np.concatenate([copies, times]), len(found)).astype(np.int64)
            part.give_back()
    return found[copies >= least]


def _buckets(part: TokenStream, first: int) -> NDArray[np.int64]:
    """Return the place in the table of some records: it depends on their length and their beginning."""
    begins, ends = _bounds(part, np.arange(first, min(first + AT_ONCE, part.num_records)))
    hashes = hash_records(part.ids, begins, np.minimum(ends, begins + PREFIX))
    hashes ^= (ends - begins).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (hashes >> np.uint64(64 - BUCKET_BITS)).astype(np.int64)


def _hashes(part: TokenStream, records: NDArray[np.int64]) -> Hashes:
    return hash_records(part.ids, *_bounds(part, records))


def _readable(part: TokenStream) -> Flags:
    """Return which records have no ``<unk>``: of the others, the ids do not say whether they are equal."""
    readable = np.ones(part.num_records, np.bool_)
    for first in range(0, 0 if part.unk_id is None else part.num_records, AT_ONCE):
        numbers = np.arange(first, min(first + AT_ONCE, part.num_records))
        begins, ends = _bounds(part, numbers)
        unks = part.ids[begins[0] : ends[-1]] == part.unk_id
        readable[numbers] = ~np.logical_or.reduceat(unks, begins - begins[0])
    return readable


def _bounds(part: TokenStream, records: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where some records begin and end."""
    last = records + 1 == part.num_records
    following = part.starts[np.minimum(records + 1, part.num_records - 1)]
    return part.starts[records], np.where(last, len(part), following)


def _among(part: TokenStream, repeated: Hashes) -> Flags:
    """Return which records of a part have one of some hashes."""
    flags = np.zeros(part.num_records, np.bool_)
    for first in range(0, part.num_records if len(repeated) else 0, AT_ONCE):
        numbers = np.arange(first, min(first + AT_ONCE, part.num_records))
        flags[numbers] = np.isin(_hashes(part, numbers), repeated)
        part.give_back()
    return flags


def _different(parts: Sequence[TokenStream], readable: Sequence[Flags]) -> float:
    """Count the different records of a short corpus, each unreadable one; infinity for a long corpus."""
    if sum(part.num_records for part in parts) > FEW_RECORDS:
        return np.inf
    hashes = [_hashes(part, np.flatnonzero(known)) for part, known in zip(parts, readable, strict=True)]
    return len(np.unique(np.concatenate(hashes))) + int(sum(np.count_nonzero(~known) for known in readable))


def _copied(hashes: Hashes, least: int) -> Flags:
    """Return which of some hashes stand there `least` times or more."""
    different, counts = np.unique(hashes, return_counts=True)
    return np.isin(hashes, different[counts >= least])


def _smallest(hashes: Hashes, able: Flags, most: int) -> Flags:
    """Return which records are held out: those with the smallest hashes, all copies of one or none.

    Args:
        hashes: The hash of each record.  # (R,)
        able: Whether each may be held out.  # (R,)
        most: The highest number of records to hold out, fewer than may be.
    """
    if not most:
        return np.zeros(len(hashes), np.bool_)
    out: Flags = able & (hashes < np.partition(hashes[able], most)[most])
    return out
