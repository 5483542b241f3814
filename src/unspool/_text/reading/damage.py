"""Signs that a text was damaged before it came here, by a wrong encoding."""

import re

BLOCK = 1 << 16  # characters of texts that are looked at together
AROUND = 15  # characters that an example shows on either side
CONTINUED = "[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"  # a byte 0x80 to 0xBF, as Windows-1252 reads it
CONTROL_BYTES = re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")  # in UTF-8; U+0085 is a line end of some systems
CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")
REPLACED = re.compile("\ufffd")
MISREAD = re.compile(f"[ÃÐÑ]{CONTINUED}|Â[\xa0-\xbf]|â€{CONTINUED}")
JOINED = re.compile("(?<=.)\ufeff", re.DOTALL)  # a text may begin with it
ESCAPES = re.compile(r"\x1b\$[@B]")
SIGNS = {
    CONTROLS: ("control character", "which usually were quotes or dashes of Windows-1252: read the original "
               "with --encoding cp1252, in Python encoding='cp1252'"),
    REPLACED: ("U+FFFD", "which stands where a character was lost: convert the original again"),
    MISREAD: ("Ã© or its like", "which is UTF-8 read as Windows-1252: convert the original again"),
    JOINED: ("U+FEFF", "which is the byte order mark of a file that was joined to another one: take it out"),
    ESCAPES: ("ISO-2022-JP escape", "which begins Japanese in this encoding: read it with "
              "--encoding iso2022_jp, in Python encoding='iso2022_jp'"),
}  # fmt: skip


class DamageSigns:
    """The signs of damage in a text that is read in blocks; a sign between two blocks is not seen."""

    def __init__(self) -> None:
        self._found: dict[re.Pattern[str], tuple[int, str]] = {}
        self._texts: list[str] = []
        self._characters = 0

    def add(self, text: str) -> None:
        """Add a text that was not read as it stands, such as a string of JSON; many are one block."""
        if not text.isascii():
            self._texts.append(text)
            self._characters += len(text)
            if self._characters > BLOCK:
                self._look_at_texts()

    def _look_at_texts(self) -> None:
        if self._texts:
            self.look("\n".join(("", *self._texts)), None)
        self._texts.clear()
        self._characters = 0

    def look(self, text: str, utf8: bytes | None) -> None:
        """Look at a block, in much less time than it takes to decode it.

        Args:
            text: The block, which has other characters than ASCII, or escapes.
            utf8: The block in UTF-8, if it was; else None.
        """
        if "\ufffd" in text:
            self._count(REPLACED, text)
        if text.find("\ufeff", 1) > 0:
            self._count(JOINED, text)
        if "\x1b" in text:
            self._count(ESCAPES, text)
        if any(first in text for first in "ÃÂÐÑ") or ("â" in text and "€" in text):
            self._count(MISREAD, text)
        block = text.encode("utf-8", "replace") if utf8 is None else utf8
        if b"\xc2" in block and CONTROL_BYTES.search(block):
            self._count(CONTROLS, text)

    def _count(self, sign: re.Pattern[str], text: str) -> None:
        first, times = None, 0
        for match in sign.finditer(text):
            first, times = first or match, times + 1
        if first is not None:
            before, after = text[: first.start()][-AROUND:], text[first.end() :][:AROUND]
            example = before.split("\n")[-1] + first[0] + after.split("\n")[0]
            times_before, shown = self._found.get(sign, (0, example))
            self._found[sign] = times_before + times, shown

    def sentences(self, name: str) -> list[str]:
        """Return a sentence for each kind of sign: its number and an example.

        Args:
            name: The name of the file.
        """
        self._look_at_texts()
        return [
            f"{name}: {times:,} {what}{'' if times == 1 else 's'} such as in {example!r}, {meaning}"
            for sign, (what, meaning) in SIGNS.items()
            if sign in self._found
            for times, example in (self._found[sign],)
        ]
