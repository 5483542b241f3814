"""The small faults that are put into native code, and those that are not."""

from tests.mutation.native_changes import changes, conditions_at

SOURCE = """// a < 2
#include <vector>
static_assert(kA > 1);
template <typename T>
inline int first(const T& a, T* b) {
    const float* from = "a + b" + 0x1Fu;
    for (int i = 0; i < 8; ++i) {
        if (a.ok && !b->ok) break;
        b->sum += larger(1.5f, 0.0);
        store(from + i,
              true);
    }
    return a - 1;
}
"""


def test_each_change_stands_once() -> None:
    found = {(change.line, SOURCE[change.begin : change.end], change.new) for change in changes(SOURCE)}
    assert found == {
        (6, "+", "-"),
        (6, "0x1Fu", "(0x1Fu + 1)"),
        (7, "0", "1"),
        (7, "<", "<="),
        (7, "8", "9"),
        (7, "++", "--"),
        (8, "(a.ok && !b->ok)", "(!(a.ok && !b->ok))"),
        (8, "&&", "||"),
        (8, "!", ""),
        (8, "break;", "continue;"),
        (9, "+=", "-="),
        (9, "larger", "smaller"),
        (9, "1.5f", "3.0f"),
        (9, "0.0", "1.0"),
        (9, "b->sum += larger(1.5f, 0.0);", ";"),
        (10, "+", "-"),
        (10, "store(from + i,\n              true);", ";"),
        (11, "true", "false"),
        (13, "-", "+"),
        (13, "1", "2"),
    }


def test_where_the_preprocessor_is() -> None:
    lines = [
        "#if defined(A)",
        "a",
        "#else",
        "b",
        "#if B",
        "c",
        "#endif",
        "#endif",
        "d",
        "#ifdef C",
        "#elif D",
        "e",
    ]
    source = "\n".join(lines)
    found = {name: conditions_at(source, source.rindex(f"\n{name}") + 1) for name in "abcde"}
    assert found == {"a": "defined(A)", "b": "not defined(A)", "c": "not defined(A) B", "d": "", "e": "D"}
