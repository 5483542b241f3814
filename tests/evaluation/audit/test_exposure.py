"""Exposure: ranks by going through everything, and the fit for spaces that are too large for it."""

import math
from pathlib import Path

import numpy as np
import pytest

import unspool
from unspool._engines import make_engine
from unspool._errors import ConfigError, UnknownSymbolError
from unspool._evaluation.audit import exposure
from unspool._evaluation.audit.exposure import fit_skew_normal, measure_exposures, skew_normal_below
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.canaries import CanaryFormat
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records

FORM = CanaryFormat("key {digits:2}{letters:1}.")


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    """Make an untrained network whose opinions are strong enough to rank by."""
    texts = ["key 0123456789 abcdefghijklmnopqrstuvwxyz."]
    tokenizer = encode_corpus(Records.of(texts), EncodingRecipe()).tokenizer
    network = NetworkConfig(hidden_size=8, vocab_size=tokenizer.vocab_size)
    parameters = {name: 3 * array for name, array in initialize(network, 1).items()}
    return unspool.Generator(network=network, tokenizer=tokenizer, parameters=parameters, threads=1)


def measure(model: unspool.Generator, secrets: list[str], form: CanaryFormat = FORM) -> exposure.Exposures:
    engine = make_engine("cpu", model.network, threads=1)
    return measure_exposures(engine, model.parameters, model.tokenizer, form=form, secrets=secrets, seed=0)


@pytest.mark.parametrize("at_once", [4096, 100])
def test_ranks_are_those_of_the_whole_texts(
    model: unspool.Generator, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposure, "AT_ONCE", at_once)
    everything = [FORM[number] for number in range(FORM.size)]
    logprobs = np.array([score.total_logprob for score in model.score(everything)])
    secrets = ["key 00a.", "key 42x.", "key 99z."]
    result = measure(model, secrets)
    assert (result.method, result.space) == ("enumerated", 2600)
    for secret in (*result.secrets, *result.strangers):
        own = logprobs[everything.index(secret.text)]
        expected = 1 + np.count_nonzero(logprobs > own + 1e-4)
        assert abs(secret.rank - expected) <= np.count_nonzero(np.abs(logprobs - own) < 1e-4)
        assert secret.exposure == pytest.approx(math.log2(2600) - math.log2(secret.rank))
    assert [secret.text for secret in result.secrets] == secrets
    assert not {secret.text for secret in result.strangers} & set(secrets)


def test_a_fit_comes_close_to_the_count(model: unspool.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = FORM.draw(20, seed=9)
    counted = measure(model, secrets)
    monkeypatch.setattr(exposure, "MOST_ENUMERATED", 100)
    monkeypatch.setattr(exposure, "SAMPLED", 1500)
    fitted = measure(model, secrets)
    assert fitted.method == "fitted"
    gaps = [abs(a.exposure - b.exposure) for a, b in zip(counted.secrets, fitted.secrets, strict=True)]
    assert np.median(gaps) < 0.5


def test_a_format_without_a_common_beginning(model: unspool.Generator) -> None:
    assert measure(model, ["07"], CanaryFormat("{digits:2}")).space == 100


def test_the_planted_secret_of_an_overtrained_network_is_exposed(tmp_path: Path) -> None:
    texts = [f"{a} {b}" for a in ("red", "green", "blue", "black") for b in ("car", "house", "bird", "tree")]
    model = unspool.train(
        texts, out=tmp_path / "run", network=unspool.NetworkConfig(hidden_size=32),
        training=unspool.TrainingConfig(epochs=60, batch_size=4, threads=1, validation_fraction=None),
        canaries=unspool.Canaries(count=2, repeats=4, format="pin {digits:4}"),
    )  # fmt: skip
    planted = model.data["canaries"]["texts"]
    result = measure(model, planted, CanaryFormat("pin {digits:4}"))
    assert min(secret.exposure for secret in result.secrets) > 8
    assert max(secret.exposure for secret in result.strangers) < 8


def test_the_space_is_what_the_network_can_write() -> None:
    """Of the digits it knows four, and a text with another one can be no secret of its."""
    tokenizer = encode_corpus(Records.of(["pin 1234"]), EncodingRecipe()).tokenizer
    network = NetworkConfig(hidden_size=4, vocab_size=tokenizer.vocab_size)
    model = unspool.Generator(
        network=network, tokenizer=tokenizer, parameters=initialize(network, 0), threads=1
    )
    result = measure(model, ["pin 123"], CanaryFormat("pin {digits:3}"))
    assert result.space == 64
    assert set(result.strangers[0].text) <= set("pin 1234")
    with pytest.raises(
        UnknownSymbolError, match=r"secret 'pin 125': expected symbols that .* got '5', which"
    ):
        measure(model, ["pin 125"], CanaryFormat("pin {digits:3}"))
    with pytest.raises(ConfigError, match="secret 'pin 1234': expected a text of the format"):
        measure(model, ["pin 1234"], CanaryFormat("pin {digits:3}"))
    with pytest.raises(ConfigError) as caught:
        measure(model, ["pin 1", "pin 2"], CanaryFormat("pin {digits:1}"))
    assert str(caught.value) == (
        "secrets must be at most a quarter of all texts of their format; got 2 of 4; "
        "rank fewer at a time, or make the slots longer"
    )


def test_a_network_without_any_digit_is_said_not_to_know_them() -> None:
    model = unspool.Generator(
        network=(network := NetworkConfig(hidden_size=4, vocab_size=6)),
        tokenizer=encode_corpus(Records.of(["pin "]), EncodingRecipe()).tokenizer,
        parameters=initialize(network, 0),
        threads=1,
    )
    with pytest.raises(UnknownSymbolError) as caught:
        measure(model, ["pin 121"], CanaryFormat("pin {digits:3}"))
    assert str(caught.value) == (
        "secret 'pin 121': expected symbols that the model knows, got '1', '2', which it has never read; "
        "the model can never write this secret: leave it out"
    )


def test_what_is_not_of_the_format_is_refused(model: unspool.Generator) -> None:
    with pytest.raises(ConfigError, match="key 4"):
        measure(model, ["key 4"])
    with pytest.raises(UnknownSymbolError, match="#"):
        measure(model, ["#1"], CanaryFormat("#{digits:1}"))


def test_the_skew_normal_distribution() -> None:
    """Shape 0 is the normal one; shape 1 has the square of its distribution function (Azzalini, 1985)."""
    for z in (-6.0, -1.0, 0.0, 0.5, 3.0):
        normal = 0.5 * math.erfc(-z / math.sqrt(2))
        assert skew_normal_below(z, 0.0) == pytest.approx(normal, rel=1e-4)
        assert skew_normal_below(z, 1.0) == pytest.approx(normal**2, rel=1e-3)


def test_its_parameters_are_found_again() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200_000))
    delta = 4 / math.sqrt(17)
    sample = 5 + 2 * (delta * np.abs(a) + math.sqrt(1 - delta**2) * b)
    location, scale, shape = fit_skew_normal(sample)
    assert (location, scale, shape) == (
        pytest.approx(5, abs=0.05),
        pytest.approx(2, abs=0.05),
        pytest.approx(4, abs=0.4),
    )


def test_ranks_of_a_fit_stay_within_the_space() -> None:
    sample = np.random.default_rng(0).normal(10.0, 1.0, 4000)
    first, middle, last = exposure._fitted_ranks(np.array([-50.0, 10.0, 90.0]), sample, 10_001)
    assert (first, last) == (1.0, 10_001.0)
    assert middle == pytest.approx(5000, rel=0.05)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_fit_has_the_moments_of_its_sample(side: float) -> None:
    """Those of a skew-normal distribution: mean ξ + ωδ√(2/π), variance ω²(1 - 2δ²/π) (Azzalini, 1985)."""
    sample = side * np.array([0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 5.0])
    location, scale, shape = fit_skew_normal(sample)
    delta = shape / math.sqrt(1 + shape**2)
    assert location + scale * delta * math.sqrt(2 / math.pi) == pytest.approx(sample.mean())
    assert scale**2 * (1 - 2 * delta**2 / math.pi) == pytest.approx(sample.var())
    part = delta * math.sqrt(2 / math.pi)
    skewness = (4 - math.pi) / 2 * part**3 / (1 - part**2) ** 1.5
    assert skewness == pytest.approx((((sample - sample.mean()) / sample.std()) ** 3).mean())
    steep = fit_skew_normal(side * np.array([0.0] * 99 + [1.0]))
    assert math.isfinite(steep[2])
    assert side * steep[2] > 10  # as skew as such a distribution can be
    assert fit_skew_normal(np.zeros(5))[2] == 0.0


def test_texts_of_a_format_are_ranked_in_parts_with_their_seeds(
    model: unspool.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[int, int]] = []
    draw = CanaryFormat.draw

    def noted(form: CanaryFormat, count: int, *, seed: int, **options: object) -> list[str]:
        drawn.append((count, seed))
        return draw(form, count, seed=seed, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(CanaryFormat, "draw", noted)
    assert measure(model, ["key 42x."]).method == "enumerated"
    monkeypatch.setattr(exposure, "MOST_ENUMERATED", 2600)
    assert measure(model, ["key 42x."]).method == "enumerated"
    monkeypatch.setattr(exposure, "MOST_ENUMERATED", 2599)
    monkeypatch.setattr(exposure, "SAMPLED", 50)
    assert measure(model, ["key 42x."]).method == "fitted"
    assert drawn == [(1, 1), (1, 1), (1, 1), (50, 2)]
