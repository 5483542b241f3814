"""How the parts of a model become a folder."""

from pathlib import Path

from unspool.artifacts import save_model
from unspool.artifacts.novelty_file import save_novelty
from unspool.model.parts import ModelParts
from unspool.network.parameters import count_parameters
from unspool.text.novelty import NoveltyIndex


def save_parts(parts: ModelParts, folder: Path, novelty: NoveltyIndex | None) -> None:
    """Write a model as a folder, with the index of its training texts if it has one.

    Raises:
        ArtifactError: If the folder cannot be written.
    """
    save_model(
        folder,
        network=parts.network,
        tokenizer=parts.tokenizer,
        parameters=dict(parts.parameters),
        training=parts.training,
        data=parts.data,
        generation_config=parts.generation_config,
        source_tokenizer=parts.source_tokenizer,
        card=_card(parts, folder.name),
    )
    save_novelty(folder, novelty, parts.tokenizer)


def _card(parts: ModelParts, name: str) -> str:
    """Write what can be told of a model without its training at hand."""
    network, tokenizer = parts.network, parts.tokenizer
    return (
        f"# {name}\n\nA text generator: {network.num_layers} × {network.cell} of {network.hidden_size} "
        f"units, {tokenizer.vocab_size:,} symbols ({tokenizer.kind}), "
        f"{count_parameters(network):,} parameters.\n\n```\nunspool sample {name}\n```\n"
    )
