"""House rules that a reader relies on: sizes, names, docstrings, and a map that shows every room."""

import ast
import functools
import re
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "unspool"
MODULES = sorted(PACKAGE.rglob("*.py"))
PYTHON_FILES = [
    *MODULES,
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "benchmarks").rglob("*.py")),
]
NATIVE_FILES = [path for path in sorted((ROOT / "native").rglob("*")) if path.suffix in {".h", ".cpp"}]

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
BANNED_NAMES = {"util", "utils", "common", "helper", "helpers", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Nodes = Sequence[ast.AST]


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file, once for all tests."""
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def nodes_of(path: Path) -> Nodes:
    """List the nodes of a file's tree, once for all tests."""
    return list(ast.walk(tree_of(path)))


def nodes_in(text: str) -> Nodes:
    """List the nodes of the tree of a text."""
    return list(ast.walk(ast.parse(text)))


def relative(path: Path) -> str:
    """Give a path as the tests' names show it."""
    return path.relative_to(ROOT).as_posix()


def functions(nodes: Nodes) -> Iterator[Function]:
    """Yield every function and method of a module."""
    return (node for node in nodes if isinstance(node, Function))


def span(node: ast.stmt) -> int:
    """Count the lines of a statement."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def docstring_lines(node: ast.AST) -> int:
    """Count the lines of a node's docstring, 0 where it has none."""
    documented = isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(
        node, clean=False
    )
    return span(node.body[0]) if documented else 0


def length(function: Function) -> int:
    """Count a function's lines, from ``def`` to its end, without its docstring."""
    return span(function) - docstring_lines(function)


def undocumented(tree: ast.Module) -> list[str]:
    """List the public classes, functions and methods that have no docstring."""
    bare: list[str] = []

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
                overload = any("overload" in ast.dump(mark) for mark in node.decorator_list)
                if ast.get_docstring(node, clean=False) is None and not overload:
                    bare.append(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    visit(node.body, f"{prefix}{node.name}.")

    visit(tree.body, "")
    return bare


@functools.cache
def lines_of(path: Path) -> int:
    """Count the lines of a file, in Python without the docstrings: a face has one for each method."""
    nodes = nodes_of(path) if path.suffix == ".py" else ()
    return len(path.read_text("utf-8").splitlines()) - sum(map(docstring_lines, nodes))


def test_files_are_short_and_their_names_say_what_they_hold() -> None:
    files = [*PYTHON_FILES, *NATIVE_FILES]
    assert {relative(path): lines_of(path) for path in files if lines_of(path) > LONGEST_FILE} == {}
    assert [relative(path) for path in files if path.stem in BANNED_NAMES] == []


def test_functions_fit_on_a_screen() -> None:
    sizes = {
        f"{relative(path)}: {function.name}": length(function)
        for path in PYTHON_FILES
        for function in functions(nodes_of(path))
    }
    assert {name: lines for name, lines in sizes.items() if lines > LONGEST_FUNCTION} == {}


def test_most_functions_are_small() -> None:
    sizes = [length(function) for path in MODULES for function in functions(nodes_of(path))]
    assert statistics.median(sizes) <= 12


def test_what_is_public_is_documented() -> None:
    bare = [relative(path) for path in MODULES if not ast.get_docstring(tree_of(path))]
    assert bare == [], "a module says in its first line what it is for"
    assert [f"{relative(path)}: {name}" for path in MODULES for name in undocumented(tree_of(path))] == []


def test_no_two_public_classes_have_one_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(relative(path))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_no_module_raises_by_assert() -> None:
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def last_name(call: ast.Call) -> str:
    """Return the name of what is called, without what stands before its last dot; empty where it has none."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def made_with_rich(nodes: Nodes) -> list[str]:
    """List what takes a stream for itself: rich's displays that are imported, its consoles that are made."""
    displays = {"rich.live", "rich.progress", "rich.status"}
    found = []
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in displays:
            found.append(node.module)
        elif isinstance(node, ast.ImportFrom) and node.module == "rich":
            found += [f"rich.{name.name}" for name in node.names]
        elif isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] == "rich"]
        elif isinstance(node, ast.Call) and last_name(node) in ("Console", "status"):
            found.append(ast.unparse(node.func))
    return found


def test_one_module_alone_draws_on_a_stream() -> None:
    """A display of rich's that is made without care swallows standard output."""
    others = [path for path in MODULES if path != PACKAGE / "_screen" / "drawing.py"]
    assert {relative(path): made for path in others if (made := made_with_rich(nodes_of(path)))} == {}


ONE_SYSTEM_ALONE = {
    "modules": "fcntl grp msvcrt posix pty pwd resource syslog termios tty winreg",
    "os": """fork forkpty getgid getloadavg getuid geteuid killpg memfd_create mkfifo name openpty pread
        preadv pwrite register_at_fork sched_getaffinity sched_setaffinity sendfile setsid
        statvfs sysconf uname""",
    "signal": """SIGALRM SIGHUP SIGKILL SIGPIPE SIGUSR1 SIGUSR2 alarm pthread_kill pthread_sigmask setitimer
        set_wakeup_fd sigwait""",
    "sys": "platform getwindowsversion",
}
PORTABLE_FLAGS = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_APPEND", "O_CREAT", "O_EXCL", "O_TRUNC"}
TEXT_OPENERS = {"open", "fdopen", "TemporaryFile", "NamedTemporaryFile"}


def of_one_system(nodes: Nodes) -> list[str]:
    """List what a module uses that one operating system alone has: modules, names, options, places."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name in ONE_SYSTEM_ALONE["modules"].split()]
        elif isinstance(node, ast.ImportFrom) and node.module in ONE_SYSTEM_ALONE:
            found += [name.name for name in node.names if name.name in ONE_SYSTEM_ALONE[node.module].split()]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = ONE_SYSTEM_ALONE.get(node.value.id, "").split()
            flag = node.value.id == "os" and node.attr.startswith("O_") and node.attr not in PORTABLE_FLAGS
            found += [node.attr] if node.attr in names or flag else []
        elif isinstance(node, ast.Constant) and str(node.value).startswith(("/proc/", "/sys/", "/dev/")):
            found.append(str(node.value))
        elif isinstance(node, ast.keyword) and node.arg in (
            "pass_fds",
            "process_group",
            "preexec_fn",
            "dir_fd",
        ):
            found.append(node.arg)
    return found


def opened_as_the_system_likes(nodes: Nodes) -> list[str]:
    """List the calls that open a text without its encoding, or that leave its line ends to the system."""
    found = []
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = last_name(node)
        given = {keyword.arg for keyword in node.keywords}
        words = {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
        modes = {word for word in words if isinstance(word, str) and re.fullmatch("[rwxabt+]{1,3}", word)}
        text = any("b" not in mode for mode in modes) or (
            not modes and name == "open" and isinstance(node.func, ast.Name)
        )
        if name in ("write_text", "read_text"):
            needed = {"newline"} if name == "write_text" else {"encoding"} - {"encoding" for _ in words}
        else:
            opens = text and name in TEXT_OPENERS
            needed = {"encoding", "newline"} if opens else set()
        found += [] if needed <= given else [ast.unparse(node)]
    return found


def test_one_module_alone_knows_the_operating_system() -> None:
    others = [path for path in MODULES if path != PACKAGE / "_system.py"]
    assert {relative(path): found for path in others if (found := of_one_system(nodes_of(path)))} == {}
    places = {"native/dispatch/system.cpp", "native/dispatch/dispatch.cpp", "native/binding/stop.h"}
    places |= {"native/binding/interpreter.h", "native/binding/interpreter.cpp"}
    header = re.compile(r"#include <(sys/|linux/|asm/|windows|unistd|pthread|sched|signal|fcntl|poll|dlfcn)")
    native = [relative(path) for path in NATIVE_FILES if header.search(path.read_text("utf-8"))]
    assert set(native) - places == set()


def test_a_text_is_opened_alike_everywhere() -> None:
    found = {relative(path): opened_as_the_system_likes(nodes_of(path)) for path in MODULES}
    assert {name: calls for name, calls in found.items() if calls} == {}


def annotated_tree(page: str) -> str:
    """Find the annotated tree of a page: the fenced block that shows ``src/unspool/``."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (tree,) = [block for block in blocks if "src/unspool/" in block]
    return tree


# Headers whose functions are no templates, or are always inlined. The linker keeps one copy of a template of
# the standard library for all instruction sets, and a processor may not know the one that it keeps.
HARMLESS = {"atomic", "cmath", "cstdint", "cstdlib", "cstring", "new", "stdint.h"}


def test_kernels_take_no_templates_of_the_standard_library() -> None:
    taken = {
        (path.name, header)
        for path in NATIVE_FILES
        if path.parent.name in {"products", "network", "writing"}
        for header in re.findall(r"^#include <(.*)>", path.read_text("utf-8"), re.MULTILINE)
        if header not in HARMLESS and not header.endswith(("intrin.h", "_neon.h"))
    }
    assert not taken


def test_the_annotated_tree_shows_every_room() -> None:
    shown = annotated_tree((ROOT / "docs" / "architecture.md").read_text("utf-8"))
    rooms = [
        path for path in sorted(PACKAGE.iterdir()) if path.suffix == ".py" or (path / "__init__.py").exists()
    ]
    names = [f"{path.name}/" if path.is_dir() else path.name for path in rooms if path.name != "__init__.py"]
    folders = ["native/", "tests/", "benchmarks/"]
    assert [name for name in [*folders, *names] if name not in shown] == []


def test_the_rules_can_fail() -> None:
    long_function = "def shout():\n" + "    print()\n" * LONGEST_FUNCTION
    (found,) = functions(nodes_in(long_function))
    assert length(found) == LONGEST_FUNCTION + 1
    linux = (
        "import fcntl, os\nfrom signal import SIGKILL\nos.fork()\nos.O_TMPFILE | os.O_RDWR\nx = '/proc/self'"
    )
    assert sorted(of_one_system(nodes_in(linux))) == ["/proc/self", "O_TMPFILE", "SIGKILL", "fcntl", "fork"]
    texts = "open('a', 'w')\na.open('rb')\nb.write_text(c, 'utf-8')\nopen('a', encoding='utf-8', newline='')"
    assert opened_as_the_system_likes(nodes_in(texts)) == ["open('a', 'w')", "b.write_text(c, 'utf-8')"]
    drawn = "import rich\nfrom rich import live\nfrom rich.progress import track\nConsole(stderr=True)"
    assert made_with_rich(nodes_in(drawn)) == ["rich", "rich.live", "rich.progress", "Console"]
    assert undocumented(
        ast.parse("class A:\n    '''Hold.'''\n    def b(self): ...\n    def _c(self): ...")
    ) == ["A.b"]


def test_the_way_in_is_short() -> None:
    way = (ROOT / "docs" / "architecture.md").read_text("utf-8").split("## A way in")[1].split("\n## ")[0]
    files = [PACKAGE / name for name in re.findall(r"^\| `([^`]+)` \|", way, flags=re.MULTILINE)]
    assert 8 <= len(files) <= 12
    assert sum(map(lines_of, files)) <= 1900
