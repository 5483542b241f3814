"""The log-probabilities of tokens, in the form in which OpenAI's clients read them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._evaluation.next_symbols import EOS
from unspool._generation.generated_ids import Alternatives, GeneratedIds
from unspool._text.tokenizers.registry import Tokenizer


class TokenReports:
    """The reports on the tokens of one text, which are taken as its characters are shown.

    Args:
        tokenizer: The tokenizer of the model.
        wanted: Number of most probable tokens to report at each place; 0 for none.
        prompt: The tokens of its prompt.  # (P,)
        unasked: Number of tokens that are read before the prompt.
    """

    def __init__(self, tokenizer: Tokenizer, wanted: int, *, prompt: NDArray[np.int32], unasked: int) -> None:
        self._tokenizer, self._wanted = tokenizer, wanted
        self._prompt, self._read = prompt, -unasked
        self._names = ("", *tokenizer.symbols, EOS)
        self._lengths = character_lengths(tokenizer)
        self._offset = 0
        self._rows: list[tuple[int, str, float, dict[str, float] | None]] = []

    def add_prompt(self, piece: GeneratedIds) -> None:
        """Add the tokens of the prompt that a piece reports on, if it does."""
        logprobs, rivals = piece.prompt_logprobs, piece.prompt_alternatives
        if logprobs is None or not len(logprobs):
            return
        first, self._read = self._read, self._read + len(logprobs)
        skip = max(0, -first)
        ids = self._prompt[first + skip : self._read] if self._read > 0 else self._prompt[:0]
        self._add(ids.tolist(), logprobs[skip:], None if rivals is None else rivals.after(skip))

    def add(self, piece: GeneratedIds) -> None:
        """Add the tokens that were drawn, with `<eos>` if it was."""
        ids = piece.ids.tolist()
        self._add([*ids, self._tokenizer.eos_id] if piece.ended else ids, piece.logprobs, piece.alternatives)

    def take(self, shown: int, *, at_end: bool) -> dict[str, Any]:
        """Take the reports on the tokens that begin within the characters shown so far.

        Args:
            shown: Number of characters that are shown.
            at_end: Whether no more come.
        """
        eos, rows = self._tokenizer.eos_id, self._rows
        count = next((i for i, row in enumerate(rows) if row[0] >= shown), len(rows))
        taken, self._rows = rows[:count], rows[count:]
        if at_end and self._rows and self._rows[-1][1] == self._names[eos]:
            taken.append(self._rows.pop())
        return {
            "tokens": [row[1] for row in taken],
            "token_logprobs": [row[2] for row in taken],
            "top_logprobs": [row[3] for row in taken] if self._wanted else None,
            "text_offset": [row[0] for row in taken],
        }

    def _add(self, ids: Sequence[int], logprobs: NDArray[np.float32], rivals: Alternatives | None) -> None:
        names = self._names
        for place, (token, logprob) in enumerate(zip(ids, logprobs.tolist(), strict=True)):
            top: dict[str, float] | None = None
            if rivals is not None:
                values = zip(rivals.ids[place].tolist(), rivals.logprobs[place].tolist(), strict=True)
                top = {names[other]: value for other, value in values}
                top.setdefault(names[token], logprob)
            self._rows.append((self._offset, names[token], logprob, top))
            self._offset += self._lengths[token]


def character_lengths(tokenizer: Tokenizer) -> list[int]:
    """Return the number of characters that each token adds; a character counts at its first byte."""
    lengths: list[int] = tokenizer.decoded_lengths.tolist()
    return lengths
