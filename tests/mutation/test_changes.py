"""The small faults that are put into a module, and those that are not."""

from tests.mutation.changes import changes

SOURCE = b'''"""A module."""
import os

__all__ = ["first"]
Kind = Literal["one", "two"]
if TYPE_CHECKING:
    limit = 3

def first(a: int = 1, *, text: str = "x") -> bool:
    """Return something."""
    if a < 2 and not os.sep:
        return [a + 1][:1]
    a += 1
    print(a, end="")
    if not a:
        return None
    return f"{a}"
'''


def test_each_change_is_python_and_stands_once() -> None:
    found = {
        (change.line, SOURCE[change.begin : change.end].decode(), change.new) for change in changes(SOURCE)
    }
    assert found == {
        (9, "1", "2"),
        (9, '"x"', "'~x'"),
        (11, "a < 2 and not os.sep", "((a < 2) or (not os.sep))"),
        (11, "a < 2", "((a) <= (2))"),
        (11, "2", "3"),
        (11, "not os.sep", "(os.sep)"),
        (12, "return [a + 1][:1]", "return None"),
        (12, "[a + 1][:1]", "[a + 1]"),
        (12, "a + 1", "((a) - (1))"),
        (12, "1", "2"),
        (13, "a += 1", "a -= 1"),
        (13, "1", "2"),
        (14, 'print(a, end="")', "pass"),
        (14, 'print(a, end="")', "print(a)"),
        (14, 'print(a, end="")', "print(None, end='')"),
        (15, "not a", "(a)"),
        (17, 'return f"{a}"', "return None"),
    }
    assert all(change.parses(SOURCE) for change in changes(SOURCE))
