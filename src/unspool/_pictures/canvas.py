"""A canvas: the elements of an SVG document, its style sheet, its title and its legend.

A picture is shown alone or, in a notebook, in a page with others. Alone it is light or dark as the viewer
prefers, with its own background, since a page may be light where the viewer prefers dark. For a viewer
without a preference its grey can be read on both. In a page it takes the page's colour.
"""

from collections.abc import Iterable

from unspool._pictures.colours import HEAT
from unspool._pictures.lettering import cut, escaped, text_width

WIDTH, MARGIN = 720, 20
TITLE, NOTE = 15.0 * 1.1, 12.0  # font sizes; bold letters are wider

Point = tuple[float, float]

# Every rule applies to these pictures only. Marks are filled or drawn with a stroke.
STYLE = """
  svg.unspool { max-width: 100%; height: auto; fill: currentColor;
    font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
  svg.unspool:root { color: #757575 }
  @media (prefers-color-scheme: light) { svg.unspool:root { color: #333; background: #fff } }
  @media (prefers-color-scheme: dark) { svg.unspool:root { color: #ddd; background: #0d1117 } }
  .unspool .title { font-size: 15px; font-weight: 600 } .unspool .heading { font-weight: 600 }
  .unspool .note { font-size: 12px } .unspool .middle { text-anchor: middle }
  .unspool .end { text-anchor: end }
  .unspool .code { text-anchor: middle; white-space: pre;
    font: 16px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono", monospace }
  .unspool .grid { stroke: #888; stroke-opacity: 0.3 } .unspool .axis { stroke: #888 }
  .unspool .rule { stroke-width: 1.5; stroke-dasharray: 5 4 }
  .unspool .span { stroke-width: 1.5 } .unspool .dotted { stroke-dasharray: 2 2 }
  .unspool .curve { fill: none; stroke-linejoin: round; stroke-linecap: round }
  .unspool .faint { stroke-opacity: 0.45 }
"""
for level, (ground, ink) in enumerate(HEAT, start=1):
    STYLE += f".unspool .heat{level} {{ fill: {ink}; color: {ink} }} "
    STYLE += f".unspool .heat{level} rect {{ fill: {ground} }}\n"

# Marks of size 1 around the origin. Those of the second table are drawn with a stroke, the others filled.
FILLED = {"circle": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z", "square": "M-.9-.9h1.8v1.8h-1.8z",
          "diamond": "M0-1.3 1.2 0 0 1.3-1.2 0z", "box": "M-1.2-1.2h2.4v2.4h-2.4z"}  # fmt: skip
STRUCK = {"ring": FILLED["circle"], "cross": "M-1-1 1 1M-1 1 1-1", "line": "M-1.8 0h3.6"}


def element(tag: str, content: str = "", /, **attributes: str | float | None) -> str:
    """Return an element of XML.

    Args:
        tag: The name of the element.
        content: The content of the element, as XML.
        attributes: The attributes: numbers are rounded to a tenth, and None is left out. An underscore stands
            for a hyphen; the last underscore of `class_` is dropped.
    """
    named = [(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items()]
    written = "".join(f' {name}="{_value(value)}"' for name, value in named if value is not None)
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def text(x: float, y: float, words: str, kind: str | None = None) -> str:
    """Return words that begin at a place.

    Args:
        x: Distance from the left, in pixels.
        y: Distance of the base line from the top, in pixels.
        words: The words.
        kind: One or more classes of the style sheet.
    """
    return element("text", escaped(words), class_=kind, x=x, y=y)


def line(kind: str, begin: Point, end: Point, colour: str = "currentColor") -> str:
    """Return a straight line.

    Args:
        kind: A class of the style sheet.
        begin: The start of the line.
        end: The end of the line.
        colour: The colour of the line.
    """
    (x1, y1), (x2, y2) = begin, end
    return element("line", class_=kind, x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour)


def box(corner: Point, width: float, height: float, colour: str | None = None, tip: str = "") -> str:
    """Return a filled box.

    Args:
        corner: Its upper left corner.
        width: Its width in pixels.
        height: Its height in pixels.
        colour: The colour of the box; None for that of the style sheet.
        tip: The words that are shown to a pointer on it.
    """
    x, y = corner
    return element("rect", hint(tip), x=x, y=y, width=width, height=height, fill=colour)


def mark(shape: str, place: Point, colour: str, *, size: float = 4.0, tip: str = "") -> str:
    """Return a mark.

    Args:
        shape: A key of `FILLED` or of `STRUCK`.
        place: The middle of the mark.
        colour: The colour of the mark.
        size: Half the width of the mark, in pixels.
        tip: The words that are shown to a pointer on it.
    """
    fill, stroke = (colour, None) if shape in FILLED else ("none", colour)
    where = f"translate({place[0]:.1f} {place[1]:.1f}) scale({size:g})"
    return element("path", hint(tip), d=(FILLED | STRUCK)[shape], transform=where, fill=fill, stroke=stroke,
                   stroke_width=f"{2.2 / size:.3g}")  # fmt: skip


def hint(words: str) -> str:
    """Return the words that are shown to a pointer on an element; nothing for no words."""
    return element("title", escaped(words)) if words else ""


def _value(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


class Canvas:
    """A picture that grows downwards.

    Args:
        title: The title above the picture, cut to its width; also its name for people who do not see it.
        note: A small note below the title.
        description: A description of the picture for people who do not see it.
        width: The width in pixels.

    Attributes:
        width: Its width, in pixels.
        bottom: The place where the next part may begin.
    """

    def __init__(self, title: str, *, description: str, note: str = "", width: float = WIDTH) -> None:
        self.width, self.bottom = width, 34.0
        self._title, self._description = cut(title, 1000.0, 1.0), description
        self._parts: list[list[str]] = []
        self.add(text(MARGIN, 26, cut(title, width - 2 * MARGIN, TITLE), "title"))
        if note:
            self.add(text(MARGIN, 46, cut(note, width - 2 * MARGIN, NOTE), "note"))
            self.bottom = 54.0

    def add(self, *parts: str) -> None:
        """Add elements to the canvas."""
        self._parts.append(list(parts))

    def window(self, x: float, y: float, width: float, height: float) -> list[str]:
        """Return a list for elements that are cut to a box, in the canvas's coordinates."""
        inside = [f'<svg x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
                  f'viewBox="{x:g} {y:g} {width:g} {height:g}">']  # fmt: skip
        self._parts += [inside, ["</svg>"]]
        return inside

    def legend(self, entries: Iterable[tuple[str, str, str]]) -> None:
        """Add a legend below the content, in as many lines as it needs.

        Args:
            entries: Shape (a key of `FILLED` or of `STRUCK`), colour and words of each entry; an entry
                without words is left out.
        """
        x, room = 1.0 * MARGIN, self.width - 2 * MARGIN
        for shape, colour, name in (entry for entry in entries if entry[2]):
            words = cut(name, room - 24)
            if x + 24 + text_width(words) > MARGIN + room:
                x, self.bottom = 1.0 * MARGIN, self.bottom + 20
            sign = mark(shape, (x + 8, self.bottom + 10), colour, size=5)
            self.add(sign, text(x + 24, self.bottom + 14.5, words))
            x += 44 + text_width(words)
        self.bottom += 20

    def svg(self) -> str:
        """Return the picture as an SVG document."""
        width, height = f"{self.width:g}", f"{self.bottom:g}"
        head = [hint(self._title), element("desc", escaped(self._description)), element("style", STYLE)]
        content = "\n".join(["", *head, *(part for parts in self._parts for part in parts), ""])
        return element("svg", content, xmlns="http://www.w3.org/2000/svg", class_="unspool", role="img",
                       aria_label=self._title, viewBox=f"0 0 {width} {height}", width=width,
                       height=height) + "\n"  # fmt: skip
