"""``unspool sample``: write with a trained model."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

from unspool.cli.flags import Argument, takes
from unspool.cli.options import COMPUTING, SAMPLING, AsJson, ModelFolder, UnknownSymbols
from unspool.cli.printing import for_stdout, one_line, print_json

if TYPE_CHECKING:
    from unspool.generation.results import Generation
    from unspool.model import Generator

SEPARATOR = "─" * 8


@takes(SAMPLING, COMPUTING)
def sample(
    *,
    folder: ModelFolder,
    prompts: Annotated[
        list[str] | None, Argument(metavar="[PROMPT]...", help="What to go on from; none starts anew.")
    ] = None,
    unknown: UnknownSymbols = "error",
    as_json: AsJson = False,
    sampling: dict[str, Any],
    computing: dict[str, Any],
) -> None:
    """Write texts with a trained model.

    A single text shows as it is drawn; several come a line each. What is not said is as the model's
    generation_config.json says.
    """
    import unspool

    model = unspool.load(folder, **computing)
    options = own_options(model) | sampling | {"unknown": unknown}
    texts = prompts or [""]
    if len(texts) == 1 and options.get("n", 1) == 1 and not as_json:
        stream_one(model, texts[0], options)
        return
    generations = model.generate(texts, **options)
    if as_json:
        print_json([as_dict(generation) for generation in generations])
    else:
        print_all(generations)


def own_options(model: "Generator") -> dict[str, Any]:
    """Read how the model is meant to be sampled.

    Raises:
        ConfigError: If its file says what cannot be.
    """
    from unspool.configuration import from_dict, to_dict
    from unspool.generation.options import GenerationOptions

    return to_dict(from_dict(GenerationOptions, model.generation, where="generation_config.json"))


def stream_one(model: "Generator", prompt: str, options: dict[str, Any]) -> None:
    """Print a text while it is drawn."""
    options.pop("n", None)
    pieces = model.stream(prompt, **options)
    read = model.tokenizer.decode(model.tokenizer.encode(prompt, unknown=options["unknown"]))
    sys.stdout.write(for_stdout(read))
    for piece in pieces:
        sys.stdout.write(for_stdout(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")


def print_all(generations: "list[Generation]") -> None:
    """Print a line for each text, or the texts with a rule between them if one has lines of its own."""
    if any("\n" in generation.text for generation in generations):
        print(f"\n{SEPARATOR}\n".join(for_stdout(generation.text) for generation in generations))
        return
    for generation in generations:
        print(one_line(generation.text) if sys.stdout.isatty() else generation.text)


def as_dict(generation: "Generation") -> dict[str, Any]:
    """Write a text as plain JSON types."""
    return {
        "text": generation.text,
        "prompt": generation.prompt,
        "continuation": generation.continuation,
        "finish_reason": generation.finish_reason,
        "total_logprob": generation.total_logprob,
        "ids": generation.ids.tolist(),
    }
