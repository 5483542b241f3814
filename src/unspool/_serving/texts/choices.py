"""The answer to a request for texts in the form of OpenAI, whole or as the events of a stream."""

import time
from collections.abc import Iterable
from json.encoder import encode_basestring as quoted
from typing import Any

from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.texts import GrowingText, continuation_of
from unspool._generation.written import Written
from unspool._json_files import json_text
from unspool._serving.texts.asking import RANDOM
from unspool._serving.texts.planning import Plan
from unspool._serving.texts.reports import TokenReports
from unspool._text.novelty import NoveltyIndex

DONE = "data: [DONE]\n\n"


def head_of(plan: Plan) -> str:
    """Return the fields with which each answer to a request begins, as JSON without its end."""
    return (
        f'{{"id": "cmpl-{RANDOM.getrandbits(96):024x}", "object": "text_completion", '
        f'"created": {int(time.time())}, {plan.loaded.fields}, "seed": {plan.asked.seed}'
    )


def usage_of(plan: Plan, written: int) -> str:
    """Return the numbers of tokens that were read and written, as JSON."""
    read = plan.prompt_tokens
    return f'{{"prompt_tokens": {read}, "completion_tokens": {written}, "total_tokens": {read + written}}}'


def answer_of(plan: Plan, choices: Iterable[str], written: int, more: str = "") -> bytes:
    """Return a whole answer.

    Args:
        plan: What is asked for.
        choices: The choices, each as JSON.
        written: Number of tokens that were written.
        more: Further fields as JSON, each after a comma.
    """
    fields = f'"choices": [{", ".join(choices)}], "usage": {usage_of(plan, written)}{more}'
    return f"{head_of(plan)}, {fields}}}".encode()


def choice_of(
    plan: Plan, index: int, drawn: GeneratedIds, prompt: int, known: NoveltyIndex | None
) -> dict[str, Any]:
    """Return a text as a choice.

    Args:
        plan: What is asked for.
        index: Its number in the answer.
        drawn: The tokens that were drawn.
        prompt: The number of its prompt.
        known: The index of the training texts, to mark what is copied; None for no marks.
    """
    asked, tokenizer, ids = plan.asked, plan.loaded.model.tokenizer, plan.request.prompts[prompt]
    text, stop = ("", None) if asked.is_empty else continuation_of(tokenizer, drawn, plan.request.options)
    begin = tokenizer.decode(ids) if asked.echo or known is not None else ""
    shown = begin + text if asked.echo else text
    choice = {
        "index": index,
        "text": shown,
        "logprobs": None,
        "finish_reason": "length" if asked.is_empty else str(drawn.finish_reason),
        "stop_reason": stop,
    }
    if asked.logprobs is not None:
        reports = reports_of(plan, prompt)
        reports.add_prompt(drawn)
        if not asked.is_empty:
            reports.add(drawn)
        choice["logprobs"] = reports.take(len(shown), at_end=True)
    if known is not None:
        choice["copied"] = copied(known, begin + text, 0 if asked.echo else len(begin))
    return choice


def reports_of(plan: Plan, prompt: int) -> TokenReports:
    """Return what gathers the reports on a text.

    Args:
        plan: What is asked for.
        prompt: The number of its prompt.
    """
    ids, read = plan.request.prompts[prompt], plan.request.in_ids.prompts[prompt]
    tokenizer = plan.loaded.model.tokenizer
    return TokenReports(tokenizer, plan.asked.logprobs or 0, prompt=ids, unasked=len(read) - len(ids))


def is_plain(plan: Plan, known: NoveltyIndex | None) -> bool:
    """Return whether the texts of a request are the spellings of their tokens, with nothing beside them."""
    asked = plan.asked
    beside = asked.logprobs is not None or asked.echo or asked.is_empty or known is not None
    return not (beside or plan.request.options.stop) and plan.loaded.model.tokenizer.whole_characters


def plain_choice(plan: Plan, index: int, tokens: list[int], reason: str) -> str:
    """Return a plain text as a choice, as JSON.

    Args:
        plan: What is asked for.
        index: Its number in the answer.
        tokens: The tokens that were drawn.
        reason: Why it has ended.
    """
    spellings = plan.loaded.model.tokenizer.spellings
    text = quoted("".join([spellings[token] for token in tokens]))
    ended = "stop" if reason == "end" else reason
    return (
        f'{{"index": {index}, "text": {text}, "logprobs": null, "finish_reason": "{ended}", '
        '"stop_reason": null}'
    )


def copied(known: NoveltyIndex, text: str, hidden: int) -> list[list[int]]:
    """Return the parts of a text that are in the training texts, in characters after the hidden ones."""
    spans = ((max(0, begin - hidden), end - hidden) for begin, end in known.known_spans(text))
    return [[begin, end] for begin, end in spans if end > begin]


class Events:
    """The events of a stream.

    Args:
        plan: What is asked for.
    """

    __slots__ = ("_begin", "_head", "_plan")

    def __init__(self, plan: Plan) -> None:
        head = head_of(plan)
        usage = '"usage":null,' if plan.asked.wants_usage else ""
        self._plan = plan
        self._head = f"data: {head}, "
        self._begin = f'data: {head}, {usage}"choices": ['

    def text(self, index: int, text: str) -> str:
        """Return the event of a piece of a text that goes on."""
        return (
            f'{self._begin}{{"index": {index}, "text": {quoted(text)}, "logprobs": null, '
            '"finish_reason": null, "stop_reason": null}]}\n\n'
        )

    def choice(self, choice: str) -> str:
        """Return the event of a choice, or a piece of it, which is JSON."""
        return f"{self._begin}{choice}]}}\n\n"

    def usage(self, written: int) -> str:
        """Return the event of the numbers of tokens."""
        return f'{self._head}"choices": [], "usage": {usage_of(self._plan, written)}}}\n\n'


class StreamedText:
    """One text of a stream.

    Args:
        plan: What is asked for.
        events: What makes events.
        index: Its number in the answer.
        prompt: The number of its prompt.
        known: The index of the training texts, to mark what is copied; None for no marks.
    """

    __slots__ = (
        "_begin",
        "_events",
        "_growing",
        "_has_begun",
        "_index",
        "_is_plain",
        "_known",
        "_plan",
        "_reports",
        "_spellings",
        "_text",
        "tokens",
    )

    def __init__(
        self, plan: Plan, events: Events, index: int, prompt: int, known: NoveltyIndex | None
    ) -> None:
        asked, tokenizer = plan.asked, plan.loaded.model.tokenizer
        self._plan, self._events, self._index, self._known = plan, events, index, known
        self._spellings = tokenizer.spellings
        self._is_plain = is_plain(plan, known)
        self._growing = GrowingText(tokenizer, plan.request.options)
        self._reports = None if asked.logprobs is None else reports_of(plan, prompt)
        self._begin = "" if self._is_plain else tokenizer.decode(plan.request.prompts[prompt])
        self._text, self._has_begun = "", not asked.echo  # all that was shown
        self.tokens = 0

    def add(self, written: Written, i: int) -> str:
        """Return the events of a piece; nothing if there is nothing to show."""
        if not self._is_plain:
            return self._add(written.piece(i))
        tokens, reason = written.tokens[written.ends[i] : written.ends[i + 1]], written.reasons[i]
        self.tokens += len(tokens) - (reason == "end")
        if reason is not None:
            return self._events.choice(plain_choice(self._plan, self._index, tokens, reason))
        return self._events.text(self._index, "".join([self._spellings[token] for token in tokens]))

    def _add(self, piece: GeneratedIds) -> str:
        reason, before = piece.finish_reason, len(self._text)
        is_empty = self._plan.asked.is_empty
        if self._reports is not None:
            self._reports.add_prompt(piece)
        if not self._has_begun and (len(piece.logprobs) or reason is not None):
            self._text, self._has_begun = self._begin, True
        if not is_empty:
            self._add_drawn(piece)
        text = self._text[before:]
        if not text and reason is None:
            return ""
        choice: dict[str, Any] = {"index": self._index, "text": text, "logprobs": None}
        if self._reports is not None:
            choice["logprobs"] = self._reports.take(len(self._text), at_end=reason is not None)
        choice["finish_reason"] = "length" if is_empty else reason
        choice["stop_reason"] = self._growing.stop_reason
        if self._known is not None and reason is not None:
            hidden = 0 if self._plan.asked.echo else len(self._begin)
            whole = self._text if self._plan.asked.echo else self._begin + self._text
            choice["copied"] = copied(self._known, whole, hidden)
        return self._events.choice(json_text(choice))

    def _add_drawn(self, piece: GeneratedIds) -> None:
        self.tokens += len(piece.ids)
        if self._reports is not None:
            self._reports.add(piece)
        self._text += self._growing.add(piece)
