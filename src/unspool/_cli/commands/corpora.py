"""``unspool corpora``: the corpora that go by a name."""

import sys

from unspool._cli.flags.shared import AsJson
from unspool._cli.output.printing import print_json

FACTS = ("name", "state", "size", "licence", "description")


def corpora(*, as_json: AsJson = False) -> None:
    """List the corpora that can be used by name."""
    from unspool._text.corpora.registry import CORPORA

    rows = [
        {fact: corpus.state() if fact == "state" else str(getattr(corpus, fact)) for fact in FACTS}
        for corpus in CORPORA.values()
    ]
    if as_json:
        print_json([{**row, "columns": list(CORPORA[row["name"]].columns)} for row in rows])
    elif sys.stdout.isatty():
        print("\n\n".join(map(paragraph, rows)))
    else:
        print("\n".join("\t".join(row.values()) for row in rows))


def paragraph(row: dict[str, str]) -> str:
    """Return the paragraph on one corpus, for the width of the terminal."""
    import shutil
    import textwrap

    width = min(100, shutil.get_terminal_size().columns)
    facts = f"{row['size']}; {row['licence']}; {row['state']}"
    lines = [f"  {line}" for text in (row["description"], facts) for line in textwrap.wrap(text, width - 2)]
    return "\n".join([row["name"], *lines])
