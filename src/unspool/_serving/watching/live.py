"""What is new in the runs that somebody watches: one look at each for all who do, told as server-sent events.

Three events: ``history`` has the figures of the whole run, ``more`` those of the lines since then, and
``state`` the row of the run, or null while its folder is gone. The id of an event says up to where the file
was read, so that whoever comes back hears only what he missed.
"""

import asyncio
import json
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unspool._serving.watching.facts import RunFacts
from unspool._serving.watching.listing import is_run
from unspool._serving.watching.log import News, Position, read_since
from unspool._training.folder.metrics import METRICS

EVERY = 0.4  # seconds between two looks
PATIENCE = 0.5  # seconds of reading at one look; of a long file the rest comes as what is new
STATE_EVERY = 2  # looks between two at the state of a run without news
QUIET = 15.0  # seconds after which a stream without news says that it is still there
MOST_WAITING = 1 << 20  # bytes that wait for a slow reader, who then gets the history anew
CURVES = ("curve", "held_out_curve")  # of a row, which the history has


@dataclass(eq=False)
class Listener:
    """Somebody who watches a run.

    Args:
        position: Up to where he knows it; None if he knows nothing.
    """

    position: Position | None
    behind: bool = True
    ended: bool = False
    waiting: deque[bytes] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, messages: list[bytes]) -> None:
        """Add messages; who has too many waiting loses them, and gets the history next time."""
        self.waiting.extend(messages)
        if sum(map(len, self.waiting)) > MOST_WAITING and len(self.waiting) > len(messages):
            self.waiting.clear()
            self.position, self.behind = None, True
        elif messages:
            self.ready.set()


@dataclass(eq=False)
class Watched:
    """A run that somebody watches, as it was last looked at.

    Args:
        run: The run.
    """

    run: RunFacts
    listeners: set[Listener] = field(default_factory=set)
    state: bytes = b""
    looks: int = 0


@dataclass(frozen=True)
class Seen:
    """What one look at a run has found.

    Args:
        news: What all get who are up to date.
        begin: What each of the others gets before anything else.
    """

    news: list[bytes]
    begin: dict[Listener, list[bytes]]


class Watching:
    """Watches runs for any number of listeners, in one task and one thread, while there are any.

    Args:
        is_stopping: Whether the server is about to stop, which ends all streams.
        every: Seconds between two looks.
    """

    def __init__(self, is_stopping: Callable[[], bool] = lambda: False, every: float = EVERY) -> None:
        self._is_stopping, self._every = is_stopping, every
        self._watched: dict[Path, Watched] = {}
        self._task: asyncio.Task[None] | None = None
        self._joined = asyncio.Event()
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(len(watched.listeners) for watched in self._watched.values())

    async def events(self, name: str, path: Path, position: Position | None) -> AsyncIterator[bytes]:
        """Yield the events of a run for ever, until `close` is called.

        Args:
            name: The name of the run.
            path: Its folder.
            position: Up to where the listener knows it; None for nothing.
        """
        listener = Listener(position)
        self._join(name, path, listener)
        try:
            while not (self._closed or listener.ended):
                try:
                    await asyncio.wait_for(listener.ready.wait(), QUIET)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                listener.ready.clear()
                while listener.waiting:
                    yield listener.waiting.popleft()
        finally:
            self._leave(path, listener)

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._joined.set()
        for watched in self._watched.values():
            self._end(watched)

    def _end(self, watched: Watched) -> None:
        """End the streams of a run; whoever wants to hear more asks again, and it is looked at anew."""
        for listener in watched.listeners:
            listener.ended = True
            listener.ready.set()

    def _join(self, name: str, path: Path, listener: Listener) -> None:
        watched = self._watched.setdefault(path, Watched(RunFacts(name, path)))
        watched.listeners.add(listener)
        self._joined.set()
        if self._task is None:
            self._thread = self._thread or ThreadPoolExecutor(1, "unspool-watching")
            self._task = asyncio.create_task(self._look_again_and_again(self._thread))

    def _leave(self, path: Path, listener: Listener) -> None:
        watched = self._watched[path]
        watched.listeners.discard(listener)
        if not watched.listeners:
            del self._watched[path]
        self._joined.set()  # the task ends without listeners

    async def _look_again_and_again(self, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while self._watched and not self._closed:
            self._joined.clear()
            for watched in list(self._watched.values()):
                behind = [one for one in watched.listeners if one.behind]
                try:
                    seen = await loop.run_in_executor(thread, look, watched, behind)
                except Exception as error:  # the others go on
                    traceback.print_exception(error)
                    self._end(watched)
                    continue
                for listener in watched.listeners:
                    if listener in seen.begin:
                        listener.behind = False
                        listener.tell(seen.begin[listener])
                    elif not listener.behind:
                        listener.tell(seen.news)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._joined.wait(), self._every)
            if self._is_stopping():
                self.close()
        self._task = None
        if not self._watched or self._closed:
            thread.shutdown(wait=False)
            self._thread = None


def look(watched: Watched, behind: list[Listener]) -> Seen:
    """Look at a run, and return what its listeners are told.

    Args:
        watched: The run.
        behind: Those who have not heard where it stands.
    """
    run, news = watched.run, []
    new = run.log.update(time.monotonic() + PATIENCE)
    if new is not None:
        news.append(event("history" if new.anew else "more", new.figures.to_dict(), new.position))
    watched.looks += 1
    if new is not None or behind or watched.looks % STATE_EVERY == 0:
        state = event("state", state_row(run))
        if state != watched.state:
            watched.state = state
            news.append(state)
    return Seen(news, {one: [_beginning(run, one.position), watched.state] for one in behind})


def state_row(run: RunFacts) -> dict[str, Any] | None:
    """Return the row of a run without its curves; None if its folder is gone."""
    if not is_run(run.path):
        return None
    return {key: value for key, value in run.row().items() if key not in CURVES}


def event(name: str, data: object, position: Position | None = None) -> bytes:
    """Return a server-sent event.

    Args:
        name: Its name.
        data: Its data, in JSON types.
        position: Its id; None for none.
    """
    number = "" if position is None else f"id: {position}\n"
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f"event: {name}\n{number}data: {text}\n\n".encode("ascii")


def _beginning(run: RunFacts, position: Position | None) -> bytes:
    """Return what brings a listener up to date: what he missed, or the history."""
    log, missed = run.log, None
    if position is not None:
        missed = read_since(run.path / METRICS, position, log.position.offset)
    if missed is None:
        missed = News(log.figures, log.position, anew=True)
    return event("history" if missed.anew else "more", missed.figures.to_dict(), missed.position)
