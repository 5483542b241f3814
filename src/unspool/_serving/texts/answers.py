"""The answer to a request for texts, which are written while it is sent: whole, or piece by piece."""

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from unspool._errors import NetworkError, UnspoolError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.texts import best_texts, generation_of
from unspool._generation.written import Written
from unspool._json_files import json_text
from unspool._serving.exchange import EXCHANGE
from unspool._serving.refusals import RefusedError, error_object, refusal_of
from unspool._serving.served import Served
from unspool._serving.texts.batching import Ticket
from unspool._serving.texts.choices import (
    DONE,
    Events,
    StreamedText,
    answer_of,
    choice_of,
    is_plain,
    plain_choice,
)
from unspool._serving.texts.outlet import Outlet
from unspool._serving.texts.planning import Plan
from unspool._text.novelty import NoveltyIndex

SECONDS_TO_HEAR = 5.0  # in which a slow reader may still come to the reason why its stream has ended
BROKEN_OFF = RefusedError(503, "the time for the answer is over, or the server stops", code="broken_off")


def drawn(plan: Plan) -> EngineRequest:
    """Return all sequences that are drawn for a request."""
    asked, in_ids = plan.asked, plan.request.in_ids
    if asked.best_of == 1 and not asked.first:
        return in_ids
    return in_ids.repeated(asked.best_of, first=asked.first)


def as_refusal(error: Exception) -> RefusedError:
    """Return what a client hears of an error."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, UnspoolError):
        return refusal_of(error)
    return RefusedError(500, "something went wrong here", code="internal_error")


class Texts(Response):
    """The answer to a request for texts, which are written while it is sent.

    Args:
        served: What the server has.
        plan: What is asked for; its model is let go of at the end.
        known: The index of the training texts, to mark what is copied; None for no marks.
    """

    def __init__(self, served: Served, plan: Plan, known: NoveltyIndex | None) -> None:
        self._served, self._plan, self._known = served, plan, known
        self._error: Exception | None = None
        self._task: asyncio.Task[Any] | None = None
        self._ticket: Ticket | None = None
        self._loop = asyncio.get_running_loop()
        self._outlet: Outlet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write and send texts, until they have ended or the client has gone."""
        self._task, self._outlet = asyncio.current_task(), Outlet(scope[EXCHANGE])
        try:
            self._begin()
            await self._outlet.until_gone()
        except asyncio.CancelledError:
            error, task = self._error, self._task
            self._break_off(error or BROKEN_OFF)
            if error is None or task is None:
                raise
            task.uncancel()
            if not self.has_begun:
                raise error from None
            self._end()
            await self._outlet.drain(SECONDS_TO_HEAR)
        finally:
            self._end()
            self._outlet.close()
            self._plan.loaded.release()

    @property
    def has_begun(self) -> bool:
        """Whether a part of the answer was sent."""
        return False

    def _begin(self) -> None:
        """Ask for the texts, and send what comes before them.

        Raises:
            RefusedError: If there is no place for them.
        """
        plan = self._plan
        self._ticket = plan.loaded.batcher.add(
            drawn(plan), self._receive, self._fail, streamed=plan.asked.stream
        )

    def _end(self) -> None:
        """Drop what is not written yet."""
        if self._ticket is not None:
            self._plan.loaded.batcher.cancel(self._ticket)

    def _receive(self, written: Written, news: list[tuple[int, int]]) -> None:
        """Take what the writer has written, as each kind of answer does in its own way."""
        raise NotImplementedError

    def _fail(self, error: Exception) -> None:
        """End the answer with an error; what is still delivered is not received any more."""
        if self._error is None and self._task is not None:
            self._error = error
            self._end()
            self._task.cancel()

    def _break_off(self, error: Exception) -> None:
        """Send why a stream ends that has begun."""
        if self.has_begun:
            self._outlet.clear()
            event = f"data: {json_text(error_object(as_refusal(error)))}\n\n"
            self._outlet.write(event.encode(), more=False)

    def _count(self, tokens: int) -> None:
        counter = self._plan.loaded.counter
        if counter is None:
            counter = self._served.metrics.tokens.labels(self._plan.loaded.name)
            self._plan.loaded.counter = counter
        counter.inc(tokens)


class WholeTexts(Texts):
    """The answer with all texts at once."""

    def _begin(self) -> None:
        plan = self._plan
        count = len(plan.request.prompts) * plan.asked.best_of
        self._drawn: list[GeneratedIds | None] = [None] * count
        self._choices = [""] * count  # of plain texts
        self._left, self._tokens = count, 0
        self._is_plain = plan.asked.best_of == plan.asked.n and is_plain(plan, self._known)
        super()._begin()

    def _receive(self, written: Written, news: list[tuple[int, int]]) -> None:
        for number, i in news:
            reason = written.reasons[i]
            if reason is None or reason == "overflow":
                self._fail(NetworkError())
                return
            tokens = written.tokens[written.ends[i] : written.ends[i + 1]]
            self._tokens += len(tokens) - (reason == "end")
            if self._is_plain:
                self._choices[number] = plain_choice(self._plan, number, tokens, reason)
            else:
                self._drawn[number] = written.piece(i)
        self._left -= len(news)
        if not self._left:
            self._finish()

    def _finish(self) -> None:
        plan = self._plan
        tokens = 0 if plan.asked.is_empty else self._tokens
        choices = self._choices if self._is_plain else self._rich_choices()
        self._outlet.answer(answer_of(plan, choices, tokens))
        self._count(tokens)

    def _rich_choices(self) -> list[str]:
        plan, n = self._plan, self._plan.asked.n
        drawn = [each for each in self._drawn if each is not None]
        kept = _best(plan, drawn) if plan.asked.best_of > n else drawn
        return [json_text(choice_of(plan, i, each, i // n, self._known)) for i, each in enumerate(kept)]


def _best(plan: Plan, drawn: list[GeneratedIds]) -> list[GeneratedIds]:
    """Return the best n of the texts of each prompt."""
    request, count = plan.request, plan.asked.best_of
    tokenizer, options = plan.loaded.model.tokenizer, plan.request.options
    texts = [
        generation_of(tokenizer, request.prompts[i // count], each, options) for i, each in enumerate(drawn)
    ]
    by_text = {id(text): each for text, each in zip(texts, drawn, strict=True)}
    return [
        by_text[id(text)]
        for text in best_texts(texts, constrained=request.constrained, count=count, n=plan.asked.n)
    ]


class StreamedTexts(Texts):
    """The answer with each text piece by piece."""

    def _begin(self) -> None:
        plan, n = self._plan, self._plan.asked.n
        self._events = Events(plan)
        count = len(plan.request.prompts) * n
        self._texts = [StreamedText(plan, self._events, i, i // n, self._known) for i in range(count)]
        self._left = count
        super()._begin()
        self._outlet.start()

    @property
    def has_begun(self) -> bool:
        """Whether a part of the answer was sent."""
        return self._ticket is not None

    def _receive(self, written: Written, news: list[tuple[int, int]]) -> None:
        parts = []
        for number, i in news:
            reason = written.reasons[i]
            if reason == "overflow":
                self._fail(NetworkError())
                return
            parts.append(self._texts[number].add(written, i))
            self._left -= reason is not None
        if not self._left:
            self._finish(parts)
            return
        self._outlet.write("".join(parts).encode())
        if self._outlet.waiting and self._outlet.waiting > self._served.limits.max_buffer:
            self._drop()

    def _finish(self, parts: list[str]) -> None:
        tokens = sum(text.tokens for text in self._texts)
        if self._plan.asked.wants_usage:
            parts.append(self._events.usage(tokens))
        parts.append(DONE)
        self._outlet.write("".join(parts).encode(), more=False)
        self._count(tokens)

    def _drop(self) -> None:
        """End the stream of a client that reads too slowly, with the reason if it ever reads on."""
        most = self._served.limits.max_buffer
        self._served.metrics.dropped.labels("slow_reader").inc()
        message = f"more than {most:,} bytes waited to be read, and the stream was ended; read faster"
        self._fail(RefusedError(503, message, code="slow_reader"))
