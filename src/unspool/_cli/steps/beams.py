"""Beam search in ``unspool sample``: its flags, and the flags of sampling that fit."""

from typing import TYPE_CHECKING, Any

from unspool._cli.flags.flag import FlagValues, spelled
from unspool._cli.output.printing import print_json
from unspool._cli.output.text_json import as_dict

if TYPE_CHECKING:
    from unspool._model import Generator

SHARED = ("n", "max_new_tokens", "allow_unk")


def beam_options(flags: FlagValues) -> dict[str, Any]:
    """Return the options of a search.

    Raises:
        ConfigError: If a flag has no use in a search.
    """
    from unspool._errors import ConfigError
    from unspool._generation.search.search_options import BeamOptions

    useless = [name for name in flags.sampling | flags.collecting if name not in SHARED]
    if useless:
        hint = "leave it out: a beam search uses the model's own probabilities"
        raise ConfigError(f"{spelled(useless[0])} does not apply to a beam search", hint=hint)
    fewest = max(BeamOptions.num_beams, flags.sampling.get("n", 1))
    return {"num_beams": fewest} | flags.search | flags.sampling


def write_beams(model: "Generator", prompts: list[str], options: dict[str, Any], *, as_json: bool) -> None:
    """Run the search, and print the texts."""
    from unspool._cli.output.text_files import print_texts

    texts = model.beam_search(prompts, **options)
    if as_json:
        print_json([as_dict(text) | {"score": text.score} for text in texts])
    else:
        print_texts(texts)
