"""Each line of the screen of play, piece by piece, for a session that was made up."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from unspool._cli.play import lines
from unspool._cli.play.prediction import Continuation, Prediction, without_loop
from unspool._cli.play.screen import SESSION_KEYS, STYLE, Sizes, filled, joined, sizes_of


def latest(**changes: Any) -> Prediction:
    facts: dict[str, Any] = {
        "view": None, "next_symbols": (), "suggestion": Continuation("", ends=False), "continuations": (),
        "surprisals": (), "strange": (), "strangers": (),
    }  # fmt: skip
    return Prediction(**facts | changes)


def session(text: str = "", **changes: Any) -> Any:
    facts: dict[str, Any] = {
        "text": text, "cursor": len(text), "message": "", "fresh": True, "fate": "left out",
        "options": SimpleNamespace(temperatures=(0.75, 1.0), seed=7), "latest": latest(),
        "ghost": Continuation("", ends=False),
    }  # fmt: skip
    return cast("Any", SimpleNamespace(**facts | changes))


QUIET, STRONG, GHOST = "class:quiet", "class:strong", "class:ghost"
FIGURES = [(QUIET, "temperature "), (STRONG, "0.75"), (QUIET, "   seed "), (STRONG, "7")]  # 25 columns


def test_the_title_has_the_model_and_the_figures() -> None:
    pieces = lines.title("a\n", "gru 8", session(), 60)
    assert pieces == [(STRONG, "a⏎"), (QUIET, "  gru 8"), ("", " " * (58 - 25 - 9)), *FIGURES]
    narrow = lines.title("a long name", "gru 8", session(), 40)
    left = [(STRONG, "a long name"), (QUIET, "")]  # which take all of the eleven columns
    assert narrow == [*left, ("", "  "), *FIGURES]


def test_the_suggestion_stands_behind_the_cursor() -> None:
    typed = session("ab\tc", cursor=2, ghost=Continuation("d\n\te", ends=True),
                    latest=latest(suggestion=Continuation("d\n\te", ends=True)))  # fmt: skip
    assert lines.text(typed, 80, 9) == [
        ("class:text", "ab"), ("[SetCursorPosition]", ""), ("class:text", " c"), (GHOST, "d\n e"),
        (GHOST, "∎"),
    ]  # fmt: skip
    for changes in ({"fresh": False}, {"ghost": Continuation("d", ends=True)},
                    {"ghost": Continuation("d\n\te", ends=False)}):  # fmt: skip
        assert lines.text(session(**vars(typed) | changes), 80, 9)[-1] == (GHOST, " ")


def test_a_text_has_the_colours_of_its_surprise() -> None:
    bits = (None, 0.0, 2.99, 3.0, 4.99, 5.0, 7.99, 8.0, 99.0)
    known = latest(surprisals=bits, strange=(True, *[False] * 8))
    typed = session("\nbcdefghij", latest=known)
    assert list(lines.coloured(typed, 0, 99)) == [
        ("class:unknown", "⏎"), ("class:text", "bc"), ("class:surprise1", "de"), ("class:surprise2", "fg"),
        ("class:surprise3", "hi"), ("class:text", "j"),
    ]  # fmt: skip
    assert list(lines.coloured(typed, 2, 4)) == [("class:text", "c"), ("class:surprise1", "d")]
    assert list(lines.coloured(typed, 4, 4)) == []


@pytest.mark.parametrize(
    ("text", "cursor", "first"),
    [
        ("x" * 50, 50, 20), ("x" * 50, 30, 0), ("x" * 50, 31, 0), ("x" * 50, 40, 10), ("x" * 50, 39, 0),
        ("ab\n" + "x" * 50, 53, 23), ("ab\n" + "x" * 50, 33, 3), ("ab\n" + "x" * 50, 32, 0),
    ],
)  # fmt: skip
def test_the_window_begins_at_a_line(text: str, cursor: int, first: int) -> None:
    """Of ten columns and three lines."""
    assert lines.first_shown(text, cursor, 10, 3) == first


@pytest.mark.parametrize(
    ("width", "unit", "units"),
    [(72, " bits per character  ", " characters  "), (71, " bits/char  ", " chars  ")],
)
def test_the_figures_are_a_mean_and_a_count(width: int, unit: str, units: str) -> None:
    typed = session("abc", latest=latest(surprisals=(1.0, None, 2.5)), message="saved")
    assert lines.figures(typed, width) == [
        (STRONG, "1.75"), (QUIET, unit), (STRONG, "2 of 3"), (QUIET, units), ("class:message", "saved"),
    ]  # fmt: skip
    whole = session("abc", latest=latest(surprisals=(1.0, 2.0)))
    assert lines.figures(whole, width)[2:] == [(STRONG, "2"), (QUIET, units), ("class:message", "")]
    assert lines.figures(session("ß"), width) == [("class:message", "")]
    begin = [(QUIET, "type a beginning, or press Tab  "), ("class:message", "")]
    assert lines.figures(session(), width) == begin


@pytest.mark.parametrize(
    ("strangers", "note"),
    [
        ((), ""), (("ß",), "unknown to the model, left out: 'ß' (U+00DF)"),
        (("ß", "\n"), "unknown to the model, left out: ß ⏎"),
    ],
)  # fmt: skip
def test_what_the_model_does_not_know_is_named(strangers: tuple[str, ...], note: str) -> None:
    assert lines.strangers_note(session("x", latest=latest(strangers=strangers))) == note


def test_a_heading_fills_its_width() -> None:
    assert lines.heading("next", 10) == [(QUIET, "next "), ("class:rule", "─────")]
    assert lines.heading("next", 4) == [(QUIET, "ne… "), ("class:rule", "")]


def test_next_symbols_have_names_figures_and_bars() -> None:
    rows = (("<eos>", 0.5), ("b", 0.25), (" ", 0.25), ("x" * 20, 0.0001))
    typed = session("abc", cursor=1, latest=latest(next_symbols=rows))
    assert lines.next_symbols(typed, 30, 9) == [
        [("class:name", "∎ end       "), (QUIET, " 50.0 % "), ("class:bar", "█████")],
        [("class:typed", "b           "), (QUIET, " 25.0 % "), ("class:bar", "██▌")],
        [("class:name", "␣           "), (QUIET, " 25.0 % "), ("class:bar", "██▌")],
        [("class:text", "x" * 11 + "…"), (QUIET, " <0.1 % "), ("class:bar", "▏")],
    ]
    assert len(lines.next_symbols(typed, 30, 2)) == 2
    few = lines.next_symbols(session("abc", latest=latest(next_symbols=rows[1:2])), 30, 9)
    assert few == [[("class:text", "b    "), (QUIET, " 25.0 % "), ("class:bar", "████▎")]]
    assert lines.next_symbols(typed, 14, 1)[0][0] == ("class:name", "∎ end")
    assert lines.next_symbols(typed, 13, 1)[0][0] == ("class:name", "∎ e…")


def many(*texts: str, ends: bool = True) -> Any:
    return session(latest=latest(continuations=tuple(Continuation(text, ends=ends) for text in texts)))


def test_continuations_share_the_lines() -> None:
    name = "class:name"
    assert lines.continuations(many("abcdefghij", "x\ny"), 8, 5) == [
        [(name, "1 "), (GHOST, "abcde"), (name, "")], [("", "  "), (GHOST, "fghij"), (name, "∎")],
        [(name, "2 "), (GHOST, "x⏎y"), (name, "∎")],
    ]  # fmt: skip
    shared = lines.continuations(many("abcdefghijklmnop", "x"), 8, 5)
    assert [line[1][1] for line in shared] == ["abcde", "fghi…", "x"], "two of the five lines for each"
    cut = lines.continuations(many("abcdefghijk", ends=True), 8, 2)
    assert cut[1] == [("", "  "), (GHOST, "fghi…"), (name, "")]
    assert lines.continuations(many("abc", ends=False), 8, 2) == [[(name, "1 "), (GHOST, "abc"), (name, "")]]
    assert len(lines.continuations(many("a", "b", "c"), 8, 2)) == 2
    wide = lines.continuations(many("猫猫猫"), 4, 3)
    assert [line[1][1] for line in wide] == ["猫", "猫", "…"], "folding ends where nothing fits"
    assert lines.continuations(many(), 8, 2) == []


def test_the_keys_stand_on_at_most_two_lines() -> None:
    def words(width: int) -> list[str]:
        return ["".join(word for _, word in line) for line in lines.keys(width)]

    every = ["Tab word", "→ symbol", "End line", "Alt-1…5 take one", "Alt-↑↓ temperature", "Ctrl-R others",
             "Ctrl-Z undo", "Ctrl-Y redo", "Ctrl-U clear", "Esc quit"]  # fmt: skip
    assert words(200) == ["   ".join(every)]
    assert words(len("   ".join(every)) + 2) == ["   ".join(every)]
    assert len(words(len("   ".join(every)) + 1)) == 2
    assert words(40) == ["   ".join(every[:3]), "   ".join(every[3:5])]
    assert lines.keys(200)[0][:3] == [("class:key", "Tab"), (QUIET, " word"), ("", "   ")]


@pytest.mark.parametrize(
    ("words", "width", "cut"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("猫猫", 4, "猫猫"), ("猫猫", 3, "猫…"), ("ab", 0, ""),
     ("", 0, ""),
     ("ab", 1, "…"), ("猫猫", 2, "…"), ("ab", -1, "")],
)  # fmt: skip
def test_words_are_cut_to_their_columns(words: str, width: int, cut: str) -> None:
    assert lines.cut(words, width) == cut


def test_small_things_are_as_they_are_said() -> None:
    assert [lines.take(words, 3) for words in ("abcd", "ab", "猫猫", "")] == ["abc", "ab", "猫", ""]
    assert lines.take("猫", 1) == ""
    assert (lines.padded("猫", 4), lines.padded("abc", 2)) == ("猫  ", "abc")
    assert lines.cropped([("a", "xy"), ("b", "zw")], 3) == [("a", "xy"), ("b", "…")]
    assert lines.cropped([("a", "xyz"), ("b", "w")], 2) == [("a", "x…")]
    symbols = ("<eos>", " ", "\n", "\t", "\u00a0", "\u3000", "a", "\x1b")
    assert [lines.spelled(symbol) for symbol in symbols] == [
        "∎ end", "␣", "⏎", "⇥", "nbsp", "wide ␣", "a", "␛",
    ]  # fmt: skip
    assert [lines.percentage(chance) for chance in (0.0, 0.0009, 0.001, 0.999, 1.0)] == [
        "0.0 %", "<0.1 %", "0.1 %", "99.9 %", "100 %",
    ]  # fmt: skip
    assert [lines.bar(share, 2) for share in (0.0625, 0.5, 0.5625, 1.0)] == ["▏", "█", "█▏", "██"]
    assert (lines.shown("a\n\tb", lines=True), lines.shown("a\n\tb", lines=False)) == ("a\n b", "a⏎ b")


@pytest.mark.parametrize(
    ("columns", "rows", "sizes"),
    [
        (80, 24, Sizes(width=78, left=31, right=45, text=8, rows=8, keys=2, spaced=True)),
        (80, 19, Sizes(width=78, left=31, right=45, text=7, rows=7, keys=2, spaced=False)),
        (80, 20, Sizes(width=78, left=31, right=45, text=6, rows=6, keys=2, spaced=True)),
        (200, 60, Sizes(width=198, left=36, right=160, text=41, rows=12, keys=1, spaced=True)),
        (92, 30, Sizes(width=90, left=36, right=52, text=11, rows=11, keys=2, spaced=True)),
        (1, 1, Sizes(width=1, left=-1, right=1, text=1, rows=1, keys=2, spaced=False)),
    ],
)
def test_the_sizes_of_a_window(columns: int, rows: int, sizes: Sizes) -> None:
    found = sizes_of(columns, rows)
    assert found == sizes


def test_lines_become_one_and_are_filled_up() -> None:
    one, two = [("a", "x")], [("b", "y"), ("c", "z")]
    assert joined([one, two]) == [*one, ("", "\n"), *two]
    assert joined([]) == []
    assert filled([one], 3) == [one, [], []]
    assert filled([one, two], 1) == [one, two]


@pytest.mark.parametrize(
    ("text", "kept", "ends"),
    [
        ("a b c", "a b c", True), ("a b a b", "a b", False), ("a a a", "a", False),
        (" a b\nc a  b d", " a b\nc", False),
        ("", "", True), ("a a", "a a", True),
    ],
)  # fmt: skip
def test_a_suggestion_ends_before_its_loop(text: str, kept: str, ends: bool) -> None:
    assert without_loop(Continuation(text, ends=True)) == Continuation(kept, ends=ends)


def test_the_mean_surprise_is_that_of_what_was_judged() -> None:
    assert latest(surprisals=(1.0, None, 2.0)).bits_per_character == 1.5
    assert latest(surprisals=(None,)).bits_per_character is None
    assert latest(surprisals=(None, 0.0)).judged == (0.0,)


class Keyboard:
    """A session that keeps what it is asked to do."""

    cursor = 5

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        places = {"word_start": 1, "word_end": 2, "line_start": 3}
        return lambda *given: places[name] if name in places else self.asked.append((name, *given))


MOVES = {
    ("left",): ("move", 4), ("right",): ("forward",), ("up",): ("move_line", -1), ("down",): ("move_line", 1),
    ("c-left",): ("move", 1), ("c-right",): ("move", 2), ("escape", "b"): ("move", 1),
    ("escape", "f"): ("move", 2), ("home",): ("move", 3), ("c-a",): ("move", 3), ("end",): ("line_forward",),
    ("c-e",): ("line_forward",), ("c-up",): ("heat", 1), ("escape", "up"): ("heat", 1),
    ("c-down",): ("heat", -1), ("escape", "down"): ("heat", -1),
}  # fmt: skip
CHANGES = {
    ("tab",): "accept_word", ("enter",): "enter", ("backspace",): "erase_before", ("delete",): "erase_after",
    ("c-w",): "erase_word", ("escape", "backspace"): "erase_word", ("c-u",): "clear", ("c-z",): "undo",
    ("c-_",): "undo", ("c-y",): "redo", ("c-r",): "reseed",
}  # fmt: skip


def test_each_key_asks_for_one_thing() -> None:
    for keys, asked in MOVES.items():
        keyboard = Keyboard()
        SESSION_KEYS[keys](cast("Any", keyboard))
        assert keyboard.asked == [asked], keys
    assert {keys: does.__name__ for keys, does in SESSION_KEYS.items() if keys not in MOVES} == CHANGES


def test_the_styles_are_those_of_a_dark_and_a_light_terminal() -> None:
    assert dict(STYLE.style_rules) == {
        "strong": "bold", "quiet": "dim", "rule": "dim", "ghost": "dim", "typed": "bold reverse",
        "name": "ansicyan", "bar": "ansicyan", "key": "ansicyan", "message": "ansiyellow",
        "surprise1": "ansiyellow", "surprise2": "ansibrightred", "surprise3": "ansibrightred underline",
        "unknown": "ansired reverse",
    }  # fmt: skip
