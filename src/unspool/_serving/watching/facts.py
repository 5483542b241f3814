"""What is known of a run: its state, its plan, its figures and its verdict."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from unspool._artifacts.model_folder import CONFIG, MODEL, TOKENIZER, ConfigFile, read_config, read_content
from unspool._artifacts.tensor_files import open_tensor_file
from unspool._configuration import to_dict
from unspool._errors import InputError, spelled
from unspool._evaluation.audit.fit import judge_fit
from unspool._network.parameters import count_parameters
from unspool._screen.wording import argument, command_line
from unspool._serving.watching.figures import Span, joined
from unspool._serving.watching.log import Log, stamp_of
from unspool._serving.watching.stored_audit import AUDIT, mapping, stored_audit
from unspool._text.reading.read_options import STANDARD_INPUT
from unspool._training.checkpoints import RunProgress
from unspool._training.folder.metrics import METRICS
from unspool._training.folder.run_folder import CHECKPOINT
from unspool._training.folder.sole_writer import is_at_work

State: TypeAlias = Literal["training", "finished", "stopped", "broken"]
Value = TypeVar("Value")

FRESH = 30.0  # seconds after its last line in which a run counts as training where there are no locks
POINTS = 48  # of the small curve in the list
SMOOTHED = 16  # spans whose mean is the newest loss


class Remembered(Generic[Value]):
    """What was read from files, until one of them changes.

    Args:
        read: The function that reads.
        *paths: The files.
    """

    def __init__(self, read: Callable[[], Value], *paths: Path) -> None:
        self._read, self._paths = read, paths
        self._stamps: object = ()
        self._value: Value

    def get(self) -> Value:
        """Return what the files say now."""
        stamps = [stamp_of(path) for path in self._paths]
        if stamps != self._stamps:
            self._value, self._stamps = self._read(), stamps
        return self._value


class RunFacts:
    """A run that is looked at again and again; what has not changed is not read again.

    Args:
        name: The name of the run.
        path: Its folder.

    Attributes:
        log: Its figures.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.log = Log(path / METRICS)
        self._config = Remembered(lambda: _or_trouble(lambda: read_config(path)), path / CONFIG, path / MODEL)
        self._saved = Remembered(lambda: _or_trouble(lambda: _saved(path)), path / CHECKPOINT)
        self._audit = Remembered(lambda: stored_audit(path), path / AUDIT, path / MODEL)
        self._tokenizer = Remembered(
            lambda: _or_trouble(lambda: read_content(path / TOKENIZER)), path / TOKENIZER
        )

    @property
    def config(self) -> ConfigFile | None:
        """The configuration of the run; None if it cannot be read."""
        config = self._config.get()
        return None if isinstance(config, str) else config

    @property
    def audit(self) -> dict[str, Any] | None:
        """The last audit of the run; None if there is none."""
        return self._audit.get()

    def row(self) -> dict[str, Any]:
        """Return what the list of runs says of it, in JSON types, by its figures as they were last read."""
        now = time.time()
        figures, config, changed = self.log.figures, self._config.get(), self._changed()
        trouble = config if isinstance(config, str) else None
        at_work = is_at_work(self.path)
        saved = None if at_work else self._saved.get()
        if isinstance(saved, str):
            trouble, saved = trouble or saved, None
        state = state_of(at_work, trouble, finished=figures.finish is not None, silence=now - changed)
        last = figures.last or {}
        best = figures.best
        seconds, progress = figures.seconds, last.get("progress")
        training = state == "training"
        return {
            "name": self.name,
            "state": state,
            "trouble": trouble,
            "resumable": not training and not trouble and self._resumable(),
            "saved_step": None if saved is None else saved.step,
            "has_model": stamp_of(self.path / MODEL) is not None,
            **_described(config),
            "is_read": self.log.is_whole,
            "step": figures.step,
            "epoch": figures.epoch,
            "progress": 1.0 if state == "finished" else progress,
            "seconds": seconds,
            "seconds_left": seconds_left(seconds, progress, now - changed) if training else None,
            "characters_per_second": last.get("characters_per_second"),
            "bits_per_character": newest(figures.training.all()),
            "held_out": figures.evaluations[-1]["bits_per_character"] if figures.evaluations else None,
            "best": None if best is None else best["bits_per_character"],
            "best_step": None if best is None else best["step"],
            "began": self._began(changed, seconds),
            "changed": changed,
            "fit": self._fit(),
            "audit": _audit_row(self.audit),
            "curve": small_curve(figures.training.all()),
            "held_out_curve": _small_evaluations(figures.evaluations),
        }

    def details(self) -> dict[str, Any]:
        """Return all that is known of the run but its curves, in JSON types."""
        self.log.update()
        row, config, tokenizer = self.row(), self.config, self._tokenizer.get()
        kind = None if isinstance(tokenizer, str) else tokenizer.get("kind")
        return {
            **row,
            "folder": spelled(str(self.path)),
            "finish": self.log.figures.finish,
            "changes": list(self.log.figures.changes),
            "broken": self.log.figures.broken,
            "commands": commands_of(self.path, config),
            "piped": config is not None and _is_piped(config),
            "configuration": None if config is None else _configuration(config, kind),
            "audit": self.audit,
        }

    def _changed(self) -> float:
        """Return when the run was last written to."""
        stamp = stamp_of(self.path / CONFIG) or stamp_of(self.path) or (0,)
        return self.log.changed or stamp[0] / 1e9

    def _began(self, changed: float, seconds: float) -> float:
        """Return when the run began: at the latest when its time would have begun that ended now."""
        first = stamp_of(self.path / "checkpoint/corpus.json")
        latest = changed - seconds
        return latest if first is None else min(latest, first[0] / 1e9)

    def _resumable(self) -> bool:
        return (self.path / CHECKPOINT).parent.is_dir()

    def _fit(self) -> dict[str, Any] | None:
        config = self.config
        data: Mapping[str, Any] = {} if config is None else config.data
        characters = ((data.get("sizes") or {}).get("validation") or {}).get("characters", 0)
        evaluations = [{"kind": "evaluation", **one} for one in self.log.figures.evaluations]
        return to_dict(judge_fit(evaluations, held_out_characters=characters)) if evaluations else None


def state_of(at_work: bool | None, trouble: str | None, *, finished: bool, silence: float) -> State:
    """Return the state of a run.

    Args:
        at_work: Whether a training is at work in its folder; None if that cannot be seen.
        trouble: What is broken, or None.
        finished: Whether its last line says that it is over.
        silence: Seconds since its last line.
    """
    if at_work or (at_work is None and not finished and silence < FRESH):
        return "training"
    if trouble:
        return "broken"
    return "finished" if finished else "stopped"


def seconds_left(seconds: float, progress: float | None, silence: float) -> float | None:
    """Return how long a run will still take at its pace so far; None if that is not known.

    Args:
        seconds: Its time so far.
        progress: The share of it that is done.
        silence: Seconds since its last line.
    """
    if not progress or not 0 < progress <= 1:
        return None
    return max(0.0, seconds * (1 - progress) / progress - max(0.0, silence))


def newest(spans: list[Span]) -> float | None:
    """Return the mean bits per character of the last steps; None without any."""
    if not spans:
        return None
    whole = spans[-1]
    for span in spans[-2 : -SMOOTHED - 1 : -1]:
        whole = joined(span, whole)
    return whole[4]


def commands_of(path: Path, config: ConfigFile | None) -> dict[str, str | None]:
    """Return the commands that go on with a run, train it for longer, and let it write.

    Args:
        path: Its folder.
        config: Its configuration, if it can be read.
    """
    resume, limit = ["unspool", "train", "--resume", argument(path)], []
    if config is not None:
        if not mapping(config.data.get("records")).get("source"):
            resume.append("CORPUS")  # it came from memory
        epochs, minutes = (config.training.get(name) for name in ("epochs", "minutes"))
        if epochs is not None:
            limit = ["--epochs", str(2 * epochs)]
        elif minutes is not None:
            limit = ["--minutes", f"{2 * minutes:.2g}"]
    return {
        "resume": command_line(resume),
        "more": command_line(resume + limit) if limit else None,
        "sample": command_line(["unspool", "sample", argument(path), "--temperature", "0.8"]),
    }


def _is_piped(config: ConfigFile) -> bool:
    return mapping(config.data.get("records")).get("source") == STANDARD_INPUT


def small_curve(spans: list[Span]) -> list[tuple[int, float]]:
    """Return a curve of steps in few points: the mean of neighbours, at the step of the last."""
    width = -(-len(spans) // POINTS)
    points = []
    for begin in range(0, len(spans), width or 1):
        whole, *others = spans[begin : begin + width]
        for span in others:
            whole = joined(whole, span)
        points.append((whole[1], round(whole[4], 4)))
    return points


def _small_evaluations(evaluations: list[dict[str, Any]]) -> list[tuple[int, float]]:
    measured = [(one["step"], round(one["bits_per_character"], 4)) for one in evaluations
                if one["bits_per_character"] is not None]  # fmt: skip
    width = -(-len(measured) // POINTS) or 1
    return measured[:-1:width] + measured[-1:]


def _or_trouble(read: Callable[[], Value]) -> Value | str:
    """Return what is read, or the words for why it cannot be."""
    try:
        return read()
    except InputError as error:
        return spelled(str(error))


def _saved(path: Path) -> RunProgress | None:
    """Return how far the checkpoint of a run has come; None if there is none."""
    try:
        with open_tensor_file(path / CHECKPOINT) as file:
            progress = file.content.get("progress")
    except OSError:
        return None
    step = progress.get("step") if isinstance(progress, dict) else None
    return RunProgress(step=step) if type(step) is int else None


def _audit_row(audit: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if audit is None else {"verdict": audit["verdict"], "stale": audit["stale"]}


def _described(config: ConfigFile | str) -> dict[str, Any]:
    """Return what the configuration says of network, texts and plan."""
    if isinstance(config, str):
        return {"text": None, "characters": None, "network": None, "epochs": None, "minutes": None}
    network, training = config.network, config.training
    sizes = mapping(mapping(config.data.get("sizes")).get("training"))
    return {
        "text": str(config.data.get("description") or "")[:300] or None,
        "characters": sizes.get("characters"),
        "network": {
            "cell": network.cell,
            "num_layers": network.num_layers,
            "hidden_size": network.hidden_size,
            "parameters": count_parameters(network),
        },
        "epochs": training.get("epochs"),
        "minutes": training.get("minutes"),
    }


def _configuration(config: ConfigFile, tokenizer: object) -> dict[str, Any]:
    """Return the configuration in parts, each from name to value, for tables and for comparing."""
    data = config.data
    records = mapping(data.get("records"))
    sizes = mapping(data.get("sizes"))
    return {
        "network": to_dict(config.network),
        "training": dict(config.training),
        "data": {
            "description": data.get("description"),
            "document": data.get("document"),
            "format": records.get("format"),
            "tokenizer": tokenizer if isinstance(tokenizer, str) else None,
            "normalization": records.get("normalization"),
            **{f"{part}_{key}": value for part in sizes for key, value in mapping(sizes[part]).items()},
            "precision": data.get("precision"),
        },
    }
