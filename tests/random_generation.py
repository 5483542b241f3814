"""Random models, options and constraints, and what must be so of whatever is written under them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np

import unspool
from unspool._engines import ENGINES, EngineRow, make_engine
from unspool._engines.reference_writer import ReferenceWriter
from unspool._errors import ConfigError, NetworkError
from unspool._generation.options.generation_options import ROWS, SAMPLERS, GenerationOptions
from unspool._generation.results import Generation
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import CharTokenizer

NEVER = float("-inf")
SYMBOLS = tuple("abcdefg")
PATTERNS = (
    "[ab]{6}",
    "(anna|bad){2}",
    "a*b?c+",
    "[^a]*",
    "(ab|ba)*c?",
    "[a-c]{2,5}|g",
    "a{12}",
    ".{0,4}",
    "(.)*d",
)


class TwinEngine:
    """An engine that writes with the plain twin, from the logits of the usual engine."""

    def __init__(self, config: unspool.NetworkConfig, **more: Any) -> None:
        self._engine: Any = make_engine("cpu", config, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def writer(self, parameters: Any) -> ReferenceWriter:
        return ReferenceWriter(self._engine, parameters)


def random_model(draw: random.Random) -> unspool.Generator:
    """Make a small network, now and then one that is sure of everything or has overflowing logits."""
    tokenizer = CharTokenizer(SYMBOLS)
    network = unspool.NetworkConfig(
        cell=draw.choice(["lstm", "gru", "rnn"]),
        hidden_size=draw.choice([3, 8, 17]),
        num_layers=draw.choice([1, 1, 2]),
        vocab_size=tokenizer.vocab_size,
    )
    parameters = dict(initialize(network, draw.randrange(1000)))
    scale = draw.choice([1, 1, 3, 30, 1e4, 1e25, 3e38])
    for name in ("output.kernel", "output.bias"):
        noise = np.random.default_rng(draw.randrange(1000)).normal(size=parameters[name].shape)
        parameters[name] = np.clip(scale * noise, -3e38, 3e38).astype(np.float32)
    return unspool.Generator(
        network=network, tokenizer=tokenizer, parameters=parameters, threads=draw.choice([1, 2])
    )


def _temperature(draw: random.Random) -> float | tuple[float, ...]:
    number: Callable[[], float] = lambda: draw.choice([0.0, 1e-30, 0.1, 0.7, 1.0, 3.0, 1e30, 3.3e38])  # noqa: E731
    return tuple(number() for _ in range(draw.randrange(1, 4))) if draw.random() < 0.3 else number()


def _strings(draw: random.Random) -> list[str]:
    return ["".join(draw.choices(SYMBOLS, k=draw.randrange(1, 4))) for _ in range(draw.randrange(1, 4))]


def _bias(draw: random.Random) -> dict[str | int, float]:
    known = draw.sample([*SYMBOLS, len(SYMBOLS) + 1], draw.randrange(1, 9))  # <eos> by its id
    return {symbol: draw.choice([NEVER, NEVER, -1e6, -1.0, 2.0, 1e6]) for symbol in known}


PENALTIES = (-1e6, -3.0, -0.1, 0.4, 2.0, 1e6)
VALUES: dict[str, Callable[[random.Random], Any]] = {
    "temperature": _temperature,
    "temperature_steps": lambda draw: draw.randrange(1, 9),
    "top_k": lambda draw: draw.randrange(1, 10),
    "top_p": lambda draw: draw.choice([1e-9, 0.3, 0.9, 1.0]),
    "min_p": lambda draw: draw.choice([0.0, 1e-9, 0.05, 0.5, 1.0]),
    "typical_p": lambda draw: draw.choice([1e-9, 0.3, 0.9, 1.0]),
    "samplers": lambda draw: draw.sample(SAMPLERS, len(SAMPLERS)),
    "top_n_sigma": lambda draw: draw.choice([1e-9, 0.3, 1.1, 2.0, 100]),
    "epsilon_cutoff": lambda draw: draw.choice([0.0, 1e-9, 0.05, 0.3, 0.99]),
    "eta_cutoff": lambda draw: draw.choice([0.0, 1e-9, 0.05, 0.3, 0.99]),
    "xtc_probability": lambda draw: draw.choice([0.0, 0.5, 1.0]),
    "mirostat_tau": lambda draw: draw.choice([0.1, 1.0, 3.0]),
    "mirostat_eta": lambda draw: draw.choice([0.0, 0.1, 1.0]),
    "xtc_threshold": lambda draw: draw.choice([0.0, 1e-9, 0.05, 0.3, 1.0]),
    "repetition_penalty": lambda draw: draw.choice([0.01, 0.1, 0.4, 0.9, 1.5, 100]),
    "presence_penalty": lambda draw: draw.choice(PENALTIES),
    "frequency_penalty": lambda draw: draw.choice(PENALTIES),
    "penalty_last_n": lambda draw: draw.randrange(1, 6),
    "dry_multiplier": lambda draw: draw.choice([0.0, 0.1, 2.0, 1e6]),
    "dry_base": lambda draw: draw.choice([1.0, 1.0001, 1.75, 100]),
    "dry_allowed_length": lambda draw: draw.randrange(1, 4),
    "dry_penalty_last_n": lambda draw: draw.randrange(1, 9),
    "dry_sequence_breakers": _strings,
    "no_repeat_ngram_size": lambda draw: draw.randrange(1, 4),
    "logit_bias": _bias,
    "bad_words": _strings,
    "stop": _strings,
    "include_stop": lambda draw: draw.random() < 0.5,
    "min_tokens": lambda draw: draw.randrange(0, 6),
    "max_new_tokens": lambda draw: draw.randrange(6, 20),
    "best_of": lambda draw: draw.randrange(3, 6),
    "logprobs": lambda draw: draw.randrange(1, len(SYMBOLS) + 1),
    "echo": lambda draw: draw.random() < 0.5,
    "seed": lambda draw: draw.randrange(2**64),
}
for option, row in ROWS.items():  # what is not worth values of its own
    VALUES.setdefault(option, lambda draw, row=row: draw.choice([row.sample, getattr(row, "neutral", None)]))
ALWAYS = ("max_new_tokens", "seed")


def random_options(draw: random.Random, *, constrained: bool) -> dict[str, Any]:
    """Draw values for some of all options."""
    chosen = [name for name in VALUES if name in ALWAYS or draw.random() < 0.3]
    options = {name: VALUES[name](draw) for name in chosen}
    if not isinstance(options.get("temperature"), tuple):
        options.pop("temperature_steps", None)
    if constrained:
        options.pop("stop", None)
        options.pop("ignore_eos", None)
    return options


def random_constraint(draw: random.Random) -> unspool.Constraint:
    """Draw a constraint of one kind or two."""
    kinds: dict[str, Callable[[], Any]] = {
        "regex": lambda: draw.choice(PATTERNS),
        "starts_with": lambda: _strings(draw)[0],
        "ends_with": lambda: _strings(draw)[0],
        "contains": lambda: _strings(draw)[:1],
        "excludes": lambda: _strings(draw),
        "choices": lambda: _strings(draw),
        "characters": lambda: draw.choice(["[a-d]", "ab", "[^ag]"]),
        "min_length": lambda: draw.randrange(0, 4),
        "max_length": lambda: draw.randrange(4, 9),
    }
    names = draw.sample(list(kinds), draw.choice([1, 1, 2]))
    return unspool.Constraint(scope="continuation", **{name: kinds[name]() for name in names})


@dataclass(frozen=True)
class Case:
    """A model and what is asked of it."""

    model: unspool.Generator
    prompts: list[str]
    constraint: unspool.Constraint | None
    options: dict[str, Any]

    def written(self, model: unspool.Generator) -> list[Generation] | str:
        """Write with a model, or say why that cannot be."""
        try:
            return list(model.generate(self.prompts, n=3, constraint=self.constraint, **self.options))
        except (ConfigError, NetworkError) as error:
            return str(error)

    def twin(self) -> unspool.Generator:
        """Make the same model, written with by the plain twin."""
        with patch.dict(ENGINES, twin=EngineRow(__name__, TwinEngine.__name__)):
            return unspool.Generator(
                network=self.model.network,
                tokenizer=self.model.tokenizer,
                parameters=self.model.parameters,
                engine="twin",
                threads=self.model.threads,
            )


def random_case(seed: int) -> Case:
    """Draw a case."""
    draw = random.Random(seed)
    constraint = random_constraint(draw) if draw.random() < 0.6 else None
    prompts = ["".join(draw.choices(SYMBOLS, k=draw.randrange(0, 5))) for _ in range(draw.choice([1, 2]))]
    return Case(
        random_model(draw), prompts, constraint, random_options(draw, constrained=constraint is not None)
    )


def broken_promises(case: Case, text: Generation) -> Iterator[str]:
    """Tell what was promised of a text and is not so."""
    options = replace(GenerationOptions(), **case.options)
    blocked = text.finish_reason == "blocked"
    if not np.isfinite(text.token_logprobs).all():
        yield "a log-probability is not finite"
    if set(text.text) - set(SYMBOLS):
        yield "it has what is no symbol"
    if case.constraint is not None and not blocked and not case.constraint.holds(text.continuation):
        yield f"it is not {case.constraint}"
    if len(text.ids) < options.min_tokens and not blocked:
        yield f"it has less than {options.min_tokens} tokens"
    if options.ignore_eos and text.finish_reason == "stop" and text.stop_reason is None:
        yield "<eos> was drawn"
    yield from _forbidden_strings(text, options)
    size = options.no_repeat_ngram_size or len(text.text) + 1
    for end in range(max(len(text.prompt) + 1, size), len(text.text) + 1):
        if text.text[end - size : end] in {text.text[at : at + size] for at in range(end - size)}:
            yield f"it has {text.text[end - size : end]!r} twice"


def _forbidden_strings(text: Generation, options: GenerationOptions) -> Iterator[str]:
    for word in options.bad_words or ():
        if text.text.find(word, max(0, len(text.prompt) - len(word) + 1)) >= 0:
            yield f"it has the bad word {word!r}"
    for word in options.stop or ():
        if word in text.continuation[options.min_tokens :] and not options.include_stop:
            yield f"it has the stop string {word!r}"
    for symbol, bias in (options.logit_bias or {}).items():
        if bias == NEVER and isinstance(symbol, str) and symbol in text.continuation:
            yield f"it has {symbol!r}, which is forbidden"
