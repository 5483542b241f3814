"""Trainings that were begun from the page: ordinary `unspool train` processes, which outlive the server.

All that is known of one is in its folder::

    RUNS/headlines/checkpoint/training.json    what was asked for, and the number of its process
    RUNS/headlines/checkpoint/training.toml    the options of `unspool train`
    RUNS/headlines/checkpoint/training.log     what the process says; it is locked while the process lives
    RUNS/headlines/checkpoint/text/titles.csv  the text, under the name that its owner gave it

So a server that is started again knows as much as the one before it.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unspool._configuration import from_dict, to_dict
from unspool._errors import InputError
from unspool._json_files import json_text, read_json
from unspool._screen.wording import argument, command_line
from unspool._storage import atomic_write, is_torn
from unspool._system import interrupt, lock, on_its_own
from unspool._text.reading.folders import suffix_of
from unspool._text.reading.sources import SOURCES
from unspool._training.folder.run_folder import UNBORN

JOB = "checkpoint/training.json"
SETTINGS = "checkpoint/training.toml"
LOG = "checkpoint/training.log"
TEXT = "checkpoint/text"
FORMAT_VERSION = 1
TRIES, PAUSE = 20, 0.01  # to lock a log that somebody looks at; seconds between two

# A name is a folder, a part of an address, and an argument of commands, on every system.
NAME = re.compile(r"[^\W_](?:[\w.-]{0,62}[\w-])?")
NO_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # of files on Windows
MOST_OF_NAME = 200  # bytes of the name of a file
NAME_WORDS = "letters, digits, - _ and . inside, at most 64 of them"

_looking = threading.Lock()  # two looks at a lock would take each other for a process


@dataclass(frozen=True)
class TrainingJob:
    """What was asked for when a training began.

    Args:
        format_version: Version of the format of the file.
        corpus: The id of the uploaded text.
        file: The file of the text, from the folder of the runs.
        text: What its owner calls the text.
        minutes: The time of the training.
        begun: When its process was started, in seconds since 1970.
        settings: The options of `unspool train`, by their names in Python.
        process: The number of its process; None until it is known.
        stopped: Whether somebody has asked it to stop.
    """

    format_version: int
    corpus: str
    file: str
    text: str
    minutes: float
    begun: float
    settings: dict[str, Any] = field(default_factory=dict)
    process: int | None = None
    stopped: bool = False


class TakenError(Exception):
    """A folder that has a run, or whose training runs at this moment."""


class Jobs:
    """The trainings in a folder of runs.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def all(self) -> dict[str, TrainingJob]:
        """Return what was asked for by the names of the runs."""
        found = {}
        with suppress(OSError):
            for entry in sorted(os.scandir(self.root), key=lambda each: each.name):
                if not entry.name.startswith(".") and entry.is_dir():
                    with suppress(OSError, InputError):
                        found[entry.name] = read_job(Path(entry.path))
        return found

    def named(self) -> set[str]:
        """Return the ids of the texts that trainings name."""
        return {job.corpus for job in self.all().values()}

    def running(self) -> list[str]:
        """Return the names of the trainings whose processes live."""
        return [name for name in self.all() if is_running(self.root / name)]

    def free_name(self, wanted: str) -> str:
        """Return a name for a run that is not taken, made from any words."""
        plain = re.sub(r"[^\w-]+", "-", wanted.partition(".")[0]).strip("-_")[:48].strip("-_").lower()
        if not NAME.fullmatch(plain) or NO_NAMES.fullmatch(plain):
            plain = "training"
        number = 1
        while (name := plain if number == 1 else f"{plain}-{number}") and (self.root / name).exists():
            number += 1
        return name

    def begin(self, name: str, job: TrainingJob) -> None:
        """Start a training in a folder of its own.

        Args:
            name: The name of the run.
            job: What is asked for.

        Raises:
            TakenError: If there is a run of this name.
            OSError: If the folder cannot be written or the process cannot be started.
        """
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        if not is_unborn(folder):
            raise TakenError(name)
        (folder / JOB).parent.mkdir(exist_ok=True)
        text = argument(f"{name}/{TEXT}/{_named(self.root / job.file, folder / TEXT, job.text)}")
        words = ["train", text, "--out", argument(name), "--config", f"{argument(name)}/{SETTINGS}"]
        self._start(name, job, words)

    def resume(self, name: str, job: TrainingJob, minutes: float | None) -> None:
        """Go on with a training that was stopped or has finished.

        Args:
            name: The name of the run.
            job: What was asked for.
            minutes: The time of the whole training, if it is to be longer than before; else None.

        Raises:
            TakenError: If it is running.
            OSError: If the folder cannot be written or the process cannot be started.
        """
        if minutes is not None:
            job = replace(job, minutes=minutes)
        job = replace(job, begun=time.time(), process=None, stopped=False)
        if is_unborn(self.root / name):
            self.begin(name, job)
            return
        longer = [] if minutes is None else ["--minutes", f"{minutes:g}"]
        self._start(name, job, ["train", "--resume", argument(name), *longer])

    def stop(self, name: str, job: TrainingJob) -> bool:
        """Interrupt a training as Ctrl-C does, which saves it; return whether it was running."""
        if not is_running(self.root / name) or job.process is None:
            return False
        _write_job(self.root / name, replace(job, stopped=True))
        with suppress(ProcessLookupError):
            interrupt(job.process)
        return True

    def forget(self, name: str) -> bool:
        """Remove what is left of a training that has learnt nothing; return whether that was done."""
        folder = self.root / name
        if not is_unborn(folder) or is_running(folder):
            return False
        (folder / JOB).unlink(missing_ok=True)  # first: without it there is no training
        shutil.rmtree(folder, ignore_errors=True)
        return True

    def _start(self, name: str, job: TrainingJob, words: list[str]) -> None:
        folder = self.root / name
        with (folder / LOG).open("ab") as log:
            if not _locked(log.fileno()):
                raise TakenError(name)
            log.truncate(0)
            atomic_write(folder / SETTINGS, toml({"minutes": job.minutes, **job.settings}))
            _write_job(folder, job)
            log.write(f"$ {command_line(['unspool', *words])}\n".encode())
            log.flush()
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "unspool", *words],
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,  # by which the lock is the process's
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                **on_its_own(),
            )
            _write_job(folder, replace(job, process=child.pid))
        threading.Thread(target=child.wait, daemon=True).start()  # or it would stay in the system's table


def _named(content: Path, folder: Path, name: str) -> str:
    """Put a text into a folder under the name that its owner gave it, and return the name of the file.

    Args:
        content: The file of the text, which stays.
        folder: The folder, in which it takes no place if the file system knows links.
        name: What its owner calls it.
    """
    folder.mkdir(exist_ok=True)
    file = file_name(name, content.name)
    try:
        os.link(content, folder / file)
    except FileExistsError:  # of a training that ended before its start
        pass
    except OSError:
        shutil.copyfile(content, folder / file)
    return file


def file_name(name: str, like: str) -> str:
    """Return a name for a file that every system takes, as close to a name as can be.

    Args:
        name: What its owner calls it.
        like: The name of a file of the same format, whose end is added where the name tells another format.
    """
    plain = (
        re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name)
        .encode()[:MOST_OF_NAME]
        .decode("utf-8", "ignore")
        .strip(" .")
    )
    if not plain or NO_NAMES.fullmatch(plain) or plain.startswith("-"):
        plain = f"text {plain}".strip()
    end = "".join(Path(like).suffixes)
    return plain if _format_of(plain) == _format_of(like) else plain + end


def _format_of(name: str) -> tuple[str, bool]:
    suffix = suffix_of(Path(name))
    known = (form for form, source in SOURCES.items() if suffix in source.suffixes)
    return next(known, "text"), name.endswith(".gz")


def read_job(folder: Path) -> TrainingJob:
    """Read what was asked for when the training in a folder began.

    Raises:
        OSError: If it was not begun from the page.
        InputError: If the file is broken.
    """
    return from_dict(TrainingJob, read_json(folder / JOB), where=JOB)


def _write_job(folder: Path, job: TrainingJob) -> None:
    atomic_write(folder / JOB, json_text(to_dict(job)) + "\n")


def is_running(folder: Path) -> bool:
    """Return whether the process of a training lives: whether the file that it writes to is locked."""
    try:
        with _looking, (folder / LOG).open("rb") as log:
            return not lock(log.fileno(), wait=False)
    except OSError:
        return False


def _locked(descriptor: int) -> bool:
    """Lock a log, at which another server may look at this moment."""
    for _ in range(TRIES):
        with _looking:
            if lock(descriptor, wait=False):
                return True
        time.sleep(PAUSE)
    return False


def is_unborn(folder: Path) -> bool:
    """Return whether a folder has no run, but at most what a training left that ended before its start."""
    try:
        names = {path.name for path in folder.iterdir() if not is_torn(path.name)}
    except OSError:
        return False
    return names <= UNBORN


def toml(settings: Mapping[str, Any]) -> str:
    """Return options as TOML: strings, numbers, truth values, and lists of strings."""
    return "".join(f"{name} = {_toml_value(value)}\n" for name, value in settings.items())


def _toml_value(value: Any) -> str:
    text = json_text(value)
    return "".join(f"\\u{ord(each):04x}" if each == "\x7f" else each for each in text)
