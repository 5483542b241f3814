"""Ctrl-C in the middle of each command that works for long: exit code 130, and nothing half written."""

from pathlib import Path
from typing import NoReturn

import pytest

from tests.cli.conftest import TINY, run, state_dictionary
from unspool._cli.app import COMMANDS

# The arguments of each command, and the function in which somebody presses Ctrl-C.
PRESSED = {
    "demo": (["demo", "--out", "OUT", "--minutes", "0.01"], "unspool._training.loop._Run.step"),
    "train": (["train", "CORPUS", "--out", "OUT", *TINY], "unspool._training.loop._Run.step"),
    "sample": (["sample", "MODEL", "--n", "3"], "unspool._engines.cpu.CpuEngine.writer"),
    "schema": (["schema", "TABLE"], "unspool._tables.looking.ColumnLook.add"),
    "impute": (["impute", "ROWS", "TABLE"], "unspool._engines.cpu.CpuEngine.writer"),
    "enumerate": (["enumerate", "MODEL", "--limit", "3"], "unspool.Enumeration.__next__"),
    "score": (["score", "MODEL", "CORPUS"], "unspool._evaluation.scorer.Scorer.scores"),
    "eval": (["eval", "MODEL", "CORPUS"], "unspool.Generator.evaluate"),
    "classify": (["classify", "LABELLED", "CORPUS"], "unspool.Generator.classifications"),
    "audit": (["audit", "MODEL", "CORPUS", "--out", "OUT"], "unspool._evaluation.audit.run.audit_network"),
    "info": (["info", "CORPUS"], "unspool._cli.steps.census.take_census"),
    "export": (
        ["export", "MODEL", "--to", "torch", "--out", "OUT"],
        "unspool._exporting.exporters.write_folder",
    ),
    "quantize": (
        ["quantize", "MODEL", "--to", "int8", "--out", "OUT"],
        "unspool._model.quantizing.precision_cost",
    ),
    "import": (
        ["import", "STATE", "--tokenizer", "SYMBOLS", "--out", "OUT"],
        "unspool._importing.torch_state.stack_of_tensors",
    ),
    "serve": (["serve", "MODEL", "--port", "0"], "unspool._serving.server.listening_socket"),
    "push": (["push", "MODEL", "somebody/names", "--license", "mit"], "unspool._model.publishing.save_parts"),
    "sweep": (["sweep", "CORPUS", "--out", "OUT"], "unspool.sweep"),
    "bench": (["bench"], "unspool._benchmarking.bench.bench"),
}
QUICK = {"corpora", "cache"}  # they list what is there
OWN_KEYS = {"play"}  # reads Ctrl-C itself, as a key


@pytest.fixture(scope="module")
def places(
    tmp_path_factory: pytest.TempPathFactory, model: Path, corpus: Path, table: Path, rows_model: Path
) -> dict[str, Path]:
    """Find the paths that the arguments name; train a model with an attribute of two values."""
    folder = tmp_path_factory.mktemp("runs") / "labelled"
    texts = "text,label\n" + "oil,a\nteam,b\n" * 20
    command = ["train", "-", "--format", "csv", "--text", "text", "--context", "label", "--epochs", "1"]
    assert run([*command, "--out", str(folder), *TINY], input=texts).exit_code == 0
    paths = {"MODEL": model, "LABELLED": folder, "CORPUS": corpus, "TABLE": table, "ROWS": rows_model}
    return paths | state_dictionary(folder.parent)


def test_each_command_is_pressed_or_has_a_reason_not_to_be() -> None:
    assert PRESSED.keys() | QUICK | OWN_KEYS == COMMANDS.keys()


@pytest.mark.parametrize("command", PRESSED)
def test_ctrl_c_ends_with_130(
    command: str, places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*arguments: object, **options: object) -> NoReturn:
        pressed.append(command)
        raise KeyboardInterrupt

    pressed: list[str] = []
    arguments, place = PRESSED[command]
    monkeypatch.setattr(place, press)
    paths = places | {"OUT": tmp_path / "out"}
    done = run([str(paths.get(argument, argument)) for argument in arguments])
    assert pressed
    assert done.exit_code == 130, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not any(path.suffix == ".tmp" for path in tmp_path.rglob("*"))
