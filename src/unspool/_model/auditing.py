"""Auditing a model: whether it learnt from its texts or copies them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unspool._errors import ConfigError
from unspool._generation.options.generation_options import GenerationKeywords
from unspool._generation.options.keywords import generation_options
from unspool._model.parts import ModelParts
from unspool._model.scoring import strings_of
from unspool._network.conditions import schema_of
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.opening import Readable, as_records
from unspool._text.tokenizers.unknown import Unknown

if TYPE_CHECKING:
    from unspool._evaluation.audit.run import Audit, ReportAudit


def audit(
    parts: ModelParts,
    records: Readable,
    keywords: GenerationKeywords,
    *,
    validation: Readable | None,
    samples: int,
    metrics: Iterable[Mapping[str, Any]],
    secrets: Sequence[str] | None,
    canary_format: str | None,
    unknown: Unknown | None,
    report: "ReportAudit",
) -> "Audit":
    """Audit a model; the arguments are those of `Generator.audit`."""
    from unspool._evaluation.audit.run import (  # noqa: PLC0415 - seldom needed
        AuditOptions,
        AuditTexts,
        audit_network,
    )

    plain = parts.network.source_vocab_size is None
    if not plain:
        raise ConfigError("a model trained on pairs cannot be audited: it writes no text without sources")
    planted = parts.data.get("canaries") or {}
    options = AuditOptions(
        samples=samples,
        generation=generation_options({"seed": 0, **keywords}),
        metrics=metrics,
        secrets=planted.get("texts", ()) if secrets is None else strings_of("secrets", secrets),
        canary_format=canary_format or planted.get("format"),
    )
    corpus = as_records(records)
    given = parts.data.get("validation") is not None  # then nothing of the corpus itself was held out
    recipe = EncodingRecipe(
        tokenizer=parts.tokenizer,
        normalization=corpus.normalization,
        validation_fraction=None if given else parts.training.get("validation_fraction"),
        document=corpus.document,
        unknown=unknown,
        contexts=schema_of(parts.data),
        minds_repeats="split" in parts.data,
    )
    other = None if validation is None else as_records(validation, what="validation")
    texts = AuditTexts(corpus=corpus, validation=other, recipe=recipe, data=parts.data)
    return audit_network(parts.runner, parts.parameters, parts.tokenizer, texts, options, report=report)
