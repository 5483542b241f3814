"""The house has floors: a module imports from lower floors only, and within a floor only from its own room.

A room is a package or a module directly under ``unspool``; its name begins with an underscore, since it is
internal. Every import counts, wherever it stands: at the top, inside a function, under ``TYPE_CHECKING``,
relative, or by ``import_module("unspool...")``. No two modules import each other, by whatever way round.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "unspool"

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "native", "system"}),
    frozenset({"configuration", "storage", "pictures", "screen", "extras", "installed", "interruptible"}),
    frozenset({"kernels", "folders", "json_files", "views"}),
    frozenset({"text"}),
    frozenset({"network"}),
    frozenset({"generation"}),
    frozenset({"engines", "artifacts", "tables"}),
    frozenset({"evaluation", "hub"}),
    frozenset({"training", "exporting", "importing"}),
    frozenset({"model", "progress"}),
    frozenset({"planning", "fine_tuning", "running"}),
    frozenset({"pipeline"}),
    frozenset({"sweeping", "benchmarking", "serving"}),
    frozenset({"__init__"}),  # the public face, which the command line uses as any program would
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MOST_FILES = 20  # side by side in a room


def room_of(module: str) -> str:
    """Name the room of a dotted module name: ``unspool._text.records`` is in ``text``."""
    parts = module.split(".")
    if len(parts) == 1:
        return "__init__"
    return parts[1] if parts[1].startswith("__") else parts[1].removeprefix("_")


def module_name(path: Path, root: Path) -> tuple[str, bool]:
    """Return a file's dotted name below ``unspool``, and whether it is a package's ``__init__``."""
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


def imported_modules(
    tree: ast.AST, module: str, package: bool, modules: frozenset[str]
) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) for every import of something in ``unspool``."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = absolute(node, module, package)
            whole = [f"{source}.{alias.name}" for alias in node.names]
            # of the package itself, a name that is a module; else it is a name of the public face
            rooms = FLOOR_OF.keys() - {"__init__"}
            names = [
                n if n in modules or (source == "unspool" and room_of(n) in rooms) else source for n in whole
            ]
        elif isinstance(node, ast.Call) and node.args and "import_module" in ast.dump(node.func):
            first = node.args[0]
            names = [first.value] if isinstance(first, ast.Constant) and isinstance(first.value, str) else []
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "unspool")


def imports(root: Path) -> dict[str, list[tuple[str, str]]]:
    """Read the imports of every module: (place, imported module)."""
    files = {module_name(path, root)[0]: path for path in sorted(root.rglob("*.py"))}
    found: dict[str, list[tuple[str, str]]] = {}
    for module, path in files.items():
        tree, package = ast.parse(path.read_text("utf-8")), path.stem == "__init__"
        found[module] = [
            (f"{path.relative_to(root)}:{line}", name)
            for line, name in imported_modules(tree, module, package, frozenset(files))
        ]
    return found


def breaches(root: Path) -> list[str]:
    """List every import that goes up, or through a wall."""
    found = []
    for module, names in imports(root).items():
        here = room_of(module)
        for place, name in names:
            there = room_of(name)
            if here != there and FLOOR_OF[there] >= FLOOR_OF[here]:
                floors = f"{here} (floor {FLOOR_OF[here]}) imports {there} (floor {FLOOR_OF[there]})"
                found.append(f"{place}: {floors}")
    return found


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """List the modules that import each other, by whatever way round (Tarjan, 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in sorted(graph[module]):
            if other not in number:
                visit(other)
            if other in path:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            circle = path[path.index(module) :]
            del path[path.index(module) :]
            if len(circle) > 1 or module in graph[module]:
                found.append(circle)

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return found


def import_graph(root: Path) -> dict[str, set[str]]:
    """Return which modules each module imports."""
    found = imports(root)
    return {module: {name for _, name in names if name in found} for module, names in found.items()}


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module_name(path, SOURCE)[0]) for path in SOURCE.rglob("*.py")}
    assert rooms <= FLOOR_OF.keys(), "a new room needs its floor in FLOORS"


def test_the_architecture_tells_the_floors() -> None:
    text = (SOURCE.parents[1] / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", text, flags=re.MULTILINE)
    special = {"the public face, `unspool/__init__.py`": ["__init__"], "`__main__`": ["__main__"]}
    shown = {int(floor): set(special.get(rooms, rooms.split(", "))) for floor, rooms in rows}
    built = {room_of(f"unspool.{path.stem}") for path in SOURCE.iterdir()}
    assert shown == {n: (rooms & built) - {"native"} for n, rooms in enumerate(FLOORS)}


def test_internals_have_names_that_say_so() -> None:
    public = {path.name for path in SOURCE.iterdir() if not path.name.startswith("_")}
    assert public == {"py.typed", "sweeping.py"}


def test_imports_go_down() -> None:
    assert breaches(SOURCE) == []


def test_no_modules_import_each_other() -> None:
    assert circles(import_graph(SOURCE)) == []


def test_a_room_is_not_full() -> None:
    folders = [SOURCE, *(path for path in SOURCE.rglob("*") if path.is_dir() and path.name != "__pycache__")]
    sizes = {folder.relative_to(SOURCE).as_posix(): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: size for folder, size in sizes.items() if size > MOST_FILES} == {}


def test_only_the_kernels_touch_the_native_module() -> None:
    found = imports(SOURCE)
    touching = {module for module, names in found.items() if any(room_of(n) == "native" for _, n in names)}
    assert {room_of(module) for module in touching} == {"kernels", "installed"}  # which asks if it loads


def test_torch_stays_in_its_engine_its_exporter_and_the_peer_that_is_measured() -> None:
    rooms = {
        "engines",
        "exporting",
        "benchmarking",
        "training",
    }  # the last: to stand beside unspool in `unspool bench`
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
        ("import unspool._cli.main", "cli"),
        ("from unspool._training.loop import run", "training"),
        ("from unspool import _model", "model"),
        ("from unspool import Generator", "__init__"),
        ("from ..engines import cpu", "engines"),
        ("from .. import pipeline", "pipeline"),
        ("def late():\n    from unspool import serving", "serving"),
        ("if TYPE_CHECKING:\n    import unspool._training", "training"),
        ("importlib.import_module('unspool.exporting.onnx')", "exporting"),
    ],
)
def test_a_breach_is_found_however_it_is_written(tmp_path: Path, statement: str, room: str) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "records.py").write_text(statement + "\n")
    (found,) = breaches(tmp_path)
    assert found.startswith("text/records.py:")
    assert f"text (floor {FLOOR_OF['text']}) imports {room} (floor" in found


@pytest.mark.parametrize("statement", ["from .records import Record", "import unspool._errors", "import csv"])
def test_what_is_below_or_at_home_is_free(tmp_path: Path, statement: str) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "lanes.py").write_text(statement + "\n")
    assert breaches(tmp_path) == []


def test_circles_of_any_length_are_found(tmp_path: Path) -> None:
    for name, statement in {
        "a": "from .b import x",
        "b": "from . import c",
        "c": "def f():\n    import unspool.a",
    }.items():
        (tmp_path / f"{name}.py").write_text(statement + "\n")
    (tmp_path / "d.py").write_text("from .a import x\n")
    assert [sorted(circle) for circle in circles(import_graph(tmp_path))] == [
        ["unspool.a", "unspool.b", "unspool.c"]
    ]
