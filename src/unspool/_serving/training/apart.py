"""What runs in the process that reads an uploaded text: a request comes as JSON, and so goes its answer."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from unspool._errors import InputError
from unspool._serving.training.reading import Wishes, problem_of, what_was_read
from unspool._system import limit_resources


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    seconds = math.ceil(2 * request["most_seconds"])  # that processors are busy for, all together
    limit_resources(seconds=seconds, memory=request["most_memory"])
    print(json.dumps(answer_to(request)))


def answer_to(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request: what was read and planned, or the problem."""
    path, wishes = Path(request["file"]), Wishes(**request["wishes"])
    read: dict[str, Any] = {}
    if not request["plan_alone"]:
        try:
            read = what_was_read(path, wishes, most_bytes=request["most_bytes"])
        except (InputError, MemoryError) as error:
            return {"problem": problem_of(error)}
        wishes = replace(wishes, column=read["column"], document=read["document"])
    if wishes.minutes is None:
        return read
    from unspool._serving.training.planned import planned  # noqa: PLC0415 - it takes longer to import than to read

    try:
        return {**read, "plan": planned(path, wishes)}
    except (InputError, MemoryError) as error:
        return {**read, "plan": {"minutes": wishes.minutes, "problem": problem_of(error)}}
