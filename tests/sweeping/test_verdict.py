"""The sentence: a clear winner is called one, a tie a tie, and nothing is said of noise not measured."""

import pytest

from unspool._sweeping.results import Run, outcomes
from unspool._sweeping.verdict import compare, judge, two_sided_risk

from .runs import ended


def several(values: list[float], **changes: object) -> list[Run]:
    return [ended(bits, seed=seed, **changes) for seed, bits in enumerate(values)]  # type: ignore[arg-type]


def sentence(*groups: list[Run], seeds: int = 3) -> str:
    return judge(outcomes(run for group in groups for run in group), seeds=seeds).sentence


@pytest.mark.parametrize(
    ("t", "freedom", "risk"),  # from printed tables of Student's t, two-sided
    [(12.706, 1, 0.05), (4.303, 2, 0.05), (3.182, 3, 0.05), (2.776, 4, 0.05), (2.571, 5, 0.05),
     (2.228, 10, 0.05), (2.042, 30, 0.05), (4.604, 4, 0.01), (0.741, 4, 0.5)],
)  # fmt: skip
def test_the_risk_is_that_of_the_tables(t: float, freedom: int, risk: float) -> None:
    assert two_sided_risk(t, freedom) == pytest.approx(risk, rel=2e-3)
    assert two_sided_risk(-t, freedom) == two_sided_risk(t, freedom)
    assert two_sided_risk(0, freedom) == 1


def test_a_clear_winner() -> None:
    found = sentence(several([2.00, 2.01, 2.02], cell="gru"), several([2.20, 2.22, 2.21]))
    assert found == (
        "Best for this text: gru, 8 units with 2.0100 ± 0.0100 bits per character over 3 seeds, "
        "0.2000 less than the next, lstm, 8 units, 20.0 times the noise between seeds."
    )


def test_a_tie() -> None:
    found = sentence(several([2.00, 2.02, 2.04], cell="gru"), several([2.01, 2.03, 2.05]))
    assert found == (
        "Lowest: gru, 8 units with 2.0200 ± 0.0200 bits per character over 3 seeds, "
        "but not clearly better than lstm, 8 units (+0.0100, 0.5 times the noise between seeds)."
    )


def test_a_tie_of_two_that_beat_the_rest() -> None:
    found = sentence(
        several([2.00, 2.02, 2.04], cell="gru"),
        several([2.01, 2.03, 2.05]),
        several([3.0, 3.1, 3.2], cell="rnn"),
    )
    assert "not clearly better than lstm, 8 units (+0.0100" in found
    assert "rnn" not in found
    assert found.endswith(" It is better than the other 1.")


def test_one_seed_says_nothing_of_noise() -> None:
    found = sentence(several([2.0], cell="gru"), several([2.5]), seeds=1)
    assert "0.5000 less than the next, lstm, 8 units" in found
    assert "More seeds are needed" in found
    (comparison,) = judge(outcomes([*several([2.0], cell="gru"), *several([2.5])]), seeds=1).comparisons
    assert (comparison.difference, comparison.noise, comparison.risk) == (0.5, None, None)
    assert judge(outcomes(several([2.0])), seeds=1).comparisons == ()


def test_the_lucky_one_with_fewer_seeds_does_not_win() -> None:
    verdict = judge(outcomes([*several([2.0, 2.1, 2.2], cell="gru"), *several([1.9])]), seeds=3)
    assert verdict.best is not None
    assert verdict.best.configuration["cell"] == "gru"
    assert "not clearly better than lstm" in verdict.sentence


def test_nothing_to_compare_with() -> None:
    assert sentence(several([2.0, 2.1])).startswith("Only lstm, 8 units was trained to the end")
    pruned = [ended(2.0, state="pruned")]
    assert "nothing can be said" in sentence(pruned)
    assert judge([], seeds=3).best is None


def test_the_noise_is_pooled() -> None:
    found = outcomes([*several([2.0, 2.2], cell="gru"), *several([3.0, 3.4, 3.8])])
    comparison = compare(found[0], found[1])
    assert comparison.difference == pytest.approx(1.3)
    assert comparison.noise == pytest.approx(((0.02 + 2 * 0.16) / 3) ** 0.5)  # by hand


def test_no_noise_at_all() -> None:
    assert "with no noise between seeds" in sentence(several([2.0, 2.0], cell="gru"), several([3.0, 3.0]))
    same = sentence(several([2.0, 2.0], cell="gru"), several([2.0, 2.0]))
    assert "not clearly better" in same


def test_pruned_trainings_count_for_nothing_but_are_listed() -> None:
    found = outcomes(
        [ended(9.0, state="failed"), ended(1.0, state="pruned", cell="gru"), *several([2.0, 2.2])]
    )
    assert [outcome.state for outcome in found] == ["complete", "pruned"]
    assert found[0].bits_per_character == pytest.approx(2.1)
    assert found[0].spread == pytest.approx(0.1 * 2**0.5)
    assert found[1].bits_per_character is None
