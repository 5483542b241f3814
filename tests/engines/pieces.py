"""The pieces of a sequence, put together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unspool._generation.generated_ids import Alternatives, GeneratedIds


def joined(pieces: Sequence[GeneratedIds]) -> GeneratedIds:
    """Return the pieces of one sequence as a single one."""
    if len(pieces) == 1:
        return pieces[0]
    first = pieces[0]
    return replace(
        first,
        ids=np.concatenate([piece.ids for piece in pieces]),
        logprobs=np.concatenate([piece.logprobs for piece in pieces]),
        finish_reason=pieces[-1].finish_reason,
        constrained_logprobs=_concatenated([piece.constrained_logprobs for piece in pieces]),
        alternatives=_joined_alternatives([piece.alternatives for piece in pieces]),
        prompt_logprobs=_concatenated([piece.prompt_logprobs for piece in pieces]),
        prompt_alternatives=_joined_alternatives([piece.prompt_alternatives for piece in pieces]),
    )


def _concatenated(arrays: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    present = [array for array in arrays if array is not None]
    return np.concatenate(present) if present else None


def _joined_alternatives(pieces: Sequence[Alternatives | None]) -> Alternatives | None:
    present = [piece for piece in pieces if piece is not None]
    if not present:
        return None
    return Alternatives(
        ids=np.concatenate([piece.ids for piece in present]),
        logprobs=np.concatenate([piece.logprobs for piece in present]),
    )
