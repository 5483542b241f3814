"""Record anew what the errors of a room say: python -m tests.told.renew ROOM ...

The tests of a room run twice, and what differs between the two is left out, as is what Hypothesis makes up.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .recording import DATA, ROOMS

ROOT = Path(__file__).resolve().parents[2]


def heard(room: str) -> dict[str, list[str]]:
    """Run the tests of a room, and return what their errors say."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "told")
        command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", f"tests/{room}"]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"UNSPOOL_TOLD": str(path)}, check=True)
        lines = map(json.loads, path.read_text("utf-8").splitlines())
        return dict(lines)


def renew(room: str) -> None:
    """Write the file of a room, and tell how many messages it has."""
    first, second = heard(room), heard(room)
    kept = {test: said for test, said in first.items() if said and second.get(test) == said}
    path = DATA / f"{room.replace('/', '-')}.json"
    path.write_text(json.dumps(kept, indent=0, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    print(f"{path}: {sum(map(len, kept.values()))} messages of {len(kept)} tests")


if __name__ == "__main__":
    for name in sys.argv[1:] or ROOMS:
        renew(name)
