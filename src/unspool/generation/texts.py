"""From drawn symbols back to texts: where a stop string cuts them, and what a stream may show already."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unspool.generation.generated_ids import GeneratedIds
from unspool.generation.options.generation_options import GenerationOptions
from unspool.generation.results import Generation
from unspool.text.tokenizers.registry import Tokenizer


def generation_of(
    tokenizer: Tokenizer, prompt: NDArray[np.int32], drawn: GeneratedIds, options: GenerationOptions
) -> Generation:
    """Make a text of what was drawn after a prompt."""
    text, stop = tokenizer.decode(drawn.ids), None
    if at_stop_string(drawn):
        last = tokenizer.decode(drawn.ids[-1:])
        text, stop = cut(text, options, after=len(text) - len(last))
    begin, echoed, others = tokenizer.decode(prompt), drawn.prompt_logprobs, drawn.prompt_alternatives
    unasked = 0 if echoed is None else len(echoed) - len(prompt)  # an <eos> that was read first
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
        prompt_alternatives=None if others is None else others.after(unasked),
    )


def streamed_text(
    tokenizer: Tokenizer, pieces: Iterator[GeneratedIds], options: GenerationOptions
) -> Iterator[str]:
    """Make texts of the pieces of a stream; what may yet be cut is held back."""
    stops = tuple(options.stop or ())
    held, waiting = "", np.empty(0, np.int32)
    for piece in pieces:
        waiting = np.concatenate([waiting, piece.ids])
        whole = tokenizer.decodable(waiting) if piece.finish_reason is None else len(waiting)
        held += tokenizer.decode(waiting[:whole])
        waiting = waiting[whole:]
        if at_stop_string(piece):
            last = tokenizer.decode(piece.ids[-1:])
            held, _ = cut(held, options, after=len(held) - len(last))
        keep = withheld(held, stops) if piece.finish_reason is None else 0
        shown, held = held[: len(held) - keep], held[len(held) - keep :]
        if shown:
            yield shown


def at_stop_string(drawn: GeneratedIds) -> bool:
    """Tell whether a stop string, not `<eos>`, ended what was drawn."""
    return drawn.finish_reason == "stop" and not drawn.ended


def cut(text: str, options: GenerationOptions, *, after: int) -> tuple[str, str]:
    """End a text at the stop string that its last symbol completed.

    Args:
        text: Without its prompt.
        options: Which strings there are, and whether the text keeps the one that ended it.
        after: Characters before the last symbol: the string ends behind them.

    Returns:
        The text, and the string: the one that ends first, and of several the longest.
    """
    ends = (
        (place + len(stop), place)
        for stop in options.stop or ()
        if (place := text.find(stop, max(0, after - len(stop) + 1))) >= 0
    )
    last, first = min(ends)
    return text[: last if options.include_stop else first], text[first:last]


def withheld(text: str, stops: Sequence[str]) -> int:
    """Count the characters at a text's end that may turn out to begin a stop string, and so to be cut."""
    longest = max(map(len, stops), default=1) - 1
    for size in range(min(longest, len(text)), 0, -1):
        ending = text[len(text) - size :]
        if any(len(stop) > size and stop.startswith(ending) for stop in stops):
            return size
    return 0
