"""Which generated texts are good, as a user says it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

from unspool.configuration import SWITCH, Allowed, OptionRow, check, check_rows, whole_range
from unspool.errors import ConfigError
from unspool.generation.options.generation_options import GenerationKeywords, GenerationOptions

if TYPE_CHECKING:
    from unspool.text.novelty import NoveltyIndex

Valid: TypeAlias = str | re.Pattern[str] | Callable[[str], bool]


def _fits_novel(value: Any) -> bool:
    from unspool.text.novelty import NoveltyIndex  # noqa: PLC0415 - a help waits for no NumPy

    return isinstance(value, bool | NoveltyIndex)


NOVEL = Allowed("true, false or a NoveltyIndex", _fits_novel)
VALID = Allowed(
    "a function or a regular expression",
    lambda value: isinstance(value, str | re.Pattern) or callable(value),
)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Say which texts are good. A text is judged as a whole, its prompt included.

    Args:
        unique: Whether a text may come once only, over all prompts. It goes by 64-bit hashes: beside N
            accepted texts, one that is new is taken for a duplicate with a chance of N / 2^64.
        novel: Whether to refuse what stands in the training texts, by the index that was saved with the
            model (``train(novelty_index=True)``); or another index to refuse by. Whole texts are compared,
            after Unicode normalization: case and white space count. See `NoveltyIndex` for documents.
        valid: A regular expression that the whole text must match, a string or compiled; or a function that
            tells of a text whether it is good; None for all.
        finished: Whether to refuse texts that `max_new_tokens` ended, not the model.
        max_attempts: Texts to draw for each prompt at most, ≥ 1: what is there by then is all there is, and
            the report is not `complete`. None for 100 × n, but 10,000 at least.

    Raises:
        ConfigError: If a value is out of its range.
    """

    # fmt: off
    unique: Annotated[bool, OptionRow(SWITCH, "Skip texts that were already written")] = False
    novel: Annotated["bool | NoveltyIndex", OptionRow(
        NOVEL, "Skip exact copies of training texts; needs train --novelty-index")] = False
    valid: Annotated[Valid | None, OptionRow(
        VALID, "Regular expression that the whole text must match", shown="none")] = None
    finished: Annotated[bool, OptionRow(SWITCH, "Skip texts that --max-new-tokens cut off")] = False
    max_attempts: Annotated[int | None, OptionRow(
        whole_range(1),
        "Draw at most so many texts for each prompt", shown="100 × n, at least 10,000")] = None
    # fmt: on

    def __post_init__(self) -> None:
        """Check every value against its range."""
        check_rows(self)
        validator(self.valid)

    def check(self, options: GenerationOptions) -> None:
        """Refuse what no text could meet that these options draw.

        Raises:
            ConfigError: If texts have to be finished and nothing ends them.
        """
        ends = not options.ignore_eos or bool(options.stop)
        allowed = "off: with ignore_eos and without stop, no text ends by itself"
        check("finished", self.finished, allowed, ends or not self.finished)

    @property
    def is_off(self) -> bool:
        """Tell whether nothing is asked of the texts."""
        return self == Selection()

    def known(self, saved: "Callable[[], NoveltyIndex | None]") -> "NoveltyIndex | None":
        """Find the index of what a text must not be.

        Args:
            saved: Gives the index that was saved with the model, if there is one.

        Raises:
            ConfigError: If it is wanted and not there.
        """
        if not isinstance(self.novel, bool):
            return self.novel
        index = saved() if self.novel else None
        if self.novel and index is None:
            raise ConfigError(
                "--novel needs an index of the training texts, and the model has none",
                hint="train with --novelty-index (--resume adds it to a run), or compare with "
                "--against CORPUS; in Python novelty_index=True or novel=NoveltyIndex.of(records)",
            )
        return index


class CollectionKeywords(GenerationKeywords, total=False):
    """Name the fields of `Selection` beside those of `GenerationOptions`, as keyword arguments."""

    unique: bool
    novel: "bool | NoveltyIndex"
    valid: Valid | None
    finished: bool
    max_attempts: int | None


def split_keywords(keywords: CollectionKeywords) -> tuple[Selection, GenerationKeywords]:
    """Tell what is asked of the texts from how they are drawn.

    Raises:
        ConfigError: If a value of `Selection` is out of its range.
    """
    names = Selection.__dataclass_fields__
    chosen: dict[str, Any] = {name: value for name, value in keywords.items() if name in names}
    rest = {name: value for name, value in keywords.items() if name not in names}
    return Selection(**chosen), cast(GenerationKeywords, rest)


def validator(valid: Valid | None) -> Callable[[str], bool] | None:
    """Make a function of what says which texts are valid.

    Args:
        valid: A function of the text; a regular expression, as a string or compiled, that the whole text
            must match; None for all texts.

    Raises:
        ConfigError: If the expression is broken, or about bytes.
    """
    if isinstance(valid, str):
        try:
            valid = re.compile(valid)
        except (re.error, OverflowError, RecursionError) as error:
            expected = "a regular expression that the whole text must match"
            raise ConfigError("valid", expected=expected, got=f"{valid!r} ({error})") from None
    if isinstance(valid, re.Pattern):
        check("valid", valid, "a regular expression for text, not for bytes", isinstance(valid.pattern, str))
        pattern = valid
        return lambda text: pattern.fullmatch(text) is not None
    return valid
