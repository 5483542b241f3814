"""Audit a model: the method that `unspool.Generator` has for it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from unspool.configuration import check
from unspool.engines.protocol import Engine, Floats
from unspool.evaluation.scoring import texts_of
from unspool.generation.options.generation_options import GenerationKeywords
from unspool.generation.options.keywords import generation_options
from unspool.network.conditions import schema_of
from unspool.text.encoding.recipe import EncodingRecipe
from unspool.text.records import Record, Records
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown

if TYPE_CHECKING:
    from unspool.evaluation.audit.run import Audit, ReportAudit

Texts = Records | Iterable[str | Record | Mapping[str, str]]


class Auditing:
    """Audit the network that the class on top of this one holds.

    Attributes:
        tokenizer: The network's tokenizer.
        parameters: The network's parameters.
        training: How it was trained, in plain JSON types.
        data: Where its text came from, in plain JSON types.
    """

    tokenizer: Tokenizer
    parameters: dict[str, Floats]
    training: dict[str, Any]
    data: dict[str, Any]
    _engine: Engine

    def audit(
        self,
        records: Texts,
        *,
        validation: Texts | None = None,
        samples: int = 1000,
        metrics: Iterable[Mapping[str, Any]] = (),
        secrets: Sequence[str] | None = None,
        canary_format: str | None = None,
        unknown: Unknown | None = None,
        report: "ReportAudit" = lambda what, done, total: None,
        **options: Unpack[GenerationKeywords],
    ) -> "Audit":
        """Tell whether the model learnt from its texts or copies them.

        Args:
            records: What it was trained on, as it was then: canaries are planted and texts held out again.
            validation: What was held out, if that was another corpus.
            samples: Texts to generate, ≥ 1; all start from nothing.
            metrics: The lines of the run's metrics.jsonl as dictionaries, to judge the fit by.
            secrets: Secrets to rank; None for those that the run planted.
            canary_format: The format of `secrets`; None for that of the run.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace". None
                for "replace" if it has an `<unk>`, else "error".
            report: Told what goes on, how much of it is done, of how much (0 where that is not known).
            **options: How to sample: any field of `GenerationOptions`; the seed is 0 unless it is given.

        Raises:
            ConfigError: If a value is out of its range.
            CorpusError: If the corpus cannot be read or has no text.
            UnknownSymbolError: If it has a symbol that the model does not know.
        """
        from unspool.evaluation.audit.run import (  # noqa: PLC0415 - seldom needed
            AuditOptions,
            AuditTexts,
            audit_network,
        )

        plain = self._engine.config.source_vocab_size is None
        check("the model", "one of pairs", "one without sources, whose texts start from nothing", plain)
        planted = self.data.get("canaries") or {}
        chosen = AuditOptions(
            samples=samples,
            generation=generation_options({"seed": 0, **options}),
            metrics=metrics,
            secrets=planted.get("texts", ()) if secrets is None else texts_of("secrets", secrets),
            canary_format=canary_format or planted.get("format"),
        )
        corpus = _as_records(records)
        recipe = EncodingRecipe(
            tokenizer=self.tokenizer,
            normalization=corpus.normalization,
            validation_fraction=self.training.get("validation_fraction"),
            document=corpus.document,
            unknown=unknown,
            contexts=schema_of(self.data),
        )
        other = None if validation is None else _as_records(validation)
        texts = AuditTexts(corpus=corpus, validation=other, recipe=recipe, data=self.data)
        return audit_network(self._engine, self.parameters, self.tokenizer, texts, chosen, report=report)


def _as_records(texts: Texts) -> Records:
    return texts if isinstance(texts, Records) else Records.of(texts)
