"""The content of the screen of ``play``, line by line: pieces of text with the names of their styles."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from prompt_toolkit.utils import get_cwidth

from unspool._cli.play.prediction import Continuation
from unspool._cli.play.session import Session
from unspool._evaluation.next_symbols import EOS
from unspool._screen.wording import one_line
from unspool._text.tokenizers.unknown_symbols import name_of

Pieces = list[tuple[str, str]]  # (style, text)

END = "∎"
SPELLED = {EOS: f"{END} end", " ": "␣", "\n": "⏎", "\t": "⇥", "\u00a0": "nbsp", "\u3000": "wide ␣"}
EIGHTHS = " ▏▎▍▌▋▊▉█"
SURPRISE = ((8.0, "class:surprise3"), (5.0, "class:surprise2"), (3.0, "class:surprise1"))  # least bits
BETWEEN = "   "  # between two keys
WIDEST_NAME = 12
WIDE = 72  # columns from which words are not abbreviated
KEYS = (
    ("Tab", "word"),
    ("→", "symbol"),
    ("End", "line"),
    ("Alt-1…5", "take one"),
    ("Alt-↑↓", "temperature"),
    ("Ctrl-R", "others"),
    ("Ctrl-Z", "undo"),
    ("Ctrl-Y", "redo"),
    ("Ctrl-U", "clear"),
    ("Esc", "quit"),
)  # the first ones are shown if there is no room for all


def title(name: str, facts: str, session: Session, width: int) -> Pieces:
    """Return the title: the model on the left, temperature and seed on the right."""
    options = session.options
    figures = [("temperature ", f"{options.temperatures[0]:g}"), ("   seed ", str(options.seed))]
    right: Pieces = []
    for label, value in figures:
        right += [("class:quiet", label), ("class:strong", value)]
    left: Pieces = [("class:strong", one_line(name)), ("class:quiet", f"  {facts}")]
    room = width - 2 - columns(right)
    left = cropped(left, room - 2)
    return [*left, ("", " " * (room - columns(left))), *right]


def text(session: Session, width: int, height: int) -> Pieces:
    """Return the text in the colours of its surprise, with the cursor and the suggestion after it.

    The parts for which the window is too small are left out.
    """
    start = first_shown(session.text, session.cursor, width, height)
    pieces: Pieces = list(coloured(session, start, session.cursor))
    pieces.append(("[SetCursorPosition]", ""))
    pieces += coloured(session, session.cursor, session.cursor + width * height)
    ghost = session.ghost
    pieces.append(("class:ghost", shown(ghost.text, lines=True)))
    whole = session.fresh and ghost.text == session.latest.suggestion.text
    pieces.append(("class:ghost", END if ghost.ends and whole else " "))
    return pieces


def first_shown(text: str, cursor: int, width: int, height: int) -> int:
    """Return the place of the first visible character, which is at the start of a line of the window."""
    earliest = max(0, cursor - width * height)
    line = text.rfind("\n", 0, earliest) + 1
    return line + (earliest - line) // width * width


def coloured(session: Session, start: int, end: int) -> Iterator[tuple[str, str]]:
    """Yield a part of the text, a piece for each run of one style."""
    surprisals, strange = session.latest.surprisals, session.latest.strange

    def style(place: int) -> str:
        if place < len(strange) and strange[place]:
            return "class:unknown"
        bits = surprisals[place] if place < len(surprisals) else None
        return next((name for least, name in SURPRISE if (bits or 0.0) >= least), "class:text")

    places = range(start, min(end, len(session.text)))
    for name, run in groupby(places, style):
        part = "".join(session.text[place] for place in run)
        yield name, shown(part, lines=name != "class:unknown")


def figures(session: Session, width: int) -> Pieces:
    """Return the surprise of the text, and remarks about it."""
    prediction = session.latest
    bits = prediction.bits_per_character
    pieces: Pieces = []
    if bits is not None:
        known, every = f"{len(prediction.judged):,}", f"{len(prediction.surprisals):,}"
        count = every if known == every else f"{known} of {every}"
        words = (" bits per character  ", " characters  ") if width >= WIDE else (" bits/char  ", " chars  ")
        unit, units = words
        pieces += [("class:strong", f"{bits:.2f}"), ("class:quiet", unit)]
        pieces += [("class:strong", count), ("class:quiet", units)]
    elif not session.text:
        pieces.append(("class:quiet", "type a beginning, or press Tab  "))
    pieces.append(("class:message", session.message or strangers_note(session)))
    return cropped(pieces, width - 2)


def strangers_note(session: Session) -> str:
    """Return a remark on the symbols that the model does not know, and on their treatment."""
    strangers = session.latest.strangers
    if not strangers:
        return ""
    names = name_of(strangers[0]) if len(strangers) == 1 else " ".join(map(one_line, strangers))
    return f"unknown to the model, {session.fate}: {names}"


def heading(words: str, width: int) -> Pieces:
    """Return a rule with a few words at its start."""
    words = cut(words, width - 1)
    return [("class:quiet", f"{words} "), ("class:rule", "─" * (width - get_cwidth(words) - 1))]


def next_symbols(session: Session, width: int, height: int) -> list[Pieces]:
    """Return the possible next symbols: a name, a percentage and a bar on each line."""
    rows = session.latest.next_symbols[:height]
    names = [spelled(symbol) for symbol, _ in rows]
    widest = min(WIDEST_NAME, max(map(get_cwidth, [SPELLED[EOS], *names])), width - 9)  # <eos> is frequent
    at_cursor = session.text[session.cursor : session.cursor + 1]
    lines = []
    for (symbol, chance), name in zip(rows, names, strict=True):
        style = "class:typed" if symbol == at_cursor else "class:name" if symbol in SPELLED else "class:text"
        lines.append(
            [
                (style, padded(cut(name, widest), widest)),
                ("class:quiet", f" {percentage(chance):>6} "),
                ("class:bar", bar(chance, width - widest - 8)),
            ]
        )
    return lines


def continuations(session: Session, width: int, height: int) -> list[Pieces]:
    """Return the continuations, numbered, each on as many lines as there is room for."""
    many = session.latest.continuations
    rows = max(1, height // max(1, len(many)))
    lines: list[Pieces] = []
    for number, continuation in enumerate(many, start=1):
        pieces = [("class:name", f"{number} ")]
        for part in folded(continuation, width - 2, rows):
            lines.append([*pieces, *part])
            pieces = [("", "  ")]
    return lines[:height]


def folded(continuation: Continuation, width: int, rows: int) -> Iterator[Pieces]:
    """Yield a continuation in at most `rows` lines of a width."""
    left = one_line(continuation.text)
    for row in range(rows):
        line = cut(left, width - 1) if row == rows - 1 else take(left, width - 1) or left[:1]
        left = left[len(line) :]
        done = row == rows - 1 or not left
        ends = END if continuation.ends and done and not line.endswith("…") else ""
        yield [("class:ghost", line), ("class:name", ends)]
        if done:
            return


def keys(width: int) -> list[Pieces]:
    """Return the keys, on at most two lines."""
    lines: list[Pieces] = [[]]
    for key, does in KEYS:
        item: Pieces = [("class:key", key), ("class:quiet", f" {does}")]
        if columns(lines[-1]) + len(BETWEEN) + columns(item) > width - 2:
            if len(lines) == 2:
                break
            lines.append([])
        lines[-1] += [("", BETWEEN), *item] if lines[-1] else item
    return lines


def spelled(symbol: str) -> str:
    """Return a visible name of a symbol."""
    return SPELLED.get(symbol) or one_line(symbol)


def shown(part: str, *, lines: bool) -> str:
    """Return text that is safe to draw; line ends stay if `lines`, else they become visible."""
    return "\n".join(map(one_line, part.split("\n"))) if lines else one_line(part)


def percentage(chance: float) -> str:
    """Return a probability in words of constant width."""
    return "<0.1 %" if 0 < chance < 0.001 else f"{chance:.1%}".replace("%", " %").replace("100.0", "100")


def bar(share: float, width: int) -> str:
    """Return a bar for a share of a width, to an eighth of a column."""
    eighths = max(1, round(share * width * 8)) if share > 0 else 0
    return (EIGHTHS[8] * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip() if width > 0 else ""


def columns(pieces: Iterable[tuple[str, str]]) -> int:
    """Return the width of pieces in columns of the terminal."""
    return sum(get_cwidth(words) for _, words in pieces)


def cropped(pieces: Sequence[tuple[str, str]], width: int) -> Pieces:
    """Return pieces cut to a width."""
    fitting: Pieces = []
    for style, words in pieces:
        part = cut(words, width - columns(fitting))
        fitting.append((style, part))
        if part != words:
            break
    return fitting


def cut(words: str, width: int) -> str:
    """Return text cut to a width, with … in the place of missing text."""
    if get_cwidth(words) <= width:
        return words
    return take(words, width - 1) + "…" if width > 0 else ""


def take(words: str, width: int) -> str:
    """Return as many characters as fit into a width."""
    used = 0
    for place, character in enumerate(words):
        used += get_cwidth(character)
        if used > width:
            return words[:place]
    return words


def padded(words: str, width: int) -> str:
    """Return text with spaces up to a width."""
    return words + " " * (width - get_cwidth(words))
