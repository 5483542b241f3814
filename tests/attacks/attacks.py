"""The commands that are attacked, and what must hold of each whatever call of the system fails."""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from unspool._cli.app import app

TEXT = "".join(f"line {i} says {'abcdefgh'[i % 8]}\n" for i in range(60))
TINY = [
    "--hidden-size",
    "4",
    "--batch-size",
    "8",
    "--sequence-length",
    "32",
    "--threads",
    "1",
    "--epochs",
    "2",
]
SAVING = ["--checkpoint-seconds", "0", "--evaluate-every", "4", "--seed", "3", "--temperature", "0.5"]
CLOCK = ("seconds", "characters_per_second")
CORPUS, RUN, TEXTS, OLD = "corpus.txt", "run", "texts.txt", "old\n"
EXPORT = "model-c"


@dataclass(frozen=True)
class Attack:
    """A command that is attacked; each function takes a folder, and those that run a command return its code.

    Args:
        prepare: Makes what is there before.
        act: Runs the command, whose calls fail.
        again: Does what a user does next, undisturbed.
        left: Returns what the command leaves, which must be the same as without a fault.
        broken: Lists what is wrong right after the fault.
        must_succeed: Whether no fault may end the command with an error.
    """

    prepare: Callable[[Path], int]
    act: Callable[[Path], int]
    again: Callable[[Path], int]
    left: Callable[[Path], Any]
    broken: Callable[[Path], list[str]] = lambda _: []
    must_succeed: bool = False


def command(*arguments: str) -> int:
    """Run a command line of unspool, and return its exit code."""
    try:
        app.main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def write_corpus(folder: Path) -> int:
    (folder / CORPUS).write_text(TEXT)
    return 0


def train(folder: Path) -> int:
    return command("train", str(folder / CORPUS), "--out", str(folder / RUN), *TINY, *SAVING)


def resume(folder: Path) -> int:
    return command("train", "--resume", str(folder / RUN))


def train_or_resume(folder: Path) -> int:
    return resume(folder) if (folder / RUN / "config.json").exists() else train(folder)


def run_left(folder: Path) -> Any:
    """Return the files of a run, but for what tells the time."""
    run = folder / RUN
    files = {path.relative_to(run).as_posix(): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert b"# run" in files.pop("README.md")  # it tells how long the run took
    lines = [json.loads(line) for line in files.pop("metrics.jsonl").splitlines()]
    checkpoint = files.pop("checkpoint/last.safetensors")
    size = int.from_bytes(checkpoint[:8], "little")
    metrics = [{name: value for name, value in line.items() if name not in CLOCK} for line in lines]
    return files | {"arrays": checkpoint[8 + size :]}, metrics


def run_broken(folder: Path) -> list[str]:
    """A model that is there can be written with."""
    run = folder / RUN
    if not (run / "model.safetensors").exists():
        return []
    import unspool

    try:
        unspool.load(run, threads=1)
    except unspool.UnspoolError as error:
        return [f"the model cannot be loaded: {error}"]
    return []


def begin_run(folder: Path) -> int:
    """Train, and stop after some steps."""
    import unspool

    steps = 0

    def stop(record: Any) -> None:
        nonlocal steps
        steps += record.kind == "step"
        if steps == 3:
            os.kill(os.getpid(), 2)

    write_corpus(folder)
    try:
        unspool.train(
            folder / CORPUS, out=folder / RUN, epochs=2, hidden_size=4, batch_size=8, sequence_length=32,
            threads=1, checkpoint_seconds=0.0, evaluate_every=4, on_record=stop,
        )  # fmt: skip
    except KeyboardInterrupt:
        return 0
    return 1


def prepare_model(folder: Path) -> int:
    write_corpus(folder)
    (folder / TEXTS).write_text(OLD)
    return train(folder)


def sample(folder: Path) -> int:
    out = str(folder / TEXTS)
    return command("sample", str(folder / RUN), "--n", "400", "--seed", "1", "--out", out, "--overwrite")


def texts_left(folder: Path) -> str:
    return (folder / TEXTS).read_text()


def texts_broken(folder: Path) -> list[str]:
    """The old file is there, or the new one as a whole."""
    text = texts_left(folder)
    whole = text.endswith("\n") and len(text.splitlines()) == 400
    return [] if text == OLD or whole else [f"a file of {len(text)} characters is neither old nor new"]


def prepare_export(folder: Path) -> int:
    """Train, export, and make all files of the export old ones."""
    code = prepare_model(folder) or export(folder)
    for path in (folder / EXPORT).rglob("*.*"):
        path.write_text(OLD)
    return code


def export(folder: Path) -> int:
    run, out = str(folder / RUN), str(folder / EXPORT)
    return command("export", run, "--to", "c", "--out", out, "--overwrite")


def export_without_exchange(folder: Path) -> int:
    """Export as on a system that cannot exchange two names in one step."""
    with mock.patch("unspool._folders.exchange", return_value=False):
        return export(folder)


def export_again(folder: Path) -> int:
    """Export once more, which also removes what was left under hidden names."""
    return export(folder) or len(list(folder.glob(".*")))


def export_left(folder: Path) -> Any:
    return {path.name: path.read_bytes() for path in (folder / EXPORT).iterdir()}


def export_broken(folder: Path) -> list[str]:
    """The old export is there, or the new one as a whole."""
    old = [path.read_text() == OLD for path in (folder / EXPORT).glob("*")]
    return [] if len(old) == 3 and len(set(old)) == 1 else [f"of its files these are old: {old}"]


def hidden_export_broken(folder: Path) -> list[str]:
    """The same, but the old one may be there under the name that it had while it was replaced."""
    hidden = list(folder.glob(f".{EXPORT}.*.old"))
    if (folder / EXPORT).exists() or len(hidden) != 1:
        return export_broken(folder)
    return [] if all(path.read_text() == OLD for path in hidden[0].iterdir()) else ["the old one is broken"]


def encode(folder: Path, *, spill: bool = False) -> int:
    """Encode a corpus through the cache; with `spill`, by way of unnamed files that get names there."""
    import unspool
    from unspool._text.encoding import cache
    from unspool._text.encoding.corpus import encode_corpus
    from unspool._text.encoding.recipe import EncodingRecipe
    from unspool._text.reading.sources import read_records
    from unspool._text.streams import builder

    os.environ["UNSPOOL_CACHE"] = str(folder / "cache")
    tempfile.tempdir = str(folder)
    cache.LEAST_SOURCE, builder.SPILL = 0, 0 if spill else 1 << 30
    try:
        corpus = encode_corpus(read_records(folder / CORPUS), EncodingRecipe(validation_fraction=0.2))
    except unspool.UnspoolError as error:
        print(error, file=sys.stderr)
        return 2
    digest = hashlib.sha256()
    for stream in (corpus.training, corpus.validation):
        digest.update(stream.ids.tobytes() + stream.starts.tobytes())
    (folder.parent / "reports" / "corpus").write_text(digest.hexdigest() + corpus.tokenizer.to_json())
    return 0


def encode_from_files(folder: Path) -> int:
    return encode(folder, spill=True)


def corpus_left(folder: Path) -> str:
    return (folder.parent / "reports" / "corpus").read_text()


def prepare_sweep(folder: Path) -> int:
    """Make the empty tables of a database, which takes a second."""
    import optuna

    (folder / "sweep").mkdir()
    optuna.storages.RDBStorage(f"sqlite:///{folder / 'sweep' / 'sweep.db'}")
    return write_corpus(folder)


def sweep(folder: Path) -> int:
    """Sweep over trainings that are not run, so that the calls are those of the ledger and the results."""
    import unspool
    from tests.sweeping.scripted import ScriptedPool
    from unspool._sweeping import sweep as sweeping

    sweeping.LocalPool = ScriptedPool
    config = unspool.SweepConfig(
        symbols_per_trial=1000, evaluations=3, learning_rate=[0.02], pruner=None, hidden_size=[4],
        cell=["lstm"], seeds=1, batch_size=[4],
    )  # fmt: skip
    training = unspool.TrainingConfig(sequence_length=16, threads=1)
    try:
        texts = unspool.read_records(folder / CORPUS)
        unspool.sweep(texts, out=folder / "sweep", config=config, training=training, workers=1)
    except unspool.UnspoolError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def sweep_left(folder: Path) -> Any:
    """Return the results, and the names of the files; the database keeps times and tries."""
    found = json.loads((folder / "sweep" / "sweep.json").read_text())
    runs = [[{**run, "number": None} for run in each["runs"]] for each in found.pop("configurations")]
    return found, runs, (folder / "sweep" / "sweep.svg").read_text()


ATTACKS = {
    "train": Attack(write_corpus, train, train_or_resume, run_left, run_broken),
    "resume": Attack(begin_run, resume, resume, run_left, run_broken),
    "sample": Attack(prepare_model, sample, sample, texts_left, texts_broken),
    "export": Attack(prepare_export, export, export_again, export_left, export_broken),
    "export without exchange": Attack(
        prepare_export, export_without_exchange, export_again, export_left, hidden_export_broken
    ),
    "sweep": Attack(prepare_sweep, sweep, sweep, sweep_left),
    "cache": Attack(write_corpus, encode, encode, corpus_left),
    "cache from files": Attack(write_corpus, encode_from_files, encode_from_files, corpus_left),
}
