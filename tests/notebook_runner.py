"""Run notebooks as Jupyter does, but in this process: python notebook_runner.py NOTEBOOK …

A translation trains what the original trained, with the same texts and seeds, so a training that is asked for
again is not done again: its folder is copied and its records are told once more.
"""

import shutil
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.interactiveshell import InteractiveShell

import unspool

Train = Callable[..., unspool.Generator]


def trained_once(train: Train, copies: Path) -> Train:
    """Wrap `unspool.train` so that a training with the same arguments is taken from its first time."""
    done: dict[str, list[Any]] = {}

    def again(
        texts: Iterable[Any], *, out: str | Path, on_record: Callable[[Any], None], **options: Any
    ) -> unspool.Generator:
        asked = list(texts)
        key = repr((asked, sorted(options.items())))
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


if __name__ == "__main__":
    unspool.train = trained_once(unspool.train, Path("trained"))
    for argument in sys.argv[1:]:
        run(Path(argument))
    print("done")
