"""The screen of play: its lines are aligned and fit, its keys do what they say."""

import itertools
import re
from collections.abc import Callable, Iterator

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.utils import get_cwidth

import unspool
from tests.cli.play_models import cyclic, session_of
from unspool._cli.play import lines as play_lines
from unspool._cli.play.lines import Pieces
from unspool._cli.play.prediction import Predictor
from unspool._cli.play.screen import LEAST_HEIGHT, LEAST_WIDTH, STYLE, Screen, sizes_of
from unspool._cli.play.session import Session
from unspool._generation.options.generation_options import GenerationOptions

ESC, TAB, END, RIGHT, LEFT = "\x1b", "\t", "\x1b[F", "\x1b[C", "\x1b[D"
ALT_UP, CTRL_UP, CTRL_DOWN = "\x1b\x1b[A", "\x1b[1;5A", "\x1b[1;5B"

Play = Callable[..., Session]


class SizedOutput(DummyOutput):
    """Draw nowhere, on a window of a given size."""

    def __init__(self, columns: int, rows: int) -> None:
        self.size = Size(rows=rows, columns=columns)

    def get_size(self) -> Size:
        return self.size


@pytest.fixture(scope="module")
def alphabet() -> unspool.Generator:
    return cyclic("abc defg\nhij", "猫")


@pytest.fixture
def keyboard() -> Iterator[PipeInput]:
    with create_pipe_input() as keys:
        yield keys


@pytest.fixture
def play(alphabet: unspool.Generator, keyboard: PipeInput) -> Play:
    def run(keys: str, *, columns: int = 80, rows: int = 24, quits: str = "\x03") -> Session:
        predictor = Predictor(alphabet)
        options = GenerationOptions(seed=1)
        session = Session(predictor, normalize=alphabet.tokenizer.normalize, options=options)
        output = SizedOutput(columns, rows)
        with create_app_session(input=keyboard, output=output):
            screen = Screen(session, predictor, name="x", facts="y", input=keyboard, output=output)
            keyboard.send_text(keys + quits)
            screen.run()
        return session

    return run


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("ab", "ab"), ("ab" + TAB, "abc"), ("ab" + RIGHT * 3, "abc d"), ("a" + END, "abc defg"),
        ("a" + END + END, "abc defg\nhij"), ("ab\r", "ab\n"), ("ab\x7f", "a"), ("ab" + LEFT + "c", "acb"),
        ("ab" + LEFT + "\x1b[3~", "a"), ("ab cd\x17", "ab "), ("ab\x15", ""), ("ab\x15\x1a", "ab"),
        ("ab" + TAB + "\x1a", "ab"), ("ab" + TAB + "\x1a\x19", "abc"), ("ab\x01c", "cab"),
        ("\x1b[200~ab\r\nc\tß\x1b[201~", "ab\nc\tß"), ("猫e\u0301", "猫é"), ("ab\x1b[15~\x1b[5~\x0f", "ab"),
        ("a" + ESC + "1", "abc defg"), ("ab c" + ESC + "b" + "x", "ab xc"),
    ],
)  # fmt: skip
def test_keys_change_the_text(play: Play, keys: str, text: str) -> None:
    assert play(keys).text == text


@pytest.mark.parametrize("up", [ALT_UP, CTRL_UP], ids=["alt", "ctrl"])
def test_keys_change_the_temperature_and_the_seed(play: Play, up: str) -> None:
    options = play("a" + up * 3 + CTRL_DOWN + "\x12").options
    assert options.temperature == pytest.approx(1.2)
    assert options.seed == 2


@pytest.mark.parametrize("quits", ["\x03", "\x04", ESC], ids=["ctrl-c", "ctrl-d", "escape"])
def test_keys_quit(play: Play, quits: str) -> None:
    assert play("ab", quits=quits).text == "ab"


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 12), (39, 24), (1, 1), (300, 100)])
def test_any_window_is_survived(play: Play, columns: int, rows: int) -> None:
    assert play("ab" + TAB, columns=columns, rows=rows).text == "abc"


@pytest.mark.parametrize(
    ("columns", "text", "expected"),
    [
        (
            99,
            "abgß",
            r"\d+\.\d\d bits per character  3 of 4 characters  "
            r"unknown to the model, left out: 'ß' \(U\+00DF\)",
        ),
        (40, "abc", r"\d+\.\d\d bits/char  3 chars  "),
        (99, "", "type a beginning, or press Tab  "),
    ],
)
def test_the_surprise_is_said_in_words(
    alphabet: unspool.Generator, columns: int, text: str, expected: str
) -> None:
    assert re.fullmatch(expected, words([play_lines.figures(session_of(alphabet, text), columns)])[0])


@pytest.mark.parametrize("text", ["", "ab ßg", "abc defg"])
def test_every_piece_has_a_style_of_the_screen(alphabet: unspool.Generator, text: str) -> None:
    session, known = session_of(alphabet, text), {f"class:{name}" for name, _ in STYLE.style_rules}
    session.message = "saved"
    lines = [
        play_lines.title("a name", "facts", session, 80),
        play_lines.text(session, 80, 9),
        play_lines.figures(session, 80),
        play_lines.heading("next", 20),
        *play_lines.next_symbols(session, 30, 9),
        *play_lines.continuations(session, 40, 9),
        *play_lines.keys(80),
    ]
    styles = {style for line in lines for style, words in line if words.strip()}
    assert styles - known <= {"class:text", "", "[SetCursorPosition]"}


def words(lines: list[Pieces]) -> list[str]:
    return ["".join(text for _, text in line) for line in lines]


@pytest.mark.parametrize("columns", [LEAST_WIDTH, 60, 80, 200])
@pytest.mark.parametrize("text", ["", "ab 猫 ß", "abc defg\n" * 9, "x" * 9000, "\x1b[31m\u202e"])
def test_every_line_fits(alphabet: unspool.Generator, columns: int, text: str) -> None:
    session = session_of(alphabet, text, temperature=3.0)
    for rows in (LEAST_HEIGHT, 24, 60):
        sizes = sizes_of(columns, rows)
        lines = [
            *words(play_lines.next_symbols(session, sizes.left, sizes.rows)),
            *words([play_lines.heading("next", sizes.left)]),
        ]
        assert max(map(get_cwidth, lines)) <= sizes.left
        lines = words(play_lines.continuations(session, sizes.right, sizes.rows))
        assert max(map(get_cwidth, lines)) <= sizes.right
        assert len(lines) <= sizes.rows
        full = [
            play_lines.title("a long name " * 9, "facts", session, columns),
            play_lines.figures(session, columns), *play_lines.keys(columns),
        ]  # fmt: skip
        assert max(map(get_cwidth, words(full))) <= columns - 2
    shown = "".join(words([play_lines.text(session, 80, 9)]))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown) <= 3 * 80 * 9


def test_the_parts_share_the_window() -> None:
    for columns, rows in itertools.product((40, 80, 120), range(LEAST_HEIGHT, 60)):
        sizes = sizes_of(columns, rows)
        used = sizes.text + sizes.rows + 3 + sizes.keys + 3 * sizes.spaced
        assert used == rows
        assert sizes.text >= 3, "there is room for the text"
        assert sizes.left + sizes.right + 4 == columns


def test_symbols_that_cannot_be_seen_have_names(alphabet: unspool.Generator) -> None:
    for text, first in (("abc", "␣"), ("abc defg", "⏎"), ("abc defg\nhij", "∎ end"), ("ß", "a")):
        session = session_of(alphabet, text)
        (line, *others) = words(play_lines.next_symbols(session, 30, 5))
        assert line.startswith(first)
        assert len({line.index("%") for line in [line, *others]}) == 1, "the columns are aligned"


def test_the_cursor_stands_between_the_text_and_the_suggestion(alphabet: unspool.Generator) -> None:
    session = session_of(alphabet, "abc")
    pieces = play_lines.text(session, 80, 9)
    place = [style for style, _ in pieces].index("[SetCursorPosition]")
    assert "".join(text for _, text in pieces[:place]) == "abc"
    assert pieces[place + 1] == ("class:ghost", " defg")
    session.move(1)
    pieces = play_lines.text(session, 80, 9)
    place = [style for style, _ in pieces].index("[SetCursorPosition]")
    assert "".join(text for _, text in pieces[place:]).rstrip() == "bc"


def test_surprise_and_strangers_have_their_styles(alphabet: unspool.Generator) -> None:
    styles = {text: style for style, text in play_lines.text(session_of(alphabet, "abgß"), 80, 9)}
    assert styles["ab"] == "class:text"
    assert styles["g"] == "class:surprise3"
    assert styles["ß"] == "class:unknown"
    note = words([play_lines.figures(session_of(alphabet, "abgß"), 99)])[0]
    assert "'ß' (U+00DF)" in note
    assert "left out" in note


@pytest.mark.parametrize(
    ("share", "width", "drawn"),
    [(1.0, 4, "████"), (0.5, 4, "██"), (0.0, 4, ""), (1e-9, 4, "▏"), (0.28, 4, "█▏"), (1.0, 0, "")],
)
def test_bars_are_as_long_as_what_they_show(share: float, width: int, drawn: str) -> None:
    assert play_lines.bar(share, width) == drawn


@pytest.mark.parametrize(
    ("chance", "written"), [(1.0, "100 %"), (0.5, "50.0 %"), (0.0123, "1.2 %"), (0.0001, "<0.1 %")]
)
def test_percentages_are_short(chance: float, written: str) -> None:
    assert play_lines.percentage(chance) == written


def test_a_bug_in_a_prediction_ends_the_screen(
    alphabet: unspool.Generator, keyboard: PipeInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor(alphabet)
    session = session_of(alphabet)

    def fail(view: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(predictor, "predict", fail)
    with create_app_session(input=keyboard, output=DummyOutput()):
        screen = Screen(session, predictor, name="x", facts="y", input=keyboard, output=DummyOutput())
        keyboard.send_text("a")
        with pytest.raises(ZeroDivisionError):
            screen.run()
