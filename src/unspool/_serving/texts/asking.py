"""What a request for texts asks for: its fields by their names here, each checked on its own."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from unspool._configuration import check, is_whole, names_elsewhere, refuse_unknown
from unspool._errors import ConfigError
from unspool._generation.constraints.constraint import Constraint
from unspool._generation.options.generation_options import ALIASES, ROWS, GenerationOptions, N
from unspool._generation.options.keywords import by_own_names
from unspool._generation.selecting.selection import Selection
from unspool._screen.wording import counted
from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError

CONSTRAINTS = tuple(Constraint.__dataclass_fields__)
SELECTION = tuple(Selection.__dataclass_fields__)
OTHERS = (
    "model", "prompt", "n", "first", "stream", "stream_options", "suffix", "user", "context", "vector",
    "source", "unknown", "mark_copied",
)  # fmt: skip
KNOWN = (*OTHERS, *ROWS, *CONSTRAINTS, *SELECTION)
# Fields whose strings are compiled, and have a greatest length together.
PATTERNS = (*CONSTRAINTS, "valid", "stop", "bad_words", "dry_sequence_breakers")
# Options that are not handed on as they are.
APART = ("best_of", "logprobs", "echo", "seed")
SWITCHES = ("stream", "echo", "mark_copied")
FRESH = ("prompt", "seed")  # fields in which requests of one kind differ
MOST_KNOWN, LONG = 256, 100  # kinds that are remembered, and characters of a string that is not
SEED_BITS = 48  # of a fresh seed: few enough for the numbers of JavaScript
MOST_LOGPROBS = 100
MOST_NUMBERS = 1 << 24  # that are reported of all texts of a request: tokens, and alternatives to them

# Of seeds and names of answers, which need not be secret; asking the system lets go of Python's lock.
RANDOM = random.Random()

Prompts = list[str] | list[list[int]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What a request asks for.

    Args:
        model: The name of the model.
        prompts: The prompts, as texts or as ids.
        n: Texts for each prompt.
        first: Index of the first text.
        options: Options of generation by their names here.
        seed: The seed.
        best_of: Texts to draw for each prompt, ≥ n.
        logprobs: Number of most probable tokens to report at each place, 0 for the tokens themselves only;
            None for no report.
        echo: Whether each text begins with its prompt.
        is_empty: Whether no token is to be written: the prompts are only read.
        stream: Whether texts are sent piece by piece.
        wants_usage: Whether a stream ends with the numbers of tokens.
        constraint: The fields of a constraint.
        selection: The fields of a selection.
        context: What is known of the texts, or None.
        vector: The numbers that the first state is worked from, or None.
        sources: What the texts are the answer to: one for all prompts, or one for each; None for nothing.
        unknown: What becomes of symbols that the model does not know.
        mark_copied: Whether the parts of the texts are told that are in the training texts.
    """

    model: str
    prompts: Prompts
    n: int
    first: int
    options: dict[str, Any]
    seed: int
    best_of: int
    logprobs: int | None
    echo: bool
    is_empty: bool
    stream: bool
    wants_usage: bool
    constraint: dict[str, Any]
    selection: dict[str, Any]
    context: dict[str, Any] | None
    vector: list[Any] | None
    sources: list[str] | None
    unknown: Any
    mark_copied: bool

    @cached_property
    def key(self) -> str:
        """Return a key for requests that differ in their prompts and seeds alone."""
        texts = self.best_of, len(self.prompts)
        return repr((sorted(self.options.items()), self.logprobs, self.echo, texts))

    @property
    def compiles(self) -> bool:
        """Whether something is to be compiled or read that may take long."""
        return bool(self.constraint or self.selection or self.sources or self.options.get("bad_words"))


class Asking:
    """Reads the bodies of requests for texts; fast, where only the prompt and the seed are new.

    Args:
        limits: The limits of the server.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[str, Asked] = {}

    def read(self, body: Mapping[str, Any]) -> Asked:
        """Read a body; see `asked_of`."""
        prompt, seed = body.get("prompt", ""), body.get("seed")
        rest = {name: value for name, value in body.items() if name not in FRESH}
        if type(prompt) is not str or not all(map(_is_short, rest.values())):
            return asked_of(body, self._limits)
        key = repr(rest)
        known = self._known.get(key)
        if known is None:
            known = asked_of(rest | {"prompt": ""}, self._limits)
            if len(self._known) >= MOST_KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[key] = known
            _ = known.key  # is copied with the rest
        seed = RANDOM.getrandbits(SEED_BITS) if seed is None else seed
        asked = object.__new__(Asked)
        vars(asked).update(vars(known), prompts=[prompt], seed=seed)
        return asked


def _is_short(value: Any) -> bool:
    """Return whether a value is a short scalar, which is what it is printed as."""
    return value is None or type(value) in (bool, int, float) or (type(value) is str and len(value) < LONG)


def asked_of(body: Mapping[str, Any], limits: Limits) -> Asked:
    """Read the body of a request for texts.

    A field that is null is one that is not given, but for options of which null means off.

    Raises:
        RefusedError: If a field is beyond a limit.
        ConfigError: If a field is unknown or out of its range.
    """
    fields = by_own_names({name: each for name, each in body.items() if each is not None or _means_off(name)})
    refuse_unknown(fields, KNOWN, "", names_elsewhere(GenerationOptions))
    _check_patterns(fields, limits)
    for name in SWITCHES:
        check(name, fields.get(name, False), "true or false", isinstance(fields.get(name, False), bool))
    check("suffix", fields.get("suffix"), "left out: a model only continues texts", not fields.get("suffix"))
    prompts, n, first = prompts_of(fields.get("prompt", "")), fields.get("n", 1), fields.get("first", 0)
    check("n", n, N.range.words, N.range.holds(n))
    check("first", first, "a whole number ≥ 0", is_whole(first, least=0))
    best_of, logprobs, echo = fields.get("best_of", n), fields.get("logprobs"), fields.get("echo", False)
    check("best_of", best_of, f"a whole number ≥ n ({n})", is_whole(best_of, least=n))
    check("first", first, "0 with best_of", best_of == n or not first)
    check("logprobs", logprobs, "a whole number ≥ 0", logprobs is None or is_whole(logprobs, least=0))
    options = {name: each for name, each in fields.items() if name in ROWS and name not in APART}
    is_empty = echo and options.get("max_new_tokens") == 0
    if is_empty:
        options["max_new_tokens"] = 1  # and it is left out
    if "logit_bias" in options:
        options["logit_bias"] = _biases(options["logit_bias"])
    unknown = fields.get("unknown", "error")
    check("unknown", unknown, "error, drop or replace", unknown in ("error", "drop", "replace"))
    sources = _sources_of(fields.get("source"), len(prompts))
    _check_numbers(limits, max(len(prompts), len(sources or ())) * best_of, options, logprobs or 0)
    return Asked(
        model=model_of(fields),
        prompts=prompts,
        n=n,
        first=first,
        options=options,
        seed=fields["seed"] if "seed" in fields else RANDOM.getrandbits(SEED_BITS),
        best_of=best_of,
        logprobs=logprobs,
        echo=echo,
        is_empty=is_empty,
        stream=fields.get("stream", False),
        wants_usage=bool(_object("stream_options", fields.get("stream_options")).get("include_usage")),
        constraint={name: fields[name] for name in CONSTRAINTS if fields.get(name) is not None},
        selection={name: fields[name] for name in SELECTION if fields.get(name) not in (None, False)},
        context=None if fields.get("context") is None else _object("context", fields["context"]),
        vector=fields.get("vector"),
        sources=sources,
        unknown=unknown,
        mark_copied=fields.get("mark_copied", False),
    )


def model_of(fields: Mapping[str, Any]) -> str:
    """Return the name of the model that a request is about.

    Raises:
        ConfigError: If it is missing, or no string.
    """
    name = fields.get("model")
    if not isinstance(name, str):
        raise ConfigError(
            "model", expected="the name of a model", got=repr(name)[:60], hint="GET /v1/models lists them"
        )
    return name


def prompts_of(value: Any) -> Prompts:
    """Return the prompts of a request: a string or several, or ids or several rows of ids.

    Raises:
        ConfigError: If it is something else.
    """
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value:
        if all(isinstance(each, str) for each in value):
            return value
        if _are_ids(value):
            return [value]
        if all(isinstance(each, list) and _are_ids(each) for each in value):
            return value
    expected = "a string, a list of strings, a list of ids, or a list of lists of ids"
    raise ConfigError("prompt", expected=expected, got=repr(value)[:60])


def _are_ids(value: Sequence[Any]) -> bool:
    return all(type(each) is int for each in value)


def _means_off(name: str) -> bool:
    """Return whether null turns an option off, which the model's own options may turn on."""
    name = ALIASES.get(name, name)
    return name in ROWS and name not in APART and getattr(GenerationOptions, name) is None


def _object(name: str, value: Any) -> dict[str, Any]:
    check(name, value, "an object with names and values", value is None or isinstance(value, dict))
    return value or {}


def _sources_of(value: Any, prompts: int) -> list[str] | None:
    if value is None:
        return None
    sources = [value] if isinstance(value, str) else value
    ok = isinstance(sources, list) and len(sources) > 0 and all(isinstance(each, str) for each in sources)
    check("source", value, "a string, or a list of strings", ok)
    fits = len(sources) in (1, prompts) or prompts == 1
    check("source", len(sources), f"one, or one for each of the {prompts} prompts", fits)
    return list(sources)


def _biases(value: Any) -> dict[str | int, Any]:
    """Return biases whose names are ids where they are numbers, as OpenAI has them, and symbols elsewhere."""
    biases = _object("logit_bias", value)
    return {int(key) if key.isdecimal() else key: _finite(bias) for key, bias in biases.items()}


def _finite(bias: Any) -> Any:
    return float("-inf") if bias == "-inf" else bias


def _check_patterns(fields: Mapping[str, Any], limits: Limits) -> None:
    """Refuse more characters in strings that are compiled than may be."""
    size = sum(_characters(fields[name]) for name in PATTERNS if name in fields)
    if size > limits.max_pattern:
        names = ", ".join(name for name in PATTERNS if _characters(fields.get(name)))
        message = f"{names} may have at most {limits.max_pattern:,} characters together; got {size:,}"
        raise RefusedError(400, message, code="pattern_too_long", param=names.partition(",")[0])


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(1 + _characters(each) for each in value) if isinstance(value, list) else 0


def _check_numbers(limits: Limits, texts: int, options: dict[str, Any], logprobs: int) -> None:
    """Refuse more texts, tokens or reports than may be."""
    tokens = options.get("max_new_tokens", 1)
    if texts > limits.max_texts:
        most = counted(limits.max_texts, "text")
        message = f"a request may draw at most {most} (prompts × n or best_of); got {texts:,}"
        raise RefusedError(400, message, code="too_many_texts", param="n")
    if is_whole(tokens, least=limits.max_tokens + 1):
        message = f"max_tokens may be at most {limits.max_tokens:,}; got {tokens:,}"
        raise RefusedError(400, message, code="too_many_tokens", param="max_tokens")
    if logprobs > MOST_LOGPROBS:
        message = f"logprobs may be at most {MOST_LOGPROBS}; got {logprobs:,}"
        raise RefusedError(400, message, code="too_many_logprobs", param="logprobs")
    if is_whole(tokens, least=1) and texts * tokens * (1 + logprobs) > MOST_NUMBERS:
        message = (
            f"texts × max_tokens × (1 + logprobs) may be at most {MOST_NUMBERS:,}; got {texts:,} × "
            f"{tokens:,} × {1 + logprobs}; ask for less at a time"
        )
        raise RefusedError(400, message, code="too_many_tokens", param="max_tokens")
