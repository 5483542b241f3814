"""A generated text as JSON."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unspool.generation.results import Generation


def as_dict(generation: "Generation") -> dict[str, Any]:
    """Write a text as plain JSON types."""
    rest = {
        "constrained_logprobs": generation.constrained_logprobs,
        "prompt_logprobs": generation.prompt_logprobs,
    }
    others = {"alternatives": generation.alternatives, "prompt_alternatives": generation.prompt_alternatives}
    return {
        "text": generation.text,
        "prompt": generation.prompt,
        "continuation": generation.continuation,
        "finish_reason": generation.finish_reason,
        "stop_reason": generation.stop_reason,
        "total_logprob": generation.total_logprob,
        "ids": generation.ids.tolist(),
        **{name: values.tolist() for name, values in rest.items() if values is not None},
        **{
            name: {"ids": values.ids.tolist(), "logprobs": values.logprobs.tolist()}
            for name, values in others.items()
            if values is not None
        },
    }
