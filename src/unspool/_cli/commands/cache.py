"""``unspool cache``: the encoded texts of large files that are kept for the next run."""

import time
from typing import Annotated

from unspool._cli.flags.flag import Flag, Option
from unspool._cli.flags.shared import AsJson
from unspool._cli.output.printing import note, print_json
from unspool._screen.wording import one_line, size

Clear = Annotated[bool, Option(Flag("clear", bool, "Remove all cached texts"))]


def cache(*, clear: Clear = False, as_json: AsJson = False) -> None:
    """List or remove the encoded texts that are kept for the next run.

    The environment variable UNSPOOL_CACHE sets their folder, and UNSPOOL_CACHE_LIMIT their largest total size
    in gigabytes (20).
    """
    from unspool._text.encoding.cache import StreamCache

    stored = StreamCache()
    freed = stored.clear() if clear else 0
    rows = [
        {
            "path": str(entry.path),
            "corpus": entry.description,
            "bytes": entry.size,
            "used": time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used)),
        }
        for entry in stored.entries()
    ]
    if as_json:
        print_json({"folder": str(stored.folder), "limit": stored.limit, "freed": freed, "entries": rows})
        return
    if clear:
        note(f"Removed {size(freed)} from {stored.folder}")
    for row in rows:
        print(f"{row['used']}\t{row['bytes']}\t{one_line(str(row['corpus']))}")
