"""Which tests count for a line: those that run it, and for what an import runs all that use the module."""

from pathlib import Path

import pytest

SOURCE = """LIMIT = 3

class Box:
    size: int = 4

    def filled(self, by=2):
        return self.size * by

def first(a):
    return a < LIMIT
"""


def test_what_an_import_runs_counts_for_all_tests_of_the_module(tmp_path: Path) -> None:
    coverage = pytest.importorskip("coverage", reason="`make mutate` installs it")
    from tests.mutation.covering import Covering

    (tmp_path / "src" / "unspool").mkdir(parents=True)
    (tmp_path / "src" / "unspool" / "box.py").write_text(SOURCE)
    data = coverage.CoverageData(str(tmp_path / "coverage"))
    for test, lines in (
        ("tests/test_a.py::lazy|run", {1, 3, 4, 6, 9, 10}),  # the first to import it, inside a function
        ("tests/test_b.py::fills|run", {7}),
        ("tests/test_c.py::asks|run", {10}),
    ):
        data.set_context(test)
        data.add_lines({str(tmp_path / "src" / "unspool" / "box.py"): lines})
    data.write()
    covering = Covering(tmp_path / "coverage", tmp_path / "src")
    tests = {line: set(covering.tests("unspool/box.py", line)) for line in (1, 3, 4, 6, 7, 9, 10)}
    everyone = {"tests/test_a.py::lazy", "tests/test_b.py::fills", "tests/test_c.py::asks"}
    assert tests == {
        **dict.fromkeys((1, 3, 4, 6, 9), everyone),
        7: {"tests/test_b.py::fills"},
        10: {"tests/test_a.py::lazy", "tests/test_c.py::asks"},
    }


def test_quick_tests_come_first_and_of_these_the_nearest(tmp_path: Path) -> None:
    coverage = pytest.importorskip("coverage", reason="`make mutate` installs it")
    from tests.mutation.covering import Covering, seconds_of_tests

    (tmp_path / "src" / "unspool" / "_text").mkdir(parents=True)
    (tmp_path / "src" / "unspool" / "_text" / "box.py").write_text(SOURCE)
    times = {"text/test_box.py::slow": 9.0, "text/test_box.py::near[a.b]": 0.1, "cli/test_far.py::far": 0.2}
    cases = (
        '<testcase classname="tests.text.test_box" name="slow" time="9.0"/>'
        '<testcase classname="tests.text.test_box" name="near[a.b]" time="0.1"/>'
        '<testcase classname="tests.cli.test_far" name="far" time="0.2"/>'
    )
    (tmp_path / "tests.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    data = coverage.CoverageData(str(tmp_path / "coverage"))
    for test in times:
        data.set_context(f"tests/{test}|run")
        data.add_lines({str(tmp_path / "src" / "unspool" / "_text" / "box.py"): {7}})
    data.write()
    seconds = seconds_of_tests(tmp_path / "tests.xml")
    assert seconds == {f"tests/{test}": time for test, time in times.items()}
    assert seconds_of_tests(tmp_path / "nothing.xml") == {}
    covering = Covering(tmp_path / "coverage", tmp_path / "src", seconds)
    assert covering.tests("unspool/_text/box.py", 7) == [
        "tests/text/test_box.py::near[a.b]",
        "tests/cli/test_far.py::far",
        "tests/text/test_box.py::slow",
    ]
