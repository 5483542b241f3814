"""Which files of tests count for a line, by the names that they speak of."""

from pathlib import Path

from tests.mutation.naming import Naming, function_at

SOURCE = """LIMIT = 3

class Box:
    def __init__(self):
        self.size = 1

    def filled(self, by=2):
        return self.size * by

def _first(a):
    return a < LIMIT
"""


def test_the_mirror_comes_first_then_what_names_the_module_or_the_function(tmp_path: Path) -> None:
    files = {
        "src/unspool/_text/box.py": SOURCE,
        "tests/text/test_box.py": "",
        "tests/cli/test_far.py": "from unspool._text.box import Box",
        "tests/cli/test_farther.py": "box.filled(by=3)",
        "tests/cli/test_other.py": "unfilled",
        "tests/golden/test_golden.py": "unspool._text.box filled",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    naming, module = Naming(tmp_path), "unspool/_text/box.py"
    assert naming.tests(module, 8) == [
        "tests/text/test_box.py", "tests/cli/test_far.py", "tests/cli/test_farther.py",
    ]  # fmt: skip
    assert naming.tests(module, 1) == ["tests/text/test_box.py", "tests/cli/test_far.py"]


def test_a_line_is_of_its_innermost_function_or_of_its_class() -> None:
    names = {line: function_at(SOURCE, line) for line in (1, 3, 5, 8, 11)}
    assert names == {1: "", 3: "Box", 5: "Box", 8: "filled", 11: "_first"}
