"""The screen of ``play``: windows over the session, keys to its methods, a worker that asks the model."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from prompt_toolkit.application import Application
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import (
    ConditionalContainer,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    VSplit,
    Window,
)
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from unspool._cli.play import lines as play_lines
from unspool._cli.play.lines import Pieces
from unspool._cli.play.prediction import Predictor
from unspool._cli.play.session import Session

LEAST_WIDTH, LEAST_HEIGHT = 40, 12
MOST_ROWS = 12
ESCAPE_SECONDS = 0.1  # after which an Escape is the key itself, not the start of a key sequence

STYLE = Style.from_dict(
    {
        "strong": "bold",
        "quiet": "dim",
        "rule": "dim",
        "ghost": "dim",
        "name": "ansicyan",
        "bar": "ansicyan",
        "key": "ansicyan",
        "typed": "bold reverse",
        "message": "ansiyellow",
        "surprise1": "ansiyellow",
        "surprise2": "ansibrightred",
        "surprise3": "ansibrightred underline",
        "unknown": "ansired reverse",
    }
)

SESSION_KEYS: dict[tuple[str, ...], Callable[[Session], object]] = {
    ("tab",): Session.accept_word,
    ("enter",): Session.enter,
    ("backspace",): Session.erase_before,
    ("delete",): Session.erase_after,
    ("c-w",): Session.erase_word,
    ("escape", "backspace"): Session.erase_word,
    ("c-u",): Session.clear,
    ("c-z",): Session.undo,
    ("c-_",): Session.undo,
    ("c-y",): Session.redo,
    ("c-r",): Session.reseed,
    ("left",): lambda session: session.move(session.cursor - 1),
    ("right",): lambda session: session.forward(),
    ("up",): lambda session: session.move_line(-1),
    ("down",): lambda session: session.move_line(1),
    ("c-left",): lambda session: session.move(session.word_start()),
    ("c-right",): lambda session: session.move(session.word_end()),
    ("escape", "b"): lambda session: session.move(session.word_start()),
    ("escape", "f"): lambda session: session.move(session.word_end()),
    ("home",): lambda session: session.move(session.line_start()),
    ("c-a",): lambda session: session.move(session.line_start()),
    ("end",): lambda session: session.line_forward(),
    ("c-e",): lambda session: session.line_forward(),
    ("c-up",): lambda session: session.heat(1),
    ("escape", "up"): lambda session: session.heat(1),
    ("c-down",): lambda session: session.heat(-1),
    ("escape", "down"): lambda session: session.heat(-1),
}
QUIT_KEYS = ("c-c", "c-d", "escape", Keys.SIGINT)


@dataclass(frozen=True)
class Sizes:
    """The sizes of the parts of the screen, in lines and columns."""

    width: int
    left: int
    right: int
    text: int
    rows: int
    keys: int
    spaced: bool


def sizes_of(width: int, height: int) -> Sizes:
    """Return the sizes for a window: half of the lines for the text, at most `MOST_ROWS` below it."""
    spaced = height >= 20
    keys = len(play_lines.keys(width))
    free = height - 3 - keys - 3 * spaced
    rows = max(1, min(MOST_ROWS, free - free // 2))
    left = min(36, (width - 2) * 2 // 5)
    return Sizes(
        width=max(1, width - 2),
        left=left,
        right=max(1, width - 4 - left),
        text=max(1, free - rows),
        rows=rows,
        keys=keys,
        spaced=spaced,
    )


class Screen:
    """The screen of a session, which passes keys to it.

    Args:
        session: The session.
        predictor: The predictor, which works in the background, so that typing never waits.
        name: The name of the model, for the first line.
        facts: A short description of the model, for the first line.
        input: The source of keys; None for the terminal.
        output: The terminal to draw on; None for standard output.
    """

    def __init__(
        self,
        session: Session,
        predictor: Predictor,
        *,
        name: str,
        facts: str,
        input: Input | None = None,  # noqa: A002 - prompt_toolkit's word
        output: Output | None = None,
    ) -> None:
        self._session, self._predictor = session, predictor
        self._name, self._facts = name, facts
        self._changed = asyncio.Event()
        self.app: Application[None] = Application(
            layout=Layout(self._container()),
            key_bindings=self._keys(),
            style=STYLE,
            full_screen=True,
            input=input,
            output=output,
        )
        self.app.timeoutlen = self.app.ttimeoutlen = ESCAPE_SECONDS

    def run(self) -> None:
        """Show the screen until the user leaves it."""

        def begin() -> None:
            self.app.create_background_task(self._keep_up())

        self.app.run(pre_run=begin)

    async def _keep_up(self) -> None:
        """Make predictions for the current text again and again, once for all keys typed meanwhile."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                while not self._session.fresh:
                    view = self._session.view
                    self._session.take(await loop.run_in_executor(None, self._predictor.predict, view))
                    self.app.invalidate()
                self._changed.clear()
                await self._changed.wait()
        except Exception as error:  # a bug must end the screen, not block it
            self.app.exit(exception=error)

    def _keys(self) -> KeyBindings:
        bindings = KeyBindings()

        def bind(keys: tuple[str, ...], does: Callable[[Session], object]) -> None:
            def handle(_: KeyPressEvent) -> None:
                does(self._session)
                self._changed.set()

            bindings.add(*keys)(handle)

        def leave(event: KeyPressEvent) -> None:
            event.app.exit()

        for keys, method in SESSION_KEYS.items():
            bind(keys, method)
        for number in range(1, 10):
            bind(("escape", str(number)), partial(Session.accept_continuation, index=number - 1))
        for key in QUIT_KEYS:
            bindings.add(key)(leave)
        bindings.add(Keys.BracketedPaste)(self._type)
        bindings.add(Keys.Any)(self._type)
        return bindings

    def _type(self, event: KeyPressEvent) -> None:
        """Insert a character or a pasted text; ignore a key without a meaning here."""
        key = event.key_sequence[-1].key
        if key == Keys.BracketedPaste or not isinstance(key, Keys):
            self._session.insert(event.data)
            self._changed.set()

    def _container(self) -> HSplit:
        """Return the layout of the windows in exact sizes; sizes from the contents take long to compute."""
        fits = Condition(self._fits)
        text = FormattedTextControl(self._text, focusable=True)

        def panel() -> int:
            return self._sizes.rows + 1

        pair = [
            self._window(self._left, panel, lambda: self._sizes.left),
            self._window(self._right, panel, lambda: self._sizes.right),
        ]
        body = HSplit(
            [
                self._window(self._title),
                self._space(),
                Window(text, height=lambda: self._sizes.text, wrap_lines=True),
                self._window(lambda: play_lines.figures(self._session, self._columns)),
                self._space(),
                VSplit(pair, padding=2, height=lambda: Dimension.exact(panel())),
                self._space(),
                self._window(lambda: joined(play_lines.keys(self._columns)), lambda: self._sizes.keys),
            ],
            width=lambda: Dimension.exact(self._sizes.width),
        )
        margin = Window(width=1)
        small = Window(FormattedTextControl(self._too_small), wrap_lines=True)
        parts = [
            ConditionalContainer(VSplit([margin, body, margin], height=Dimension(preferred=1)), fits),
            ConditionalContainer(small, ~fits),
        ]
        return HSplit(parts, width=Dimension(preferred=1), height=Dimension(preferred=1))

    def _space(self) -> ConditionalContainer:
        return ConditionalContainer(Window(height=1), Condition(lambda: self._sizes.spaced))

    def _window(
        self,
        pieces: Callable[[], Pieces],
        height: int | Callable[[], int] = 1,
        width: Callable[[], int] | None = None,
    ) -> Window:
        control = FormattedTextControl(lambda: cast(StyleAndTextTuples, pieces()))
        return Window(control, width=width, height=height)

    def _text(self) -> StyleAndTextTuples:
        sizes = self._sizes
        return cast(StyleAndTextTuples, play_lines.text(self._session, sizes.width, sizes.text))

    def _title(self) -> Pieces:
        return play_lines.title(self._name, self._facts, self._session, self._columns)

    def _left(self) -> Pieces:
        sizes = self._sizes
        rows = play_lines.next_symbols(self._session, sizes.left, sizes.rows)
        return joined([play_lines.heading("next", sizes.left), *filled(rows, sizes.rows)])

    def _right(self) -> Pieces:
        sizes = self._sizes
        rows = play_lines.continuations(self._session, sizes.right, sizes.rows)
        return joined([play_lines.heading("goes on", sizes.right), *filled(rows, sizes.rows)])

    @property
    def _columns(self) -> int:
        return self.app.output.get_size().columns

    @property
    def _sizes(self) -> Sizes:
        size = self.app.output.get_size()
        return sizes_of(size.columns, size.rows)

    def _fits(self) -> bool:
        size = self.app.output.get_size()
        return size.columns >= LEAST_WIDTH and size.rows >= LEAST_HEIGHT

    def _too_small(self) -> str:
        size = self.app.output.get_size()
        return (
            f"The window is {size.columns} × {size.rows}; it needs {LEAST_WIDTH} × {LEAST_HEIGHT}. Esc quits."
        )


def joined(lines: list[Pieces]) -> Pieces:
    """Return lines as one."""
    pieces: Pieces = []
    for number, line in enumerate(lines):
        pieces += [("", "\n")] * bool(number) + line
    return pieces


def filled(lines: list[Pieces], count: int) -> list[Pieces]:
    """Return lines with empty ones up to a count, so that nothing on the screen moves."""
    return lines + [[] for _ in range(count - len(lines))]


def facts_of(model: Any) -> str:
    """Return a short description of a model."""
    network = model.network
    layers = f"{network.num_layers} × " if network.num_layers > 1 else ""
    return f"{layers}{network.cell} {network.hidden_size} · {model.tokenizer.vocab_size:,} symbols"
