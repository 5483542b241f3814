"""A strict reader of the HTML of results."""

import re
from html.parser import HTMLParser

TAGS = {"div", "table", "thead", "tbody", "tr", "th", "td", "b", "u"}
ATTRIBUTES = {"style", "class", "dir", "title"}
STYLE = re.compile(r"(background:currentColor|(?!background|color)[a-z-]+:[a-zA-Z0-9.% -]+)(;|$)")


class _Reader(HTMLParser):
    """A reader that refuses what is not plain, or not balanced, and gathers the text of each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.texts: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        assert STYLE.sub("", dict(attrs).get("style") or "") == "", attrs
        self.open.append(tag)
        if tag not in ("b", "u"):
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag not in ("b", "u"):
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def texts_of(html: str) -> list[str]:
    """Return the texts of a piece of HTML, one for each block, after a check that it is plain."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)
    return [text for text in reader.texts if text.strip()]
