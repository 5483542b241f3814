"""How the parts of a model become a folder."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from unspool._artifacts import SavedModel, save_model
from unspool._artifacts.model_folder import CARD, FINGERPRINTED, MODEL, has_file, read_config
from unspool._artifacts.novelty_file import save_novelty
from unspool._configuration import from_dict
from unspool._errors import ArtifactError, InputError
from unspool._model.parts import ModelParts
from unspool._network.parameters import count_parameters
from unspool._screen.wording import counted
from unspool._text.novelty import NoveltyIndex
from unspool._training.config import TrainingConfig
from unspool._training.folder.corpus_places import shared_data
from unspool._training.folder.counts_words import card_with_counts, counts_facts
from unspool._training.folder.metrics import METRICS, evaluation_of, write_evaluations
from unspool._training.folder.model_card import markdown, model_card, sample_command


def save_parts(
    parts: ModelParts, folder: Path, novelty: NoveltyIndex | None, history: list[dict[str, Any]]
) -> None:
    """Write a model as a folder, with its counts, the index of its texts and the evaluations of its training.

    Args:
        parts: The model.
        folder: The folder; it is made if it does not exist.
        novelty: The index of the training texts, or None.
        history: The lines of the training, for the model card and metrics.jsonl; empty if they are not known.

    Raises:
        ArtifactError: If the folder cannot be written.
    """
    save_model(
        folder,
        network=parts.network,
        tokenizer=parts.tokenizer,
        parameters=dict(parts.parameters),
        training=parts.training,
        data=shared_data(parts.data),
        generation_config=parts.generation_config,
        source_tokenizer=parts.source_tokenizer,
        quantization=parts.quantization,
        counts=parts.counts,
        card=card_with_counts(_card(parts, folder.name, history), counts_facts(parts.counts, history)),
    )
    save_novelty(folder, novelty, parts.tokenizer)
    write_evaluations(folder / METRICS, history)


def refuse_strangers(folder: Path) -> None:
    """Refuse a folder in which a file of something else would be replaced, as the README.md of a project.

    Raises:
        ArtifactError: If it has files of the names of a model's, and no model of unspool.
    """
    taken = [name for name in (MODEL, *FINGERPRINTED, CARD, METRICS) if has_file(folder, name)]
    try:
        read_config(folder)
    except InputError:
        if taken:
            expected, hint = "a new folder, or one of a model", "choose another folder"
            got = f"{', '.join(taken)} of something else"
            raise ArtifactError(str(folder), expected=expected, got=got, hint=hint) from None


def saved(parts: ModelParts) -> SavedModel:
    """Return the parts of a model as a folder has them."""
    return SavedModel(**{field.name: getattr(parts, field.name) for field in fields(SavedModel)})


def _card(parts: ModelParts, name: str, history: list[dict[str, Any]]) -> str:
    """Return the model card of the training, or a short one if its evaluations are not known."""
    network, tokenizer = parts.network, parts.tokenizer
    best = [line for line in history if line.get("kind") == "evaluation" and line.get("best")]
    if best:
        return model_card(
            name,
            network=network,
            training=from_dict(TrainingConfig, parts.training, where="training"),
            tokenizer=tokenizer,
            data=shared_data(parts.data),
            evaluation=evaluation_of(best[-1], where="history"),
            quantization=parts.quantization,
        )
    kept = (
        "" if parts.quantization is None else f"Its parameters are kept in {parts.quantization.sentence}.\n\n"
    )
    return (
        f"# {markdown(name)}\n\nA text generator: {network.num_layers} × {network.cell} of "
        f"{counted(network.hidden_size, 'unit')}, {counted(tokenizer.vocab_size, 'symbol')} "
        f"({tokenizer.kind}), {counted(count_parameters(network), 'parameter')}.\n\n{kept}"
        f"```\n{sample_command(name)}\n```\n"
    )
