"""A text that is typed with a model: editing, undo and suggestions, without a terminal."""

import dataclasses
import re
import unicodedata
from collections.abc import Callable

from unspool._cli.play.prediction import Continuation, Prediction, Predictor, View
from unspool._generation.options.generation_options import GenerationOptions

LONGEST = 100_000  # characters; the rest of a longer paste is left out
TEMPERATURE_STEP, HIGHEST_TEMPERATURE = 0.1, 5.0
SURROGATES = re.compile("[\ud800-\udfff]")


class Session:
    """A session: the text, the cursor, their history, and the options of the model.

    Args:
        predictor: The predictor.
        normalize: Function that converts a text to the model's Unicode form.
        options: The options of generation, with a seed.
        text: The beginning.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        normalize: Callable[[str], str],
        options: GenerationOptions,
        text: str = "",
    ) -> None:
        self._predictor, self._normalize = predictor, normalize
        self.text, self.cursor = "", 0
        self.options = options
        self.message = ""
        self._undo: list[tuple[str, int]] = []
        self._redo: list[tuple[str, int]] = []
        self._typing = False  # whether the last change was one typed character
        self.insert(text)
        self._undo.clear()
        self._typing = False
        self._prediction = predictor.predict(self.view)

    @property
    def view(self) -> View:
        """The subject of a prediction now."""
        return View(self.text, self.cursor, self.options)

    @property
    def latest(self) -> Prediction:
        """The last prediction, which may be about an earlier text."""
        return self._prediction

    @property
    def fresh(self) -> bool:
        """Whether the last prediction is about the current view."""
        return self._prediction.view == self.view

    @property
    def fate(self) -> str:
        """The treatment of the symbols that the model does not know."""
        return self._predictor.fate

    def take(self, prediction: Prediction) -> None:
        """Store a prediction."""
        self._prediction = prediction

    def settle(self) -> Prediction:
        """Return the prediction for the current view; wait for it if necessary."""
        if not self.fresh:
            self.take(self._predictor.predict(self.view))
        return self._prediction

    @property
    def ghost(self) -> Continuation:
        """The rest of the suggestion that fits the text typed since then."""
        made, suggestion = self._prediction.view, self._prediction.suggestion
        typed = self.text[made.cursor :]
        fits = self.text[: made.cursor] == made.text and suggestion.text.startswith(typed)
        if self.cursor < len(self.text) or not fits:
            return Continuation("", False)
        return Continuation(first_line(suggestion.text[len(typed) :]), suggestion.ends)

    def insert(self, added: str) -> None:
        """Insert typed or pasted text at the cursor."""
        added = SURROGATES.sub("", added.replace("\r\n", "\n").replace("\r", "\n"))
        room = LONGEST - len(self.text)
        if not added or not room:
            self.message = f"no text longer than {LONGEST:,} characters" if added else ""
            return
        added = added[:room]
        before = self._normalize(self.text[: self.cursor] + added)
        text = self._normalize(before + self.text[self.cursor :])
        goes_on = self._typing and len(added) == 1 and not self.text[: self.cursor].endswith((" ", "\n"))
        self._change(text, min(len(before), len(text)), keep=not goes_on)
        self._typing = len(added) == 1

    def enter(self) -> None:
        """Start a new line, if the model knows line ends."""
        if self._predictor.knows("\n"):
            self.insert("\n")
        else:
            self.message = "this model writes single lines: it does not know ⏎"

    def erase_before(self) -> None:
        """Remove the character before the cursor."""
        self._remove(self.cursor - 1, self.cursor)

    def erase_after(self) -> None:
        """Remove the character after the cursor."""
        self._remove(self.cursor, self.cursor + 1)

    def erase_word(self) -> None:
        """Remove the text from the start of the word to the cursor."""
        self._remove(self.word_start(), self.cursor)

    def clear(self) -> None:
        """Remove the text; `undo` restores it."""
        self._change("", 0)

    def word_start(self) -> int:
        """Find where the word before the cursor starts."""
        match = re.search(r"\S+\s*$", self.text[: self.cursor])
        return match.start() if match else 0

    def word_end(self) -> int:
        """Find where the word after the cursor ends."""
        match = re.match(r"\s*\S+", self.text[self.cursor :])
        return self.cursor + (match.end() if match else 0)

    def move(self, place: int) -> None:
        """Move the cursor to a place within the text."""
        self.cursor = min(max(0, place), len(self.text))
        self._typing, self.message = False, ""

    def move_line(self, lines: int) -> None:
        """Move the cursor to an earlier line (-1) or a later one (1), in the same column if possible."""
        rows = self.text.split("\n")
        row = self.text.count("\n", 0, self.cursor)
        column = self.cursor - (self.text.rfind("\n", 0, self.cursor) + 1)
        to = min(max(0, row + lines), len(rows) - 1)
        if to != row:
            self.move(sum(len(line) + 1 for line in rows[:to]) + min(column, len(rows[to])))

    def line_start(self) -> int:
        """Find where the cursor's line starts."""
        return self.text.rfind("\n", 0, self.cursor) + 1

    def line_end(self) -> int:
        """Find where the cursor's line ends."""
        end = self.text.find("\n", self.cursor)
        return end if end >= 0 else len(self.text)

    def undo(self) -> None:
        """Undo one change."""
        self._travel(self._undo, self._redo, "nothing to undo")

    def redo(self) -> None:
        """Redo one change."""
        self._travel(self._redo, self._undo, "nothing to redo")

    def accept_symbol(self) -> None:
        """Accept the first character of the suggestion."""
        self._accept(self.settle().suggestion, lambda text: text[:1])

    def forward(self) -> None:
        """Move one character forward; at the end, accept the first character of the suggestion."""
        if self.cursor < len(self.text):
            self.move(self.cursor + 1)
        else:
            self.accept_symbol()

    def line_forward(self) -> None:
        """Move to the end of the line; at the end of the text, accept the first line of the suggestion."""
        if self.cursor < len(self.text):
            self.move(self.line_end())
        else:
            self.accept_line()

    def accept_word(self) -> None:
        """Accept the first word of the suggestion."""
        self._accept(self.settle().suggestion, first_word)

    def accept_line(self) -> None:
        """Accept the first line of the suggestion."""
        self._accept(self.settle().suggestion, first_line)

    def accept_continuation(self, index: int) -> None:
        """Accept the first line of one of the continuations."""
        continuations = self.settle().continuations
        if index < len(continuations):
            self._accept(continuations[index], first_line)

    def heat(self, steps: int) -> None:
        """Change the temperature by tenths."""
        tenths = round(self.options.temperatures[0] / TEMPERATURE_STEP) + steps
        temperature = min(max(0.0, round(tenths * TEMPERATURE_STEP, 1)), HIGHEST_TEMPERATURE)
        self.options = dataclasses.replace(self.options, temperature=temperature)
        self.message = "0 always takes the most probable symbol" if temperature == 0 else ""

    def reseed(self) -> None:
        """Draw other continuations."""
        self.options = dataclasses.replace(self.options, seed=((self.options.seed or 0) + 1) % 2**64)
        self.message = "every seed writes the same at temperature 0" if not self.options.temperature else ""

    def _accept(self, continuation: Continuation, part: Callable[[str], str]) -> None:
        self._typing = False  # a separate step
        if continuation.text:
            self.insert(part(continuation.text))
            self._typing = False
        elif continuation.ends:
            self.message = "the model would end the text here"

    def _remove(self, start: int, end: int) -> None:
        start = max(0, start)
        self._change(self.text[:start] + self.text[end:], start)

    def _change(self, text: str, cursor: int, *, keep: bool = True) -> None:
        """Set the text; with `keep`, `undo` can restore the text before."""
        self._typing, self.message = False, ""
        if text == self.text:
            self.cursor = cursor
            return
        if keep:
            self._undo.append((self.text, self.cursor))
        self._redo.clear()
        self.text, self.cursor = text, cursor

    def _travel(self, back: list[tuple[str, int]], forth: list[tuple[str, int]], nothing: str) -> None:
        self._typing, self.message = False, "" if back else nothing
        if back:
            forth.append((self.text, self.cursor))
            self.text, self.cursor = back.pop()


def first_line(text: str) -> str:
    """Return a text up to the end of its first line that is not empty, without the line end."""
    match = re.match(r"\n*[^\n]*", text)
    return match.group() if match else ""


def first_word(text: str) -> str:
    """Return a text up to the end of its first word; a wide character, as in Chinese, is a word."""
    match = re.match(r"\s*\S+", text)
    if not match:
        return text
    word = match.group()
    for place, character in enumerate(word, start=1):
        if unicodedata.east_asian_width(character) in "WF":
            return word[: max(1, place - 1)] if word[: place - 1].strip() else word[:place]
    return word
