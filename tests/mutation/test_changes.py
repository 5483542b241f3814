"""The small faults that are put into a module, and those that are not."""

from tests.mutation.changes import changes

SOURCE = b'''"""A module."""
import os

def first(a: int = 1, *, text: str = "x") -> bool:
    """Return something."""
    if a < 2 and not os.sep:
        return [a + 1][:1]
    a += 1
    print(a, end="")
    return f"{a}"
'''


def test_each_change_is_python_and_stands_once() -> None:
    found = {
        (change.line, SOURCE[change.begin : change.end].decode(), change.new) for change in changes(SOURCE)
    }
    assert found == {
        (4, "1", "2"),
        (4, '"x"', "'~x'"),
        (6, "a < 2 and not os.sep", "((a < 2) or (not os.sep))"),
        (6, "a < 2", "(a <= 2)"),
        (6, "2", "3"),
        (6, "not os.sep", "(os.sep)"),
        (7, "return [a + 1][:1]", "return None"),
        (7, "[a + 1][:1]", "[a + 1]"),
        (7, "a + 1", "((a) - (1))"),
        (7, "1", "2"),
        (8, "a += 1", "a -= 1"),
        (8, "1", "2"),
        (9, 'print(a, end="")', "pass"),
        (9, 'print(a, end="")', "print(a)"),
        (9, 'print(a, end="")', "print(None, end='')"),
        (10, 'return f"{a}"', "return None"),
    }
    assert all(change.parses(SOURCE) for change in changes(SOURCE))
