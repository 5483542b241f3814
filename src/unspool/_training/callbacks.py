"""Samples that are written during a training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unspool._engines.encoder_decoder import EncoderDecoder
from unspool._engines.protocol import StateArray
from unspool._errors import UnknownSymbolError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._kernels.arrays import Ids
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.source_texts import read_sources
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.records import SampleRecord
from unspool._training.task import Moment

TEMPERATURES = (0.3, 0.8, 1.0)
SOURCES_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class SamplingCallback:
    """A callback that lets the network write at chosen temperatures after every evaluation.

    The seed is the same each time, so only the network changes from one evaluation to the next.

    Args:
        tokenizer: The tokenizer of the network.
        prompts: The texts to continue; "" starts from nothing. If the network learns from pairs, these are
            the sources to answer.
        temperatures: Temperatures ≥ 0; each prompt is continued once at each of them.
        max_new_tokens: Highest number of tokens of a continuation.
        seed: Seed of the draws.
        source_tokenizer: The tokenizer of the sources, or None for a network without an encoder.

    Raises:
        UnknownSymbolError: If a prompt has a symbol that the network does not know.
    """

    tokenizer: Tokenizer
    prompts: Sequence[str] = ("",)
    temperatures: Sequence[float] = TEMPERATURES
    max_new_tokens: int = 80
    seed: int = 0
    source_tokenizer: Tokenizer | None = None

    def __post_init__(self) -> None:
        """Check the prompts and the temperatures before the training starts."""
        for prompt in self.prompts:
            try:
                (self.source_tokenizer or self.tokenizer).encode(prompt)
            except UnknownSymbolError as error:
                what = f"the prompt of the samples, {prompt!r}: {error.what}"
                raise UnknownSymbolError(what, expected=error.expected, hint="change it") from None
        for temperature in self.temperatures:
            self._options(temperature)

    def __call__(self, moment: Moment) -> Iterator[SampleRecord]:
        """Yield a sample for every temperature and prompt; the prompts change fastest."""
        prompts, states = self._starts(moment)
        writer = moment.engine.writer(moment.parameters)
        for temperature in self.temperatures:
            request = EngineRequest(prompts, self._options(temperature), states=states)
            texts = generate(writer, request)
            for prompt, generated in zip(self.prompts, texts, strict=True):
                yield SampleRecord(
                    step=moment.step,
                    epoch=moment.epoch,
                    prompt=prompt if self.source_tokenizer is None else "",
                    temperature=temperature,
                    text=self.tokenizer.decode(generated.ids),
                    source=None if self.source_tokenizer is None else prompt,
                )

    def _starts(self, moment: Moment) -> tuple[list[Ids], StateArray | None]:
        """Return the ids to read before the first token is drawn, and the states to start from, if any."""
        if self.source_tokenizer is None or not isinstance(moment.engine, EncoderDecoder):
            return [self.tokenizer.encode(prompt) for prompt in self.prompts], None
        states = moment.engine.encode(moment.parameters, read_sources(self.source_tokenizer, self.prompts))
        return [np.array([self.tokenizer.eos_id], np.int32)] * len(self.prompts), states

    def _options(self, temperature: float) -> GenerationOptions:
        length, seed = self.max_new_tokens, self.seed
        options = GenerationOptions(temperature=temperature, max_new_tokens=length, seed=seed)
        return options.without(self.tokenizer.unk_id)


def sampling_callback(
    encoded: EncodedCorpus, prompts: Sequence[str] | None, temperatures: Sequence[float] | None
) -> SamplingCallback | None:
    """Make the callback that shows samples during the training.

    Args:
        encoded: The encoded corpus that the network learns from.
        prompts: The texts to continue, or the sources to answer. None starts from nothing, or answers the
            first held-out sources.
        temperatures: The temperatures; None for the usual ones. Sources are then answered greedily.

    Returns:
        The callback, or None if there is nothing to show.
    """
    source = encoded.source_tokenizer
    if prompts is None:
        prompts = ("",) if source is None else _first_sources(encoded)
    if temperatures is None:
        temperatures = TEMPERATURES if source is None else (0.0,)
    if not prompts or not temperatures:
        return None
    return SamplingCallback(
        tokenizer=encoded.tokenizer,
        prompts=tuple(prompts),
        temperatures=tuple(temperatures),
        source_tokenizer=source,
    )


def saved_sampling(encoded: EncodedCorpus, data: Mapping[str, Any]) -> SamplingCallback | None:
    """Make the sampling callback of an earlier run again.

    Args:
        encoded: The encoded corpus that the network learns from.
        data: The checked content of config.json under "data".
    """
    chosen = data.get("samples") or {}
    return sampling_callback(encoded, chosen.get("prompts", []), chosen.get("temperatures", []))


def _first_sources(encoded: EncodedCorpus) -> list[str]:
    sources = encoded.validation.sources or encoded.training.sources
    if sources is None or encoded.source_tokenizer is None:
        return []
    ends = [*sources.starts[1 : SOURCES_SHOWN + 1], len(sources)][:SOURCES_SHOWN]
    ranges = zip(sources.starts, ends, strict=False)
    return [encoded.source_tokenizer.decode(sources.ids[begin : end - 1]) for begin, end in ranges]
