"""Canaries: made-up secrets that are planted in a training text, to look for them in the model later.

A format is a text with slots, ``my number is {digits:6}``. Its possible texts are numbered, so that one can
be drawn at random, or all of them can be listed (Carlini et al., "The Secret Sharer", 2019).
"""

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unspool._configuration import check, whole_range
from unspool._errors import ConfigError
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.split import hash_split
from unspool._text.records import Record, Records, normalized
from unspool._views.short_repr import short_repr

FORMAT = "my secret number is {digits:6}"
SLOTS = {"digits": "0123456789", "letters": "abcdefghijklmnopqrstuvwxyz"}
SLOT = re.compile(r"\{(" + "|".join(SLOTS) + r"):([1-9][0-9]?)\}")
SECRETS = whole_range(1, 1_000_000)  # all are in memory
DIGEST_BITS = 512


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """The secrets to plant in a training text.

    Args:
        count: Number of different secrets, ≥ 1.
        repeats: How often each secret is planted, ≥ 1.
        format: A text with at least one slot, ``{digits:N}`` or ``{letters:N}``, for N random characters.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> from unspool import Canaries
        >>> Canaries(count=2, repeats=3, format="the code is {letters:4}")
        Canaries(count=2, repeats=3, format='the code is {letters:4}')
    """

    count: int = 5
    repeats: int = 1
    format: str = FORMAT

    __repr__ = short_repr

    def __post_init__(self) -> None:
        for name, number in (("canaries", self.count), ("canary_repeats", self.repeats)):
            check(name, number, SECRETS.words, SECRETS.holds(number))
        size = CanaryFormat(self.format).size
        if self.count > size // 4:
            hint = "plant fewer, or make the slots longer"
            expected, got = "at most a quarter of all texts of their format", f"{self.count} of {size:,}"
            raise ConfigError("canaries", expected=expected, got=got, hint=hint)


class CanaryFormat:
    """A format with all its possible texts, by number.

    Args:
        text: The format.

    Raises:
        ConfigError: If it has no slot.
    """

    def __init__(self, text: str) -> None:
        slots = list(SLOT.finditer(text)) if isinstance(text, str) else []
        if not slots:
            expected = "a text with " + " or ".join(f"{{{name}:6}}" for name in SLOTS) + " in it"
            raise ConfigError("canary_format", expected=expected, got=repr(text))
        self.text = text
        choices: list[str] = []
        end = 0
        for slot in slots:
            choices += [*text[end : slot.start()], *[SLOTS[slot[1]]] * int(slot[2])]
            end = slot.end()
        self.choices: tuple[str, ...] = (*choices, *text[end:])

    @property
    def prefix(self) -> str:
        """Return the common beginning of all texts."""
        return "".join(itertools.takewhile(lambda choice: len(choice) == 1, self.choices))

    @property
    def size(self) -> int:
        """Return the number of texts: the size of the randomness space."""
        return math.prod(map(len, self.choices))

    def __getitem__(self, number: int) -> str:
        """Return a text by its number, from 0; the last slot changes first."""
        text = []
        for choice in reversed(self.choices):
            number, place = divmod(number, len(choice))
            text.append(choice[place])
        return "".join(reversed(text))

    def has(self, text: str) -> bool:
        """Return whether a text is one of the format's texts."""
        return len(text) == len(self.choices) and all(map(str.__contains__, self.choices, text))

    def within(self, symbols: Iterable[str]) -> "CanaryFormat":
        """Return the format with only these symbols in its slots; a slot with none of them stays as it is."""
        known, form = set(symbols), CanaryFormat(self.text)
        form.choices = tuple("".join(s for s in choice if s in known) or choice for choice in self.choices)
        return form

    def draw(self, count: int, *, seed: int, avoid: Callable[[str], bool] = lambda text: False) -> list[str]:
        """Draw different texts at random.

        Args:
            count: Number of texts, far fewer than there are.
            seed: The seed of the draws, ≥ 0; the same seed gives the same texts.
            avoid: A function that returns whether a text must not be drawn.
        """
        drawn: dict[str, None] = {}
        for turn in itertools.count():
            if len(drawn) == count:
                break
            text = self[_random_bits(seed, turn) * self.size >> DIGEST_BITS]
            if not avoid(text):
                drawn[text] = None
        return list(drawn)


def _random_bits(seed: int, turn: int) -> int:
    """Return the hash of a seed and a counter: enough bits for every format, the same on every machine."""
    digest = hashlib.blake2b(f"canary {seed} {turn}".encode(), digest_size=DIGEST_BITS // 8)
    return int.from_bytes(digest.digest(), "big")


def draw_canaries(canaries: Canaries | None, recipe: EncodingRecipe, *, seed: int) -> dict[str, Any]:
    """Draw the secrets of a run; none of them is held out by the split.

    Args:
        canaries: The secrets to plant; None for none.
        recipe: The encoding recipe of the run, which also says which texts are held out.
        seed: The run's seed.

    Returns:
        The entry of config.json under "data", in JSON types; empty for no secrets.

    Raises:
        ConfigError: If `canaries` is not a `Canaries`, or the tokenizer does not read single characters.
    """
    check("canaries", canaries, "Canaries, or None", isinstance(canaries, Canaries | None))
    if canaries is None:
        return {}
    kind = recipe.tokenizer_type.kind
    if kind != "char":
        raise ConfigError("canaries need the char tokenizer", got=repr(kind))
    form = CanaryFormat(normalized(canaries.format, recipe.form))
    held_out = hash_split(fraction=recipe.hashed_fraction)
    texts = form.draw(canaries.count, seed=seed, avoid=lambda text: held_out(Record(text)))
    return {"canaries": {"format": form.text, "repeats": canaries.repeats, "texts": texts}}


def planted_in(data: Mapping[str, Any]) -> Sequence[str]:
    """Return the secrets of a run.

    Args:
        data: The content of config.json under "data".
    """
    planted: Sequence[str] = (data.get("canaries") or {}).get("texts", ())
    return planted


def with_canaries(records: Records, data: Mapping[str, Any]) -> Records:
    """Return the records of a corpus with the secrets of a run before them.

    So in document mode they are in the part that is not held out; in line mode each epoch's order mixes them
    in.

    Args:
        records: The corpus.
        data: The content of config.json under "data".

    Returns:
        The records themselves if the run has no secrets, else new records with the same description and spec.

    Raises:
        ConfigError: If the stored entry is broken.
    """
    planted = data.get("canaries")
    if planted is None:
        return records
    try:
        secrets = [Record(str(text)) for text in planted["texts"] for _ in range(int(planted["repeats"]))]
    except (KeyError, TypeError, ValueError):
        expected = "an object with texts and repeats"
        raise ConfigError("config.json: data: canaries", expected=expected, got=repr(planted)) from None

    def read() -> Iterator[Record]:
        yield from secrets
        yield from records

    return Records(
        read,
        description=records.description,
        document=records.document,
        normalization=records.normalization,
        spec=records.spec,
        notes=records.notes,
    )
