"""Beams against every text, against one step at a time, and against what they promise."""

import numpy as np
import pytest

from tests.engines.variants import describe, every_engine
from tests.generation.search.brute_force import (
    EOS,
    LONGEST,
    NO_DOUBLES,
    PROMPT,
    VOCAB_SIZE,
    Text,
    all_texts,
    searched,
    tiny,
    tiny_networks,
)
from unspool._errors import ConfigError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.search.beams import best_first, search_beams
from unspool._generation.search.forward import Searched, log_probabilities
from unspool._generation.search.search_options import BeamOptions
from unspool._generation.search.tree import Outcome
from unspool._generation.writer import generate
from unspool._network.config import NetworkConfig

every_tiny_network = pytest.mark.parametrize("config", tiny_networks(), ids=describe)
one_network = pytest.mark.parametrize("config", tiny_networks()[1:2], ids=describe)
WIDE = 3**LONGEST + 3 ** (LONGEST - 1)  # all continuations of the last step


def ranked(texts: list[Text], alpha: float) -> list[tuple[float, Text]]:
    scores = [(text.total / (len(text.ids) + text.ended) ** alpha, text) for text in texts]
    return sorted(scores, key=lambda pair: -pair[0])


def plain_beams(network: Searched, options: BeamOptions) -> list[tuple[float, tuple[int, ...]]]:
    """Search one prompt to the end, beam by beam, as the words in ``beams.py`` say."""
    logits, state = network.read([PROMPT])
    beams, ended = [((), 0.0, logits[0], state)], []
    for length in range(1, options.max_new_tokens + 1):
        continuations = []
        for ids, total, row, after in beams:
            steps = log_probabilities(row)
            continuations += [((*ids, v), total + steps[v], after) for v in range(1, VOCAB_SIZE)]
        continuations.sort(key=lambda continuation: -continuation[1])
        best = continuations[: options.num_beams]
        ended += [(total / length**options.length_penalty, ids) for ids, total, _ in best if ids[-1] == EOS]
        going = [one for one in continuations if one[0][-1] != EOS][: options.num_beams]
        beams = []
        for ids, total, after in going:
            logits, new = network.forward(np.array([[ids[-1]]], np.int32), after)
            beams.append((ids, total, logits[0, 0], new))
    ended += [(total / length**options.length_penalty, ids) for ids, total, _, _ in beams]
    return sorted(ended, key=lambda pair: -pair[0])[: options.n]


def drawn(outcome: Outcome) -> tuple[int, ...]:
    return (*outcome.ids.tolist(), EOS) if outcome.ended else tuple(outcome.ids.tolist())


@every_engine
@every_tiny_network
@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.5, 2.0])
def test_wide_beams_find_the_best_texts_there_are(
    engine_name: str, config: NetworkConfig, alpha: float
) -> None:
    engine, parameters, network = tiny(engine_name, config)
    prompts = [PROMPT, np.array([], np.int32)]
    options = BeamOptions(num_beams=WIDE, n=7, length_penalty=alpha, max_new_tokens=LONGEST)
    for prompt, outcomes in zip(prompts, search_beams(network, prompts, options), strict=True):
        wanted = ranked(all_texts(engine, parameters, prompt), alpha)[:7]
        assert [tuple(o.ids) for o in outcomes] == [text.ids for _, text in wanted]
        for outcome, (score, text) in zip(outcomes, wanted, strict=True):
            assert outcome.ended == text.ended
            assert outcome.total == pytest.approx(text.total, abs=1e-5)
            assert outcome.score == pytest.approx(score, abs=1e-5)
            assert outcome.logprobs.sum() == pytest.approx(text.total, abs=1e-5)
            assert len(outcome.logprobs) == len(outcome.ids) + outcome.ended
            assert outcome.constrained is None


@every_engine
@every_tiny_network
@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("num_beams", [1, 2, 5])
def test_beams_are_what_the_words_say_and_stopping_changes_nothing(
    engine_name: str, config: NetworkConfig, alpha: float, num_beams: int
) -> None:
    _, _, network = tiny(engine_name, config)
    options = BeamOptions(num_beams=num_beams, n=num_beams, length_penalty=alpha, max_new_tokens=9)
    (outcomes,) = search_beams(network, [PROMPT], options)
    wanted = plain_beams(network, options)
    assert [drawn(outcome) for outcome in outcomes] == [ids for _, ids in wanted]
    assert [o.score for o in outcomes] == pytest.approx([score for score, _ in wanted], abs=1e-5)


@every_engine
@every_tiny_network
def test_one_beam_is_the_greedy_choice(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, network = tiny(engine_name, config)
    greedy = GenerationOptions(temperature=0, max_new_tokens=12)
    (wanted,) = generate(engine.writer(parameters), EngineRequest([PROMPT], greedy))
    ((outcome,),) = search_beams(network, [PROMPT], BeamOptions(num_beams=1, max_new_tokens=12))
    np.testing.assert_array_equal(outcome.ids, wanted.ids)
    assert outcome.ended == (wanted.finish_reason == "stop")


@every_engine
@one_network
def test_two_symbols_are_never_worse_than_the_greedy_ones(engine_name: str, config: NetworkConfig) -> None:
    for seed in range(10):
        _, _, network = tiny(engine_name, config, seed)
        scores = [
            search_beams(network, [PROMPT], BeamOptions(num_beams=k, max_new_tokens=2))[0][0].total
            for k in (1, 2, 3)
        ]
        assert np.diff(scores).min() >= -1e-6  # up to rounding: more beams are other products


@every_engine
@one_network
@pytest.mark.parametrize("groups", [{}, {"num_beam_groups": 2, "diversity_penalty": 0.7}], ids=str)
@pytest.mark.parametrize("constrained", [False, True])
def test_a_prompt_is_searched_as_if_it_were_alone(
    engine_name: str, config: NetworkConfig, groups: dict[str, float], constrained: bool
) -> None:
    engine, parameters, _ = tiny(engine_name, config)
    prompts = [np.array(ids, np.int32) for ids in ([], [1], [3, 2, 1], [2], [1, 2] * 150)]
    automaton = NO_DOUBLES if constrained else None
    guides = [NO_DOUBLES.walk(prompt) for prompt in prompts]
    options = BeamOptions(num_beams=4, n=3, length_penalty=0.5, max_new_tokens=8, **groups)

    def search(which: slice) -> list[list[Outcome]]:
        network = searched(engine, parameters, lanes=100)
        return search_beams(network, prompts[which], options, automaton=automaton, guides=guides[which])

    together = search(slice(None))
    for i in range(len(prompts)):
        (alone,) = search(slice(i, i + 1))
        assert [drawn(o) for o in together[i]] == [drawn(o) for o in alone]
        np.testing.assert_allclose([o.score for o in together[i]], [o.score for o in alone], rtol=1e-6)


@every_engine
@every_tiny_network
def test_a_constraint_leaves_what_it_accepts(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, network = tiny(engine_name, config)
    texts = ranked(all_texts(engine, parameters, PROMPT, automaton=NO_DOUBLES), 0.0)
    options = BeamOptions(num_beams=WIDE, n=WIDE, max_new_tokens=LONGEST)
    guides = [NO_DOUBLES.walk(PROMPT)]
    (outcomes,) = search_beams(network, [PROMPT], options, automaton=NO_DOUBLES, guides=guides)
    assert [tuple(o.ids) for o in outcomes] == [text.ids for _, text in texts]
    for outcome, (_, text) in zip(outcomes, texts, strict=True):
        assert outcome.total == pytest.approx(text.total, abs=1e-5)
        assert outcome.constrained == pytest.approx(text.constrained, abs=1e-5)
    assert np.exp([o.constrained for o in outcomes]).sum() == pytest.approx(1)


@every_engine
@one_network
def test_groups_give_different_texts(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, _ = tiny(engine_name, config)
    parameters["output.bias"][EOS] = -9  # texts that are cut
    network = searched(engine, parameters)
    options = BeamOptions(num_beams=3, n=3, num_beam_groups=3, diversity_penalty=50.0, max_new_tokens=6)
    (diverse,) = search_beams(network, [PROMPT], options)
    firsts = [drawn(outcome)[0] for outcome in diverse]
    assert len(set(firsts)) == 3  # so great a penalty that no group begins as another does
    assert [o.score for o in diverse] == sorted((o.score for o in diverse), reverse=True)
    (plain,) = search_beams(network, [PROMPT], BeamOptions(num_beams=1, max_new_tokens=6))
    assert drawn(plain[0]) in [drawn(outcome) for outcome in diverse]  # the first group is not penalised


@every_engine
@one_network
def test_stopping_early_gives_texts_that_ended(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, _ = tiny(engine_name, config)
    parameters["output.bias"][EOS] = 2
    network = searched(engine, parameters)
    steps: list[int] = []

    def counting(ids, state, *, reset_id=None):  # type: ignore[no-untyped-def]
        steps.append(len(ids))
        return network.forward(ids, state, reset_id=reset_id)

    counted = Searched(counting, network.fresh_state, EOS)
    lengths = []
    for early in (False, True):
        steps.clear()
        options = BeamOptions(num_beams=3, n=3, length_penalty=2.0, early_stopping=early, max_new_tokens=60)
        (outcomes,) = search_beams(counted, [PROMPT], options)
        lengths.append(len(steps))
        assert not early or all(outcome.ended for outcome in outcomes)
    assert lengths[1] < lengths[0]


def test_the_best_come_first_and_of_equals_the_first() -> None:
    values = np.array([[0.0, 3.0, -np.inf, 3.0, 1.0]])
    assert best_first(values, 3).tolist() == [[1, 3, 4]]
    assert best_first(values, 9).tolist() == [[1, 3, 4, 0, 2]]


def test_no_prompts_give_no_texts() -> None:
    network = tiny("cpu", tiny_networks()[0])[2]
    assert search_beams(network, [], BeamOptions()) == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("num_beams", {"num_beams": 0}), ("n", {"n": 6}), ("n", {"n": 0}),
        ("length_penalty", {"length_penalty": float("nan")}), ("length_penalty", {"length_penalty": 11}),
        ("early_stopping", {"early_stopping": "never"}), ("max_new_tokens", {"max_new_tokens": 0}),
        ("num_beam_groups", {"num_beam_groups": 2, "diversity_penalty": 1.0}),
        ("num_beam_groups", {"num_beam_groups": 1, "diversity_penalty": 1.0}),
        ("diversity_penalty", {"num_beam_groups": 5, "diversity_penalty": 0.0}),
        ("both or neither", {"diversity_penalty": 1.0}), ("both or neither", {"num_beam_groups": 5}),
    ],
)  # fmt: skip
def test_options_are_checked(name: str, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=name):
        BeamOptions(**values)  # type: ignore[arg-type]
