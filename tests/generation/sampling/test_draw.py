"""What the native loop draws: against its plain twin, and against the distribution it should follow."""

from typing import Any

import numpy as np
import pytest

from unspool._engines.cpu import CpuEngine
from unspool._engines.reference_writer import ReferenceWriter
from unspool._generation.engine_request import EngineRequest
from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.draw import log_softmax, next_token, next_weights
from unspool._generation.sampling.random import raw, sequence_keys
from unspool._generation.writer import generate, stream
from unspool._kernels.machine import kernel_names
from unspool._network.config import NetworkConfig
from unspool._network.parameters import Parameters, initialize

V = 20
CONFIGS = {
    "rnn": NetworkConfig(cell="rnn", hidden_size=33, vocab_size=V),
    "lstm": NetworkConfig(cell="lstm", hidden_size=33, vocab_size=V),
    "gru": NetworkConfig(cell="gru", hidden_size=33, num_layers=2, embedding_size=5, vocab_size=V),
    "gru reset before": NetworkConfig(cell="gru", hidden_size=8, reset_after=False, vocab_size=V),
}
OPTIONS = [
    GenerationOptions(seed=5, max_new_tokens=30),
    GenerationOptions(seed=1, temperature=0, max_new_tokens=9),
    GenerationOptions(seed=2, temperature=1.7, top_k=5, top_p=0.8, min_p=0.05, max_new_tokens=20),
    GenerationOptions(seed=3, temperature=1e-40, max_new_tokens=5),
    GenerationOptions(seed=3, temperature=1e30, max_new_tokens=25),
]


def lively(config: NetworkConfig) -> Parameters:
    """Make a network with strong preferences: fresh weights, three times as large."""
    return {name: (values * 3).astype(np.float32) for name, values in initialize(config, 0).items()}


def flat_network() -> tuple[CpuEngine, Parameters, np.ndarray]:
    """Make a network whose logits are its output bias, whatever it reads."""
    config = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=8)
    parameters = {name: np.zeros_like(values) for name, values in initialize(config, 0).items()}
    parameters["output.bias"] = np.array([50, 0, 1, 2, -1, 0.5, 0, -40], np.float32)  # <pad> would win
    return CpuEngine(config, threads=2), parameters, parameters["output.bias"].astype(np.float64)


def prompts(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(1, V - 1, random.integers(0, 6)).astype(np.int32) for _ in range(count)]


def same(a: GeneratedIds, b: GeneratedIds) -> bool:
    equal = np.array_equal(a.ids, b.ids) and np.array_equal(a.logprobs, b.logprobs)
    return equal and a.finish_reason == b.finish_reason


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: f"temperature {o.temperature}")
def test_the_native_loop_draws_what_its_plain_twin_draws(name: str, options: GenerationOptions) -> None:
    engine, parameters = CpuEngine(CONFIGS[name], threads=2), lively(CONFIGS[name])
    texts = generate(engine.writer(parameters), EngineRequest(prompts(12), options))
    twins = generate(ReferenceWriter(engine, parameters), EngineRequest(prompts(12), options))
    # The sums of a step run in another order there, and a lively simple cell makes much of little: what it
    # writes late in a text is another matter.
    few = 8 if CONFIGS[name].cell == "rnn" else None
    for text, twin in zip(texts, twins, strict=True):
        assert text.ids[:few].tolist() == twin.ids[:few].tolist()
        assert few or text.finish_reason == twin.finish_reason
        np.testing.assert_allclose(text.logprobs[:few], twin.logprobs[:few], rtol=0, atol=5e-5)


@pytest.mark.parametrize(("size", "read", "wanted"), [
    (2, 0, 30), (2, 6, 20), (3, 40, 60), (4, 700, 300), (5, 3, 3000), (7, 300, 3000), (40, 300, 300),
])  # fmt: skip
def test_a_greedy_text_takes_the_best_symbol_that_repeats_nothing(size: int, read: int, wanted: int) -> None:
    """Choose each symbol by looking through the whole text, as slowly as the rule is simple."""
    engine, parameters, logits = flat_network()
    best_first = np.argsort(-logits[1:-1]) + 1  # without <pad> and <eos>
    prompt = np.random.default_rng(size).integers(1, 7, read).astype(np.int32)
    options = GenerationOptions(
        temperature=0, max_new_tokens=wanted, ignore_eos=True, no_repeat_ngram_size=size
    )
    (written,) = generate(engine.writer(parameters), EngineRequest([prompt], options))
    text, seen = prompt.tolist(), dict[tuple[int, ...], set[int]]()
    for end in range(size - 1, len(text)):
        seen.setdefault(tuple(text[end - size + 1 : end]), set()).add(text[end])
    for _ in range(wanted):
        after = seen.setdefault(tuple(text[len(text) - size + 1 :]) if len(text) >= size - 1 else (), set())
        free = [symbol for symbol in best_first.tolist() if symbol not in after]
        if not free:
            break
        text.append(free[0])
        if len(text) >= size:
            after.add(text[-1])
    assert written.ids.tolist() == text[read:]
    assert written.finish_reason == ("length" if len(text) == read + wanted else "blocked")


@pytest.mark.parametrize("more", [{}, {"min_tokens": 1}], ids=["plain", "chosen"])
def test_what_rounding_leaves_over_goes_to_no_symbol_without_a_chance(more: dict[str, Any]) -> None:
    """Draw from weights whose sum in float32 is too large by the hundred thousandth part.

    A weight of 6.1e-8 raises a partial sum of 1 to the next float, which is 1.2e-7 more. The last symbol,
    <eos>, has no chance, and came a dozen times among a million.
    """
    V = 4000
    config = NetworkConfig(cell="rnn", hidden_size=1, vocab_size=V)
    parameters = {name: np.zeros_like(values) for name, values in initialize(config, 0).items()}
    bias = parameters["output.bias"]
    bias[:], bias[1:16], bias[-1] = -16.61, 0.0, -1e4
    options = GenerationOptions(seed=0, max_new_tokens=60_000, **more)
    request = EngineRequest([np.zeros(0, np.int32)], options)
    (text,) = generate(CpuEngine(config, threads=1).writer(parameters), request)
    assert (len(text.ids), text.finish_reason) == (60_000, "length")


@pytest.mark.parametrize("read", [0, 7, 90])
@pytest.mark.parametrize("options", [
    {}, {"dry_base": 1.0}, {"dry_base": 30.0}, {"dry_allowed_length": 1}, {"dry_allowed_length": 5},
    {"dry_penalty_last_n": 40}, {"dry_penalty_last_n": 3, "dry_allowed_length": 1},
    {"dry_sequence_breakers": [(1,)]}, {"dry_sequence_breakers": [(2, 3, 2), (4, 4)]},
    {"dry_sequence_breakers": [(1, 2, 1, 2), (3,)], "dry_penalty_last_n": 9, "dry_allowed_length": 1},
], ids=str)  # fmt: skip
def test_repetitions_are_found_as_by_a_search_through_the_whole_text(
    options: dict[str, Any], read: int
) -> None:
    """The penalty is small, so that long repetitions come about, and others branch off from them."""
    engine, parameters, _ = flat_network()
    parameters["output.bias"][5:7] = -30  # four symbols are left
    random = np.random.default_rng(read)
    begun = [np.resize(random.integers(1, 5, period), read).astype(np.int32) for period in (1, 3, 50)]
    chosen = GenerationOptions(seed=read, max_new_tokens=200, dry_multiplier=0.02, **options)
    texts = generate(engine.writer(parameters), EngineRequest(begun, chosen))
    twins = generate(ReferenceWriter(engine, parameters), EngineRequest(begun, chosen))
    assert [text.ids.tolist() for text in texts] == [twin.ids.tolist() for twin in twins]
    assert {len(text.ids) for text in texts} == {200}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_text_depends_on_its_seed_and_index_alone(name: str) -> None:
    config, parameters = CONFIGS[name], lively(CONFIGS[name])
    options = GenerationOptions(seed=11, max_new_tokens=40)
    together = generate(CpuEngine(config, threads=2).writer(parameters), EngineRequest(prompts(150), options))
    few = generate(CpuEngine(config, threads=1).writer(parameters), EngineRequest(prompts(150)[:3], options))
    assert all(same(a, b) for a, b in zip(together[:3], few, strict=True))
    pieces = list(
        stream(CpuEngine(config, threads=1).writer(parameters), EngineRequest([prompts(1)[0]], options))
    )
    assert len(pieces) > 1
    assert np.concatenate([piece.ids for piece in pieces]).tolist() == together[0].ids.tolist()
    assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].finish_reason == together[0].finish_reason
    other = generate(
        CpuEngine(config).writer(parameters), EngineRequest(prompts(150)[:3], GenerationOptions(seed=12))
    )
    assert not all(same(a, b) for a, b in zip(few, other, strict=True))


@pytest.mark.parametrize("name", CONFIGS)
def test_xtc_is_drawn_for_each_text_beside_its_own_draws(name: str) -> None:
    config, parameters = CONFIGS[name], lively(CONFIGS[name])

    def written(count: int, threads: int = 2, **options: Any) -> list[GeneratedIds]:
        chosen = GenerationOptions(seed=11, max_new_tokens=40, **options)
        engine = CpuEngine(config, threads=threads)
        return generate(engine.writer(parameters), EngineRequest(prompts(150)[:count], chosen))

    together, few = (written(n, t, xtc_probability=0.5) for n, t in ((150, 2), (3, 1)))
    assert all(same(a, b) for a, b in zip(together, few, strict=False))
    without = written(150)
    assert not all(same(a, b) for a, b in zip(together, without, strict=True))
    nothing_to_leave_out = written(150, xtc_probability=0.5, xtc_threshold=0.6)
    for one, other in zip(nothing_to_leave_out, without, strict=True):
        assert one.ids.tolist() == other.ids.tolist()


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (GenerationOptions(seed=0, max_new_tokens=1), [1, 2, 3, 4, 5, 6]),
        (GenerationOptions(seed=1, max_new_tokens=1, temperature=2.5), [1, 2, 3, 4, 5, 6, 7]),
        (GenerationOptions(seed=2, max_new_tokens=1, temperature=1e20), [1, 2, 3, 4, 5, 6, 7]),
        (GenerationOptions(seed=3, max_new_tokens=1, top_k=3), [2, 3, 5]),
        (GenerationOptions(seed=4, max_new_tokens=1, top_p=0.6), [2, 3]),
        (GenerationOptions(seed=5, max_new_tokens=1, min_p=0.2), [2, 3, 5]),
        (GenerationOptions(seed=6, max_new_tokens=1, typical_p=0.6), [2, 3]),
        (GenerationOptions(seed=7, max_new_tokens=1, typical_p=0.15), [2]),
        (GenerationOptions(seed=8, max_new_tokens=1, temperature=3.0, top_k=3, samplers=["top_k", "temp"]),
         [2, 3, 5]),
    ],
)  # fmt: skip
def test_draws_follow_the_distribution(options: GenerationOptions, kept: list[int]) -> None:
    engine, parameters, logits = flat_network()
    texts = generate(engine.writer(parameters), EngineRequest([np.empty(0, np.int32)] * 20000, options))
    drawn = np.array([7 if text.finish_reason == "stop" else text.ids[0] for text in texts])
    weights = np.exp((logits[kept] - logits[kept].max()) / options.temperature)
    expected = 20000 * weights / weights.sum()
    counts = np.bincount(drawn, minlength=8)
    assert counts.sum() == counts[kept].sum()  # nothing else was drawn, <pad> least of all
    seen = expected > 5
    chi_square = ((counts[kept][seen] - expected[seen]) ** 2 / expected[seen]).sum()
    assert chi_square < 24.4  # 0.1 % at 7 degrees of freedom


@pytest.mark.parametrize(
    "options",
    [
        {"logit_bias": {3: -2.0, 7: 40.0}},
        {"presence_penalty": 1.5},
        {"frequency_penalty": -0.7, "temperature": 2.0},
        {"repetition_penalty": 1.8},
        {"repetition_penalty": 1.8, "penalty_last_n": 1, "top_p": 0.9},
        {"no_repeat_ngram_size": 2},
        {"temperature": (5.0, 0.2), "temperature_steps": 1},
    ],
    ids=str,
)
def test_second_symbols_follow_their_distribution(options: dict[str, Any]) -> None:
    """Count what is drawn after each first symbol, and compare with the plain twin's weights."""
    engine, parameters, logits = flat_network()
    masked = np.concatenate([[-np.inf], logits[1:]])
    chosen = GenerationOptions(seed=1, max_new_tokens=2, **options)
    prompt = np.array([5, 3], np.int32)
    counts = np.zeros((8, 8))
    for text in generate(engine.writer(parameters), EngineRequest([prompt] * 20000, chosen)):
        symbols = [*text.ids.tolist(), *([7] if text.ended else [])]
        if len(symbols) == 2:
            counts[symbols[0], symbols[1]] += 1
    for first in np.flatnonzero(counts.sum(axis=1) > 500):
        weights = next_weights(masked, chosen, prompt=prompt, written=np.array([first]))
        expected = counts[first].sum() * weights / weights.sum()
        assert counts[first][weights == 0].sum() == 0
        seen = expected > 5
        assert ((counts[first] - expected)[seen] ** 2 / expected[seen]).sum() < 24.4


@pytest.mark.parametrize("kernels", kernel_names())
@pytest.mark.parametrize(
    "filters",
    [
        {"top_k": 37},
        {"top_k": 1},
        {"top_k": 250},
        {"top_p": 0.37},
        {"typical_p": 0.5},
        {"top_k": 90, "top_p": 0.5},
    ],
    ids=str,
)
def test_of_equals_the_smaller_ids_are_kept(
    filters: dict[str, Any], kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draw often from a vocabulary in which most symbols are as probable as many others."""
    monkeypatch.setenv("UNSPOOL_KERNELS", kernels)
    config = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=300)
    parameters = {name: np.zeros_like(values) for name, values in initialize(config, 0).items()}
    bias = np.random.default_rng(1).integers(-2, 2, 300).astype(np.float32)
    bias[299] = -50  # <eos>
    parameters["output.bias"] = bias
    options = GenerationOptions(seed=0, max_new_tokens=6000, **filters)
    (text,) = generate(
        CpuEngine(config, threads=1).writer(parameters), EngineRequest([np.empty(0, np.int32)], options)
    )
    kept = np.flatnonzero(next_weights(np.concatenate([[-np.inf], bias[1:]]), options))
    drawn = np.bincount(text.ids, minlength=300)
    assert set(np.flatnonzero(drawn)) <= set(kept)
    assert (drawn[kept] > 0).mean() > 0.9


def test_log_probabilities_are_those_of_the_model_without_temperature() -> None:
    engine, parameters, logits = flat_network()
    options = GenerationOptions(temperature=3.0, top_k=4, seed=0, max_new_tokens=50)
    (text,) = generate(engine.writer(parameters), EngineRequest([np.empty(0, np.int32)], options))
    exact = log_softmax(np.concatenate([[-np.inf], logits[1:]]))
    np.testing.assert_allclose(text.logprobs, exact[text.ids], rtol=0, atol=1e-6)


@pytest.mark.parametrize("temperature", [0, 1e-45, 1e-38, 1e-3, 1.0, 1e3, 3e38])
def test_no_temperature_breaks_the_arithmetic(temperature: float) -> None:
    engine, parameters, _ = flat_network()
    options = GenerationOptions(temperature=temperature, seed=0, max_new_tokens=300)
    for text in generate(engine.writer(parameters), EngineRequest([np.empty(0, np.int32)] * 4, options)):
        assert set(text.ids.tolist()) <= {1, 2, 3, 4, 5, 6}
        if temperature < 1e-3:
            assert set(text.ids.tolist()) == {3}


def test_the_random_number_picks_the_symbol_by_inversion() -> None:
    logits = np.log(
        np.array([0.0, 0.25, 0.5, 0.25]), where=[False, True, True, True], out=np.full(4, -np.inf)
    )
    options = GenerationOptions()
    picks = [next_token(logits, options, u) for u in (0.0, 0.24, 0.25, 0.74, 0.75, 0.999999)]
    assert picks == [1, 1, 2, 2, 3, 3]


def test_generation_ends_at_the_end_symbol_or_the_limit() -> None:
    engine, parameters, _ = flat_network()
    parameters["output.bias"][7] = 60  # <eos> first
    (text,) = generate(
        engine.writer(parameters), EngineRequest([np.array([1, 2], np.int32)], GenerationOptions(seed=0))
    )
    assert (text.ids.tolist(), text.finish_reason, len(text.logprobs)) == ([], "stop", 1)
    parameters["output.bias"][7] = -60
    (text,) = generate(
        engine.writer(parameters),
        EngineRequest([np.empty(0, np.int32)], GenerationOptions(seed=0, max_new_tokens=3)),
    )
    assert (len(text.ids), text.finish_reason, len(text.logprobs)) == (3, "length", 3)


def test_no_prompts_give_no_texts() -> None:
    engine, parameters, _ = flat_network()
    assert generate(engine.writer(parameters), EngineRequest([], GenerationOptions())) == []


def in_lanes(weights: np.ndarray, lanes: int) -> np.float32:
    """Add up float32 numbers as a vector of so many does: each lane its own, then the lanes."""
    sums = np.zeros(lanes, np.float32)
    for row in weights.reshape(-1, lanes):
        sums += row
    return np.float32(sum(sums, np.float32(0)))


def test_a_forbidden_token_is_never_drawn_where_rounding_keeps_the_sum_below_its_goal() -> None:
    size, most, kept = 16_000, 1 - 1e-5, 15_899  # ids 1 … 15,899 may be drawn, and the 100 after them not
    config = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=size)
    parameters = {name: np.zeros_like(values) for name, values in initialize(config, 0).items()}
    bias = np.full(size, -0.596, np.float32)
    bias[1], bias[kept + 1 :] = 0, -5
    parameters["output.bias"] = bias
    weights = np.exp(bias)
    weights[0], weights[kept + 1 :] = 0, 0
    for lanes in (4, 8, 16):  # the total in float32 is so much too large that no running sum comes up to it
        assert most * float(in_lanes(weights, lanes)) > weights.sum(dtype=np.float64)
    randoms = raw(sequence_keys(0, 1_000_000), np.zeros(1, np.uint64)) / 2.0**64
    (texts,) = np.nonzero(randoms > most)
    assert len(texts) > 3
    engine, options = CpuEngine(config, threads=1), GenerationOptions(seed=0, max_new_tokens=1, top_k=kept)
    for index in texts.tolist():
        request = EngineRequest([np.empty(0, np.int32)], options, first=index)
        # the last one has 0.55 of 8,761, which is more than what is missing of 1
        for writer in (engine.writer(parameters), ReferenceWriter(engine, parameters)):
            (text,) = generate(writer, request)
            assert text.ids.tolist() == [kept]
