"""A compiled regular expression accepts what `re.fullmatch` matches, and nothing else."""

import gc
import re
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._errors import ConfigError
from unspool._generation.constraints.determinize import regex, written_out
from unspool._interruptible import GivenUpError, while_wanted
from unspool._text.expressions import subsets
from unspool._text.expressions.assertions import after
from unspool._text.expressions.patterns import read_pattern
from unspool._text.expressions.subsets import Subsets

from .languages import accepts, strings

ALPHABET = "aB1 \né"
TEXTS = strings(ALPHABET, 3) + strings("aB", 6)

ATOMS = ["a", "B", "1", " ", "\\n", "é", "É", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "[a-z]", "[^a]",
         r"[\d\s]", r"[^\w]", "[aB]", "b", "A", "(?i:a)", "(?i:B)", r"(?a:\w)", "(?s:.)",
         "(?-i:a)"]  # fmt: skip
ANCHORS = ["^", "$", r"\A", r"\Z", r"\b", r"\B", "(?m:^)", "(?m:$)", r"(?a:\b)"]


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeat = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "*?", "+?", "??", "{1,2}?"])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, repeat).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inner.map(lambda text: f"({text})"),
    )


PATTERNS = st.recursive(st.sampled_from(ATOMS + ANCHORS), larger, max_leaves=7)
FLAGS = st.sampled_from(["", "(?i)", "(?s)", "(?m)", "(?a)", "(?ims)"])


def differences(pattern: str, texts: list[str] = TEXTS, alphabet: str = ALPHABET) -> list[str]:
    automaton = regex(pattern, alphabet)
    compiled = re.compile(pattern)
    return [t for t in texts if accepts(automaton, alphabet, t) != (compiled.fullmatch(t) is not None)]


@settings(max_examples=250, deadline=None)
@given(FLAGS, PATTERNS)
def test_it_accepts_what_re_matches(flags: str, pattern: str) -> None:
    assert differences(flags + pattern) == []


@pytest.mark.parametrize(
    "pattern",
    ["", "a{3}", "(?:aB|a)*", "a$\n", "(?m:a$\n^B)", r"a\b\B", r"\ba\b|\B", r"(?P<name>a|B)+",
     "(?x: a  B # c\n)",
     "[]a]", r"a{,2}", "(?:)*", "(?:a*)*B", "(?i)É", "(?:^a|B)*", r"\w+$\s", r"(a|B)??1", "(?:$)*"],
)  # fmt: skip
def test_it_accepts_what_re_matches_in_corners(pattern: str) -> None:
    assert differences(pattern) == []


@pytest.mark.parametrize(
    "pattern", [r"\w", r"\d", r"\s", r"(?a)\w", "(?i)[k-s]", "(?i)ß", "(?i)σ", r"[^\W\d_]"]
)
def test_classes_are_those_of_re_in_all_scripts(pattern: str) -> None:
    alphabet = "".join(map(chr, [*range(0x2FF), *range(0x370, 0x400), 0x660, 0x1E9E, 0x2028, 0x212A, 0x4E00]))
    assert differences(pattern, list(alphabet), alphabet) == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a(?=B)", "a lookahead"),
        ("(?<!a)B", "a negative lookahead or lookbehind"),
        ("(?!)|a", "a negative lookahead"),
        (r"(a)\1", "a backreference"),
        ("(a)?(?(1)B|1)", "a conditional group"),
        ("(?>a|aB)B", "an atomic group"),
        ("a*+a", "a possessive quantifier"),
        ("a(B", "at character 2"),
        ("*a", "nothing to repeat at character 1"),
        (r"\q", r"bad escape \q at character 1"),
        ("(?:a|B)*a.{20}", "20,000 states"),
        ("(?:a{999}){999}", "100,000 characters"),
        ("(" * 5000 + ")" * 5000, "fewer nested groups"),
    ],
)
def test_what_cannot_be_decided_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        regex(pattern, ALPHABET)


def test_equal_states_are_merged() -> None:
    assert len(regex("(?:aB|1B| B)*", ALPHABET).transitions) == 2
    assert len(regex(".{0,200}", ALPHABET).transitions) == 201


@pytest.mark.parametrize(
    ("pattern", "same"),
    [
        ("(a?){900}", "a{0,900}"),
        ("(a{0,30}){30}", "a{0,900}"),
        ("(a?b?){300}c", "((a?b?){100}){3}c"),
        ("(^a?|b?){200}", "a?b{0,199}|b{0,200}"),
    ],
)
def test_long_repeats_of_what_may_be_empty_look_at_few_places(
    pattern: str, same: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state of `(a?){900}` has up to 900 places; at most 64 of them are in a part that is new."""
    looks: list[int] = []

    def looked_at(promise: int, kind: int) -> int:
        looks.append(kind)
        return after(promise, kind)

    monkeypatch.setattr(subsets, "after", looked_at)
    one = regex(pattern, "abc")
    assert len(looks) < 100 * len(one.accepting)
    other = regex(same, "abc")
    assert (one.classes.tolist(), one.transitions.tolist()) == (
        other.classes.tolist(),
        other.transitions.tolist(),
    )
    assert one.accepting.tolist() == other.accepting.tolist()


def test_sets_of_places_have_a_greatest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    regex("a.{200}", "ab")  # about 200 states, each a set of one place in some bytes of bits
    monkeypatch.setattr(subsets, "MOST_BYTES", 1000)
    regex("a.{20}", "ab")
    with pytest.raises(ConfigError, match="20,000 states"):
        regex("a.{200}", "ab")


@pytest.mark.parametrize("looks", [3, 30, 300, 1000])
def test_an_expression_that_nobody_waits_for_is_left(looks: int) -> None:
    seen = 0

    def is_given_up() -> bool:
        nonlocal seen
        seen += 1
        return seen == looks

    with pytest.raises(GivenUpError):
        while_wanted(is_given_up, regex, "(?:a?){200}b{50}", "ab")
    assert seen == looks


def test_what_was_needed_to_compile_is_freed_at_once() -> None:
    gc.disable()
    try:
        subsets = Subsets(read_pattern("a{3}|b", "ab"))
        written_out(subsets)
        gone = weakref.ref(subsets)
        del subsets
        assert gone() is None
    finally:
        gc.enable()
