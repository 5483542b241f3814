"""The conversion of drawn tokens to texts, which stop strings cut, also piece by piece."""

from collections.abc import Generator, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.results import Generation
from unspool._text.tokenizers.registry import Tokenizer


def generation_of(
    tokenizer: Tokenizer, prompt: NDArray[np.int32], drawn: GeneratedIds, options: GenerationOptions
) -> Generation:
    """Return the text for the tokens that were drawn after a prompt.

    Args:
        tokenizer: The tokenizer of the model.
        prompt: The tokens of the prompt.  # (P,)
        drawn: The tokens that were drawn, with their reports.
        options: The options, among them the stop strings.
    """
    text, stop = continuation_of(tokenizer, drawn, options)
    begin, echoed, rivals = tokenizer.decode(prompt), drawn.prompt_logprobs, drawn.prompt_alternatives
    unasked = 0 if echoed is None else len(echoed) - len(prompt)  # the <eos> before the prompt
    return Generation(
        text=begin + text,
        prompt=begin,
        continuation=text,
        ids=drawn.ids,
        token_logprobs=drawn.logprobs,
        finish_reason=str(drawn.finish_reason),
        stop_reason=stop,
        constrained_logprobs=drawn.constrained_logprobs,
        alternatives=drawn.alternatives,
        prompt_logprobs=None if echoed is None else echoed[unasked:],
        prompt_alternatives=None if rivals is None else rivals.after(unasked),
    )


def continuation_of(
    tokenizer: Tokenizer, drawn: GeneratedIds, options: GenerationOptions
) -> tuple[str, str | None]:
    """Return the text of tokens without its prompt, and the stop string that ended it, or None."""
    text = tokenizer.decode(drawn.ids)
    if not at_stop_string(drawn):
        return text, None
    last = tokenizer.decode(drawn.ids[-1:])
    return cut(text, options, after=len(text) - len(last))


def best_texts(texts: list[Generation], *, constrained: bool, count: int, n: int) -> list[Generation]:
    """Return the best n of each `count` texts, those of one prompt, the best first.

    Args:
        texts: The texts, `count` of each prompt.
        constrained: Whether they must meet a constraint.
        count: Texts of a prompt.
        n: Texts to keep of a prompt.
    """

    def worse(text: Generation) -> tuple[bool, float]:
        return constrained and text.finish_reason == "blocked", -text.mean_logprob

    groups = (texts[i : i + count] for i in range(0, len(texts), count))
    return [text for group in groups for text in sorted(group, key=worse)[:n]]


def streamed_text(
    tokenizer: Tokenizer, pieces: Iterator[GeneratedIds], options: GenerationOptions
) -> Generator[str, None, str]:
    """Yield the text of a stream piece by piece, without an end that a stop string may still cut.

    Args:
        tokenizer: The tokenizer of the model.
        pieces: The tokens, piece by piece.
        options: The options, among them the stop strings.

    Returns:
        The reason for the end, as in `Generation.finish_reason`.
    """
    text, reason = GrowingText(tokenizer, options), ""
    for piece in pieces:
        shown, reason = text.add(piece), str(piece.finish_reason)
        if shown:
            yield shown
    return reason


class GrowingText:
    """The text of one stream, which shows no end that a stop string may still cut.

    Args:
        tokenizer: The tokenizer of the model.
        options: The options, among them the stop strings.

    Attributes:
        stop_reason: The stop string that ended the text, or None.
    """

    def __init__(self, tokenizer: Tokenizer, options: GenerationOptions) -> None:
        self._tokenizer, self._options = tokenizer, options
        self._pending, self._waiting = "", np.empty(0, np.int32)
        self.stop_reason: str | None = None

    def add(self, piece: GeneratedIds) -> str:
        """Add the tokens of a piece, and return the characters that can be shown with it."""
        tokenizer, stops = self._tokenizer, tuple(self._options.stop or ())
        waiting = np.concatenate([self._waiting, piece.ids])
        whole = tokenizer.decodable(waiting) if piece.finish_reason is None else len(waiting)
        pending = self._pending + tokenizer.decode(waiting[:whole])
        self._waiting = waiting[whole:]
        if at_stop_string(piece):
            last = tokenizer.decode(piece.ids[-1:])
            pending, self.stop_reason = cut(pending, self._options, after=len(pending) - len(last))
        keep = withheld(pending, stops) if piece.finish_reason is None else 0
        self._pending = pending[len(pending) - keep :]
        return pending[: len(pending) - keep]


def at_stop_string(drawn: GeneratedIds) -> bool:
    """Return whether a stop string ended the drawn tokens, not `<eos>`."""
    return drawn.finish_reason == "stop" and not drawn.ended


def cut(text: str, options: GenerationOptions, *, after: int) -> tuple[str, str]:
    """Cut a text at the stop string that its last token completed.

    Args:
        text: The text without its prompt.
        options: The options: the stop strings, and whether the text keeps the one that ended it.
        after: Number of characters before the last token; the string ends after them.

    Returns:
        The text and the string: the string that ends first, and on a tie the longest.
    """
    ends = (
        (place + len(stop), place)
        for stop in options.stop or ()
        if (place := text.find(stop, max(0, after - len(stop) + 1))) >= 0
    )
    last, first = min(ends)
    return text[: last if options.include_stop else first], text[first:last]


def withheld(text: str, stops: Sequence[str]) -> int:
    """Return the number of characters at the end of a text that may be the beginning of a stop string."""
    longest = max(map(len, stops), default=1) - 1
    for size in range(min(longest, len(text)), 0, -1):
        ending = text[len(text) - size :]
        if any(len(stop) > size and stop.startswith(ending) for stop in stops):
            return size
    return 0
