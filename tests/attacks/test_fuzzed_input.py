"""Whatever a file, a pattern or a flag says: records or texts come of it, or one error of unspool's own.

What hypothesis makes is odd on purpose: bytes that are no text, halves of valid files, quotes that nobody
closes, brackets without end. Each case has its time; a longer one is a failure.
"""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unspool._cli.app import COMMANDS, app
from unspool._errors import UnspoolError
from unspool._generation.constraints.compiling import compile_constraint
from unspool._generation.constraints.constraint import Constraint
from unspool._text.reading.sources import SOURCES, read_records
from unspool._text.records import Record
from unspool._text.tokenizers.registry import TOKENIZERS, CharTokenizer, tokenizer_from_json

MOST_CHARACTERS = 1500  # of a message: what it shows of the input is short
fuzzed = settings(
    max_examples=60, deadline=timedelta(seconds=2), suppress_health_check=list(HealthCheck),
)  # fmt: skip

MARKS = st.sampled_from([*"\",\t\n\r;|\\{}[]:\x00\ufeff '", "é", "\u2028", "\U0001f388", "text", "1"])
TEXT = st.lists(MARKS | st.characters(), max_size=60).map("".join)
ROWS = st.lists(st.fixed_dictionaries({"text": TEXT, "label": st.none() | TEXT}), min_size=1, max_size=5)
TEXT_SOURCES = [name for name, source in SOURCES.items() if not source.binary]


def one_error(act: Callable[[], object]) -> None:
    """Do something; nothing but an error of unspool's own, and a short one, may end it."""
    try:
        act()
    except UnspoolError as error:
        message = str(error)
    else:
        return
    assert 0 < len(message.strip()) < MOST_CHARACTERS


def damaged(raw: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    """Replace some pieces of a content."""
    for begin, length, new in cuts:
        place = begin % (len(raw) + 1)
        raw = raw[:place] + new + raw[place + length :]
    return raw


CUTS = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 9), st.binary(max_size=4)), max_size=4)
COLUMN = st.none() | st.sampled_from(["text", "label", "", "0", 0, 1, 7, -1])
CHOICES = st.tuples(COLUMN, COLUMN, st.sampled_from([None, False, True]))  # text, context, header


def records_of(path: Path, options: dict[str, Any]) -> Callable[[], object]:
    def read() -> None:
        records = list(read_records(path, **options))
        assert all(isinstance(record, Record) and isinstance(record.text, str) for record in records)

    return read


@pytest.mark.parametrize("name", TEXT_SOURCES)
@pytest.mark.parametrize("packed", [False, True])
@fuzzed
@given(raw=st.binary(max_size=300) | TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")),
       document=st.booleans())  # fmt: skip
def test_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, name: str, packed: bool, raw: bytes, document: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{SOURCES[name].suffixes[0]}{'.gz' * packed}"
    path.write_bytes(gzip.compress(raw) if packed and len(raw) % 3 else raw)
    one_error(records_of(path, {"document": document}))


@pytest.mark.parametrize("name", SOURCES)
@fuzzed
@given(rows=ROWS, cuts=CUTS, columns=CHOICES)
def test_a_damaged_file(
    tmp_path_factory: pytest.TempPathFactory, name: str, rows: Any, cuts: Any, columns: Any
) -> None:
    source = SOURCES[name]
    path = tmp_path_factory.getbasetemp() / f"damaged{source.suffixes[0]}"
    try:
        path.write_bytes(damaged(source.write(rows), cuts))
    except (UnicodeEncodeError, ValueError):  # a text that the format cannot hold
        return
    text, context, header = columns
    chosen = {"text": text, "context": () if context is None else context}
    options = chosen if source.columns else {}
    one_error(records_of(path, options | ({"header": header} if source.delimited else {})))


PIECES = st.sampled_from([  # of patterns
    "a", "b", ".", "[", "]", "(", ")", "(?", "(?:", "(?i)", "*", "+", "?", "{2}", "{1,3}", "{99}", "{,", "|",
    "^", "$", "\\", "\\d", "\\w", "\\b", "\\1", "[^", "-", "(?=", "(?<!", "(?P<n>", "(?P=n)", "\\x",
    "\\u00e9", "é", "\\N{DIGIT ONE}", "*?", "++", "\n", " ",
])  # fmt: skip
SMALL = CharTokenizer("ab1é ")


@pytest.mark.filterwarnings("ignore:Possible (nested set|set difference):FutureWarning")  # of re, for "[["
@fuzzed
@given(pattern=st.lists(PIECES | st.characters(), max_size=12).map("".join), most=st.integers(0, 12))
def test_any_regular_expression(pattern: str, most: int) -> None:
    def compile_it() -> None:
        compile_constraint(Constraint(regex=pattern, max_length=most), SMALL)

    one_error(compile_it)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", TOKENIZERS)
@fuzzed
@given(cuts=CUTS, key=st.integers(0, 9), value=JSON, whole=st.booleans())
def test_a_damaged_tokenizer(
    kind: str, cuts: list[tuple[int, int, bytes]], key: int, value: Any, whole: bool
) -> None:
    content = TOKENIZERS[kind].fit(["a cat", "a dog"]).to_json()
    document = json.loads(content)
    document[sorted(document)[key % len(document)]] = value
    text = json.dumps(document) if whole else damaged(content.encode(), cuts).decode("utf-8", "replace")

    def read() -> None:
        tokenizer = tokenizer_from_json(text, where="tokenizer.json")
        assert tokenizer.decode(tokenizer.encode("a", unknown="drop")) in ("", "a")

    one_error(read)


VALUES = st.sampled_from([
    "0", "-1", "1e999", "nan", "inf", "none", "true", "", " ", "1,5", "0x10", "9" * 40, "é", "-", "--",
    "/nowhere/at/all", "\x00", "lstm", "[", "1:2", "a=b",
])  # fmt: skip


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("demo", "bench", "corpora")])
@settings(parent=fuzzed, max_examples=25)
@given(data=st.data())
def test_any_flag(command: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """There is no model and no corpus, so that no command gets to its work."""
    flags = [option for each in app.get_command(None, command).params for option in each.opts]  # type: ignore[arg-type,union-attr]
    words = st.lists(st.sampled_from(flags) | VALUES, max_size=4)
    arguments = [command, "/nowhere/at/all", *data.draw(words)]
    done = CliRunner().invoke(app, arguments, env={"UNSPOOL_CACHE": str(tmp_path_factory.getbasetemp())})
    assert isinstance(done.exception, SystemExit | None), arguments
    assert done.exit_code in (0, 2)
    if done.exit_code == 2:
        assert 0 < len(done.stderr.strip()) < MOST_CHARACTERS
        assert "Traceback" not in done.stderr
