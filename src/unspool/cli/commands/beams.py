"""Beams in ``unspool sample``: the flags of a search, and those of sampling that fit."""

from typing import TYPE_CHECKING, Any

from unspool.cli.output.printing import print_json
from unspool.cli.output.text_json import as_dict

if TYPE_CHECKING:
    from unspool.model import Generator

SHARED = ("n", "max_new_tokens")


def beam_options(
    search: dict[str, Any], sampling: dict[str, Any], collecting: dict[str, Any]
) -> dict[str, Any]:
    """Gather the options of a search.

    Args:
        search: The flags of the search that were given.
        sampling: The flags of sampling that were given.
        collecting: The flags of collecting that were given.

    Raises:
        ConfigError: If a flag is of no use here.
    """
    from unspool.errors import ConfigError
    from unspool.generation.search.search_options import BeamOptions

    useless = [name for name in sampling | collecting if name not in SHARED]
    if useless:
        flag = "--" + useless[0].replace("_", "-")
        expected = "none of the flags that draw, beside those that search"
        raise ConfigError(
            flag, expected=expected, hint="beams take the model's own probabilities: leave it out"
        )
    return {"num_beams": max(BeamOptions.num_beams, sampling.get("n", 1))} | search | sampling


def write_beams(model: "Generator", prompts: list[str], options: dict[str, Any], *, as_json: bool) -> None:
    """Search, and print the texts."""
    from unspool.cli.output.text_files import screen_sink

    found = model.beam_search(prompts, **options)
    if as_json:
        print_json([as_dict(text) | {"score": text.score} for text in found])
        return
    with screen_sink(lines=any("\n" in text.text for text in found)) as write:
        for text in found:
            write(text)
