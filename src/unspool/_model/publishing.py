"""What of a model goes to the Hub: its files, a card with a header, and nothing that says who made it."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unspool._artifacts.model_folder import CARD, CONFIG, GENERATION
from unspool._errors import ArtifactError
from unspool._hub.places import HubPlace
from unspool._model.parts import ModelParts
from unspool._model.saving import save_parts
from unspool._text.novelty import NoveltyIndex
from unspool._training.folder.counts_words import card_with_counts, counts_facts
from unspool._training.folder.metrics import METRICS
from unspool._training.folder.model_card import python_literal, sample_command

TAGS = ("unspool", "char-rnn", "text-generation")
HEADER = re.compile(r"---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
TELLING = (CONFIG, GENERATION, METRICS, CARD)  # the files that have texts about the model


def hub_files(
    parts: ModelParts,
    history: list[dict[str, Any]],
    place: HubPlace,
    *,
    folder: Path,
    license: str | None = None,  # noqa: A002 - as the Hub calls it
    language: str | None = None,
    novelty: NoveltyIndex | None = None,
) -> dict[str, bytes]:
    """Return the files that are pushed: those of `save`.

    Args:
        parts: The model; its counts go along.
        history: The lines of its training; the evaluations go along.
        place: Where it goes.
        folder: Its folder, whose README.md, which may have been edited, is the card.
        license: The name of the licence, as the Hub spells it; None to leave it open.
        language: The code of the language of its texts; None to leave it open.
        novelty: The index of the training texts, if it is to go along.

    Raises:
        ArtifactError: If the model cannot be saved, its card has a broken header, or a file has a path of
            this machine.
    """
    with TemporaryDirectory() as temporary:
        staged = Path(temporary) / place.repo.rpartition("/")[2]
        save_parts(parts, staged, novelty, history)
        files = {path.name: path.read_bytes() for path in sorted(staged.iterdir()) if path.is_file()}
    own = folder / CARD
    text = own.read_text("utf-8") if own.is_file() else files[CARD].decode()
    text = card_with_counts(text, counts_facts(parts.counts, history))
    for name in (folder.name, folder.resolve().name, place.repo.rpartition("/")[2]):
        text = text.replace(f"load({python_literal(name)})", f"load({python_literal(str(place))})")
        text = text.replace(f"{sample_command(name)}\n", f"{sample_command(str(place))}\n")
        text = text.replace(f"{sample_command(name)} --", f"{sample_command(str(place))} --")
    header = _header(parts, history, place, license=license, language=language)
    files[CARD] = _with_header(text, header).encode()
    _refuse_paths(files, folder)
    return files


def _header(
    parts: ModelParts,
    history: list[dict[str, Any]],
    place: HubPlace,
    *,
    license: str | None,  # noqa: A002
    language: str | None,
) -> dict[str, Any]:
    """Return the header of the card, as the Hub reads it."""
    tokenizer = parts.tokenizer.kind
    header: dict[str, Any] = {
        **({} if license is None else {"license": license}),
        **({} if language is None else {"language": [language]}),
        "library_name": "unspool",
        "pipeline_tag": "text-generation",
        "tags": [*TAGS, parts.network.cell, tokenizer],
    }
    best = [line for line in history if line.get("kind") == "evaluation" and line.get("best")]
    bits = best[-1].get("bits_per_character") if best else None
    counts = counts_facts(parts.counts, history)
    if counts is not None and counts.bits_per_character is not None:
        bits = counts.bits_per_character
    if bits is not None:
        header["metrics"] = ["bits_per_character"]
        header["model-index"] = [_index(parts, place, float(bits))]
    return header


def _index(parts: ModelParts, place: HubPlace, bits: float) -> dict[str, Any]:
    """Return the entry of the model's evaluation."""
    kept = parts.quantization
    before = "" if kept is None else f", before its parameters were rounded to {kept.precision}"
    metric = {
        "type": "bits_per_character",
        "name": f"bits per character, on held-out texts{before}",
        "value": round(bits, 4),
    }
    dataset = {"type": "text", "name": str(parts.data.get("description") or "texts")}
    task = {"type": "text-generation", "name": "Text Generation"}
    results = [{"task": task, "dataset": dataset, "metrics": [metric]}]
    return {"name": place.repo.rpartition("/")[2], "results": results}


def _with_header(text: str, header: dict[str, Any]) -> str:
    """Return a card with a header, in which what it had already stays, but for what was asked for now.

    Raises:
        ArtifactError: If its header is broken.
    """
    from yaml import YAMLError, safe_dump, safe_load  # noqa: PLC0415 - comes with huggingface_hub

    match = HEADER.match(text)
    there: Any = {}
    if match is not None:
        try:
            there = safe_load(match["yaml"]) or {}
        except YAMLError as error:
            there = str(error).partition("\n")[0]
        if not isinstance(there, dict):
            raise ArtifactError(f"the header of {CARD}", expected="YAML", got=str(there), hint="mend it")
        text = text[match.end() :]
    asked = {name: header[name] for name in ("license", "language") if name in header}
    body = safe_dump(header | there | asked, sort_keys=False, allow_unicode=True)
    return f"---\n{body}---\n\n{text.lstrip()}"


def _refuse_paths(files: dict[str, bytes], folder: Path) -> None:
    """Refuse a file that has the path of the user's home, or of the folder.

    Raises:
        ArtifactError: For the first such file.
    """
    places = {str(path) for path in (Path.home(), folder.resolve().parent, Path.cwd())}
    places = {place for place in places if len(Path(place).parts) > 2 or place == str(Path.home())} - {"/"}
    for name in TELLING:
        text = files.get(name, b"").decode()
        for place in places:
            spellings = (place, json.dumps(place)[1:-1], json.dumps(place, ensure_ascii=False)[1:-1])
            if any(
                f"{spelling}{end}" in text for spelling in spellings for end in ("/", "\\", '"', "'", "`")
            ):
                what, hint = f"{folder / name} says where it was made", "take the path out of it"
                raise ArtifactError(what, expected="no path of this machine", got=place, hint=hint)
