"""Dates as a table writes them, and as digits from the year to the second."""

import re
from datetime import date, time

PARTS = {"%Y": r"(?P<Y>\d{4})", "%m": r"(?P<m>\d\d)", "%d": r"(?P<d>\d\d)",
         "%H": r"(?P<H>\d\d)", "%M": r"(?P<M>\d\d)", "%S": r"(?P<S>\d\d)"}  # fmt: skip
DAY, TIME = "Ymd", "HMS"
FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
)  # of which a column whose days are all 12 or less takes the first that fits


class DateForm:
    """The format of the dates of a column.

    Args:
        written: The format, in which %Y, %m, %d, %H, %M and %S stand for digits.

    Attributes:
        timed: How many parts of a time of day follow the day: 0, 2 or 3.

    Raises:
        ValueError: If it has not each part of a day once, or only some of a time.
    """

    def __init__(self, written: str) -> None:
        self.written = written
        found = re.findall("%(.)", written)
        clock = "".join(sorted(part for part in found if part in TIME))
        day = sorted(part for part in found if part not in TIME)
        if day != sorted(DAY) or clock not in ("", "HM", "HMS"):
            raise ValueError("a format with %Y, %m and %d once each, and perhaps %H, %M and %S")
        self.timed = len(clock)
        self.parts = DAY + clock
        pattern = re.escape(written)
        for part, digits in PARTS.items():
            pattern = pattern.replace(part, digits)
        self.pattern = re.compile(pattern, re.ASCII)

    def digits(self, text: str) -> str:
        """Return the digits of a date, the year first.

        Raises:
            ValueError: If the text is no date of this format.
        """
        match = self.pattern.fullmatch(text)
        if match is None:
            raise ValueError(f"a date as {self.written}")
        found = "".join(match[part] for part in self.parts)
        try:
            self.day(found)
            if self.timed:
                time.fromisoformat(":".join(match[part] for part in self.parts[3:]))
        except ValueError:
            raise ValueError("a day of the calendar and a time of the clock") from None
        return found

    def day(self, digits: str) -> date:
        """Return the day of a date's digits."""
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))

    def text(self, digits: str) -> str:
        """Return a date as the table writes it."""
        text, at = self.written, 0
        for part in self.parts:
            width = 4 if part == "Y" else 2
            text = text.replace(f"%{part}", digits[at : at + width])
            at += width
        return text

    def iso(self, text: str) -> str:
        """Return a date of the table as ISO 8601 has it."""
        digits = self.digits(text)
        clock = [digits[at : at + 2] for at in range(8, len(digits), 2)]
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}" + ("T" + ":".join(clock) if clock else "")
