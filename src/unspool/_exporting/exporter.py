"""What an exporter is: its row, what it is given, and what it may be unable to say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from unspool._artifacts.model_folder import SavedModel
from unspool._network.quantization import PRECISIONS

# What a network or its tokenizer may have, beyond a stack of cells under an output layer.
FEATURES = {
    "reset_before": "a GRU whose reset gate is applied before the product",
    "embedding": "an embedding",
    "residual": "residual layers",
    "tied_output": "an output layer tied to the embedding",
    "context": "a context",
    "start": "a first state that is learned or computed from a vector",
    "encoder": "an encoder, which reads a source",
    "word": "a tokenizer of words",
    "bytes": "a tokenizer of bytes",
}


@dataclass(frozen=True)
class Exporter:
    """The row of a target.

    Args:
        name: The name in ``--to``.
        help: What it writes, in a few words.
        function: The function that writes it, ``module:name``: it takes a `ModelToExport` and returns the
            content of each file by its path in the folder, or under any name if it is one file.
        suffix: The suffix of the one file; None for a folder.
        precisions: The names in `PRECISIONS` that it can keep.
        counts: Whether it can take along the counts of the training text.
        needs: The package that must be installed, which is the name of the extra too; None for no package.
        cannot_say: A name in `FEATURES`, or of a cell, that the target has no words for -> what to do.
    """

    name: str
    help: str
    function: str
    suffix: str | None = None
    precisions: tuple[str, ...] = PRECISIONS
    counts: bool = False
    needs: str | None = None
    cannot_say: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ModelToExport:
    """A model as it is to leave.

    Args:
        model: The model; its parameters are those that the precision keeps, in float32.
        name: A name for it, such as that of its folder.
        precision: One of `PRECISIONS`.
        cost: Bits per character that the precision costs, measured, and those of an earlier rounding with
            them; None for a model that was never rounded, or whose earlier rounding was never measured.
    """

    model: SavedModel
    name: str
    precision: str = "float32"
    cost: float | None = None


def features_of(model: SavedModel) -> Iterator[str]:
    """Yield what of `FEATURES` a model has, and the name of its cell."""
    network = model.network
    here = {
        "reset_before": network.kind.reset_gate and not network.reset_after,
        "embedding": network.embedding_size is not None,
        "residual": network.residual,
        "tied_output": network.tied_output,
        "context": network.context_size is not None,
        "start": network.start_size is not None,
        "encoder": network.source_vocab_size is not None,
    }
    kinds = {
        tokenizer.kind for tokenizer in (model.tokenizer, model.source_tokenizer) if tokenizer is not None
    }
    yield network.cell
    yield from (name for name, there in here.items() if there)
    yield from sorted(kinds & FEATURES.keys())
