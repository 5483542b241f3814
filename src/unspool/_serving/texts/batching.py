"""One writer for a model, on a thread of its own, which writes for all requests at once.

Requests join between two symbols and leave when they end. What the writer reports goes to the event loop in
one call for all requests. While the loop is busy with it, the writer goes on and reports only what has ended:
the pieces of streams become longer instead of more.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeAlias

from unspool._errors import UnspoolError
from unspool._generation.engine_request import EngineRequest, as_one
from unspool._generation.pace import Pace
from unspool._generation.writer import Writer
from unspool._generation.written import Written
from unspool._screen.wording import counted
from unspool._serving.refusals import RefusedError

STREAMING_SECONDS = 0.006  # of a call of the writer while someone streams, about: so soon others can join
MOST_STREAMING_SECONDS = 0.02  # of one while very many do
WRITING_SECONDS = 0.02  # of one while nobody does
MOST_STEPS = 256  # of a call while someone streams, so that even a lone text comes in pieces
AHEAD = 1  # deliveries that wait beside the one that the event loop is at, before streams are written further
ALL = 1 << 16  # threads, more than there are
SHORT_SECONDS = 0.003  # of a call that is not worth a second thread
BUSY_SECONDS = 0.003  # of a delivery, from which on the event loop has a processor to itself
FIRST_STEPS = 8  # of a call after a stream has joined, so that it shows something at once

NOBODY = (None, 0)  # whose sequence has ended, or was given up
News: TypeAlias = tuple[Written, list[tuple[int, int]]]
"""What the writer reports, and what is new in it: numbers of a ticket's sequences, and their indices."""


Command: TypeAlias = tuple[str, "Ticket | None"]


class Ticket:
    """A request that is written, or waits for its place.

    Args:
        request: The sequences.
        receive: Takes what is new, on the event loop.
        fail: Takes the error after which nothing more comes, on the event loop.
        whole: Whether a sequence is reported only once it has ended.
    """

    __slots__ = ("begun", "fail", "is_over", "left", "receive", "request", "sequences", "whole")

    def __init__(
        self,
        request: EngineRequest,
        receive: Callable[[Written, list[tuple[int, int]]], None],
        fail: Callable[[Exception], None],
        *,
        whole: bool,
    ) -> None:
        self.request, self.receive, self.fail, self.whole = request, receive, fail, whole
        self.left = len(request.prompts)  # sequences that have not ended
        self.begun = 0  # sequences that wait no more
        self.sequences: list[int] = []  # their ids, in order
        self.is_over = False


class Batcher:
    """What writes the texts of a model; its methods are called on the event loop.

    Args:
        make_writer: Makes the writer; it is called on the thread of the batcher.
        name: The name of the model.
        most: Number of texts that are written side by side.
        most_waiting: Number of texts that wait.
    """

    def __init__(self, make_writer: Callable[[], Writer], *, name: str, most: int, most_waiting: int) -> None:
        self._make_writer, self._name = make_writer, name
        self._most, self._most_waiting = most, most_waiting
        self._loop = asyncio.get_running_loop()
        self._turn: list[Command] = []  # commands of this turn of the event loop
        self._commands: SimpleQueue[list[Command]] = SimpleQueue()
        self._end: Exception | None = None  # why the thread has ended
        self._waiting: deque[Ticket] = deque()  # the thread's own
        self._tickets: dict[int, tuple[Ticket, int]] = {}  # and the number in it of each sequence
        self._asked = self._begun = 0  # texts: those asked for, and those that wait no more
        self._posted = self._delivered = 0
        self._delivery = 0.0  # seconds that the last one took
        self._call_seconds = 0.0  # of the last call of the writer
        self._streams = 0  # sequences that are reported piece by piece
        self._has_joined = False  # a stream, since the last call of the writer
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"writer of {name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return how many texts wait for their place."""
        return self._asked - self._begun

    @property
    def writing(self) -> int:
        """Return how many texts are written."""
        return len(self._tickets)

    @property
    def is_closed(self) -> bool:
        """Whether nothing is written any more."""
        return self._closed

    def add(
        self,
        request: EngineRequest,
        receive: Callable[[Written, list[tuple[int, int]]], None],
        fail: Callable[[Exception], None],
        *,
        streamed: bool,
    ) -> Ticket:
        """Ask for texts.

        Args:
            request: The sequences.
            receive: Takes what is new: what was written, and for each sequence with news its number in the
                request and its index in what was written.
            fail: Takes the error after which nothing more comes.
            streamed: Whether texts are reported piece by piece.

        Raises:
            RefusedError: If there is no more room, or the model is being put away.
        """
        count = len(request.prompts)
        if self._closed:
            raise self._put_away()
        if self.waiting + count > self._most_waiting and (self.waiting or self.writing + count > self._most):
            message = (
                f"{self._name} has {counted(self.waiting, 'text')} waiting to be written, and at most "
                f"{self._most_waiting:,} may wait; ask again later"
            )
            raise RefusedError(429, message, code="queue_full", headers={"retry-after": "1"})
        ticket = Ticket(request, receive, fail, whole=not streamed)
        self._asked += count
        self._command("add", ticket)
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Cancel a request: its place is free at once, and nothing more is received."""
        if not ticket.is_over:
            ticket.is_over = True
            self._command("cancel", ticket)

    def close(self) -> None:
        """End the thread; requests that are not over fail."""
        self._closed = True
        self._turn.append(("close", None))
        self._hand_over()

    def _put_away(self) -> RefusedError:
        return RefusedError(503, f"the model {self._name} is being put away; ask again", code="stopping")

    def _command(self, what: str, ticket: Ticket | None = None) -> None:
        """Send a command to the thread; those of one turn of the event loop wake it once.

        Each time it is woken it takes the interpreter, for which the loop then waits.
        """
        self._turn.append((what, ticket))
        if len(self._turn) == 1:
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._turn:
            self._commands.put(self._turn)
            self._turn = []
        if self._end is not None:
            self._fail(self._unread(), self._end)

    def _unread(self) -> list[Ticket]:
        """Return the requests that the thread has not read."""
        unread: list[Ticket] = []
        with suppress(Empty):
            while True:
                commands = self._commands.get(block=False)
                unread += [ticket for what, ticket in commands if what == "add" and ticket is not None]
        return unread

    # On the event loop, called by the thread

    def _deliver(self, written: Written) -> None:
        """Hand on what is new, all of a request in one call."""
        began = time.perf_counter()
        tickets, reasons = self._tickets, written.reasons
        last: Ticket | None = None
        news: list[tuple[int, int]] = []
        for i, sequence in enumerate(written.ids.tolist()):
            ticket, number = tickets.get(sequence, NOBODY)
            if ticket is None or ticket.is_over:
                continue
            if ticket is not last:
                if last is not None:
                    self._hand_on(last, written, news)
                last, news = ticket, []
            news.append((number, i))
            if reasons[i] is not None:
                ticket.left -= 1
                tickets.pop(sequence, None)
        if last is not None:
            self._hand_on(last, written, news)
        self._loop.call_soon(self._note_delivery, began)

    def _note_delivery(self, began: float) -> None:
        """Note that something was delivered, after the turn of the event loop in which it was written."""
        self._delivery = time.perf_counter() - began
        self._delivered += 1
        if self._streams:  # the thread may wait for it
            self._command("delivered")

    def _hand_on(self, ticket: Ticket, written: Written, news: list[tuple[int, int]]) -> None:
        if not ticket.left:
            ticket.is_over = True
        try:
            ticket.receive(written, news)
        except Exception as error:
            self.cancel(ticket)
            ticket.fail(error)

    def _fail(self, tickets: list[Ticket], error: Exception) -> None:
        for ticket in tickets:
            if not ticket.is_over:
                ticket.is_over = True
                ticket.fail(error)

    # On the thread

    def _run(self) -> None:
        try:
            self._write(self._make_writer())
        except Exception as error:
            self._give_up(error)

    def _write(self, writer: Writer) -> None:
        pace = Pace()
        while self._obey(writer):
            self._admit(writer)
            if not len(writer):
                continue
            behind = self._posted - self._delivered > AHEAD
            streams = self._streams
            pace.seconds = self._streaming_seconds() if streams else WRITING_SECONDS
            most = (FIRST_STEPS if self._has_joined else MOST_STEPS) if streams else None
            self._has_joined = False
            began = time.perf_counter()
            with pace.call(writer, most=most) as steps:
                written = writer.advance(steps, whole=behind, spared=self._spared())
            self._call_seconds = time.perf_counter() - began
            if len(written.ids):
                self._post(written)

    def _streaming_seconds(self) -> float:
        """Return how long to write while someone streams: as long as it takes to send what is written.

        Else, with many streams, most of the time would go into sending a token at a time.
        """
        return min(max(STREAMING_SECONDS, self._delivery), MOST_STREAMING_SECONDS)

    def _spared(self) -> int:
        """Return how many threads write nothing: all but one for little, and one beside a busy event loop."""
        if self._call_seconds < SHORT_SECONDS:
            return ALL
        return int(self._streams > 0 and self._delivery > BUSY_SECONDS)

    def _obey(self, writer: Writer) -> bool:
        """Do what was commanded, and return whether to go on; wait while there is nothing to do."""
        has_heard = False
        while True:
            idle = not len(writer) and not self._waiting
            # streams are not written far ahead of the event loop, which needs the processor
            behind = self._posted - self._delivered > AHEAD
            stalled = behind and 0 < self._streams == len(writer)  # who waits is told of a delivery
            try:
                commands = self._commands.get(block=idle or (stalled and not has_heard))
            except Empty:
                return True
            has_heard = True
            for command, ticket in commands:
                if command == "close":
                    self._give_up(self._put_away())
                    return False
                if ticket is not None and command == "add":
                    self._waiting.append(ticket)
                elif ticket is not None:
                    self._drop(writer, ticket)

    def _admit(self, writer: Writer) -> None:
        """Begin to write what waits, in its order, as long as there is a place."""
        while parts := self._next(self._most - len(writer)):
            whole = parts[0][0].whole
            try:
                sequences = writer.add(as_one([request for _, request in parts]), whole=whole)
            except (UnspoolError, ValueError) as error:
                self._call(self._fail, [ticket for ticket, _ in parts], error)
                continue
            if not whole:
                self._streams += len(sequences)
                self._has_joined = True
            place = sequences.start
            for ticket, request in parts:
                own = range(place, place + len(request.prompts))
                place = own.stop
                ticket.sequences.extend(own)
                for number, sequence in enumerate(own, ticket.begun - len(own)):
                    self._tickets[sequence] = ticket, number

    def _next(self, room: int) -> list[tuple[Ticket, EngineRequest]]:
        """Take from those that wait what can begin in one call: a request, or several of one kind.

        Args:
            room: Number of texts for which there is a place.
        """
        parts: list[tuple[Ticket, EngineRequest]] = []
        while self._waiting and room > 0:
            ticket = self._waiting[0]
            request, first = ticket.request, ticket.begun
            if parts and (ticket.whole != parts[0][0].whole or request.kind is None):
                break
            if parts and request.kind is not parts[0][1].kind:
                break
            count = min(len(request.prompts) - first, room)
            ticket.begun += count
            self._begun += count
            if ticket.begun == len(request.prompts):
                self._waiting.popleft()
            if not ticket.is_over:
                room -= count
                part = request if count == len(request.prompts) else request.part(first, first + count)
                parts.append((ticket, part))
        return parts

    def _drop(self, writer: Writer, ticket: Ticket) -> None:
        """Take a request out."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            self._begun += len(ticket.request.prompts) - ticket.begun
        for sequence in ticket.sequences:
            is_there = self._tickets.pop(sequence, None) is not None and writer.remove(sequence)
            self._streams -= is_there and not ticket.whole

    def _post(self, written: Written) -> None:
        if self._streams:
            for sequence in written.ids[written.finish >= 0].tolist():
                ticket, _ = self._tickets.get(sequence, NOBODY)
                self._streams -= ticket is not None and not ticket.whole
        self._posted += 1
        self._call(self._deliver, written)

    def _give_up(self, error: Exception) -> None:
        """Fail all requests."""
        self._closed, self._end = True, error
        self._waiting += self._unread()
        tickets = dict.fromkeys([ticket for ticket, _ in self._tickets.values()] + list(self._waiting))
        self._call(self._fail, list(tickets), error)
        self._waiting.clear()

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop has ended, and with it everybody who waits
            self._closed = True
