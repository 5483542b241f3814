"""Notes on the reading of a corpus: what was guessed, what was passed over, what looks damaged."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NoReturn, TypeVar

from unspool._errors import warn_user

T = TypeVar("T")


class Notes:
    """The sentences about the last pass over a corpus; iterating them yields each.

    What is counted becomes a sentence at the end of a pass. Each sentence is reported once, however often the
    corpus is read.

    Attributes:
        report: Function that shows a sentence at once, such as a command's; None if nobody listens, so that
            `warn` has to speak for what was passed over or looks damaged.

    Example:
        >>> from unspool import Records
        >>> records = Records.of(["one", "", "two"])
        >>> len(list(records)), list(records.notes)
        (2, ['1 text is blank or missing and was passed over (text 1)'])
    """

    def __init__(self) -> None:
        self.report: Callable[[str], None] | None = None
        self._sentences: dict[str, bool] = {}  # and whether it is a warning
        self._reported: set[str] = set()
        self._counts: dict[tuple[str, str], tuple[int, str]] = {}

    def __iter__(self) -> Iterator[str]:
        """Yield the sentences of the last pass."""
        return iter(self._sentences)

    def ended(self) -> dict[str, bool]:
        """Return the sentences of a pass that ends here, each with whether it is a warning."""
        self.end()
        return dict(self._sentences)

    def repeating(self, sentences: Mapping[str, bool], items: Iterable[T]) -> Iterator[T]:
        """Return the items of a further pass, of which the same is said.

        Args:
            sentences: The result of `ended`.
            items: The items.
        """
        for sentence, warning in sentences.items():
            self.say(sentence, warning=warning)
        return iter(items)

    def say(self, sentence: str, *, warning: bool = False) -> None:
        """Add a sentence.

        Args:
            sentence: The sentence, without a full stop.
            warning: Whether it is about a loss or damage, and not only about a guess.
        """
        self._sentences[sentence] = warning
        if self.report is not None and sentence not in self._reported:
            self._reported.add(sentence)
            self.report(sentence)

    def warn_of(self, sentences: Iterable[str]) -> None:
        """Add sentences that are warnings."""
        for sentence in sentences:
            self.say(sentence, warning=True)

    def count(self, one: str, many: str, where: str, *, times: int = 1) -> None:
        """Count something that happened again; its sentence comes at the end of the pass.

        Args:
            one: What happened, if once: "row has no text and was passed over".
            many: What happened, if more often.
            where: The place, of which the first is named.
            times: How often it happened.
        """
        before, first = self._counts.get((one, many), (0, where))
        self._counts[one, many] = before + times, first

    def end(self) -> None:
        """Make a sentence of each count."""
        for (one, many), (times, first) in self._counts.items():
            words = f"1 {one} ({first})" if times == 1 else f"{times:,} {many} (the first: {first})"
            self.say(words, warning=True)
        self._counts.clear()

    def begin(self) -> None:
        """Begin a new pass."""
        self._counts.clear()
        self._sentences.clear()

    def ending(self) -> Iterator[NoReturn]:
        """Yield nothing, and end the pass."""
        self.end()
        yield from ()

    def warn(self) -> None:
        """Warn of what was passed over or looks damaged, unless a function reports it already."""
        if self.report is not None:
            return
        for sentence, is_warning in self._sentences.items():
            if is_warning and sentence not in self._reported:
                self._reported.add(sentence)
                warn_user(sentence, RuntimeWarning)
