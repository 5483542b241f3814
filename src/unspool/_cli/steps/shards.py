"""One part of a work that several machines share: contiguous parts, which one after the other are the whole.

Text *i* of a seed is the same text wherever it is written, and a text is scored alone, so a part needs to
know nothing of the others. What looks at several texts at once has no parts, and is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.flags.flag import Flag, Option, spelled
from unspool._errors import ConfigError

if TYPE_CHECKING:
    from unspool._cli.flags.flag import FlagValues


@dataclass(frozen=True)
class Shard:
    """Part K of N.

    Args:
        part: The number of the part, from 1.
        parts: How many parts there are.
    """

    part: int
    parts: int

    @property
    def begins(self) -> bool:
        """Whether the whole begins here, with a row of names if it has one."""
        return self.part == 1

    def of(self, count: int) -> range:
        """Return the numbers of the items in this part, from 0; the first parts have one more if need be."""
        size, longer = divmod(count, self.parts)
        begin = (self.part - 1) * size + min(self.part - 1, longer)
        return range(begin, begin + size + (self.part <= longer))


def shard(value: str) -> Shard:
    """Read ``K/N``."""
    part, _, parts = value.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise ValueError(value)
    return Shard(int(part), int(parts))


SHARD = Flag(
    "shard",
    str,
    "Part K of N parts, K/N, which one after the other are the whole",
    default="the whole",
    parse=shard,
    words="K/N, part K of N parts, from 1/N to N/N",
)
ShardFlag = Annotated[Shard | None, Option(SHARD)]


def refuse_dependent(reasons: Mapping[str, Any]) -> None:
    """Check that nothing makes texts depend on each other.

    Args:
        reasons: The flags that would, as in Python, with their values; None and False are no reason.

    Raises:
        ConfigError: If one is set.
    """
    for name, value in reasons.items():
        if value not in (None, False):
            raise ConfigError(
                f"{spelled(name)} does not work with --shard: it looks at more than one text",
                hint="leave it out, and choose from the whole once all parts are there",
            )


def refuse_document(*, as_json: bool) -> None:
    """Check that the output has parts.

    Raises:
        ConfigError: If it is one JSON document.
    """
    if as_json:
        hint = "write lines: --out PART.jsonl"
        raise ConfigError("--json does not work with --shard: a part of a JSON document is none", hint=hint)


def check_sampling(flags: "FlagValues", options: Mapping[str, Any], *, as_json: bool) -> None:
    """Check that ``unspool sample`` can write any text without those before it.

    Args:
        flags: The flags that were given.
        options: The options of generation, those of the model too.
        as_json: Whether a JSON document was asked for.

    Raises:
        ConfigError: If it cannot.
    """
    refuse_document(as_json=as_json and "out" not in flags.collecting)
    if flags.search:
        raise ConfigError("a beam search does not work with --shard: it finds all of its texts together")
    if options["seed"] is None:
        hint = "add the same --seed N to every part"
        raise ConfigError("--shard needs a seed, which says what the texts are", hint=hint)
    choosing = {name: value for name, value in flags.collecting.items() if name not in ("out", "overwrite")}
    refuse_dependent(choosing | {"best_of": options["best_of"]})
    if flags.constraints:
        refuse_dependent({name: options[name] or None for name in BLOCKING})


# Options that may forbid all tokens that a constraint allows; such a text is refused, and another one drawn.
BLOCKING = ("no_repeat_ngram_size", "logit_bias")
