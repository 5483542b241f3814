"""The lesson runs, in both languages, and says and does the same in both.

The outputs are stored, so that the lesson can be read on the web. After a change of a cell::

    jupyter nbconvert --to notebook --execute --inplace \\
        --ExecutePreprocessor.record_timing=False docs/lesson*.ipynb
"""

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_readme import check_line
from unspool._network.cells import lstm_step, rnn_step

nbformat = pytest.importorskip("nbformat", reason="pip install '.[test]'")

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTEBOOKS = [DOCS / "lesson.ipynb", DOCS / "lesson.zh-CN.ipynb"]
LARGEST = 1_000_000  # bytes: web pages refuse to show much larger ones
SECONDS = 900  # a full machine is slow; a quiet one needs half a minute
INLINE = "module://matplotlib_inline.backend_inline"  # what Jupyter draws with
CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def read(path: Path) -> Any:
    """Read a notebook."""
    return nbformat.read(path, as_version=4)


def prose(path: Path) -> list[str]:
    """Give the Markdown cells."""
    return [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]


class _Masked(ast.NodeTransformer):
    """Take the strings out of a tree; what stands between the values of an f-string is one string."""

    def __init__(self) -> None:
        self.strings: list[str] = []

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if not isinstance(node.value, str):
            return node
        self.strings.append(node.value)
        return ast.Constant("")

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        self.strings.append("".join(part.value for part in node.values if isinstance(part, ast.Constant)))
        return ast.JoinedStr([self.visit(part) for part in node.values if not isinstance(part, ast.Constant)])


def differences(code: str, translated: str) -> list[str]:
    """Say how a translated cell differs from its original in more than comments and words for people."""
    ours, theirs = _Masked(), _Masked()
    if ast.dump(ours.visit(ast.parse(code))) != ast.dump(theirs.visit(ast.parse(translated))):
        return ["the code is another"]
    pairs = zip(ours.strings, theirs.strings, strict=True)
    return [f"{a!r} became {b!r}" for a, b in pairs if a != b and not CHINESE.search(b)]


def skeleton(text: str) -> tuple[list[str], list[str], list[str], int]:
    """Give what a translation keeps: heading levels, code spans in any order, fences, exercises."""
    rest = FENCE.sub("", text)
    spans = sorted(re.findall(r"`([^`]+)`", rest))
    fences = [match[2].replace(".zh-CN", "") for match in FENCE.finditer(text)]
    exercises = len(re.findall(r"^\*\*(Try:|试一试：)\*\*", rest, flags=re.MULTILINE))
    return re.findall(r"^#+(?= )", rest, flags=re.MULTILINE), spans, fences, exercises


@each
def test_a_notebook_is_valid_and_plain(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec == {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert path.stat().st_size < LARGEST


@each
def test_the_stored_outputs_are_those_of_one_clean_run(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [
        output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"
    ]
    pictures = [output for output in outputs if "image/svg+xml" in output.get("data", {})]
    assert len(pictures) >= 6
    home = re.compile(r"/(home|root|tmp|Users|usr|opt|private)/|[A-Z]:\\\\|site-packages|\.venv")
    assert not [found for found in outputs if home.search(str(found))]


@each
def test_a_drawn_picture_brings_no_white_sheet_onto_a_dark_page(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    pictures = [
        output["data"]["image/svg+xml"]
        for cell in cells
        if "plt.show()" in cell.source
        for output in cell.outputs
        if "image/svg+xml" in output.get("data", {})
    ]
    assert len(pictures) >= 5
    assert [picture[:200] for picture in pictures if "#ffffff" in picture] == []


def printed(path: Path) -> dict[str, str]:
    """Return what each code cell of a notebook has printed or shown as text, by its source."""
    return {
        cell.source: "".join(
            o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in cell.outputs
        )
        for cell in read(path).cells
        if cell.cell_type == "code"
    }


@each
def test_the_stored_outputs_are_those_of_the_code_beside_them(path: Path) -> None:
    outputs = printed(path)
    for step in (rnn_step, lstm_step):
        (shown,) = (text for code, text in outputs.items() if f"getsource({step.__name__})" in code)
        assert shown.strip() == inspect.getsource(step).strip()
    (sizes,) = (text for code, text in outputs.items() if "initialize(network" in code)
    (vocabulary,) = (text for code, text in outputs.items() if "CharTokenizer(" in code)
    (trained,) = (text for code, text in outputs.items() if 'sample_prompts=["Return "]' in code)
    symbols = int(re.search(r"vocab_size: (\d+)", vocabulary)[1])  # type: ignore[index]
    total = 4 * 128 * (symbols + 128 + 1) + (128 + 1) * symbols  # LSTM(128), one-hot, and the output
    assert f"{total:,}" in sizes.split("\n\n")[0].split()
    assert f"{symbols} symbols, {total:,} parameters" in trained


@each
def test_every_section_ends_with_something_to_try_which_is_answered(path: Path) -> None:
    sections = re.split(r"^## ", "\n\n".join(prose(path)), flags=re.MULTILINE)[1:]
    *sections, answers = sections
    assert len(sections) == 17
    assert [int(number) for number in re.findall(r"^- \*\*(\d+)\.\*\*", answers, re.MULTILINE)] == [
        *range(1, 18)
    ]
    last = [section.rstrip().split("\n\n")[-1] for section in sections]
    assert [text for text in last if not text.startswith(("**Try:** ", "**试一试：** "))] == []


@each
def test_links_lead_somewhere_and_commands_exist(path: Path) -> None:
    text = "\n\n".join(prose(path))
    links = LINK.findall(text)
    assert "unrolled.svg" in links
    assert [link for link in links if ":" not in link and not (DOCS / link).is_file()] == []
    console = "".join(fence[2] for fence in FENCE.finditer(text) if fence[1] == "console")
    commands = [line.removeprefix("$ ") for line in console.splitlines()]
    assert len(commands) > 5
    for command in commands:
        check_line(command)


def test_the_translation_is_the_same_lesson() -> None:
    english, chinese = (read(path).cells for path in NOTEBOOKS)
    assert [(cell.id, cell.cell_type) for cell in english] == [(cell.id, cell.cell_type) for cell in chinese]
    for ours, theirs in zip(english, chinese, strict=True):
        if ours.cell_type == "code":
            assert differences(ours.source, theirs.source) == [], ours.id
        else:
            assert skeleton(theirs.source) == skeleton(ours.source), ours.id
            assert CHINESE.search(theirs.source), f"{ours.id} is not translated"
            assert not CHINESE.search(ours.source.replace("中文", "")), f"{ours.id} is translated already"


@pytest.mark.parametrize(
    ("code", "translated", "found"),
    [
        ("print(f'{a} texts')  # count", "print(f'共 {a} 条')  # 计数", 0),
        ("print(f'{a} texts')", "print(f'共 {b} 条')", 1),
        ("train(epochs=3)", "train(epochs=4)", 1),
        ("read('a.txt')", "read('b.txt')", 1),
        ("print('a')", "print('a')\nprint('乙')", 1),
    ],
)
def test_a_change_in_one_language_is_found(code: str, translated: str, found: int) -> None:
    assert len(differences(code, translated)) == found


def test_every_cell_runs(tmp_path: Path) -> None:
    pytest.importorskip("IPython", reason="pip install '.[test]'")
    pytest.importorskip("matplotlib", reason="pip install '.[test]'")
    pytest.importorskip("sentencex", reason="pip install '.[test]'")
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("notebook_runner.py"), *NOTEBOOKS],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": INLINE, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    told = done.stdout[-4000:] + done.stderr[-4000:]
    assert done.returncode == 0, told
    assert done.stdout.rstrip().endswith("done"), told
    assert "Traceback" not in done.stdout + done.stderr, told  # a picture that cannot be drawn ends nothing
