"""The model card: the model, its training data, its results and its limits."""

import re
from collections.abc import Mapping
from typing import Any

from unspool._artifacts.kept_precision import Quantization
from unspool._errors import spelled
from unspool._network.conditions import schema_of
from unspool._network.config import VARIANTS, NetworkConfig
from unspool._network.parameters import count_parameters
from unspool._screen.wording import argument, command_line, counted, one_line
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.config import TrainingConfig
from unspool._training.records import EvaluationRecord

USE = """```
{command} --temperature 0.8
```

```python
import unspool

model = unspool.load({literal})
for generation in model.generate("", n=5, temperature=0.8):
    print(generation.text)
```"""


def stream_sizes(training: TokenStream, validation: TokenStream) -> dict[str, Any]:
    """Return the sizes of the two streams in JSON types, for config.json and the card."""
    return {
        name: {"records": stream.num_records, "symbols": len(stream), "characters": stream.characters}
        for name, stream in (("training", training), ("validation", validation))
    }


def model_card(
    name: str,
    *,
    network: NetworkConfig,
    training: TrainingConfig,
    tokenizer: Tokenizer,
    data: Mapping[str, Any],
    evaluation: EvaluationRecord,
    quantization: Quantization | None = None,
) -> str:
    """Return the card of a model.

    Args:
        name: Name of the model's folder.
        network: The network.
        training: The training configuration.
        tokenizer: The tokenizer of the model.
        data: The training data: `description` and `sizes` (from `stream_sizes`) are shown if they are there.
        evaluation: The evaluation of the saved parameters, before they were rounded.
        quantization: What they were rounded to, and its cost; None if they were not.

    Returns:
        Markdown text.
    """
    corpus = markdown(str(data.get("description") or "a corpus that was not described"))
    sections = [
        f"# {markdown(name)}",
        f"A small {network.cell.upper()} text generator that works {tokenizer.description}, trained with "
        f"unspool on {corpus}.",
        "## Use",
        USE.format(command=sample_command(name), literal=python_literal(name)),
        "## Training data",
        "\n".join([f"Learned from {corpus}.", "", *_size_rows(data.get("sizes")), *_split(data)]),
        *_context_sections(data),
        "## Figures",
        "\n".join(_figure_rows(network, training, tokenizer, data, evaluation)),
        *_rounding(quantization),
        "## Limits",
        "It writes in the manner of its training data and knows nothing else: what it says is not "
        "true, its faults and biases are those of the data, and it may repeat passages of the data word "
        "for word. It can read and write only the symbols that it was trained on.",
    ]
    return "\n\n".join(sections) + "\n"


def sample_command(name: str) -> str:
    """Return the command that samples from a model by the name of its folder."""
    return command_line(["unspool", "sample", argument(name)])


def python_literal(name: str) -> str:
    """Return a name as a string of Python, in double quotes if it is an ordinary one."""
    return f'"{name}"' if name.isprintable() and not set(name) & set('"\\') else ascii(name)


def markdown(name: str) -> str:
    """Return a name on one line of Markdown, in which it has no other meaning."""
    return (
        re.sub(r"([\\`*\[\]|])", r"\\\1", one_line(spelled(name))).replace("&", "&amp;").replace("<", "&lt;")
    )


def _context_sections(data: Mapping[str, Any]) -> list[str]:
    """Return the section about the context, or nothing without context."""
    schema = schema_of(data)
    if schema is None:
        return []
    rows = "\n".join(f"| {markdown(name)} | {markdown(text)} |" for name, text in schema.described)
    introduction = "What may be said of a text that it is to write or to judge; each can be left out."
    return ["## Context", introduction, f"| | |\n|---|---|\n{rows}"]


def _size_rows(sizes: Any) -> list[str]:
    if not isinstance(sizes, Mapping):
        return []
    rows = [
        f"| {name} | {part['records']:,} | {part['symbols']:,} | {part['characters']:,} |"
        for name, part in sizes.items()
    ]
    return ["| | records | symbols | characters |", "|---|---:|---:|---:|", *rows]


def _split(data: Mapping[str, Any]) -> list[str]:
    """Return the paragraph about an unusual split, if there is one."""
    split = data.get("split")
    if not isinstance(split, Mapping):
        return []
    sentence = str(split["sentence"])
    return ["", f"{sentence[:1].upper()}{sentence[1:]}."]


def _rounding(quantization: Quantization | None) -> list[str]:
    """Return the paragraph about rounded parameters, if they are rounded."""
    if quantization is None:
        return []
    kept = markdown(quantization.sentence)
    return [f"These are the figures before its parameters were rounded. They are kept in {kept}."]


def precision_row(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the row about the precision of the training, if it is known."""
    used = data.get("precision")
    if used in (None, "float32"):
        return {} if used is None else {"precision": "float32"}
    return {"precision": f"{used} products in training, sums and all else float32"}


def _figure_rows(
    network: NetworkConfig,
    training: TrainingConfig,
    tokenizer: Tokenizer,
    data: Mapping[str, Any],
    evaluation: EvaluationRecord,
) -> list[str]:
    named = [name.replace("_", " ") for name in VARIANTS if getattr(network, name)]
    size = ", ".join([f"{network.num_layers} × {network.hidden_size}", *named])
    rows: dict[str, str] = {
        "parameters": f"{count_parameters(network):,} ({network.cell}, {size})",
        "vocabulary": f"{counted(tokenizer.vocab_size, 'symbol')} ({tokenizer.kind})",
        "trained for": f"{counted(evaluation.step, 'step')}, {counted(evaluation.epoch, 'epoch')}, "
        f"{evaluation.seconds:,.0f} s",
        "optimizer": f"{training.optimizer}, learning rate {training.learning_rate:g}, {training.schedule}",
        **precision_row(data),
        "training, bits per character": f"{evaluation.training_bits_per_character:.3f}",
    }
    if tokenizer.spells_unk is not None:
        rows["`<unk>`, in bits per character"] = "spelled" if tokenizer.spells_unk else "not spelled"
    if evaluation.bits_per_character is not None:
        rows["held-out text, bits per character"] = f"{evaluation.bits_per_character:.3f}"
    if evaluation.measured_characters is not None:
        rows["held-out characters measured"] = f"{evaluation.measured_characters:,}"
    if evaluation.exact is not None:
        rows["held-out sources answered exactly"] = f"{evaluation.exact:.1%}"
    if evaluation.perplexity is not None:
        rows["held-out text, perplexity per symbol"] = f"{evaluation.perplexity:.3f}"
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
