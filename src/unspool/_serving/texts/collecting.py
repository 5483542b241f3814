"""The answer with good texts alone: unique, new or valid ones, drawn until there are enough."""

from queue import SimpleQueue
from typing import Any, TypeAlias

from unspool._configuration import check, to_dict
from unspool._errors import NetworkError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.results import Generation
from unspool._generation.selecting.collection import Collection
from unspool._generation.selecting.report import CollectionReport
from unspool._generation.selecting.selection import Selection
from unspool._generation.texts import generation_of
from unspool._generation.written import Written
from unspool._json_files import json_text
from unspool._serving.served import Served
from unspool._serving.texts.answers import Texts
from unspool._serving.texts.batching import Ticket
from unspool._serving.texts.choices import DONE, Events, answer_of, choice_of
from unspool._serving.texts.planning import Plan
from unspool._text.novelty import NoveltyIndex

MOST_AT_ONCE = 256  # texts that a collection has written at a time, so that others have their turn

Drawn: TypeAlias = list[GeneratedIds] | Exception | None
"""What became of texts that were asked for; None if the client has gone."""


class GoodTexts(Texts):
    """The answer with the texts that pass a selection, whole or as events.

    A thread judges them; it asks the event loop for the texts that it judges.
    """

    def __init__(
        self, served: Served, plan: Plan, known: NoveltyIndex | None, refused: NoveltyIndex | None
    ) -> None:
        super().__init__(served, plan, known)
        self._events = Events(plan) if plan.asked.stream else None
        self._choices: list[str] = []
        self._tokens, self._is_over = 0, False
        self._drawn: SimpleQueue[Drawn] = SimpleQueue()
        self._ids: dict[int, GeneratedIds] = {}  # of the texts that are judged
        self._prompt = 0  # whose texts are judged
        self._ticket: Ticket | None = None
        request, selection = plan.request, plan.selection or Selection()
        selection.check(request.options)
        check("best_of", plan.asked.best_of, f"n ({plan.asked.n}) or left out where texts are filtered",
              plan.asked.best_of == plan.asked.n)  # fmt: skip
        self._collection = Collection(
            self._draw,
            len(request.prompts),
            n=plan.asked.n,
            first=plan.asked.first,
            selection=selection,
            constrained=request.constrained,
            known=refused,
            max_new_tokens=request.options.max_new_tokens,
        )
        self._collection.stop_when(lambda: self._is_over)

    @property
    def has_begun(self) -> bool:
        """Whether a part of the answer was sent."""
        return self._events is not None

    def _begin(self) -> None:
        self._served.library.collect(self._judge)
        if self._events is not None:
            self._outlet.start()

    def _end(self) -> None:
        self._is_over = True
        self._drawn.put(None)
        if self._ticket is not None:
            self._plan.loaded.batcher.cancel(self._ticket)

    # On the thread

    def _judge(self) -> None:
        counts: dict[int, int] = {}
        try:
            for text in self._collection:
                place = counts.get(self._prompt, 0)
                counts[self._prompt] = place + 1
                index = self._prompt * self._plan.asked.n + place
                choice = choice_of(self._plan, index, self._ids[id(text)], self._prompt, self._known)
                self._call(self._accept, json_text(choice))
            self._call(self._finish, self._collection.report)
        except Exception as error:
            self._call(self._fail, error)

    def _draw(self, prompt: int, count: int, first: int) -> list[Generation]:
        """Have texts of a prompt written, and wait for them."""
        request, tokenizer = self._plan.request.of_prompt(prompt), self._plan.loaded.model.tokenizer
        self._prompt, self._ids, texts = prompt, {}, list[Generation]()
        for begin in range(0, count, MOST_AT_ONCE):
            part = min(MOST_AT_ONCE, count - begin)
            self._call(self._ask, request.in_ids.repeated(part, first=first + begin))
            drawn = self._drawn.get()
            if isinstance(drawn, Exception):
                raise drawn
            if drawn is None:
                break
            for each in drawn:
                texts.append(generation_of(tokenizer, request.prompts[0], each, request.options))
                self._ids[id(texts[-1])] = each
        return texts

    def _call(self, function: Any, *arguments: object) -> None:
        if not self._is_over:
            self._loop.call_soon_threadsafe(function, *arguments)

    # On the event loop

    def _ask(self, request: EngineRequest) -> None:
        drawn: list[GeneratedIds | None] = [None] * len(request.prompts)

        def receive(written: Written, news: list[tuple[int, int]]) -> None:
            for number, i in news:
                drawn[number] = written.piece(i)
                self._tokens += len(written.piece(i).ids)
            if None not in drawn:
                pieces = [each for each in drawn if each is not None]
                failed = any(each.finish_reason == "overflow" for each in pieces)
                self._drawn.put(NetworkError() if failed else pieces)

        if self._is_over:
            return
        try:
            self._ticket = self._plan.loaded.batcher.add(request, receive, self._drawn.put, streamed=False)
        except Exception as error:
            self._drawn.put(error)

    def _accept(self, choice: str) -> None:
        if self._is_over:
            return
        if self._events is None:
            self._choices.append(choice)
        else:
            self._outlet.write(self._events.choice(choice).encode())

    def _finish(self, report: CollectionReport) -> None:
        if self._is_over:
            return
        self._count(self._tokens)
        if self._events is None:
            more = f', "report": {json_text(to_dict(report))}'
            self._outlet.answer(answer_of(self._plan, self._choices, self._tokens, more))
            return
        usage_event = self._events.usage(self._tokens) if self._plan.asked.wants_usage else ""
        self._outlet.write((usage_event + DONE).encode(), more=False)
