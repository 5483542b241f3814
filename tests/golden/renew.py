"""Renew golden outputs on purpose, and show what changes: ``python -m tests.golden.renew AREA...``.

``all`` stands for all of them; without a name it lists the areas.
"""

import json
import sys
import tempfile
from pathlib import Path

from .comparing import difference
from .make import AREAS
from .setting import DATA, environment, made


def renew(area: str) -> None:
    """Make an area again, show what changed, and keep it."""
    with tempfile.TemporaryDirectory() as folder:
        found = made(area, Path(folder))
    path = DATA / area
    golden = path.read_text("utf-8") if path.exists() else ""
    print(difference(golden, found, area) or f"{area}: the same")
    path.write_text(found, "utf-8")
    if area == "digests.json":
        (DATA / "environment.json").write_text(json.dumps(environment(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    names = [name for name in AREAS if "all" in sys.argv[1:] or name in sys.argv[1:]]
    for name in names:
        renew(name)
    if not names:
        print("\n".join(AREAS))
