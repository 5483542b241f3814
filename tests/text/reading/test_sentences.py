"""Sentences: the parts put together are the text, however it comes, and each ends where a reader says so."""

import csv
import re
import subprocess
import sys
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unspool._errors import ConfigError, CorpusError
from unspool._extras import install_command
from unspool._text.corpora.registry import CORPORA
from unspool._text.reading.sentences import SentenceCutter, load_segment, split_sentences
from unspool._text.reading.sources import read_records, records_from_spec
from unspool._text.records import Record

SIGNS = st.sampled_from(
    [*"aAbX.?!。！？…\"'”“」「() \n\t1*-؟।\u3000\u2028\x85\u0301é", "Mr. ", "U.S. ", "😀", "\n\n"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(SIGNS, max_size=60).map("".join))


def cut(text: str, *, language: str = "en") -> list[str]:
    return [record.text for record in split_sentences(iter([Record(text)]), language=language)]


def in_pieces(cutter: SentenceCutter, pieces: list[str]) -> list[tuple[str, bool]]:
    marked = [(piece, place == len(pieces) - 1) for place, piece in enumerate(pieces)]
    return [part for piece, ends in marked for part in cutter.feed(piece, ends=ends)]


def by_stops(text: str) -> list[str]:
    """Cut after each full stop: a stand-in for sentencex that sees nothing but what it is given."""
    return [part for part in text.replace(".", ".\0").split("\0") if part]


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("en", "Mr. Smith of Apple Inc. flew to the U.S. on Jan. 5.|He met J. K. Rowling at 5 p.m. today."),
        ("en", "Oil rose 5.3 percent to $46.75 a barrel.|Is it No. 1?|Yes!"),
        ("en", '"Stop!" he said.|"We won\'t go."|She left.'),
        ("en", "He waited... and waited.|Then he went."),
        ("en", "See http://www.example.com/a.html?b=1 for more.|Version 2.5 is out at example.com."),
        ("de", "Das ist z.B. gut.|Dr. Müller kommt am 3. Januar.|Ja."),
        ("zh", "今天天气很好。|你好吗？|我很好！|他说：“走吧。”|然后他走了……再见。"),
        ("en", "今天天气很好。|你好吗？|我很好！"),
        ("ja", "今日は暑いです。|どうして？|わからない！"),
        ("hi", "मैं घर जाता हूँ।|तुम कहाँ हो?|वह अच्छा है॥"),
        ("ar", "كيف حالك؟|أنا بخير.|شكرا لك!"),
        ("th", "สวัสดีครับ ผมชื่อสมชาย วันนี้อากาศดี"),
    ],
)
def test_sentences_end_where_a_reader_says(language: str, marked: str) -> None:
    spaced = " " if language in ("en", "de", "hi", "ar") and "。" not in marked else ""
    assert cut(marked.replace("|", spaced), language=language) == marked.split("|")


@given(text=TEXTS)
@example(text="A\u3000. B")  # where sentencex 1.0.32 breaks off
@example(text="half a pair \ud800. And more.")
@example(text="\n" * 5000)
def test_the_sentences_put_together_are_the_text(text: str) -> None:
    parts = cut(text)
    assert squeezed("".join(parts)) == squeezed(text)
    assert all(part == part.strip() != "" for part in parts)


@given(text=TEXTS, often=st.integers(1, 80), cuts=st.lists(st.integers(0, 4000), max_size=6))
def test_the_sentences_do_not_depend_on_the_pieces(text: str, often: int, cuts: list[int]) -> None:
    long = text * often
    places = [0, *sorted(min(place, len(long)) for place in cuts), len(long)]
    pieces = [long[a:b] for a, b in pairwise(places)]
    segment = load_segment("en")
    assert in_pieces(SentenceCutter(segment), pieces) == in_pieces(SentenceCutter(segment), [long])


@given(words=st.lists(st.sampled_from(["one", "two.", "three", "\n"]), min_size=1, max_size=2000))
def test_windows_cut_as_the_whole_is_cut(words: list[str]) -> None:
    text = " ".join(words)
    expected = [part.strip() for part in by_stops(text) if part.strip()]
    assert [part for part, _ in SentenceCutter(by_stops).feed(text, ends=True)] == expected


def test_a_long_sentence_comes_in_pieces_that_are_the_text() -> None:
    text = "word and " * 5000 + "end. " + "The next one."
    pieces = [text[i : i + 700] for i in range(0, len(text), 700)]
    parts = in_pieces(SentenceCutter(load_segment("en"), piece=3000), pieces)
    first = [end for _, end in parts].index(True)
    assert "".join(part for part, _ in parts[: first + 1]) == "word and " * 5000 + "end."
    assert max(len(part) for part, _ in parts) <= 3000 + 700
    assert parts[first + 1 :] == [("The next one.", True)]
    assert all(part[0] != " " and part[-1] == " " for part, _ in parts[:first])


def test_windows_grow_while_no_sentence_ends_and_begin_anew_before_their_margin() -> None:
    sizes: list[int] = []
    cutter = SentenceCutter(lambda text: sizes.append(len(text)) or [text])
    assert list(cutter.feed("x" * 20_000, ends=False)) == []
    assert sizes == [1024, 2048, 4096, 8192] * 2 + [1024, 2048]
    sizes.clear()
    assert list(cutter.feed("", ends=True)) == [("x" * 20_000, True)]
    assert sizes == [1024, 2048, 3744]  # from the place where the second window of 8192 had its margin


@pytest.mark.parametrize(("place", "found"), [(960, True), (961, False)])
def test_no_end_counts_in_the_margin_of_a_window(place: int, found: bool) -> None:
    cutter = SentenceCutter(lambda text: [text[:place], text[place:]])
    parts = list(cutter.feed("x" * 1025, ends=False))
    assert parts == ([("x" * place, True)] if found else [])


@pytest.mark.parametrize(
    ("piece", "parts"),
    [
        (9, [("one two ", False), ("three", True)]),
        (14, [("one two ", False), ("three", True)]),
        (15, [("one two three", True)]),
    ],
)
def test_a_long_sentence_has_no_space_before_it_or_after_it(piece: int, parts: list[object]) -> None:
    cutter = SentenceCutter(lambda text: [text], piece=piece)
    assert [*cutter.feed(" one two three", ends=False), *cutter.feed(" ", ends=True)] == parts


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_rest() -> None:
    parts = cut('He said: "I am tired. ' + "The rain came down on the roof. " * 3000)
    assert len(parts) > 2500


def test_every_sentence_has_the_context_of_its_text() -> None:
    records = [Record("One. Two.", {"label": "a"}), Record("Three.", {"label": "b"})]
    got = [(record.text, record.context["label"], record.ends) for record in _split(records)]
    assert got == [("One.", "a", True), ("Two.", "a", True), ("Three.", "b", True)]


def _split(records: list[Record]) -> list[Record]:
    return list(split_sentences(iter(records), language="en"))


class TestReading:
    def test_lines_on_their_own_and_a_document_across_its_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("It was late. He\nwent home.\n\nNobody saw.\n", "utf-8")
        by_line = [record.text for record in read_records(path, split="sentences")]
        assert by_line == ["It was late.", "He", "went home.", "Nobody saw."]
        whole = read_records(path, split="sentences", document=True)
        assert [record.text for record in whole] == ["It was late.", "He\nwent home.", "Nobody saw."]
        assert whole.document

    def test_it_is_kept_with_a_run(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("text,label\nDas ist z.B. gut. Ja.,de\n", "utf-8")
        records = read_records(path, context="label", split="sentences", language="de")
        again = list(records_from_spec(records.spec))
        assert again == list(records)
        assert [(r.text, r.context) for r in again] == [
            ("Das ist z.B. gut.", {"label": "de"}),
            ("Ja.", {"label": "de"}),
        ]

    def test_a_named_corpus_with_its_label(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = [("One. Two!", "counting")]
        monkeypatch.setitem(CORPORA, "docstrings", replace(CORPORA["docstrings"], rows=lambda: iter(rows)))
        records = list(read_records("docstrings", split="sentences"))
        assert [(r.text, r.context) for r in records] == [
            ("One.", {"label": "counting"}),
            ("Two!", {"label": "counting"}),
        ]

    def test_real_descriptions(self, data_dir: Path) -> None:
        path = data_dir / "ag_news_test.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row[2] for row in csv.reader(file)]
        read = read_records(path, text=2, context=1, header=False, normalization=None, split="sentences")
        texts = [[record.text for record in group] for _, group in groupby(read, lambda r: r.context)]
        parts = [part for text in texts for part in text]
        assert squeezed("".join(parts)) == squeezed("".join(rows))
        assert 9_000 < len(parts) < 10_500  # 7,600 descriptions, most of them a single sentence
        inner = [part for text in texts for part in text[:-1]]
        assert (
            sum(part.endswith((" Inc.", " Mr.", " Corp.", " vs.", " Gov.", " Sen.")) for part in inner) < 12
        )

    def test_what_does_not_fit_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("A line.", "utf-8")
        with pytest.raises(ConfigError, match="split"):
            read_records(path, split="words")
        with pytest.raises(ConfigError, match="language"):
            read_records(path, split="sentences", language="English")
        with pytest.raises(CorpusError, match="split='sentences'"):
            read_records(path, language="de")

    def test_a_missing_package_is_named_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.txt"
        path.write_text("A line.", "utf-8")
        monkeypatch.setitem(sys.modules, "sentencex", None)
        with pytest.raises(ConfigError, match=re.escape(install_command("sentences"))):
            read_records(path, split="sentences")

    def test_a_failed_check_in_the_library_is_an_error_of_the_tree(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import sentencex

        panic = type("PanicException", (BaseException,), {})

        def fail(language: str, text: str) -> list[str]:
            raise panic("byte index 3")

        monkeypatch.setattr(sentencex, "segment", fail)
        with pytest.raises(CorpusError, match="byte index 3"):
            load_segment("en")("Some text.")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it reads what Linux says of a process")
@pytest.mark.parametrize(
    "sentence", ["The rain came down on the roof of the house. ", "今天天气很好。", "nothing ends "]
)
def test_a_large_document_is_split_in_little_memory(tmp_path: Path, sentence: str) -> None:
    path = tmp_path / "large.txt"
    path.write_text(sentence * (30_000_000 // len(sentence.encode())), "utf-8")
    program = (
        "import sys; from unspool._text.reading.sources import read_records\n"
        "print(sum(1 for _ in read_records(sys.argv[1], document=True, split='sentences')),"
        " int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    parts, mebibytes = map(int, done.stdout.split())
    assert parts >= 10
    assert mebibytes < 150
