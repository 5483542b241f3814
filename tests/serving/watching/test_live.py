"""What is told to those who watch a run: all of it once, then what is new, whatever becomes of the file."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.serving.watching.lines import evaluation, sample, step, text_of
from unspool._serving.watching import live as module
from unspool._serving.watching.live import Listener, Watching, event
from unspool._serving.watching.log import Position, position_of

EVERY = 0.01
PATIENCE = 10
Told = tuple[str, Any, Position | None]


class Ear:
    """Somebody who watches a run."""

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self._events, self._left = events, b""
        self.last: Position | None = None

    async def hear(self, *names: str) -> Told:
        """Return the next event of one of these names."""
        while True:
            name, data, position = await asyncio.wait_for(self._next(), PATIENCE)
            self.last = position or self.last
            if name in names:
                return name, data, position

    async def _next(self) -> Told:
        while b"\n\n" not in self._left:
            self._left += await anext(self._events)
        one, _, self._left = self._left.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in one.decode("ascii").splitlines() if line[:1] != ":")
        if not fields:
            return "comment", None, None
        return fields["event"], json.loads(fields["data"]), position_of(fields.get("id", ""))

    async def close(self) -> None:
        await self._events.aclose()  # type: ignore[attr-defined]


@pytest.fixture
def run(models: Path, tmp_path: Path) -> Path:
    path = Path(shutil.copytree(models / "tiny", tmp_path / "tiny"))
    (path / "metrics.jsonl").write_bytes(text_of(step(1), step(2)))
    return path


def append(run: Path, raw: bytes) -> None:
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(raw)


def watched(test: Callable[[Watching, Callable[..., Ear]], Coroutine[Any, Any, None]], run: Path) -> None:
    """Run a test with somebody who looks, and with what makes listeners."""

    async def main() -> None:
        watching = Watching(every=EVERY)

        def listen(position: Position | None = None) -> Ear:
            return Ear(watching.events("tiny", run, position))

        await test(watching, listen)
        watching.close()
        while watching._task is not None:
            await asyncio.sleep(EVERY)

    asyncio.run(main())


def steps(figures: dict[str, Any]) -> list[int]:
    return [span[1] for span in figures["training"]]


def test_history_first_and_then_what_is_new(run: Path) -> None:
    async def test(watching: Watching, listen: Callable[..., Ear]) -> None:
        ear = listen()
        _, history, position = await ear.hear("history")
        assert steps(history) == [1, 2]
        assert position is not None
        assert position.offset == (run / "metrics.jsonl").stat().st_size
        _, state, _ = await ear.hear("state")
        assert (state["name"], state["state"], state["step"]) == ("tiny", "stopped", 2)
        assert "curve" not in state
        append(run, text_of(step(3), evaluation(3, 3.5), sample(3, "ab\ncd"))[:-1])
        _, more, _ = await ear.hear("more")
        assert steps(more) == [3]
        assert more["evaluations"][0]["bits_per_character"] == 3.5
        assert more["samples"] == []  # its line has no end yet
        append(run, b"\n")
        _, more, _ = await ear.hear("more")
        assert more["samples"][0]["text"] == "ab\ncd"
        _, state, _ = await ear.hear("state")
        assert state["best"] == 3.5

    watched(test, run)


def test_one_look_serves_all_and_each_hears_the_same(run: Path) -> None:
    async def test(watching: Watching, listen: Callable[..., Ear]) -> None:
        first = listen()
        await first.hear("history")
        append(run, text_of(step(3)))
        await first.hear("more")
        second = listen()
        _, history, _ = await second.hear("history")
        assert steps(history) == [1, 2, 3]
        assert (watching.listeners, len(watching._watched)) == (2, 1)
        append(run, text_of(step(4)))
        for ear in (first, second):
            _, more, _ = await ear.hear("more")
            assert steps(more) == [4]
        await first.close()
        await second.close()
        assert watching.listeners == 0

    watched(test, run)


def test_who_comes_back_hears_only_what_he_missed(run: Path) -> None:
    async def test(watching: Watching, listen: Callable[..., Ear]) -> None:
        ear = listen()
        await ear.hear("history")
        await ear.close()
        append(run, text_of(step(3), step(4)))
        back = listen(ear.last)
        name, more, _ = await back.hear("history", "more")
        assert (name, steps(more)) == ("more", [3, 4])
        append(run, text_of(step(5)))
        _, more, _ = await back.hear("more")
        assert steps(more) == [5]

    watched(test, run)


def test_who_comes_back_to_another_file_hears_all_of_it(run: Path) -> None:
    async def test(watching: Watching, listen: Callable[..., Ear]) -> None:
        ear = listen()
        await ear.hear("history")
        await ear.close()
        (run / "metrics.jsonl").write_bytes(text_of(step(1), step(2, seconds=7.0), step(3)))
        for position in (ear.last, Position(10, "ab"), Position(1 << 40, "ab")):
            name, history, _ = await listen(position).hear("history", "more")
            assert (name, steps(history)) == ("history", [1, 2, 3])

    watched(test, run)


def test_a_resumed_run_is_told_anew(run: Path) -> None:
    async def test(watching: Watching, listen: Callable[..., Ear]) -> None:
        ear = listen()
        await ear.hear("history")
        (run / "metrics.jsonl").write_bytes(text_of(step(1)))
        _, history, _ = await ear.hear("history")
        assert steps(history) == [1]
        append(run, text_of(step(2, seconds=9.0)))
        _, more, _ = await ear.hear("more")
        assert steps(more) == [2]

    watched(test, run)


def test_a_folder_that_goes_and_comes_back(run: Path) -> None:
    async def test(watching: Watching, listen: Callable[..., Ear]) -> None:
        ear, kept = listen(), run.with_name("kept")
        await ear.hear("history")
        await ear.hear("state")
        run.rename(kept)
        _, history, _ = await ear.hear("history")
        assert steps(history) == []
        _, state, _ = await ear.hear("state")
        assert state is None
        kept.rename(run)
        _, history, _ = await ear.hear("history")
        assert steps(history) == [1, 2]
        _, state, _ = await ear.hear("state")
        assert state["state"] == "stopped"

    watched(test, run)


def test_a_slow_reader_loses_what_waits_and_gets_the_history_anew() -> None:
    listener, message = Listener(None, behind=False), b"x" * (module.MOST_WAITING // 3)
    for _ in range(3):
        listener.tell([message])
    assert len(listener.waiting) == 3
    listener.tell([message])
    assert (len(listener.waiting), listener.behind, listener.position) == (0, True, None)
    listener.tell([b"y" * 2 * module.MOST_WAITING])  # a history that is large itself
    assert len(listener.waiting) == 1


def test_a_stream_without_news_says_that_it_is_there(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET", 0.05)
    (run / "metrics.jsonl").write_bytes(text_of(step(1)))

    async def test(watching: Watching, listen: Callable[..., Ear]) -> None:
        ear = listen()
        await ear.hear("state")
        assert await ear.hear("comment") == ("comment", None, None)

    watched(test, run)


def test_streams_end_when_the_server_stops(run: Path) -> None:
    stopping = False

    async def main() -> None:
        nonlocal stopping
        watching = Watching(lambda: stopping, EVERY)
        ear = Ear(watching.events("tiny", run, None))
        await ear.hear("history")
        stopping = True
        with pytest.raises(StopAsyncIteration):
            await ear.hear("nothing")
        assert watching.listeners == 0

    asyncio.run(main())


def test_a_look_that_fails_ends_the_streams_of_that_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(watching: Watching, listen: Callable[..., Ear]) -> None:
        ear = listen()
        await ear.hear("history")
        real = module.look

        def fail(*args: Any) -> Any:
            raise ValueError("nobody foresaw this")

        monkeypatch.setattr(module, "look", fail)
        with pytest.raises(StopAsyncIteration):
            await ear.hear("nothing")
        monkeypatch.setattr(module, "look", real)
        assert (await listen().hear("history"))[0] == "history"  # and the next one is served

    watched(test, run)


def test_an_event_is_one_line_of_ascii() -> None:
    text = event("more", {"text": "a\nb\u2028名\x00"}, Position(7, "ab")).decode("ascii")
    assert text == 'event: more\nid: 7-ab\ndata: {"text":"a\\nb\\u2028\\u540d\\u0000"}\n\n'
