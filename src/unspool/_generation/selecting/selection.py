"""The conditions on good texts, as a user gives them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

from unspool._configuration import SWITCH, Allowed, OptionRow, check, check_rows, whole_range
from unspool._errors import ConfigError
from unspool._generation.options.generation_options import GenerationKeywords, GenerationOptions
from unspool._views.short_repr import short_repr

if TYPE_CHECKING:
    from unspool._text.novelty import NoveltyIndex

Valid: TypeAlias = str | re.Pattern[str] | Callable[[str], bool]


def _fits_novel(value: Any) -> bool:
    from unspool._text.novelty import NoveltyIndex  # noqa: PLC0415 - the help must not load NumPy

    return isinstance(value, bool | NoveltyIndex)


NOVEL = Allowed("true, false or a NoveltyIndex", _fits_novel)
VALID = Allowed(
    "a function or a regular expression",
    lambda value: isinstance(value, str | re.Pattern) or callable(value),
)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The conditions on a good text, which apply to the whole text with its prompt.

    Args:
        unique: Whether a text is accepted only once, over all prompts. Texts are compared by 64-bit hashes:
            with N accepted texts, a new one counts as a duplicate with probability N / 2^64.
        novel: Whether to refuse copies of the texts of the training, those it held out too, by the index that
            was saved with the model (``train(novelty_index=True)``); or another index. Whole texts are
            compared after Unicode normalization: case and white space count. See `NoveltyIndex` for
            documents.
        valid: A regular expression that the whole text must match, as a string or compiled; or a function
            that returns whether a text is good; None for no condition. The time of an expression grows with
            the length of the text alone; one with a lookaround or a backreference may not have repeats of
            repeats.
        finished: Whether to refuse texts that `max_new_tokens` ended, not the model.
        max_attempts: Greatest number of texts to draw for each prompt, ≥ 1; if it is reached, the report is
            not `complete`. None for 100 × n, but at least 10,000.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> from unspool import Selection
        >>> Selection(unique=True, valid="[a-z]+").is_off
        False
    """

    # fmt: off
    unique: Annotated[bool, OptionRow(SWITCH, "Skip texts that were already written")] = False
    novel: Annotated["bool | NoveltyIndex", OptionRow(
        NOVEL, "Skip exact copies of texts of the corpus; needs train --novelty-index")] = False
    valid: Annotated[Valid | None, OptionRow(
        VALID, "Regular expression that the whole text must match", shown="none")] = None
    finished: Annotated[bool, OptionRow(SWITCH, "Skip texts that --max-new-tokens cut off")] = False
    max_attempts: Annotated[int | None, OptionRow(
        whole_range(1),
        "Draw at most so many texts for each prompt", shown="100 × n, at least 10,000")] = None
    # fmt: on

    __repr__ = short_repr

    def __post_init__(self) -> None:
        """Check every value against its range."""
        check_rows(self)
        validator(self.valid)

    def check(self, options: GenerationOptions) -> None:
        """Check that a text of these options can meet the conditions.

        Raises:
            ConfigError: If texts must be finished, and no text ends by itself.

        Example:
            >>> options = unspool.GenerationOptions(ignore_eos=True, stop=".")
            >>> unspool.Selection(finished=True).check(options)
        """
        ends = not options.ignore_eos or bool(options.stop)
        allowed = "off: with ignore_eos and without stop, no text ends by itself"
        check("finished", self.finished, allowed, ends or not self.finished)

    @property
    def is_off(self) -> bool:
        """Whether there is no condition.

        Example:
            >>> unspool.Selection().is_off
            True
        """
        return self == Selection()

    def known(self, saved: "Callable[[], NoveltyIndex | None]") -> "NoveltyIndex | None":
        """Return the index of the texts that are refused as copies, or None.

        Args:
            saved: Function that returns the index that was saved with the model, or None.

        Raises:
            ConfigError: If the index of the model is needed and the model has none.

        Example:
            >>> index = unspool.Selection(novel=True).known(lambda: model.novelty_index)
            >>> index.knows("anna")
            True
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
    """The fields of `Selection` and of `GenerationOptions`, as keyword arguments of a function."""

    unique: bool
    novel: "bool | NoveltyIndex"
    valid: Valid | None
    finished: bool
    max_attempts: int | None


def split_keywords(keywords: CollectionKeywords) -> tuple[Selection, GenerationKeywords]:
    """Return the conditions on texts, and the options of generation, from keyword arguments.

    Raises:
        ConfigError: If a value of `Selection` is out of its range.
    """
    names = Selection.__dataclass_fields__
    chosen: dict[str, Any] = {name: value for name, value in keywords.items() if name in names}
    rest = {name: value for name, value in keywords.items() if name not in names}
    return Selection(**chosen), cast(GenerationKeywords, rest)


def validator(valid: Valid | None) -> Callable[[str], bool] | None:
    """Return a function that returns whether a text is valid, or None if all texts are.

    Args:
        valid: A function of the text; a regular expression, as a string or compiled, that the whole text must
            match; None for all texts.

    Raises:
        ConfigError: If the regular expression is invalid, or for bytes, or could take too long.
    """
    if isinstance(valid, str):
        try:
            valid = re.compile(valid)
        except (re.error, OverflowError, RecursionError) as error:
            expected = "a regular expression that the whole text must match"
            raise ConfigError("valid", expected=expected, got=f"{valid!r} ({error})") from None
    if isinstance(valid, re.Pattern):
        check("valid", valid, "a regular expression for text, not for bytes", isinstance(valid.pattern, str))
        from unspool._text.expressions.matching import whole_matcher  # noqa: PLC0415 - loads NumPy

        return whole_matcher(valid)
    return valid
