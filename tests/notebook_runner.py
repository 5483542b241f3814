"""Run notebooks as Jupyter does, but in this process: python notebook_runner.py NOTEBOOK …

Every cell runs as it stands, but on every sixth text and for fewer epochs, since the results matter to
readers only. A translation trains what the original trained, with the same texts and seeds, so a training
that is asked for again is not done again: its folder is copied and its records are told once more.
"""

import dataclasses
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.interactiveshell import InteractiveShell

import unspool

Train = Callable[..., unspool.Generator]
Read = Callable[..., Iterable[unspool.Record]]

EVERY = 6  # of so many texts one is read
FEWER = 6  # times fewer epochs


def read_in_part(read: Read) -> Read:
    """Wrap `unspool.read_records` so that it yields fewer texts, with every character of all texts."""

    def some(records: Iterable[unspool.Record]) -> Iterator[unspool.Record]:
        known: set[str] = set()
        for number, record in enumerate(records):
            if number % EVERY == 0 or not known.issuperset(record.text):
                known.update(record.text)
                yield record

    def part(*arguments: Any, **options: Any) -> Iterable[unspool.Record]:
        records = read(*arguments, **options)
        return records if options.get("document") else some(records)

    return part


def trained_once(train: Train, copies: Path) -> Train:
    """Wrap `unspool.train` so that a training with the same arguments is taken from its first time."""
    done: dict[str, list[Any]] = {}

    def again(
        texts: Iterable[Any], *, out: str | Path, on_record: Callable[[Any], None], **options: Any
    ) -> unspool.Generator:
        asked = texts if isinstance(texts, unspool.Records) else list(texts)
        if "training" in options:
            epochs = max(1, options["training"].epochs // FEWER)
            options["training"] = dataclasses.replace(options["training"], epochs=epochs)
        else:
            options["epochs"] = max(1, options["epochs"] // FEWER)
        key = repr((list(asked), sorted(options.items())))
        copy = copies / str(list(done).index(key) if key in done else len(done))
        if key not in done:
            told: list[Any] = []
            train(asked, out=copy, on_record=told.append, **options)
            done[key] = told
        shutil.copytree(copy, out, dirs_exist_ok=True)
        for record in done[key]:
            on_record(record)
        return unspool.load(out)

    return again


def run(path: Path) -> None:
    """Run the code cells of a notebook in a fresh namespace; the first error or warning ends the program."""
    shell = InteractiveShell.instance(colors="nocolor", history_length=0)
    shell.reset(new_session=False)
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for number, source in enumerate(cells, start=1):
            print(f"{path.name}, code cell {number} of {len(cells)}", flush=True)
            result = shell.run_cell(source)
            if not result.success:
                error = result.error_before_exec or result.error_in_exec
                sys.exit(f"{path.name}, code cell {number}: {error!r}")
    check_network(path.name, shell.user_ns)


def check_network(name: str, made: dict[str, Any]) -> None:
    """Check that the network that was trained is the one that the lesson has shown and counted."""
    shown, trained = (
        {key: array.shape for key, array in parameters.items()}
        for parameters in (made["parameters"], made["model"].parameters)
    )
    if shown != trained:
        sys.exit(f"{name}: it shows the parameters {shown} and trains {trained}")


if __name__ == "__main__":
    unspool.read_records = read_in_part(unspool.read_records)  # type: ignore[assignment]
    unspool.train = trained_once(unspool.train, Path("trained"))
    for argument in sys.argv[1:]:
        run(Path(argument))
    print("done")
