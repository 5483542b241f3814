"""Audits of runs on demand: each is the command `unspool audit` in a process of its own, one at a time."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from unspool._artifacts.model_folder import MODEL
from unspool._serving.watching.log import stamp_of
from unspool._serving.watching.stored_audit import short_audit, stored_audit

AuditState: TypeAlias = Literal["none", "waiting", "running", "done", "failed"]
LOOK, MOST_SECONDS = 0.5, 1800
MOST_WAITING = 8
LONGEST_MESSAGE = 1_000
NO_MODEL = "there is no model yet: a run saves one at its first evaluation"
TOO_LONG = f"it was stopped after {MOST_SECONDS // 60} minutes: unspool audit DIR has no such limit"


@dataclass
class AskedAudit:
    """An audit that was asked for.

    Args:
        model: The stamp of the model's file.
        state: How far it is.
        message: Why it failed, or None.
        audit: Its result, once it is done.
    """

    model: tuple[int, ...]
    state: AuditState = "waiting"
    message: str | None = None
    audit: dict[str, Any] | None = None


def audit_command(path: Path) -> list[str]:
    """Return the command that audits the model in a folder."""
    return [sys.executable, "-m", "unspool", "audit", str(path.resolve()), "--json", "--threads", "1"]


class Audits:
    """The audits that were asked for; any number of threads may use it.

    Args:
        is_stopping: Whether the server is about to stop, which ends them.
        command: The command that audits a folder: it prints the result as JSON, and says on standard error
            what is wrong.
    """

    def __init__(
        self,
        is_stopping: Callable[[], bool] = lambda: False,
        command: Callable[[Path], Sequence[str]] = audit_command,
    ) -> None:
        self._is_stopping, self._command = is_stopping, command
        self._jobs: dict[Path, AskedAudit] = {}
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None

    def look(self, path: Path) -> dict[str, Any]:
        """Return the state of the audit of a run, and the last one there is.

        Args:
            path: The folder of the run.
        """
        model, stored = stamp_of(path / MODEL), stored_audit(path)
        with self._lock:
            job = self._jobs.get(path)
            if job is not None and job.state in ("waiting", "running"):
                return {"state": job.state, "message": None, "audit": stored}
            if job is not None and job.model == model:
                fresh = stored if stored is not None and not stored["stale"] else job.audit
                return {"state": job.state, "message": job.message, "audit": fresh or stored}
        return {"state": "none" if stored is None else "done", "message": None, "audit": stored}

    def start(self, path: Path) -> dict[str, Any]:
        """Begin the audit of a run, unless its model was audited or is about to be.

        Args:
            path: The folder of the run.

        Returns:
            What `look` returns.
        """
        model, now = stamp_of(path / MODEL), self.look(path)
        if model is None:
            return {"state": "failed", "message": NO_MODEL, "audit": now["audit"]}
        with self._lock:
            busy = sum(job.state in ("waiting", "running") for job in self._jobs.values())
            fresh = now["state"] == "done" and not now["audit"]["stale"]
            if fresh or now["state"] in ("waiting", "running") or busy >= MOST_WAITING:
                return now
            self._thread = self._thread or ThreadPoolExecutor(1, "unspool-audits")
            self._jobs[path] = job = AskedAudit(model)
            self._thread.submit(self._run, path, job)
        return self.look(path)

    def _run(self, path: Path, job: AskedAudit) -> None:
        with self._lock:
            job.state = "running"
        try:
            audit, message = self._made(path)
        except OSError as error:
            audit, message = None, f"the audit could not be started: {error.strerror}"
        with self._lock:
            job.audit, job.message = audit, message
            job.state = "failed" if audit is None else "done"

    def _made(self, path: Path) -> tuple[dict[str, Any] | None, str | None]:
        """Return what an audit has found, or the words for why it has found nothing."""
        with subprocess.Popen(
            self._command(path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            out, said = self._waited(process)
            return result_of(out, said, process.returncode)

    def _waited(self, process: "subprocess.Popen[str]") -> tuple[str, str]:
        """Return what a process has printed and said, once it has ended or its time is over."""
        deadline = time.monotonic() + MOST_SECONDS
        while True:
            try:
                return process.communicate(timeout=LOOK)
            except subprocess.TimeoutExpired:
                if self._is_stopping() or time.monotonic() > deadline:
                    process.kill()
                    process.communicate()
                    return "", TOO_LONG


def result_of(out: str, said: str, status: int) -> tuple[dict[str, Any] | None, str | None]:
    """Return what an audit has found, or the words for why it has found nothing.

    Args:
        out: What it has printed.
        said: What it has said on standard error.
        status: Its exit status.
    """
    try:
        document = json.loads(out) if status == 0 else None
    except ValueError:
        document = None
    if isinstance(document, dict):
        return short_audit(document) | {"stale": False, "time": None}, None
    lines = [line for line in said.strip().splitlines() if line.strip()]
    message = "\n".join(line for line in lines if not line.endswith("…"))[-LONGEST_MESSAGE:]
    return None, message or f"the audit ended with status {status}"
