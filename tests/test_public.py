"""The public face: the page that lists what is public, and the file that the names come from, agree."""

import re
from pathlib import Path

import unspool

PAGE = Path(__file__).resolve().parents[1] / "docs" / "public.md"


def test_the_page_lists_the_public_names() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(set(unspool.__all__) - {"__version__"})


def test_what_few_need_has_its_home() -> None:
    from unspool.sweeping import Range

    assert Range(1, 2).high == 2
    assert not hasattr(unspool, "Range")
