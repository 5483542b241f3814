"""The whole audit of a network: bits per character, copied spans, diversity and planted secrets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, to_dict, whole_range
from unspool._engines.counting import CountingEngine
from unspool._engines.protocol import Engine, Parameters
from unspool._evaluation.audit.copying import (
    CopiedText,
    IdText,
    compare_with_training,
    count_records,
    count_whole,
)
from unspool._evaluation.audit.diversity import Diversity, measure_diversity
from unspool._evaluation.audit.exposure import Exposures, measure_exposures
from unspool._evaluation.audit.fit import Fit, judge_fit
from unspool._evaluation.audit.verdicts import Copying, Whole, judge_copying
from unspool._evaluation.streams import evaluate_stream
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.random import sequence_keys
from unspool._generation.writer import generate
from unspool._text.canaries import CanaryFormat, planted_in, with_canaries
from unspool._text.encoding.corpus import encode_corpus, fingerprints
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer
from unspool._views.frames import data_frame
from unspool._views.html import Marked, html_table, together
from unspool._views.short_repr import repr_block

MEASURED = 1 << 17  # tokens of each part on which bits per character are measured
SAMPLES = whole_range(1, 10_000_000)  # all are kept
DRAWN_AT_ONCE = 256
MOST_SHOWN = 10  # texts in a notebook

ReportAudit = Callable[[str, int, int], None]  # name of the step, amount done, total amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result of an audit, which finds whether a network learns or copies.

    Args:
        fit: The verdict on the run's own evaluations.
        training_bits_per_character: Bits per character of the model on training text, without learning.
        held_out_bits_per_character: Bits per character of the model on held-out text; None without any.
        copying: What its texts share with the training text.
        diversity: How much its texts differ from each other.
        held_out_diversity: How much as many held-out texts differ; None for fewer than two.
        canaries: How well it knows secrets; None without secrets.
        canaries_without_counts: How well its network alone knows them; None for a model without counts.
        same_corpus: Whether the text is the one it was trained on; None if the model does not record that.

    Example:
        >>> import tempfile, unspool
        >>> texts = ["a cat", "a dog", "a cow"] * 20
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model = unspool.train(texts, out=folder, training=unspool.TrainingConfig(epochs=1))
        >>> audit = model.audit(texts, samples=5)
        >>> audit.same_corpus
        True
    """

    fit: Fit
    training_bits_per_character: float
    held_out_bits_per_character: float | None
    copying: Copying
    diversity: Diversity
    held_out_diversity: Diversity | None
    canaries: Exposures | None
    canaries_without_counts: Exposures | None = None
    same_corpus: bool | None

    @property
    def sentences(self) -> list[str]:
        """Return the result in plain sentences.

        Example:
            >>> model.audit(names, samples=5).sentences[-1].startswith("Longest passage")
            True
        """
        lines = [f"{self.fit.sentence}.", self.copying.sentence]
        if self.same_corpus is False:
            lines.insert(0, "The model was trained on another text, or the text has changed since.")
        if self.canaries is not None:
            lines.append(f"Exposure of the secrets: {_exposure(self.canaries)}.")
        if self.canaries_without_counts is not None:
            lines.append(f"By the network alone, without counts: {_exposure(self.canaries_without_counts)}.")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types, the sentences first.

        Example:
            >>> list(model.audit(names, samples=5).to_dict())[:3]
            ['sentences', 'fit', 'training_bits_per_character']
        """
        document: dict[str, Any] = {"sentences": self.sentences, **to_dict(self)}
        if self.copying.whole is not None:
            document["copying"]["whole"]["by_chance"] = self.copying.whole.by_chance
        return document

    def to_frame(self, library: str | None = None) -> Any:
        """Return the generated texts as a data frame, each with the longest span that it copies.

        Args:
            library: "pandas" or "polars"; None for the first of them that is installed.

        Raises:
            ConfigError: If the library is not installed.

        Example:
            >>> len(model.audit(names, samples=5).to_frame())
            5
        """
        columns = [field.name for field in fields(CopiedText)]
        return data_frame(columns, map(to_dict, self.copying.samples), library)

    def __repr__(self) -> str:
        """Return the result in sentences, a line for each."""
        return repr_block(f"{type(self).__name__}: {self.copying.verdict}", self.sentences)

    def _repr_html_(self) -> str:
        """Return the result for a notebook, with the texts that copy the longest spans."""
        longest = sorted(self.copying.samples, key=lambda text: text.copied, reverse=True)[:MOST_SHOWN]
        rows = [(_marked(text), text.copied, text.record) for text in longest if text.copied]
        heads = ("text", "copied characters", "training record")
        facts = html_table((), [("•", sentence) for sentence in self.sentences], title="Audit")
        return together(facts, html_table(heads, rows, title="Longest copied passages")) if rows else facts


@dataclass(frozen=True, kw_only=True)
class AuditOptions:
    """The options of an audit.

    Args:
        samples: Number of texts to generate, ≥ 1.
        generation: The options of the generated texts; its seed must be set.
        metrics: The lines of the run's metrics.jsonl; empty without them.
        secrets: Secrets to look for, all of one format.
        canary_format: The format of the secrets; None without secrets.
    """

    samples: int
    generation: GenerationOptions
    metrics: Iterable[Mapping[str, Any]] = ()
    secrets: Sequence[str] = ()
    canary_format: str | None = None

    def __post_init__(self) -> None:
        check("samples", self.samples, SAMPLES.words, SAMPLES.holds(self.samples))
        form = self.canary_format
        check("canary_format", form, "a format, to rank secrets", not self.secrets or form is not None)


@dataclass(frozen=True, kw_only=True)
class AuditTexts:
    """The texts that a network was trained on.

    Args:
        corpus: The texts.
        validation: The held-out texts, if they were another corpus.
        recipe: The encoding recipe, which also says which texts of the corpus were held out.
        data: The record of the training data in the model: secrets to plant again, and fingerprints.
    """

    corpus: Records
    validation: Records | None
    recipe: EncodingRecipe
    data: Mapping[str, Any]


def audit_network(
    engine: Engine,
    parameters: Parameters,
    tokenizer: Tokenizer,
    texts: AuditTexts,
    options: AuditOptions,
    *,
    report: ReportAudit = lambda what, done, total: None,
) -> Audit:
    """Audit a network.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        tokenizer: The tokenizer of the network.
        texts: The texts that it was trained on.
        options: The options of the audit.
        report: A function that is called with the name of the step, the amount done and the total amount.

    Raises:
        ConfigError: If a secret is not of the format.
        CorpusError: If a text cannot be read.
        UnknownSymbolError: If the network does not know a symbol.
    """
    seed = options.generation.seed or 0
    exposures: list[Exposures] = []
    if options.secrets and options.canary_format is not None:  # first, so that an error in them shows at once
        report("ranking the secrets", 0, 0)
        form = CanaryFormat(options.canary_format)
        exposures = [
            measure_exposures(each, parameters, tokenizer, form=form, secrets=options.secrets, seed=seed)
            for each in ((engine, engine.engine) if isinstance(engine, CountingEngine) else (engine,))
        ]
    report("reading the corpus", 0, 0)
    corpus, planted = with_canaries(texts.corpus, texts.data), planted_in(texts.data)
    encoded = encode_corpus(corpus, texts.recipe, texts.validation, planted=planted)
    training, held_out, document = encoded.training, encoded.validation, texts.corpus.document
    report("measuring bits per character", 0, 0)
    bits = [
        _bits(engine, parameters, part, tokenizer, document=document, seed=seed)
        for part in (training, held_out)
    ]
    written = _draw(engine, parameters, options, tokenizer.unk_id, report)
    samples, real_texts = _compared(written, encoded, document=document, seed=seed, report=report)
    report("comparing the texts", 0, 0)
    whole = None if document else _count_whole(written, training, held_out)
    same_number = min(len(samples), len(real_texts)) if len(real_texts) > 1 else len(samples)
    stored = texts.data.get("fingerprints")
    return Audit(
        fit=_fit(options.metrics, held_out.characters or _once_held_out(texts.data), bits),
        training_bits_per_character=bits[0] or 0.0,
        held_out_bits_per_character=bits[1],
        copying=judge_copying(samples, real_texts, whole=whole),
        diversity=measure_diversity([text.text for text in samples[:same_number]]),
        held_out_diversity=measure_diversity([t.text for t in real_texts]) if len(real_texts) > 1 else None,
        canaries=exposures[0] if exposures else None,
        canaries_without_counts=exposures[1] if len(exposures) > 1 else None,
        same_corpus=None if stored is None else stored == fingerprints(encoded),
    )


def _exposure(exposures: Exposures) -> str:
    """Return the mean exposures of secrets in words."""
    secrets, strangers = (
        sum(secret.exposure for secret in part) / len(part)
        for part in (exposures.secrets, exposures.strangers)
    )
    return (
        f"{secrets:.1f} bits on average (secrets that the model never saw: {strangers:.1f}; maximum "
        f"{np.log2(exposures.space):.1f})"
    )


def _marked(text: CopiedText) -> Marked:
    return Marked(text.text, [(text.start, text.start + text.copied)], "stands in the training texts")


def _once_held_out(data: Mapping[str, Any]) -> int:
    """Return the number of held-out characters that the model records."""
    return int(((data.get("sizes") or {}).get("validation") or {}).get("characters", 0))


def _fit(metrics: Iterable[Mapping[str, Any]], held_out_characters: int, bits: Sequence[float | None]) -> Fit:
    """Return the verdict on the training; if its measurements are lost, with those of the audit."""
    fit = judge_fit(metrics, held_out_characters=held_out_characters)
    training, held_out = bits
    if fit.verdict != "unknown" or training is None or held_out is None:
        return fit
    now = f"bits per character now: training {training:.3f}, held out {held_out:.3f}"
    return replace(fit, training=training, held_out=held_out, sentence=f"{fit.sentence} ({now})")


def _compared(
    written: Sequence[IdText], encoded: EncodedCorpus, *, document: bool, seed: int, report: ReportAudit
) -> tuple[list[CopiedText], list[CopiedText]]:
    """Compare the generated texts, and as many held-out ones, with the training text."""
    real = _real_texts(encoded.validation, written, document=document, seed=seed)
    results = compare_with_training(
        [*written, *real],
        encoded.training,
        tokenizer=encoded.tokenizer,
        document=document,
        report=lambda done, total: report("searching the training text", done, total),
    )
    return results[: len(written)], results[len(written) :]


def _bits(
    engine: Engine,
    parameters: Parameters,
    stream: TokenStream,
    tokenizer: Tokenizer,
    *,
    document: bool,
    seed: int,
) -> float | None:
    """Measure bits per character on about `MEASURED` tokens of a stream; None for an empty one."""
    if not stream.characters:
        return None
    if document:
        part = stream
        if len(stream) > MEASURED:
            part = stream.tail_split(MEASURED / len(stream))[1]
    else:
        mean = len(stream) / stream.num_records
        part = _chosen(stream, max(1, int(MEASURED / mean)), seed)
    result = evaluate_stream(engine, parameters, part, eos_id=tokenizer.eos_id, document=document)
    return result.bits_per_character


def _draw(
    engine: Engine, parameters: Parameters, options: AuditOptions, unk_id: int | None, report: ReportAudit
) -> list[NDArray[np.int32]]:
    """Generate the texts, a few at a time."""
    texts: list[NDArray[np.int32]] = []
    writer, nothing = engine.writer(parameters), np.zeros(0, np.int32)
    generation = options.generation.without(unk_id)
    for first in range(0, options.samples, DRAWN_AT_ONCE):
        report("writing texts", first, options.samples)
        prompts = [nothing] * min(DRAWN_AT_ONCE, options.samples - first)
        drawn = generate(writer, EngineRequest(prompts, generation, first=first))
        texts += [result.ids for result in drawn]
    return texts


def _real_texts(held_out: TokenStream, texts: Sequence[IdText], *, document: bool, seed: int) -> list[IdText]:
    """Return held-out texts to compare with, at most as many and as long as the generated ones."""
    longest = max(map(len, texts))
    if not longest or not len(held_out):
        return []
    if document:
        pieces = min(len(texts), len(held_out) // longest)
        begins = [place * (len(held_out) // max(1, pieces)) for place in range(pieces)]
        return [
            _readable(held_out.ids[begin : begin + len(text)])
            for begin, text in zip(begins, texts, strict=False)
        ]
    order = _order(held_out.num_records, seed)[: len(texts)]
    ends = np.append(held_out.starts[1:], len(held_out)) - 1
    bounds = [(int(held_out.starts[r]), int(ends[r])) for r in order]
    return [_readable(held_out.ids[begin : min(end, begin + longest)]) for begin, end in bounds]


def _readable(ids: NDArray[Any]) -> IdText:
    return ids.astype(np.int32)


def _order(count: int, seed: int) -> NDArray[np.int64]:
    """Return numbers from 0 in a random order that the seed decides."""
    return np.argsort(sequence_keys(seed, count), kind="stable")


def _chosen(stream: TokenStream, count: int, seed: int) -> TokenStream:
    """Return a stream of `count` records, chosen by the seed."""
    if count >= stream.num_records:
        return stream
    return stream.take(_order(stream.num_records, seed)[:count])


def _count_whole(texts: Sequence[IdText], training: TokenStream, held_out: TokenStream) -> Whole:
    different = list({text.tobytes(): text for text in texts if len(text)}.values())
    counts = count_records(training)
    return Whole(
        different=len(different),
        in_training=count_whole(different, training),
        in_held_out=count_whole(different, held_out),
        training=counts.different,
        held_out=count_records(held_out).different,
        repeated_share=counts.repeated / max(1, counts.records),
    )
