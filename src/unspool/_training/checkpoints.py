"""Checkpoints: everything that a run needs to be resumed bit for bit, in one safetensors file.

The arrays are ``parameters/NAME``, ``slots/SLOT/NAME``, ``average/NAME`` and ``state``. The metadata has one
key, ``unspool``, with JSON: the format version, the progress and the identity of the run. The file is
replaced as a whole, so a reader finds the old checkpoint or the new one, never a mix.
"""

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from unspool._artifacts.kept_precision import Arrays
from unspool._artifacts.tensor_files import TensorFile, open_tensor_file, tensor_file_bytes
from unspool._configuration import from_dict, to_dict
from unspool._errors import ArtifactError, ConfigError
from unspool._storage import atomic_write, make_folder
from unspool._training.changes import fixed_part
from unspool._training.optimizers import FloatArray, Slots

FORMAT_VERSION = 1
KEYS = ("format_version", "progress", "identity")  # of the metadata
Identity: TypeAlias = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class RunProgress:
    """The progress of a run; the loop changes it in place.

    Args:
        step: Steps made.
        epoch: Epoch of the next window, from 0.
        window: Number of the next window in that epoch, from 0.
        seconds: Wall time of the run so far.
        symbols: Targets learned from so far.
        epoch_nats: Loss summed over the targets of this epoch so far.
        epoch_symbols: Targets of this epoch so far.
        best: Bits per character of the best evaluation, or None before there is one.
        best_step: Step of the saved model's parameters, or None before there is one.
        evaluations_without_gain: Evaluations since the best one.
        finished: Why the run is over, or None while it is not.
        unmeasured: Whether the evaluation after the last step was abandoned; it comes first when the run is
            resumed.
    """

    step: int = 0
    epoch: int = 0
    window: int = 0
    seconds: float = 0.0
    symbols: int = 0
    epoch_nats: float = 0.0
    epoch_symbols: int = 0
    best: float | None = None
    best_step: int | None = None
    evaluations_without_gain: int = 0
    finished: str | None = None
    unmeasured: bool = False


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """The state of a run between two steps.

    Args:
        parameters: The parameters, name -> array; the loop updates them in place.
        slots: The optimizer's arrays: slot -> parameter name -> array.
        state: The state that is carried from window to window.  # (L, S, B, H)
        average: The running average of the parameters, or None where the run keeps none.
        progress: How far the run has come.
        identity: Everything that decides the numbers of the run, in JSON types; see `training.task.identity`.
            All but the values in `CHANGEABLE` must be the same when the run is resumed.
    """

    parameters: dict[str, FloatArray]
    slots: Slots
    state: FloatArray
    average: dict[str, FloatArray] | None = None
    progress: RunProgress = field(default_factory=RunProgress)
    identity: Identity

    @property
    def model(self) -> dict[str, FloatArray]:
        """Return the parameters that are measured and saved: the average, or the last ones without it."""
        return self.parameters if self.average is None else self.average

    def copy(self) -> "Checkpoint":
        """Return a copy of everything that the loop changes."""
        return Checkpoint(
            parameters={name: array.copy() for name, array in self.parameters.items()},
            slots={
                slot: {name: array.copy() for name, array in arrays.items()}
                for slot, arrays in self.slots.items()
            },
            state=self.state.copy(),
            average=self.average and {name: array.copy() for name, array in self.average.items()},
            progress=replace(self.progress),
            identity=self.identity,
        )


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the one before.

    Args:
        path: The file; its folder is made if it is not there, but not the folder around it.
        checkpoint: The checkpoint to write.

    Raises:
        ArtifactError: If the file cannot be written, for example on a full disk; the old file is still whole.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "progress": to_dict(checkpoint.progress),
        "identity": checkpoint.identity,
    }
    data = tensor_file_bytes(_flatten(checkpoint), content)
    try:
        make_folder(path.parent, parents=False)
        atomic_write(path, data)
    except OSError as error:
        raise write_error(path, len(data), error) from error


def write_error(path: Path, size: int, error: OSError) -> ArtifactError:
    """Return the error for a file that could not be written, with what is still there.

    Args:
        path: The file.
        size: Number of bytes to write.
        error: The error of the system.
    """
    if isinstance(error, FileNotFoundError) and not path.parent.exists():
        hint = "it was removed or renamed while something was written to it: start the run anew"
        return ArtifactError(f"cannot write {path}: its folder is gone", hint=hint)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "choose another folder, or change its permissions"
        return ArtifactError(
            f"cannot write {path}", expected="permission to write there", got=error.strerror, hint=hint
        )
    return ArtifactError(
        f"cannot write {path}",
        expected=f"a writable disk with {max(0.1, size / 1e6):.1f} MB free",
        got=error.strerror or str(error),
        hint="free some disk space and resume: an earlier checkpoint is kept",
    )


def load_checkpoint(path: Path, template: Checkpoint) -> Checkpoint:
    """Read a checkpoint and check that it belongs to this run.

    Args:
        path: The file.
        template: A fresh start of the run, from `fresh_start`, with the expected arrays and identity.

    Returns:
        The checkpoint, in new arrays, with the identity that it was saved with.

    Raises:
        ArtifactError: If the file is missing or broken, or belongs to another run: another corpus, network,
            training configuration (but for what may change) or number of threads.
    """
    with _opened(path) as file:
        version = file.content.get("format_version")
        if version != FORMAT_VERSION:
            hint = "resume with the version of unspool that wrote it"
            what = f"{path}: format version"
            raise ArtifactError(what, expected=str(FORMAT_VERSION), got=repr(version), hint=hint)
        file.verify(KEYS)
        identity = _checked_identity(path, file.content.get("identity"), template.identity)
        arrays = file.read({name: array.shape for name, array in _flatten(template).items()})
        progress = _read_progress(path, file.content.get("progress"))
    return Checkpoint(
        parameters={name: arrays[f"parameters/{name}"] for name in template.parameters},
        slots={
            slot: {name: arrays[f"slots/{slot}/{name}"] for name in names}
            for slot, names in template.slots.items()
        },
        state=arrays["state"],
        average=template.average and {name: arrays[f"average/{name}"] for name in template.average},
        progress=progress,
        identity=identity,
    )


@contextmanager
def _opened(path: Path) -> Iterator[TensorFile]:
    """Open a checkpoint.

    Raises:
        ArtifactError: If it cannot be read.
    """
    hint = "start the run again without --resume"
    try:
        with open_tensor_file(path) as file:
            yield file
    except FileNotFoundError:
        raise ArtifactError(str(path), expected="a checkpoint", got="no such file", hint=hint) from None
    except OSError as error:
        raise ArtifactError(f"cannot read {path}", got=error.strerror or str(error), hint=hint) from None


def read_progress(path: Path) -> RunProgress:
    """Read how far a run has come; it is at its start if there is no checkpoint yet.

    Args:
        path: The file of the checkpoint.

    Raises:
        ArtifactError: If the file is broken.
    """
    if not path.exists():
        return RunProgress()
    with _opened(path) as file:
        file.verify(KEYS)
        return _read_progress(path, file.content.get("progress"))


def _flatten(checkpoint: Checkpoint) -> Arrays:
    arrays = {f"parameters/{name}": array for name, array in checkpoint.parameters.items()}
    for slot, slot_arrays in checkpoint.slots.items():
        arrays.update({f"slots/{slot}/{name}": array for name, array in slot_arrays.items()})
    arrays.update({f"average/{name}": array for name, array in (checkpoint.average or {}).items()})
    return {**arrays, "state": checkpoint.state}


def _read_progress(path: Path, values: Any) -> RunProgress:
    try:
        progress = from_dict(RunProgress, values, where=f"{path}: progress")
    except ConfigError as error:
        raise ArtifactError(error.what, expected=error.expected, got=error.got) from None
    for name in ("step", "epoch", "window", "symbols", "epoch_symbols"):
        if getattr(progress, name) < 0:
            got = repr(getattr(progress, name))
            raise ArtifactError(f"{path}: progress: {name}", expected="a whole number ≥ 0", got=got)
    return progress


def _checked_identity(path: Path, stored: Any, current: Identity) -> dict[str, Any]:
    """Return the identity of a checkpoint; refuse that of another run, and name the first difference."""
    if not isinstance(stored, dict):
        raise ArtifactError(f"{path}: identity", expected="an object", got=repr(stored))
    stored = {"precision": "float32", **stored}  # older checkpoints have no precision: it was float32
    old, new = (_leaves(fixed_part(identity)) for identity in (stored, json.loads(json.dumps(current))))
    for name in [*new, *old]:
        if old.get(name) != new.get(name) or (name in old) != (name in new):
            raise ArtifactError(
                f"{path} is the checkpoint of another run: {name}",
                expected=repr(old.get(name)),
                got=repr(new.get(name)),
                hint="resume with the same value, or start a new run in another folder",
            )
    return dict(stored)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        leaves.update(_leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value})
    return leaves
