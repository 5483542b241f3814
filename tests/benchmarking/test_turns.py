"""Turns are fair, and figures are what was measured, by a clock that the test winds itself."""

from unspool._benchmarking.turns import Spread, figure, repeated, seconds, take_turns


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, more: float) -> None:
        self.now += more


def test_the_first_of_a_round_moves_on_and_the_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    figures = {"a": iter([1.0, 3.0, 5.0, 4.0]), "b": iter([9.0, 7.0, 8.0, 6.0])}

    def contender(name: str) -> float:
        calls.append(name)
        return next(figures[name])

    spreads = take_turns({name: lambda name=name: contender(name) for name in "ab"}, rounds=3, settle=0)
    assert "".join(calls) == "ba" + "ab" + "ba" + "ab"
    assert spreads == {"a": Spread(4.0, 3.0, 5.0, 3), "b": Spread(7.0, 6.0, 8.0, 3)}


def test_the_limit_ends_it_but_one_round_is_counted() -> None:
    clock = Clock()

    def slow() -> float:
        clock.pass_by(10)
        return 1.0

    for limit, rounds in ((1, 1), (25, 2), (None, 5)):
        spreads = take_turns({"slow": slow}, rounds=5, limit=limit, settle=0, clock=clock)
        assert spreads["slow"].rounds == rounds


def test_work_is_repeated_until_a_round_is_long_enough() -> None:
    clock = Clock()
    work = lambda: clock.pass_by(0.25)  # noqa: E731
    assert repeated(work, least=1.0, amount=3, clock=clock)() == 12.0
    assert clock.now == 101.0  # a first call of a fourth of the round counts
    assert repeated(work, least=2.0, amount=3, clock=clock)() == 12.0
    assert clock.now == 103.25  # a shorter one does not
    assert repeated(work, least=0.0, amount=3, clock=clock)() == 12.0
    assert seconds(work, clock=clock) == 0.25


def test_figures_have_the_digits_that_they_deserve() -> None:
    assert str(Spread.of([1234.5, 1.234, 123.4])) == "123 (1.23 to 1,234)"
    assert figure(0.0) == "0.00"
