"""The process that reads an uploaded text: whatever stands in the file, the server goes on.

See `unspool._serving.training.apart` for what it runs.
"""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from unspool._configuration import to_dict
from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError
from unspool._serving.training.reading import Wishes
from unspool._serving.training.uploads import Upload
from unspool._system import apart

AT_ONCE, MOST_WAITING = 2, 16  # readings
PROGRAM = "from unspool._serving.training.apart import main; main()"


class UploadReader:
    """Reads uploaded texts in processes of their own, a few at once.

    Args:
        limits: The limits of the server.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places, self._waiting = asyncio.Semaphore(AT_ONCE), 0

    async def read(self, upload: Upload, wishes: Wishes, *, plan_alone: bool = False) -> dict[str, Any]:
        """Return what stands in an uploaded text, and what a training would do.

        Args:
            upload: The text.
            wishes: How it is to be read.
            plan_alone: Whether only the plan is wanted.

        Returns:
            What `what_was_read` returns, or `problem`: why the text cannot be read, perhaps in the limits of
            time and memory. And `plan`, if there are minutes: what `planned` returns, or its `problem`.

        Raises:
            RefusedError: If too many readings wait.
        """
        if self._waiting >= MOST_WAITING:
            message = f"too many texts are being read: at most {MOST_WAITING}; try again in a moment"
            raise RefusedError(429, message, code="too_many_readings", headers={"Retry-After": "5"})
        request: dict[str, Any] = {"file": upload.path.name, "wishes": to_dict(wishes)}
        request |= {
            "plan_alone": plan_alone,
            "most_bytes": self._limits.max_upload,  # of a packed file once it is unpacked
            "most_seconds": self._limits.read_seconds,
            "most_memory": self._limits.max_read_memory,
        }
        self._waiting += 1
        try:
            async with self._places:
                answer = await asyncio.to_thread(_answer_of, request, upload)
        finally:
            self._waiting -= 1
        named: dict[str, Any] = json.loads(_with_name(json.dumps(answer), upload))
        return named


def _answer_of(request: dict[str, Any], upload: Upload) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM],
            cwd=upload.path.parent,
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=request["most_seconds"],
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            **apart(),
        )
    except subprocess.TimeoutExpired:
        message = f"{upload.name} could not be read in {request['most_seconds']:g} seconds"
        return {"problem": f"{message}; train it with `unspool train`, which waits longer"}
    if done.returncode == 0:
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
    return {"problem": f"{upload.name} cannot be read: its reader ended with {how}; is the file damaged?"}


def _with_name(answer: str, upload: Upload) -> str:
    """Return an answer with the name that the owner gave in place of that of the file."""
    return answer.replace(upload.path.name, json.dumps(upload.name)[1:-1])
