"""The options of generation, each declared once with its row.

The module needs no NumPy, so that the command line can make its flags from the rows without a slow import.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Annotated, Any, TypedDict, cast

from unspool._configuration import (
    SWITCH,
    Allowed,
    OptionRow,
    answers_unknown_names,
    check,
    check_rows,
    is_real,
    is_whole,
    real_range,
    rows_of,
    whole_range,
)
from unspool._views.short_repr import short_repr

MOST = 2**31 - 1  # the largest count
UNTIL_ITS_END = 1_000_000  # tokens of a text that nothing else ends: --max-new-tokens none
LARGEST_BIAS = 1e6
LARGEST_FLOAT = 3.4e38  # a finite number in float32
# What the greatest length of a text is called elsewhere, for every way of writing one.
LENGTH_ELSEWHERE = ("max_length", "max_len", "maxlen", "length", "num_tokens", "n_tokens", "tokens",
                    "max_completion_tokens")  # fmt: skip


def _fits_temperatures(value: Any) -> bool:
    numbers = value if isinstance(value, tuple) else (value,)
    return len(numbers) > 0 and all(is_real(number) and 0 <= number <= LARGEST_FLOAT for number in numbers)


def _fits_strings(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) and item for item in value)


def _fits_breakers(value: Any) -> bool:
    return isinstance(value, tuple) and all(
        bool(item)
        and (isinstance(item, str) or (isinstance(item, tuple) and all(is_whole(i, least=1) for i in item)))
        for item in value
    )


def _fits_samplers(value: Any) -> bool:
    return isinstance(value, tuple) and set(value) <= set(SAMPLERS) and len(set(value)) == len(value)


def _fits_biases(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        (isinstance(key, str) or is_whole(key, least=0)) and (PENALTY.holds(bias) or bias == -math.inf)
        for key, bias in value.items()
    )


TEMPERATURES = Allowed(
    "a finite number ≥ 0, or several of them",
    _fits_temperatures,
    bounds={"minimum": 0, "maximum": LARGEST_FLOAT, "minItems": 1},
)
COUNT = whole_range(1, MOST)
LENGTH = replace(whole_range(0, MOST), words="a whole number ≥ 0")
SEED = whole_range(0, 2**64 - 1)
FRACTION = real_range("a number in [0, 1]", least=0, most=1)
SURPRISE = real_range("a number above 0 and up to 1000", above=0, most=1000)
CUTOFF = real_range("a number in [0, 1)", least=0, below=1)
SHARE = real_range("a number in (0, 1]", above=0, most=1)
PENALTY = real_range(
    f"a number from -{LARGEST_BIAS:.0f} to {LARGEST_BIAS:.0f}", least=-LARGEST_BIAS, most=LARGEST_BIAS
)
ORDER = Allowed(
    "some of {choices}, each once", _fits_samplers, "unspool._generation.options.generation_options:SAMPLERS"
)
BIASES = Allowed(
    f"symbols or ids, each with a number up to ±{LARGEST_BIAS:.0f} or minus infinity",
    _fits_biases,
    bounds=PENALTY.bounds,
)
BREAKERS = Allowed(
    "strings or tuples of ids, none of them empty",
    _fits_breakers,
    bounds={"minimum": 1, "minLength": 1},
)
STRINGS = Allowed("a string or several, none of them empty", _fits_strings, bounds={"minLength": 1})


@dataclass(frozen=True)
class GenerationRow(OptionRow):
    """The row of an option of generation.

    Args:
        beside: Other options that must be set for this one to matter.
        of_texts: Whether the option is about texts. An engine refuses it, since it knows only ids.
    """

    _: KW_ONLY
    beside: Mapping[str, Any] | None = None
    of_texts: bool = False


@dataclass(frozen=True)
class StageRow(GenerationRow):
    """The row of an option that is a step from the logits to a draw.

    Args:
        neutral: The value, besides None, that has no effect.
        settings: Other options whose values are also arguments of the step.
    """

    _: KW_ONLY
    neutral: Any = None
    settings: tuple[str, ...] = ()


class PenaltyRow(StageRow):
    """The row of an entry of `unspool._generation.sampling.penalties.PENALTIES`, and of its native twin."""


class SamplerRow(StageRow):
    """The row of an entry of `unspool._generation.sampling.filters.FILTERS`, and of its native twin."""


@answers_unknown_names
@dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """The options of sampling and of the end of a text.

    First, the forbidden tokens are removed: those that a guide, `bad_words`, `ignore_eos`, `min_tokens`,
    `no_repeat_ngram_size` or a bias of minus infinity forbid, and `<unk>` without `allow_unk`. If no token is
    left, the text ends with the finish_reason "blocked". Then `logit_bias`, `repetition_penalty`,
    `presence_penalty`, `frequency_penalty` and `dry_multiplier` change the logits. Then the `samplers` apply.
    None turns an option off.

    Args:
        temperature: Divisor of the logits, ≥ 0; 0 takes the most probable token each time. Several numbers
            are a schedule along the text, with linear interpolation between them.
        temperature_steps: Number of tokens of the schedule, ≥ 1; after them the last temperature stays. None
            for `max_new_tokens`.
        top_n_sigma: Draw from the tokens whose logits are at most this number of standard deviations of all
            logits below the greatest, in (0, 100] (Tang et al., "Top-nσ: Not All Logits Are You Need", 2024).
        top_k: Draw from the k most probable tokens only, ≥ 1.
        top_p: Draw from the smallest set of most probable tokens with this total probability, in (0, 1]
            (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020).
        min_p: Draw from the tokens with at least this share of the greatest probability, in [0, 1] (Nguyen
            et al., "Turning Up the Heat", 2024).
        typical_p: Draw from the smallest set of typical tokens with this total probability, in (0, 1]. The
            most typical token is the one whose surprise is nearest to the expected surprise (Meister et al.,
            "Locally Typical Sampling", 2023).
        epsilon_cutoff: Draw from the tokens with at least this probability, in [0, 1), and in any case from
            the most probable one (Hewitt et al., "Truncation Sampling as Language Model Desmoothing", 2022).
        eta_cutoff: Draw from the tokens with at least the probability min(eta, √eta · exp(-H)), with this eta
            in [0, 1) and the entropy H, in nats, of the tokens that are left; and in any case from the most
            probable one.
        xtc_probability: Probability, in [0, 1], that the top choices are removed at a place ("Exclude Top
            Choices", as in llama.cpp). These are all tokens with at least the probability `xtc_threshold` but
            the least probable of them. The decision has a random stream of its own.
        xtc_threshold: Least probability of the top choices, in [0, 1]; above 0.5 none is removed.
        mirostat_tau: Surprise of a token, in bits, above 0, to which the text is steered. Tokens with more
            surprise than a limit are removed, but not the most probable one. The limit is 2 · mirostat_tau at
            first; each drawn token lowers it by mirostat_eta · (its surprise - mirostat_tau) (Basu et al.,
            "Mirostat", 2021; version 2.0, as in llama.cpp).
        mirostat_eta: How fast this limit changes, in [0, 1].
        samplers: The names of the samplers that apply, in their order; None for all, in the order above. A
            sampler that is not named must be off.
        repetition_penalty: Divisor of the positive logits, and factor of the negative logits, of the tokens
            of the prompt and the text, in [0.01, 100] (Keskar et al., "CTRL", 2019).
        presence_penalty: Subtracted from the logit of each token that is in the text; the prompt does not
            count.
        frequency_penalty: Subtracted from the logit of each token once for each time that it is in the text;
            the prompt does not count.
        penalty_last_n: Number of last tokens that these three penalties use, ≥ 1; None for all.
        no_repeat_ngram_size: Size of the sequences of tokens that may not appear twice, ≥ 1; the prompt
            counts.
        dry_multiplier: Penalty for a token that would continue a repetition of the end of the text; 0 for no
            penalty. Subtracted is dry_multiplier · dry_base ** (repeated tokens - dry_allowed_length); the
            prompt counts ("Don't Repeat Yourself", as in llama.cpp).
        dry_base: Factor by which this penalty grows with each repeated token, in [1, 100]; the growth ends at
            e^70.
        dry_allowed_length: Number of repeated tokens at which this penalty begins, ≥ 1.
        dry_penalty_last_n: Number of last tokens that this penalty uses, ≥ 1; None for all.
        dry_sequence_breakers: Strings or tuples of ids at which a repetition ends. A string stands for each
            token whose symbol contains it, and for the tokens of the string itself. A breaker of one token is
            never penalized.
        logit_bias: Numbers that are added to the logits of tokens, by symbol or by id: from -1000000 to
            1000000, or minus infinity.
        bad_words: Strings that never appear in the text, not even with their beginning in the prompt.
        stop: Strings that end the text when one of them first appears; the prompt does not count.
        include_stop: Whether the text keeps the string that ended it.
        min_tokens: Number of tokens before which neither `<eos>` nor a string of `stop` ends the text, ≥ 0.
        ignore_eos: Whether `<eos>` is never drawn, so that a text has `max_new_tokens` tokens unless a string
            of `stop` ends it. It cannot be combined with a constraint, which decides where a text ends.
        allow_unk: Whether `<unk>` may be drawn, for a model that has one.
        max_new_tokens: Greatest number of tokens, ≥ 1. As a keyword, None stands for a million: a text goes
            on until it ends.
        best_of: Number of texts to draw for each prompt. The n texts with the greatest mean log-probability
            of a token are returned, the best first; under a constraint, texts that meet it come first.
        logprobs: Number of most probable tokens to report at each place, ≥ 1.
        echo: Whether to report the log-probabilities of the tokens of the prompt too.
        seed: Seed of the random numbers, in [0, 2^64); None for a new one each time.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> from unspool import GenerationOptions
        >>> options = GenerationOptions(temperature=0.8, top_k=5, stop=".")
        >>> options.stop, options.max_new_tokens
        (('.',), 200)
    """

    # fmt: off
    temperature: Annotated[float | Sequence[float], SamplerRow(
        TEMPERATURES, "0 takes the most probable symbol, higher is more random; 0.2,1 rises from 0.2 to 1",
        shown="the model's own", sample=0.3, neutral=1.0, aliases=("temp",),
        elsewhere=("do_sample", "greedy", "randomness"))] = 1.0
    temperature_steps: Annotated[int | None, GenerationRow(
        COUNT, "Number of symbols over which it rises or falls", shown="all",
        sample=6, beside={"temperature": (0.2, 3.0)})] = None
    top_n_sigma: Annotated[float | None, SamplerRow(
        real_range("a number above 0, up to 100", above=0, most=100),
        "Draw from symbols whose logits are within so many standard deviations of the largest",
        sample=0.5)] = None
    top_k: Annotated[int | None, SamplerRow(COUNT, "Draw from the k most probable symbols", sample=3)] = None
    top_p: Annotated[float | None, SamplerRow(
        SHARE,
        "Draw from the most probable symbols that have this total probability",
        sample=0.5, neutral=1.0)] = None
    min_p: Annotated[float | None, SamplerRow(
        FRACTION,
        "Draw from symbols at least this probable, relative to the most probable",
        sample=0.8, neutral=0.0)] = None
    typical_p: Annotated[float | None, SamplerRow(
        SHARE, "Draw from symbols of average surprisal that have this total probability",
        sample=0.5, neutral=1.0, aliases=("typical", "typ_p"))] = None
    epsilon_cutoff: Annotated[float | None, SamplerRow(
        CUTOFF, "Draw from symbols with at least this probability", sample=0.2, neutral=0.0)] = None
    eta_cutoff: Annotated[float | None, SamplerRow(
        CUTOFF,
        "Like --epsilon-cutoff, but lower where many symbols are probable", sample=0.3, neutral=0.0)] = None
    xtc_probability: Annotated[float | None, SamplerRow(
        FRACTION,
        "Chance to leave out all symbols above --xtc-threshold except the least probable of them",
        sample=0.9, neutral=0.0,
        settings=("xtc_threshold",))] = None
    xtc_threshold: Annotated[float, GenerationRow(
        FRACTION, "Probability from which --xtc-probability leaves symbols out", sample=0.3,
        beside={"xtc_probability": 1.0})] = 0.1
    mirostat_tau: Annotated[float | None, SamplerRow(
        SURPRISE, "Steer to tokens with this surprise, in bits", sample=1.5,
        settings=("mirostat_eta",))] = None
    mirostat_eta: Annotated[float, GenerationRow(
        FRACTION, "How fast it is steered", sample=0.9, beside={"mirostat_tau": 2.0})] = 0.1
    samplers: Annotated[str | Sequence[str] | None, GenerationRow(
        ORDER, "Samplers to apply, in this order: {choices}", shown="all",
        sample=("top_p", "temperature"), beside={"temperature": 9.0, "top_p": 0.3})] = None
    repetition_penalty: Annotated[float | None, PenaltyRow(
        real_range("a number from 0.01 to 100", least=0.01, most=100),
        "Above 1: avoid symbols of the prompt and the text",
        sample=1.5, neutral=1.0, aliases=("repeat_penalty",), elsewhere=("rep_pen",))] = None
    presence_penalty: Annotated[float | None, PenaltyRow(
        PENALTY, "Above 0: avoid symbols that are already in the text", sample=0.8, neutral=0.0)] = None
    frequency_penalty: Annotated[float | None, PenaltyRow(
        PENALTY,
        "Above 0: avoid symbols more, the more often they are in the text", sample=0.5, neutral=0.0)] = None
    penalty_last_n: Annotated[int | None, GenerationRow(
        COUNT, "Number of latest symbols that the three penalties count", shown="all",
        sample=2, beside={"frequency_penalty": 0.9}, aliases=("repeat_last_n",))] = None
    no_repeat_ngram_size: Annotated[int | None, PenaltyRow(
        COUNT, "Never repeat a sequence of so many symbols", sample=1,
        elsewhere=("no_repeat_ngram", "ngram_size"))] = None
    dry_multiplier: Annotated[float | None, PenaltyRow(
        real_range(f"a number from 0 to {LARGEST_BIAS:.0f}", least=0, most=LARGEST_BIAS),
        "Above 0: avoid symbols that would continue a repeated sequence (DRY)", sample=2.0, neutral=0.0,
        settings=("dry_base", "dry_allowed_length", "dry_penalty_last_n", "dry_sequence_breakers"))] = None
    dry_base: Annotated[float, GenerationRow(
        real_range("a number from 1 to 100", least=1, most=100),
        "Growth of the DRY penalty with each repeated symbol",
        sample=8.0, beside={"dry_multiplier": 0.5, "dry_allowed_length": 1})] = 1.75
    dry_allowed_length: Annotated[int, GenerationRow(
        COUNT, "Longest repeated sequence without a DRY penalty, in symbols",
        sample=1, beside={"dry_multiplier": 2.0})] = 2
    dry_penalty_last_n: Annotated[int | None, GenerationRow(
        COUNT, "Number of latest symbols in which DRY looks for repetitions", shown="all",
        sample=4, beside={"dry_multiplier": 2.0, "dry_allowed_length": 1})] = None
    dry_sequence_breakers: Annotated[str | Sequence[str | Sequence[int]] | None, GenerationRow(
        BREAKERS, "DRY does not look for repetitions across this string; may be repeated",
        sample=((2,), (3, 4)), beside={"dry_multiplier": 2.0, "dry_allowed_length": 1}, escapes=True)] = None
    logit_bias: Annotated[Mapping[str | int, float] | None, PenaltyRow(
        BIASES, "SYMBOL=NUMBER: add the number to the symbol's logit; -inf forbids it; may be repeated",
        sample={3: 2.0, 5: -math.inf})] = None
    bad_words: Annotated[str | Sequence[str] | None, GenerationRow(
        STRINGS, "Never write this string; may be repeated",
        sample=("b", "e"), of_texts=True, escapes=True,
        elsewhere=("bad_words_ids", "banned_words", "suppress_tokens"))] = None
    stop: Annotated[str | Sequence[str] | None, GenerationRow(
        STRINGS, "End the text at this string; may be repeated",
        sample=("b", "e"), of_texts=True, aliases=("stop_strings",), escapes=True,
        elsewhere=("stop_sequence", "stop_sequences", "stop_words", "stop_token", "stopping_criteria",
                   "end"))] = None
    include_stop: Annotated[bool, GenerationRow(
        SWITCH, "Keep the --stop string at the end of the text",
        sample=True, beside={"stop": ("b", "e")}, aliases=("include_stop_str_in_output",))] = False
    min_tokens: Annotated[int, PenaltyRow(
        LENGTH, "Shortest text, in symbols", sample=10, neutral=0, aliases=("min_new_tokens",),
        elsewhere=("min_length", "min_len"))] = 0
    ignore_eos: Annotated[bool, PenaltyRow(
        SWITCH, "Never draw <eos>: --max-new-tokens or --stop ends the text",
        sample=True, neutral=False)] = False
    allow_unk: Annotated[bool, GenerationRow(
        SWITCH, "Let the model write <unk> in place of a word that it has no symbol for",
        sample=True, of_texts=True)] = False
    max_new_tokens: Annotated[int, GenerationRow(
        COUNT, f"Longest text, in symbols; none: until it ends, or {UNTIL_ITS_END}", sample=3,
        shown="200, or the longest text it learned", none_means=UNTIL_ITS_END,
        aliases=("max_tokens", "n_predict"), elsewhere=LENGTH_ELSEWHERE)] = 200
    best_of: Annotated[int | None, GenerationRow(
        COUNT, "Draw so many for each prompt and keep the n most probable", sample=4, of_texts=True)] = None
    logprobs: Annotated[int | None, GenerationRow(
        COUNT,
        "With --json: report so many most probable symbols at each place",
        sample=3, aliases=("n_probs",), elsewhere=("output_scores", "output_logits", "top_logprobs"))] = None
    echo: Annotated[bool, GenerationRow(
        SWITCH, "With --json: report the log-probabilities of the prompt too", sample=True)] = False
    seed: Annotated[int | None, GenerationRow(
        SEED, "The same seed gives the same text", shown="new each time", sample=1,
        elsewhere=("random_state", "random_seed", "manual_seed"))] = None
    # fmt: on

    __repr__ = short_repr

    def __post_init__(self) -> None:
        """Convert sequences to tuples, and check every value against its range."""
        for name in ("temperature", "samplers", "bad_words", "stop", "dry_sequence_breakers"):
            object.__setattr__(self, name, _several(getattr(self, name)))
        if isinstance(self.samplers, tuple):
            object.__setattr__(self, "samplers", tuple(ALIASES.get(name, name) for name in self.samplers))
        check_rows(self)
        self._check_together()

    def _check_together(self) -> None:
        ok = self.temperature_steps is None or not is_real(self.temperature)
        check("temperature_steps", self.temperature_steps, "left out with a single temperature", ok)
        allowed = f"a whole number from 0 to max_new_tokens ({self.max_new_tokens})"
        check("min_tokens", self.min_tokens, allowed, self.min_tokens <= self.max_new_tokens)
        used = [name for name in SAMPLERS if name not in self.sampler_names and self.turns_on(name)]
        check("samplers", self.samplers, f"{', '.join(used)} too, or these off", not used)

    def turns_on(self, name: str) -> bool:
        """Return whether a penalty or a sampler has an effect.

        Example:
            >>> unspool.GenerationOptions(top_k=5).turns_on("top_k")
            True
        """
        return getattr(self, name) not in OFF[name]

    def without(self, token: int | None) -> "GenerationOptions":
        """Return the options with which a token is never drawn.

        Args:
            token: The id of the token, which has no bias yet; None for none.

        Example:
            >>> unspool.GenerationOptions().without(3).logit_bias
            {3: -inf}
        """
        if token is None:
            return self
        return replace(self, logit_bias={**(self.logit_bias or {}), token: -math.inf})

    def seeded(self, seed: int) -> "GenerationOptions":
        """Return the options with another seed; what was checked is not checked again.

        Args:
            seed: The seed, in [0, 2^64).

        Raises:
            ConfigError: If the seed is out of its range.

        Example:
            >>> unspool.GenerationOptions(seed=1, top_k=5).seeded(2).seed
            2
        """
        check("seed", seed, SEED.words, SEED.holds(seed))
        seeded = object.__new__(type(self))
        vars(seeded).update(vars(self), seed=seed)
        return seeded

    def stage_values(self, name: str) -> tuple[Any, ...]:
        """Return the value of a penalty or a sampler, and the values of its settings.

        Example:
            >>> unspool.GenerationOptions(xtc_probability=0.5).stage_values("xtc_probability")
            (0.5, 0.1)
        """
        row = ROWS[name]
        names = (name, *row.settings) if isinstance(row, StageRow) else (name,)
        return tuple(getattr(self, each) for each in names)

    @property
    def sampler_names(self) -> tuple[str, ...]:
        """The names of the samplers in their order, also of those that are off.

        Example:
            >>> unspool.GenerationOptions(samplers=["top_k", "temperature"]).sampler_names
            ('top_k', 'temperature')
        """
        return SAMPLERS if self.samplers is None else tuple(self.samplers)

    @property
    def temperatures(self) -> tuple[float, ...]:
        """The temperature as a schedule; a constant temperature has one number.

        Example:
            >>> unspool.GenerationOptions(temperature=0.8).temperatures
            (0.8,)
        """
        temperature = self.temperature
        return tuple(map(float, temperature)) if isinstance(temperature, Sequence) else (float(temperature),)

    def temperature_at(self, place: int) -> float:
        """Return the temperature at token `place` of the text, from 0.

        Example:
            >>> options = unspool.GenerationOptions(temperature=[0.2, 1.0], temperature_steps=10)
            >>> options.temperature_at(0), options.temperature_at(10)
            (0.2, 1.0)
        """
        numbers = self.temperatures
        steps = self.temperature_steps or self.max_new_tokens
        along = min(place, steps) * (len(numbers) - 1) / steps
        at = min(int(along), len(numbers) - 2)
        return numbers[at] + (numbers[at + 1] - numbers[at]) * (along - at) if at >= 0 else numbers[0]


class GenerationKeywords(TypedDict, total=False):
    """The fields of `GenerationOptions` and their aliases, as keyword arguments of a function.

    A type checker reads a TypedDict from the source, so it cannot be made from the rows. It is the only list
    of options besides the fields, and a test compares it with them.
    """

    temperature: float | Sequence[float]
    temperature_steps: int | None
    top_n_sigma: float | None
    top_k: int | None
    top_p: float | None
    min_p: float | None
    typical_p: float | None
    epsilon_cutoff: float | None
    eta_cutoff: float | None
    xtc_probability: float | None
    xtc_threshold: float
    mirostat_tau: float | None
    mirostat_eta: float
    samplers: str | Sequence[str] | None
    repetition_penalty: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    penalty_last_n: int | None
    no_repeat_ngram_size: int | None
    dry_multiplier: float | None
    dry_base: float
    dry_allowed_length: int
    dry_penalty_last_n: int | None
    dry_sequence_breakers: str | Sequence[str | Sequence[int]] | None
    logit_bias: Mapping[str | int, float] | None
    bad_words: str | Sequence[str] | None
    stop: str | Sequence[str] | None
    include_stop: bool
    min_tokens: int
    ignore_eos: bool
    allow_unk: bool
    max_new_tokens: int | None
    best_of: int | None
    logprobs: int | None
    echo: bool
    seed: int | None
    # the aliases
    temp: float | Sequence[float]
    max_tokens: int | None
    n_predict: int | None
    min_new_tokens: int
    stop_strings: str | Sequence[str] | None
    include_stop_str_in_output: bool
    typical: float | None
    typ_p: float | None
    repeat_penalty: float | None
    repeat_last_n: int | None
    n_probs: int | None
    num_return_sequences: int


def _several(value: object) -> object:
    """Convert a string or a sequence to a tuple; return another value unchanged."""
    if isinstance(value, str):
        return (value,)
    value = value.tolist() if hasattr(value, "tolist") else value  # NumPy's
    return tuple(value) if isinstance(value, (list, tuple)) else value


ROWS = cast("dict[str, GenerationRow]", rows_of(GenerationOptions))
# The values with which an option changes nothing.
OFF = {name: (None, neutral := getattr(row, "neutral", None), (neutral,)) for name, row in ROWS.items()}
SAMPLERS = tuple(name for name, row in ROWS.items() if isinstance(row, SamplerRow))
# The options about texts, with the values that an engine takes.
OF_TEXTS = {name: getattr(GenerationOptions, name) for name, row in ROWS.items() if row.of_texts}
# The number of texts is an argument of `generate` itself, and has its row here.
N = OptionRow(
    whole_range(1),
    "Texts for each prompt",
    sample=2,
    aliases=("num_return_sequences",),
    elsewhere=("num_samples", "n_samples", "num_texts", "num", "count"),
)
# What an option is called in vLLM, Hugging Face transformers or llama.cpp -> what it is called here.
ALIASES = {alias: name for name, row in {**ROWS, "n": N}.items() for alias in row.aliases}
