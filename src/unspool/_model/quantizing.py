"""A model in fewer bits: its parameters rounded, and what that costs."""

from dataclasses import replace

from unspool._artifacts.kept_precision import Quantization
from unspool._configuration import as_spelled, check
from unspool._errors import ConfigError
from unspool._evaluation.precision_cost import precision_cost
from unspool._model.parts import ModelParts, Parts
from unspool._model.saving import saved
from unspool._model.scoring import evaluate_both
from unspool._network.quantization import PRECISIONS, rounded
from unspool._text.opening import Readable, as_records
from unspool._text.tokenizers.unknown import Unknown
from unspool._training.folder.corpus_places import shared_description

SMALLER = tuple(name for name in PRECISIONS if name != "float32")
OWN_TEXTS = "its own texts"


def quantized(
    parts: Parts, precision: str, *, on: Readable | None = None, unknown: Unknown | None = None
) -> Parts:
    """Return a model whose parameters are rounded; see `Generator.quantized`."""
    precision = as_spelled(precision, SMALLER)
    check("precision", precision, f"one of {', '.join(SMALLER)}", precision in SMALLER)
    if parts.quantization is not None:
        raise ConfigError(
            f"the model is {parts.quantization.precision} already",
            expected="a model in float32",
            hint="round the model that it was made from",
        )
    kept = replace(parts, parameters=rounded(parts.parameters, precision))
    lost, texts = _cost_on_its_own(parts, kept) if on is None else _cost_on(parts, kept, on, unknown=unknown)
    return replace(kept, quantization=Quantization(precision, lost, texts))


def _cost_on_its_own(exact: ModelParts, kept: ModelParts) -> tuple[float, str]:
    """Return the bits per character lost on texts that the model writes, and what these are."""
    without = "" if exact.source_tokenizer is None else ", written without a source"
    return precision_cost(saved(exact), saved(kept)), OWN_TEXTS + without


def _cost_on(
    exact: ModelParts, kept: ModelParts, on: Readable, *, unknown: Unknown | None
) -> tuple[float, str]:
    """Return the bits per character lost on texts that were given, and what these are."""
    corpus = as_records(on)
    before, after = evaluate_both(exact, kept, corpus, unknown=unknown)
    return after.bits_per_character - before.bits_per_character, shared_description(corpus)
