"""Writing texts with a model: the methods that `unspool.Generator` has for it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from unspool.configuration import check, is_whole
from unspool.generation.conditioning import Conditioning, Context, Floats
from unspool.generation.constraints.constraint import ConstraintLike
from unspool.generation.options.generation_options import GenerationKeywords, GenerationOptions, N
from unspool.generation.options.keywords import by_own_names, generation_options
from unspool.generation.requests import Request, StateLike, make_request
from unspool.generation.results import Generation
from unspool.generation.states import State
from unspool.generation.texts import generation_of, streamed_text
from unspool.generation.writer import WritingEngine, generate, stream
from unspool.network.conditions import no_source
from unspool.network.config import NetworkConfig
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown


class Writing(Conditioning):
    """Write texts with a network that the class on top of this one holds.

    Attributes:
        network: The network.
        tokenizer: The network's tokenizer.
        parameters: The network's parameters.
    """

    network: NetworkConfig
    tokenizer: Tokenizer
    parameters: dict[str, Floats]
    _engine: WritingEngine

    def stream(
        self,
        prompt: str = "",
        *,
        unknown: Unknown = "error",
        state: StateLike | None = None,
        constraint: ConstraintLike = None,
        context: Context | None = None,
        vector: Any = None,
        source: str | None = None,
        **options: Unpack[GenerationKeywords],
    ) -> Iterator[str]:
        """Yield a continuation piece by piece, as it is drawn.

        Together the pieces are the `continuation` of what `generate` gives for the same arguments, which
        are described there; errors are raised at the call, not at the first piece. What a stop string may
        yet cut off is held back.
        """
        if context is not None or vector is not None or source is not None:
            model = self.given(context, vector=vector, source=source, unknown=unknown)
            return model.stream(prompt, unknown=unknown, state=state, constraint=constraint, **options)
        chosen, n = options_and_n(options, 1)
        check("n", n, "1: a stream is one text", n == 1)
        for name in ("best_of", "logprobs", "echo"):
            value = getattr(chosen, name)
            check(name, value, "none: a stream gives the text alone; see generate", not value)
        check("prompt", prompt, "a string", isinstance(prompt, str))
        request = self._request([prompt], chosen, unknown, state, constraint)
        check("state", state, "one state: a stream is one text", len(request.prompts) == 1)
        pieces = stream(self._engine.writer(self.parameters), request.in_ids)
        return streamed_text(self.tokenizer, pieces, request.asked)

    def encode(self, text: str = "", *, unknown: Unknown = "error") -> State:
        """Read a text and give the state that the network has after it, to go on from.

        Args:
            text: What to read; "" for the start of a text alone.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            The state after `<eos>` and the text.

        Raises:
            UnknownSymbolError: If the text has a symbol that the model does not know.
        """
        check("text", text, "a string", isinstance(text, str))
        ids = self.tokenizer.encode(text, unknown=unknown)
        read = np.concatenate([[self.tokenizer.eos_id], ids]).astype(np.int32)[:, None]  # (T, 1)
        _, state = self._engine.logits(self.parameters, read, self._engine.initial_state(1, self.parameters))
        return State(state[:, :, 0].astype(np.float32))

    def _write(
        self,
        prompts: Sequence[str],
        options: GenerationOptions,
        *,
        n: int,
        first: int,
        unknown: Unknown,
        state: StateLike | Sequence[StateLike] | None,
        constraint: ConstraintLike,
    ) -> list[Generation]:
        """Draw n texts for each prompt, or as many as the best of them are taken from."""
        check("first", first, "a whole number ≥ 0", is_whole(first, least=0))
        count = n if options.best_of is None else int(options.best_of)
        check("best_of", count, f"a whole number ≥ n, {n}, or none", count >= n)
        check("first", first, f"a multiple of n, {n}, with best_of", count == n or first % n == 0)
        request = self._request(prompts, options, unknown, state, constraint)
        several = request.in_ids.repeated(count, first=first if count == n else first // n * count)
        drawn = generate(self._engine.writer(self.parameters), several)
        texts = [
            generation_of(self.tokenizer, request.prompts[i // count], result, request.asked)
            for i, result in enumerate(drawn)
        ]
        if options.best_of is None:
            return texts
        groups = (texts[i : i + count] for i in range(0, len(texts), count))
        worse = _worse_later if constraint is None else _unmet_and_worse_later
        return [text for group in groups for text in sorted(group, key=worse)[:n]]

    def _request(
        self,
        prompts: Sequence[str],
        options: GenerationOptions,
        unknown: Unknown,
        state: StateLike | Sequence[StateLike] | None,
        constraint: ConstraintLike,
    ) -> Request:
        if self.network.source_vocab_size is not None and state is None:
            raise no_source()
        ids = [self.tokenizer.encode(text, unknown=unknown) for text in prompts]
        guide = None
        if constraint is not None and ids:
            from unspool.generation.constraints.guides import make_guide  # noqa: PLC0415 - seldom needed

            guide = make_guide(constraint, self.tokenizer, ids, max_new_tokens=options.max_new_tokens)
        shape = self.network.state_shape
        return make_request(self.tokenizer, ids, options, state_shape=shape, state=state, guide=guide)


def _worse_later(text: Generation) -> float:
    return -text.mean_logprob


def _unmet_and_worse_later(text: Generation) -> tuple[bool, float]:
    return text.finish_reason == "blocked", _worse_later(text)


def options_and_n(keywords: Mapping[str, Any], n: int) -> tuple[GenerationOptions, int]:
    """Make options of keywords, among which n may be as another library calls it.

    Raises:
        ConfigError: If a name is not known or given twice, or a value is out of its range.
    """
    named = by_own_names(keywords)
    if "n" in named:
        check("n", n, "that or num_return_sequences: they mean the same", n == 1)
        n = named.pop("n")
    check("n", n, N.range.words, N.range.holds(n))
    return generation_options(named), int(n)
