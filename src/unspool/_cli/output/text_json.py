"""A generated text as JSON."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unspool._generation.results import Generation

PLAIN = ("text", "prompt", "continuation", "finish_reason", "stop_reason", "total_logprob")
ARRAYS = ("ids", "constrained_logprobs", "prompt_logprobs")
ALTERNATIVES = ("alternatives", "prompt_alternatives")


def as_dict(generation: "Generation") -> dict[str, Any]:
    """Return a text in plain JSON types."""
    row: dict[str, Any] = {name: getattr(generation, name) for name in PLAIN}
    for name in ARRAYS:
        if (values := getattr(generation, name)) is not None:
            row[name] = values.tolist()
    for name in ALTERNATIVES:
        if (values := getattr(generation, name)) is not None:
            row[name] = {"ids": values.ids.tolist(), "logprobs": values.logprobs.tolist()}
    return row
