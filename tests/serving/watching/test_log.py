"""A file of metrics that grows, is cut back, replaced, removed or damaged while it is read."""

from pathlib import Path

import pytest

from tests.serving.watching.lines import evaluation, finish, sample, step, text_of
from unspool._serving.watching import log as module
from unspool._serving.watching.figures import Figures
from unspool._serving.watching.log import START, Log, Position, position_of, read_since


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def append(path: Path, raw: bytes) -> None:
    with path.open("ab") as file:
        file.write(raw)


def steps_of(log: Log) -> list[int]:
    return [span[1] for span in log.figures.training.all()]


def test_lines_are_read_once_as_they_come(path: Path) -> None:
    log = Log(path)
    assert log.update() is None  # there is no file yet
    append(path, text_of(step(1), step(2)))
    news = log.update()
    assert news is not None
    assert news.anew
    assert steps_of(log) == [1, 2]
    assert log.changed == pytest.approx(path.stat().st_mtime, abs=1e-3)
    assert log.update() is None
    append(path, text_of(step(3), evaluation(3, 4.0), sample(3, "abc")))
    news = log.update()
    assert news is not None
    assert not news.anew
    assert [span[1] for span in news.figures.training.all()] == [3]
    assert news.figures.evaluations[0]["characters"] == 300
    assert steps_of(log) == [1, 2, 3]
    assert news.position == log.position == Position(path.stat().st_size, log.position.tail)


def test_half_a_line_waits_for_its_end(path: Path) -> None:
    log, raw = Log(path), text_of(step(1), step(2))
    append(path, raw[:-20])
    log.update()
    assert steps_of(log) == [1]
    assert log.figures.broken == 0
    append(path, raw[-20:-1])
    assert log.update() is None
    append(path, raw[-1:])
    assert log.update() is not None
    assert steps_of(log) == [1, 2]


def test_half_a_line_of_a_killed_process_is_left_out(path: Path) -> None:
    append(path, text_of(step(1))[:-30] + b"\n" + text_of(step(2)) + b'{"kind": "st' + text_of(step(3)))
    log = Log(path)
    log.update()
    assert steps_of(log) == [2, 3]
    assert log.figures.broken == 2


def test_a_resumed_run_shortens_the_file(path: Path) -> None:
    log = Log(path)
    first = text_of(*(step(number) for number in range(1, 6)))
    append(path, first)
    log.update()
    path.write_bytes(text_of(step(1), step(2)))
    news = log.update()
    assert news is not None
    assert news.anew
    assert steps_of(log) == [1, 2]
    append(path, text_of(*(step(number, 3.0, seconds=number / 7) for number in range(3, 9))))
    assert log.update() is not None
    assert steps_of(log) == list(range(1, 9))


def test_a_file_that_was_cut_and_is_longer_again_is_read_anew(path: Path) -> None:
    log = Log(path)
    append(path, text_of(*(step(number) for number in range(1, 6))))
    log.update()
    path.write_bytes(text_of(*(step(number, seconds=number / 7) for number in range(1, 9))))
    news = log.update()
    assert news is not None
    assert news.anew
    assert steps_of(log) == list(range(1, 9))


def test_a_run_that_is_removed_and_comes_back(path: Path) -> None:
    log = Log(path)
    append(path, text_of(step(1)))
    log.update()
    path.unlink()
    news = log.update()
    assert news is not None
    assert news.anew
    assert (steps_of(log), log.position, log.changed) == ([], START, None)
    assert log.update() is None
    append(path, text_of(step(1), step(2), finish(2)))
    assert log.update() is not None
    assert log.figures.finish is not None


def test_what_is_no_file_has_no_lines(path: Path) -> None:
    path.mkdir()
    log = Log(path)
    assert log.update() is None
    assert steps_of(log) == []


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 200_000,
        b'{"kind": "step", "step": ' + b"9" * 5_000 + b"}",
        b"null",
        b"\xff\xfe\x00",
        b'{"kind": "step", "step": 1, "epoch": 1, "bits_per_character": 1e999}',
        b"x" * (module.LONGEST_LINE + 1),
        b"",
    ],
)
def test_a_hostile_line_is_one_broken_line(path: Path, line: bytes) -> None:
    append(path, line + b"\n" + text_of(step(5)))
    log = Log(path)
    log.update()
    assert steps_of(log) == [5]
    assert log.figures.broken == 1


def test_a_file_without_a_line_end_takes_no_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 1 << 10)
    monkeypatch.setattr(module, "LONGEST_LINE", 1 << 12)
    append(path, b"z" * 50_000 + b"\n" + text_of(step(5)))
    lengths: list[int] = []
    add = module._add

    def noting(line: bytes, *to: Figures) -> None:
        lengths.append(len(line))
        add(line, *to)

    monkeypatch.setattr(module, "_add", noting)
    log = Log(path)
    log.update()
    assert steps_of(log) == [5]
    assert log.position.offset == path.stat().st_size
    assert max(lengths) <= (1 << 12) + (1 << 10)


def test_of_a_huge_file_the_beginning_is_left_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_READ", 2_000)
    append(path, text_of(*(step(number) for number in range(100, 200))))
    log = Log(path)
    log.update()
    assert steps_of(log)[-1] == 199
    assert 3 < len(steps_of(log)) < 10
    assert log.figures.broken == 0
    append(path, text_of(step(200)))
    news = log.update()
    assert news is not None
    assert not news.anew


def test_a_large_file_is_read_in_parts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 1_000)
    append(path, text_of(*(step(number) for number in range(1, 101))))
    log = Log(path)
    log.update()
    assert steps_of(log) == list(range(1, 101))


def test_reading_stops_at_a_deadline_and_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 1_000)
    append(path, text_of(*(step(number) for number in range(1, 101))))
    log, looks = Log(path), 0
    while not looks or not log.is_whole:
        news = log.update(deadline=0.0)
        assert news is None or news.anew == (looks == 0)
        looks += 1
        assert log.unread == path.stat().st_size - log.position.offset
    assert looks > 10
    assert steps_of(log) == list(range(1, 101))
    assert log.update(deadline=0.0) is None


def test_who_comes_back_reads_what_he_missed(path: Path) -> None:
    append(path, text_of(step(1)))
    log = Log(path)
    log.update()
    position = position_of(str(log.position))
    assert position == log.position
    append(path, text_of(step(2), step(3)))
    news = read_since(path, position, path.stat().st_size)
    assert news is not None
    assert [span[1] for span in news.figures.training.all()] == [2, 3]
    log.update()
    assert news.position == log.position
    begin, end = position.offset, position.offset + len(text_of(step(2)))
    part = read_since(path, position, end)  # as others know it by now
    assert part is not None
    assert [span[1] for span in part.figures.training.all()] == [2]
    assert part.position.offset == end
    assert read_since(path, position, begin - 1) is None


def test_who_comes_back_after_a_cut_is_told(path: Path) -> None:
    append(path, text_of(step(1), step(2)))
    log = Log(path)
    log.update()
    path.write_bytes(text_of(step(1), step(2, seconds=9.0), step(3)))
    assert read_since(path, log.position, log.position.offset) is None
    path.write_bytes(b"")
    assert read_since(path, log.position, log.position.offset) is None
    path.unlink()
    assert read_since(path, log.position, log.position.offset) is None
    assert read_since(path, START, 0) is None


@pytest.mark.parametrize("word", ["", "x", "-1-ab", "1e3-ab", "²-ab", "9" * 40 + "-a", "1-" + "a" * 99])
def test_a_word_that_is_no_position(word: str) -> None:
    assert position_of(word) is None
