"""The house has floors: a module imports from lower floors only, and within a floor only from its own room.

A room is a package or a module directly under ``unspool``. Every import counts, wherever it stands: at the
top, inside a function, under ``TYPE_CHECKING``, relative, or by ``import_module("unspool...")``.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "unspool"

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "configuration", "storage", "_native"}),
    frozenset({"text", "kernels", "matching"}),
    frozenset({"network"}),
    frozenset({"engines", "generation", "artifacts"}),
    frozenset({"training", "evaluation", "model"}),
    frozenset({"pipeline", "fine_tuning", "planning", "sweeping", "benchmarking", "export", "serve"}),
    frozenset({"cli", "__init__", "__main__"}),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# Doors between two rooms of one floor, one way only. A new one needs a reason as good as these.
DOORS: dict[tuple[str, str], str] = {
    ("configuration", "errors"): "a bad configuration is an error of the tree",
    ("storage", "errors"): "a file that cannot be written is an error of the tree",
    ("text", "kernels"): "the lines of plain text are found, hashed and numbered natively",
    ("engines", "generation"): "an engine generates, so its protocol names the options of generation",
    ("training", "evaluation"): "the loop measures the held-out text with the evaluation that users call",
    ("model", "evaluation"): "a model evaluates itself with the evaluation that the loop uses",
    ("pipeline", "fine_tuning"): "a training may go on from a model",
    ("cli", "__init__"): "the command line uses the public face, as any program would",
    ("__main__", "cli"): "python -m unspool is the command line",
}


def room_of(module: str) -> str:
    """Name the room of a dotted module name: ``unspool.text.lanes`` is in ``text``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def module_name(path: Path, root: Path) -> tuple[str, bool]:
    """Give a file's dotted name below ``unspool``, and whether it is a package's ``__init__``."""
    parts = ["unspool", *path.relative_to(root).with_suffix("").parts]
    package = parts[-1] == "__init__"
    return ".".join(parts[:-1] if package else parts), package


def absolute(node: ast.ImportFrom, module: str, package: bool) -> str:
    """Resolve the module that a ``from ... import`` names, relative or not."""
    if not node.level:
        return node.module or ""
    base = module.split(".") if package else module.split(".")[:-1]
    base = base[: len(base) - (node.level - 1)]
    return ".".join([*base, node.module] if node.module else base)


def imported_modules(tree: ast.AST, module: str, package: bool) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) for every import of something in ``unspool``."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = absolute(node, module, package)
            names = [f"{source}.{a.name}" for a in node.names] if source == "unspool" else [source]
        elif isinstance(node, ast.Call) and node.args and "import_module" in ast.dump(node.func):
            first = node.args[0]
            names = [first.value] if isinstance(first, ast.Constant) and isinstance(first.value, str) else []
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "unspool")


def crossings(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (place, importing room, imported room) for every import from one room to another."""
    for path in sorted(root.rglob("*.py")):
        module, package = module_name(path, root)
        here = room_of(module)
        for line, name in imported_modules(ast.parse(path.read_text("utf-8")), module, package):
            there = room_of(name)
            there = there if there in FLOOR_OF else "__init__"  # a name of the public face, not a module
            if here != there:
                yield f"{path.relative_to(root)}:{line}", here, there


def breaches(root: Path) -> list[str]:
    """List every import that goes up, or through a wall."""
    return [
        f"{place}: {here} (floor {FLOOR_OF[here]}) imports {there} (floor {FLOOR_OF[there]})"
        for place, here, there in crossings(root)
        if FLOOR_OF[there] >= FLOOR_OF[here] and (here, there) not in DOORS
    ]


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module_name(path, SOURCE)[0]) for path in SOURCE.rglob("*.py")}
    assert rooms <= FLOOR_OF.keys(), "a new room needs its floor in FLOORS"


def test_imports_go_down() -> None:
    assert breaches(SOURCE) == []


def test_only_its_faces_touch_the_native_module() -> None:
    assert [
        place
        for place, here, there in crossings(SOURCE)
        if there == "_native" and here not in ("kernels", "matching")
    ] == []


def test_doors_lead_one_way_on_one_floor() -> None:
    for here, there in DOORS:
        assert FLOOR_OF[here] == FLOOR_OF[there]
        assert (there, here) not in DOORS


def test_torch_stays_in_its_engine_its_exporter_and_the_peer_that_is_measured() -> None:
    rooms = {"engines", "export", "benchmarking"}  # the last: to stand beside unspool in `unspool bench`
    for path in SOURCE.rglob("*.py"):
        names = {
            alias.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        if "torch" in names:
            assert room_of(module_name(path, SOURCE)[0]) in rooms
            assert "torch" in path.stem


@pytest.mark.parametrize(
    ("statement", "room"),
    [
        ("import unspool.cli.main", "cli"),
        ("from unspool.training.loop import run", "training"),
        ("from unspool import model", "model"),
        ("from unspool import Generator", "__init__"),
        ("from ..engines import cpu", "engines"),
        ("from .. import pipeline", "pipeline"),
        ("def late():\n    from unspool import serve", "serve"),
        ("if TYPE_CHECKING:\n    import unspool.training", "training"),
        ("importlib.import_module('unspool.export.onnx')", "export"),
    ],
)
def test_a_breach_is_found_however_it_is_written(tmp_path: Path, statement: str, room: str) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "lanes.py").write_text(statement + "\n")
    (found,) = breaches(tmp_path)
    assert found.startswith("text/lanes.py:")
    assert f"text (floor 1) imports {room} (floor" in found


@pytest.mark.parametrize("statement", ["from .records import Record", "import unspool.errors", "import csv"])
def test_what_is_below_or_at_home_is_free(tmp_path: Path, statement: str) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "lanes.py").write_text(statement + "\n")
    assert breaches(tmp_path) == []
