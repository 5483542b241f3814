"""Every place that texts come from gives the same records, and says what it cannot read."""

import gzip
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unspool._errors import ConfigError, CorpusError, InputError
from unspool._extras import install_command
from unspool._text.reading.decoding import PIECE
from unspool._text.reading.sources import SOURCES, read_records, records_from_spec
from unspool._text.records import Record, Records

TEXTS = ["Rain again", "Oil, \"gold\" and 'tin'", "caf\u00e9 \u6f22\u5b57 🎈"]


def texts(records: Records) -> list[str]:
    return [record.text for record in records]


def encode(name: str, items: list[str]) -> bytes:
    """Write texts by the row's own writer, each in a column named ``text`` if the format has any."""
    return SOURCES[name].write([{"text": item} for item in items])


def write(folder: Path, name: str, rows: list[dict[str, str | None]]) -> Path:
    path = folder / f"a{SOURCES[name].suffixes[0]}"
    path.write_bytes(SOURCES[name].write(rows))
    return path


LABELLED: list[dict[str, str | None]] = [
    {"text": "Oil, \"gold\"\tand 'tin'", "more": "one\ntwo", "label": "3"},
    {"text": None, "more": "", "label": "4"},
    {"text": "caf\u00e9\u2028\u6f22\u5b57 🎈", "more": None, "label": None},
]
TEXT_SOURCES = [name for name, known in SOURCES.items() if not known.binary]
BINARY_SOURCES = [name for name, known in SOURCES.items() if known.binary]
WITH_COLUMNS = [name for name, known in SOURCES.items() if known.columns]


@pytest.mark.parametrize("name", SOURCES)
class TestEverySource:
    def test_each_suffix(self, tmp_path: Path, name: str) -> None:
        for suffix in SOURCES[name].suffixes:
            (tmp_path / f"a{suffix.upper()}").write_bytes(encode(name, TEXTS))
            assert texts(read_records(tmp_path / f"a{suffix.upper()}")) == TEXTS

    def test_blank_texts_are_passed_over(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
        path.write_bytes(encode(name, ["", *TEXTS[:1], " \u3000", "", *TEXTS[1:], ""]))
        assert texts(read_records(path)) == TEXTS

    def test_no_text_is_an_error(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
        path.write_bytes(encode(name, [""]))
        with pytest.raises(CorpusError, match=f"{path.name}: no text found"):
            list(read_records(path))

    def test_a_folder(self, tmp_path: Path, name: str) -> None:
        suffix = SOURCES[name].suffixes[0]
        for place, text in zip(("b", "a/z", "a/b/c"), TEXTS, strict=True):
            path = tmp_path / f"{place}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(name, [text]))
        (tmp_path / f".hidden{suffix}").write_bytes(b"\xff")
        (tmp_path / "other.bin").write_bytes(b"\xff")
        chosen = None if name == "text" else name  # said, it reads files of any suffix
        records = read_records(tmp_path, format=chosen)
        assert texts(records) == [TEXTS[2], TEXTS[1], TEXTS[0]]
        assert "1 of 4 files were passed over (.bin 1)" in next(iter(records.notes))

    def test_a_large_row(self, tmp_path: Path, name: str) -> None:
        path, large = tmp_path / f"a{SOURCES[name].suffixes[0]}", "word caf\u00e9 " * 300_000
        path.write_bytes(encode(name, ["one", large, "two"]))
        records = list(read_records(path))
        assert (records[0].text, records[-1].text) == ("one", "two")
        assert "".join(record.text for record in records[1:-1]) == large
        assert [record.ends for record in records].count(True) == 3

    def test_sentences(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
        path.write_bytes(encode(name, ["It rains. It pours.", "Sun."]))
        assert texts(read_records(path, split="sentences")) == ["It rains.", "It pours.", "Sun."]

    def test_bytes_are_counted_as_they_are_read(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
        path.write_bytes(encode(name, TEXTS * 20))
        records, told = read_records(path), []
        records.meter.report = lambda done, total: told.append((done, total))
        assert len(list(records)) == 20 * len(TEXTS)
        size = path.stat().st_size
        assert told[-1][0] == pytest.approx(size, abs=len(told))
        assert told == sorted(told)
        assert {total for _, total in told} == {size}

    def test_the_spec_reads_the_same_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        (tmp_path / "a.data").write_bytes(encode(name, TEXTS))
        monkeypatch.chdir(tmp_path)
        first = read_records("a.data", format=name, normalization="NFKD")
        monkeypatch.chdir("/")
        spec = json.loads(json.dumps(first.spec))
        again = records_from_spec(spec)
        assert list(again) == list(again) == list(records_from_spec(again.spec))
        assert texts(again)[2] == "cafe\u0301 \u6f22\u5b57 🎈"
        assert again.normalization == "NFKD"

    def test_a_package_that_is_missing_is_named_with_its_extra(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        if SOURCES[name].needs is None:
            return
        package, extra = SOURCES[name].needs
        path = write(tmp_path, name, [{"text": "one"}])
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ConfigError, match=f"{package}, which .*{re.escape(install_command(extra))}"):
            read_records(path)


@pytest.mark.parametrize("name", WITH_COLUMNS)
class TestEverySourceWithColumns:
    def test_columns_nulls_and_contexts(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path, name, LABELLED)
        assert list(read_records(path, context="label", normalization=None)) == [
            Record(str(LABELLED[0]["text"]), {"label": "3"}),
            Record(str(LABELLED[2]["text"]), {"label": ""}),
        ]
        blank = read_records(path)
        assert len(list(blank)) == 2
        assert any(note.startswith("1 row has no text and was passed over") for note in blank.notes)
        joined = read_records(path, text=["text", "more"], separator=" | ")
        assert texts(joined)[0] == f"{LABELLED[0]['text']} | one\ntwo"
        (first, *_) = read_records(path, text="text", source_text="more", context=["label", "length"])
        assert (first.source, first.context) == ("one\ntwo", {"label": "3", "length": str(len(first.text))})

    def test_a_column_that_is_not_there_is_named_with_the_nearest(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path, name, LABELLED)
        for options in ({"text": "txt"}, {"context": "lable"}):
            with pytest.raises(CorpusError, match=rf"{path.name}.*no column .*did you mean '(text|label)'"):
                list(read_records(path, **options))

    def test_sentences_keep_the_context(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path, name, [{"text": "It rains. It pours.", "label": "wet"}])
        records = list(read_records(path, context="label", split="sentences"))
        assert [record.context for record in records] == [{"label": "wet"}] * 2


@pytest.mark.parametrize("name", TEXT_SOURCES)
class TestEveryTextSource:
    def test_packed_with_a_byte_order_mark(self, tmp_path: Path, name: str) -> None:
        for suffix in SOURCES[name].suffixes:
            data = b"\xef\xbb\xbf" + encode(name, TEXTS)
            (tmp_path / f"a{suffix}.gz").write_bytes(gzip.compress(data))
            assert texts(read_records(tmp_path / f"a{suffix}.gz")) == TEXTS

    @pytest.mark.parametrize("end", ["\r\n", "\r"])
    def test_line_ends(self, tmp_path: Path, name: str, end: str) -> None:
        path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
        data = encode(name, TEXTS).replace(b"\r\n", b"\n").replace(b"\n", end.encode())
        path.write_bytes(data)
        assert texts(read_records(path)) == TEXTS

    def test_an_empty_file_is_an_error(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
        for content in ("", "\n\r\n", "\ufeff"):
            path.write_text(content, "utf-8")
            with pytest.raises(CorpusError, match=f"{path.name}: no text found"):
                list(read_records(path))

    def test_a_wrong_byte_is_an_error(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
        path.write_bytes(encode(name, TEXTS) + b"\n\xff")
        with pytest.raises(CorpusError, match=rf"{path.name}, line \d+, byte \d+: not UTF-8"):
            list(read_records(path))

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        data = io.BytesIO(encode(name, TEXTS))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
        records = read_records("-", format=name)
        assert data.tell() == 0
        assert texts(records) == TEXTS
        with pytest.raises(CorpusError, match="read once"):
            list(records)


@pytest.mark.parametrize("name", BINARY_SOURCES)
class TestEveryBinarySource:
    def test_standard_input_is_refused(self, name: str) -> None:
        with pytest.raises(
            CorpusError, match=f"{name} cannot be read from standard input; save it to a file"
        ):
            read_records("-", format=name)

    def test_a_file_of_another_kind_is_named(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / f"a{SOURCES[name].suffixes[0]}"
        for content, got in ((b"", "an empty file"), (b"just a text\n" * 9, "b'ju"), (b"PK\3\4", "PK")):
            path.write_bytes(content)
            with pytest.raises(CorpusError, match=rf"{path.name}: no .* file: expected .* got .*{got}"):
                list(read_records(path))
        packed = tmp_path / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(encode(name, TEXTS)))
        with pytest.raises(CorpusError, match=r"unpack it first"):
            list(read_records(packed))

    def test_a_damaged_file_is_one_error(self, tmp_path: Path, name: str) -> None:
        path, data = tmp_path / f"a{SOURCES[name].suffixes[0]}", encode(name, TEXTS * 20)
        for size in (8, 12, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:size])
            with pytest.raises(CorpusError, match=rf"{path.name}: broken .* data: got .*; copy"):
                list(read_records(path))

    def test_options_of_text_tables_are_refused(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path, name, LABELLED)
        for options in ({"header": True}, {"delimiter": ";"}):
            with pytest.raises(CorpusError, match="no header and no delimiter"):
                read_records(path, **options)

    def test_one_batch_is_in_memory_at_a_time(self, tmp_path: Path, name: str) -> None:
        import pyarrow

        path, text = tmp_path / f"a{SOURCES[name].suffixes[0]}", "The quick brown fox. " * 10_000
        path.write_bytes(encode(name, [f"{number} {text}" for number in range(150)]))  # 31 MB
        before, most = pyarrow.total_allocated_bytes(), 0
        for record in read_records(path):
            assert len(record.text) > 200_000
            most = max(most, pyarrow.total_allocated_bytes() - before)
        assert most < 8_000_000
        assert pyarrow.total_allocated_bytes() - before < 1_000_000


@pytest.mark.parametrize("name", ["parquet", "feather"])
def test_tables_without_their_suffix_are_recognised(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_bytes(encode(name, TEXTS) + b"\xff")
    with pytest.raises(CorpusError, match=rf"--format {name}"):
        list(read_records(tmp_path / "a.txt"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_is_a_record_and_a_document_keeps_its_lines(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(f"One\u2028still\x0bone{end}{end}  two\x85{end}".encode())
    assert texts(read_records(path)) == ["One\u2028still\x0bone", "  two\x85"]
    assert list(read_records(path, document=True)) == [Record("One\u2028still\x0bone\n\n  two\x85\n")]


def test_each_file_of_a_folder_is_a_document(tmp_path: Path) -> None:
    long = "word " * (PIECE // 2)
    (tmp_path / "a.txt").write_text(long)
    (tmp_path / "b.txt").write_text("two\nlines")
    records = list(read_records(tmp_path, document=True))
    assert [record.ends for record in records] == [False] * (len(records) - 2) + [True, True]
    assert len(records) > 3
    assert "".join(record.text for record in records[:-1]) == long
    assert max(len(record.text) for record in records) <= 2 * PIECE


def test_a_long_line_comes_in_pieces_even_if_one_is_white_space(tmp_path: Path) -> None:
    line = "start" + " " * (3 * PIECE) + "end"
    (tmp_path / "a.txt").write_text(f"one\n{line}\n\ntwo")
    read = read_records(tmp_path / "a.txt")
    records = list(read)
    assert "a line of more than a million characters is one text" in next(iter(read.notes))
    assert "".join(record.text for record in records[1:-1]) == line
    assert [record.ends for record in records].count(True) == 3


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert texts(read_records(tmp_path)) == ["text"]


REFUSED: list[tuple[str, dict[str, object], str]] = [
    ("missing.txt", {}, "missing.txt: no such file or folder"),
    ("ag-new", {}, "did you mean the corpus 'ag-news'"),
    ("corpus:ag", {}, "expected one of docstrings"),
    ("a.txt", {"format": "yaml"}, "format must be one of text, csv"),
    ("a.txt", {"text": "title"}, "plain text, which has no columns"),
    ("a.txt", {"context": ["title"]}, "plain text, which has no columns"),
    ("a.txt", {"header": True}, "no header"),
    ("a.txt", {"format": "jsonl", "delimiter": ","}, "no header"),
    ("a.txt", {"format": "csv", "delimiter": ",,"}, "one character"),
    ("a.txt", {"format": "csv", "delimiter": '"'}, "one character"),
    ("a.txt", {"format": "csv", "text": -1}, "must be names of columns, or their numbers from 0; got .-1,."),
    ("a.txt", {"format": "csv", "text": True}, "must be names of columns"),
    ("a.txt", {"format": "csv", "quoting": "all"}, "quoting must be one of none, double, or None"),
    ("a.txt", {"quoting": "none"}, "no header and no delimiter"),
    ("a.txt", {"encoding": "rot13"}, "encoding must be a text encoding that Python knows"),
    ("a.txt", {"encoding": "latin-99"}, "encoding must be a text encoding that Python knows"),
    ("a.txt", {"record_separator": ""}, "record_separator must be blank, a string"),
    ("a.txt", {"record_separator": "re:("}, "record_separator must be re: and a regular expression"),
    ("a.txt", {"record_separator": "blank", "document": True}, "does not work with document"),
    ("a.json", {"record_separator": "blank"}, "read as json, whose rows are the records"),
    ("docstrings", {"encoding": "cp1252"}, "a format of its own; leave out encoding"),
    ("one\ntwo", {}, r"which is no file; a file: read_records"),
    ("docstrings", {"format": "csv"}, "a format of its own"),
    ("docstrings", {"header": False}, "a format of its own"),
]


@pytest.mark.parametrize(("source", "options", "message"), REFUSED)
def test_what_does_not_fit_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, options: dict[str, object], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "a.json"):
        Path(name).write_text("text")
    with pytest.raises(InputError, match=message):
        read_records(source, **options)  # type: ignore[arg-type]


def test_an_unknown_normalization_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of NFC, NFD, NFKC, NFKD, or None"):
        read_records(tmp_path, normalization="nfx")


def test_an_empty_folder_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="an empty folder"):
        list(read_records(tmp_path))
    (tmp_path / "a.csv").write_text("text")
    with pytest.raises(CorpusError, match=r"expected names that end in \.txt.*got \.csv"):
        list(read_records(tmp_path))


def test_a_corpus_goes_by_its_name_unless_a_path_has_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_records("unicode-names").spec["source"] == "corpus:unicode-names"
    Path("unicode-names").write_text("mine")
    with pytest.raises(CorpusError, match=r"write \./unicode-names for the path or corpus:unicode-names"):
        read_records("unicode-names")
    assert texts(read_records("./unicode-names")) == texts(read_records(Path("unicode-names"))) == ["mine"]
    assert next(iter(read_records("corpus:unicode-names"))).text == "SPACE"


def test_texts_from_memory_cannot_be_read_again() -> None:
    with pytest.raises(CorpusError, match="from memory"):
        records_from_spec(Records.of(["a"]).spec)
    with pytest.raises(CorpusError, match="broken"):
        records_from_spec({"source": "unicode-names", "colour": "red"})


def test_no_http_client_is_imported_before_something_is_downloaded() -> None:
    script = (
        "import sys, unspool._text.reading.sources; print('http.client' in sys.modules, 'ssl' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.txt", {}), ("a.txt", {"document": True}), ("a.csv", {"text": 1}), ("line.txt", {})],
)
def test_a_large_file_is_never_in_memory(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    row = f"3,{'The quick brown fox jumps over the lazy dog. ' * 50}\n"
    data = row * (20_000_000 // len(row))
    path = tmp_path / name
    path.write_text(data.replace("\n", " ") if name == "line.txt" else data)
    script = (
        "import tracemalloc; from unspool._text.reading.sources import read_records\n"
        f"records = read_records({str(path)!r}, **{options!r})\n"
        "tracemalloc.start(); print(sum(len(r.text) for r in records), tracemalloc.get_traced_memory()[1])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    characters, peak = map(int, run.stdout.split())
    assert characters > 18_000_000
    assert peak < 8_000_000


@pytest.mark.data
def test_the_public_test_texts(data_dir: Path) -> None:
    headlines = list(read_records(data_dir / "ag_news_test.csv", text="1", context=0))
    assert len(headlines) == 7600
    assert headlines[0] == Record("Fears for T N pension after talks", {"column_0": "3"})
    joined = next(iter(read_records(data_dir / "ag_news_test.csv", text=[1, 2])))
    assert joined.text.startswith("Fears for T N pension after talks Unions representing workers")
    assert len(texts(read_records(data_dir / "names.txt"))) == 32_033
    shakespeare = read_records(data_dir / "tinyshakespeare.txt", document=True)
    assert "".join(texts(shakespeare)) == (data_dir / "tinyshakespeare.txt").read_text("utf-8")


@pytest.mark.parametrize(("name", "value"), [("document", "yes"), ("header", "no"), ("separator", 3)])
def test_an_option_of_another_type_is_refused(tmp_path: Path, name: str, value: object) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,b\n")
    with pytest.raises(ConfigError, match=f"{name} must be"):
        read_records(tmp_path / "a.csv", **{name: value})  # type: ignore[arg-type]
