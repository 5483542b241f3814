"""What is printed for people, for programs and for terminals, and when it is passed on."""

import io
import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from unspool._cli import open_corpus
from unspool._cli.output import printing, text_files
from unspool._cli.output.text_files import json_sink, line_ends_error, may_have_lines, refuse_line_ends
from unspool._errors import ConfigError


class Stream(io.StringIO):
    """A stream that is a terminal, or not, and counts how often it was flushed."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self.terminal, self.flushed = terminal, 0

    def isatty(self) -> bool:
        return self.terminal

    def flush(self) -> None:
        self.flushed += 1


def standard_output(monkeypatch: pytest.MonkeyPatch) -> Stream:
    """Put a stream in the place of standard output; pytest puts back its own before a test begins."""
    stream = Stream()
    monkeypatch.setattr("sys.stdout", stream)
    return stream


def test_a_document_has_a_line_for_each_item(monkeypatch: pytest.MonkeyPatch) -> None:
    out = standard_output(monkeypatch)
    printing.print_json({"a": [1, {"b": "é\n"}], "c": None})
    printing.print_json([1.5, {"a": True}])
    assert out.getvalue() == ('{\n  "a": [1, {"b": "é\\n"}],\n  "c": null\n}\n[\n  1.5,\n  {"a": true}\n]\n')


def test_a_terminal_gets_no_character_that_it_would_obey(monkeypatch: pytest.MonkeyPatch) -> None:
    out = standard_output(monkeypatch)
    texts = ("a\x9b\u202eb", "a\x1b[1m\nb")
    for terminal in (False, True):
        out.terminal = terminal
        out.truncate(0)
        out.seek(0)
        printing.print_json([texts[0]])
        printing.print_sentence(texts[1])
        assert json.loads(out.getvalue().split("]\n")[0] + "]") == [texts[0]]
        assert printing.for_stdout(texts[1]) == ("a␛[1m\nb" if terminal else texts[1])
        assert ("\\u009b\\u202e" in out.getvalue()) is terminal
        assert ("\x1b" in out.getvalue()) is not terminal


def test_a_line_is_seen_at_once_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = standard_output(monkeypatch)
    for terminal in (False, True):
        out.terminal = terminal
        printing.print_line("a")
        assert out.flushed == terminal
    assert out.getvalue() == "a\na\n"


@pytest.mark.parametrize(
    ("value", "kept"), [(1.5, 1.5), (0.0, 0.0), (math.inf, None), (-math.inf, None), (math.nan, None)]
)
def test_a_figure_that_json_has_not_is_none(value: float, kept: float | None) -> None:
    assert printing.finite(value) == kept
    assert printing.finite(None) is None


def test_a_remark_stands_on_one_line_where_it_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    printing.complain("a\nb")
    printing.note("a\nb\x1b")
    assert capsys.readouterr() == ("", "unspool: a⏎b\na\nb␛\n")


def test_a_remark_that_cannot_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError("full")

    dropped: list[object] = []
    full = Full()
    monkeypatch.setattr("sys.stderr", full)
    monkeypatch.setattr(printing, "discard", dropped.append)
    printing.note("x")
    assert dropped == [full]


def test_a_stream_that_is_discarded_writes_nothing_more(tmp_path: Any) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="utf-8") as stream:
        stream.write("lost")
        printing.discard(stream)
        stream.write("lost, too")
        stream.flush()
    assert path.read_text("utf-8") == ""
    printing.discard(io.StringIO())  # which has no number
    printing.discard(stream)  # which is closed


def test_a_sentence_on_the_reading_is_told_once_for_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    import click

    for _ in range(2):
        with click.Context(click.Command("x")):
            for sentence in ("a\nb", "a\nb", "c"):
                open_corpus.say_once(sentence)
    assert capsys.readouterr().err == "a⏎b\nc\na⏎b\nc\n"
    for _ in range(2):
        open_corpus.say_once("a")  # outside of commands there is nothing to remember it in
    assert capsys.readouterr().err == "a\na\n"


def text(words: str) -> Any:
    return SimpleNamespace(text=words, prompt="p", finish_reason="stop", total_logprob=-1.5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(text_files, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_texts_are_flushed_ten_times_a_second(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    out = standard_output(monkeypatch)
    for sink in (text_files.screen_sink(lines=False), json_sink(lambda each: each.text, None)):
        with sink as write:
            out.flushed, flushed = 0, []
            for clock[0] in (200.0, 200.0625, 200.125, 200.1875, 200.25):
                write(text("a"))
                flushed.append(out.flushed)
        assert flushed == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("texts", "report", "printed"),
    [
        ([], None, "[\n]\n"),
        (["a", "b"], None, '[\n  "a",\n  "b"\n]\n'),
        ([], lambda: {"n": 0}, '{\n  "texts": [\n  ],\n  "report": {"n": 0}\n}\n'),
        (["a", "b"], lambda: {"n": 2},
         '{\n  "texts": [\n    "a",\n    "b"\n  ],\n  "report": {"n": 2}\n}\n'),
    ],
)  # fmt: skip
def test_texts_are_one_document(
    texts: list[str], report: Callable[[], Any] | None, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = standard_output(monkeypatch)
    with json_sink(lambda each: each.text, report) as write:
        begun = out.getvalue()
        assert out.flushed == 1, "a reader sees that it has begun"
        for words in texts:
            write(text(words))
    assert (printed.startswith(begun), out.getvalue()) == (True, printed)


@pytest.mark.parametrize(
    ("lines", "terminal", "texts", "printed"),
    [
        (True, False, ["a\nb", "c"], "a\nb\n────────\nc\n"),
        (True, True, ["a\x1b", "c"], "a␛\n────────\nc\n"),
        (False, False, ["a\nb", "c\x1b"], "a⏎b\nc\x1b\n"),
        (False, True, ["a\nb", "c\x1b"], "a⏎b\nc␛\n"),
    ],
)
def test_texts_stand_apart(
    lines: bool, terminal: bool, texts: list[str], printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = standard_output(monkeypatch)
    out.terminal = terminal
    with text_files.screen_sink(lines=lines) as write:
        for words in texts:
            write(text(words))
    assert out.getvalue() == printed


@pytest.mark.parametrize(("words", "printed"), [("a\nb", "a\nb\n────────\nc\n"), ("a", "a\nc\n")])
def test_finished_texts_stand_apart_if_one_has_lines(
    words: str, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = standard_output(monkeypatch)
    text_files.print_texts([text(words), text("c")])
    assert out.getvalue() == printed


def model(symbols: tuple[str, ...], *, whole: bool = True, document: bool = False) -> Any:
    tokenizer = SimpleNamespace(whole_characters=whole, symbols=symbols)
    return cast("Any", SimpleNamespace(tokenizer=tokenizer, data={"document": document}))


@pytest.mark.parametrize(
    ("symbols", "whole", "document", "prompts", "lines", "any_end"),
    [
        (("a", "\n"), True, False, [""], True, True),
        (("a", "\r"), True, False, [""], False, True),
        (("a", "b"), True, False, ["x", "y\n"], True, True),
        (("a", "b"), True, False, ["x"], False, False),
        (("a", "\n"), False, False, ["x"], False, False),  # bytes know every character
        (("a", "\n"), False, True, ["x"], True, True),
        (("a", "b"), False, False, ["\r"], False, True),
    ],
)
def test_a_model_may_write_lines_that_it_has_learned(  # noqa: PLR0917 - a table
    symbols: tuple[str, ...], whole: bool, document: bool, prompts: list[str], lines: bool, any_end: bool,
    tmp_path: Any,
) -> None:  # fmt: skip
    writes = model(symbols, whole=whole, document=document)
    assert may_have_lines(writes, prompts) is lines
    refuse_line_ends(tmp_path / "a.csv", writes, prompts, filtered=False)
    refuse_line_ends(tmp_path / "a.txt", writes, prompts, filtered=True)
    if not any_end:
        refuse_line_ends(tmp_path / "a.TXT", writes, prompts, filtered=False)
        return
    with pytest.raises(ConfigError) as error:
        refuse_line_ends(tmp_path / "a.TXT", writes, prompts, filtered=False)
    assert str(error.value) == str(line_ends_error("a model that writes them"))


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_a_text_of_lines_is_refused_by_a_file_of_lines(end: str) -> None:
    file = io.StringIO()
    write = text_files.txt_writer(file)
    write(text("a\u2028b"))
    with pytest.raises(ConfigError) as error:
        write(text("x" * 59 + end + "y"))
    assert str(error.value) == (
        f"a .txt file has one text per line: expected texts without line ends, got {'x' * 59 + end!r}; "
        "write a .jsonl file, or skip such texts: --valid '.*'"
    )
    assert file.getvalue() == "a\u2028b\n"


def test_a_row_of_a_file_has_four_columns() -> None:
    lines, rows = io.StringIO(), io.StringIO()
    text_files.jsonl_writer(lines)(text('é "\n'))
    text_files.csv_writer(rows)(text('é "\n'))
    assert lines.getvalue() == (
        '{"text": "é \\"\\n", "prompt": "p", "finish_reason": "stop", "total_logprob": -1.5}\n'
    )
    assert rows.getvalue() == '"é ""\n",p,stop,-1.5\n'
    assert text_files.HEADERS == {".csv": "text,prompt,finish_reason,total_logprob\n"}
