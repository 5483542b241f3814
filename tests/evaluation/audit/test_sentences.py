"""What an audit says, word for word, and where one verdict ends and the next begins."""

from dataclasses import replace
from typing import Any

import pytest

from unspool._errors import ArtifactError, ConfigError
from unspool._evaluation.audit.exposure import Exposures, SecretExposure
from unspool._evaluation.audit.fit import Fit, judge_fit
from unspool._evaluation.audit.run import MOST_SHOWN, Audit, AuditOptions, _fit
from unspool._evaluation.audit.verdicts import Whole, judge_copying
from unspool._generation.options.generation_options import GenerationOptions

from .test_fit import lines
from .test_verdicts import texts

FITS = {
    "overfitting": (
        [(3.0, 3.0), (2.0, 2.5), (1.0, 3.0)],
        "Overfitting since epoch 2: held-out loss rose by 0.500 bits per character and training loss kept "
        "falling; the model of epoch 2 was kept (training 1.000, held out 3.000 ± 0.005)",
    ),
    "falling": (
        [(3.0, 3.0), (2.5, 2.7)],
        "Underfitting: held-out loss still fell by 0.300 bits per character in the last epoch; more epochs "
        "would help (training 2.500, held out 2.700 ± 0.005)",
    ),
    "close": (
        [(2.6, 2.6)],
        "Underfitting: held-out loss is about as low as training loss; more epochs or units would help "
        "(training 2.600, held out 2.600 ± 0.005)",
    ),
    "good": (
        [(3.0, 3.0), (2.3, 2.6), (2.2, 2.6)],
        "Good fit: held-out loss improved until epoch 2 and has not risen since "
        "(training 2.200, held out 2.600 ± 0.005)",
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_a_fit_says_its_numbers(name: str) -> None:
    pairs, sentence = FITS[name]
    fit = judge_fit(lines(*pairs), held_out_characters=10_000)  # a noise of 0.5 / 100
    assert fit.sentence == sentence
    assert (fit.training, fit.held_out) == pairs[-1]
    assert (fit.best, fit.noise) == (min(held_out for _, held_out in pairs), 0.005)


def test_a_fit_names_the_model_that_was_kept() -> None:
    evaluations = lines((3.0, 3.0), (2.0, 2.5), (1.5, 2.6), (1.0, 3.0))
    evaluations[3]["best"] = True
    said = judge_fit(evaluations, held_out_characters=10_000).sentence
    assert "; the model of epoch 3 was kept, for too little is held out to choose by (" in said
    evaluations[3]["best"], evaluations[2]["best"] = False, True
    assert "; the model of epoch 2 was kept (" in judge_fit(evaluations, held_out_characters=10_000).sentence


@pytest.mark.parametrize(
    ("pairs", "characters", "verdict"),
    [
        ([(2.0, 1.0), (1.0, 1.5)], 4, "fitting"),  # a rise of two noises of a half by a root of 2
        ([(2.0, 1.0), (1.0, 1.5001)], 4, "overfitting"),
        ([(2.0, 1.0), (2.0, 3.0)], 10_000, "fitting"),  # what it knows of the training text stayed
        ([(60.0, 101.0), (50.0, 100.0)], 10_000, "fitting"),  # a fall of a hundredth
        ([(60.0, 101.5), (50.0, 100.0)], 10_000, "underfitting"),
        ([(100.0, 102.0)], 10_000, "underfitting"),  # a gap of two hundredths
        ([(100.0, 102.01)], 10_000, "fitting"),
        ([(2.0, 1000.0), (1.0, 1001.9)], 10_000, "fitting"),  # a thousandth of it is noise, however much text
        ([(2.0, 1000.0), (1.0, 1002.1)], 10_000, "overfitting"),
    ],
)
def test_where_a_verdict_on_the_fit_ends(
    pairs: list[tuple[float, float | None]], characters: int, verdict: str
) -> None:
    assert judge_fit(lines(*pairs), held_out_characters=characters).verdict == verdict


def test_lines_of_another_kind_are_no_evaluations() -> None:
    others = [{"kind": "finish", "bits_per_character": 9.0}, {"kind": "step", "epoch": 7}]
    fit = judge_fit([*lines((2.6, 2.6)), *others], held_out_characters=10_000)
    assert fit.sentence == FITS["close"][1]
    with pytest.raises(ArtifactError) as caught:
        judge_fit([{"kind": "evaluation", "bits_per_character": "x", "epoch": 1}], held_out_characters=1)
    assert str(caught.value) == (
        "an evaluation in the metrics: expected epoch and bits per character, "
        "got {'kind': 'evaluation', 'bits_per_character': 'x', 'epoch': 1}"
    )


def test_a_fit_that_is_unknown_is_told_from_what_the_audit_measured() -> None:
    lost = "Fit unknown: 1,200 characters are held out, but the measurements of the training are not with"
    measured = _fit([], 1200, [2.0, 2.25])
    assert measured.sentence == (f"{lost} the model (bits per character now: training 2.000, held out 2.250)")
    assert (measured.verdict, measured.training, measured.held_out) == ("unknown", 2.0, 2.25)
    assert _fit([], 1200, [2.0, None]).sentence == f"{lost} the model"
    assert _fit([], 1200, [None, 2.0]).training is None
    assert _fit([], 0, [2.0, None]).sentence == "Fit unknown: no text was held out during training"
    known = _fit(lines((2.6, 2.6)), 10_000, [1.0, 1.0])
    assert (known.sentence, known.training) == (FITS["close"][1], 2.6)


def counted(in_training: int, in_held_out: int, **changes: Any) -> Whole:
    usual = {"different": 1000, "training": 100, "held_out": 100, "repeated_share": 0.0}
    return Whole(in_training=in_training, in_held_out=in_held_out, **{**usual, **changes})


@pytest.mark.parametrize(
    ("whole", "sentence"),
    [
        (None, "Exact copies: 100.0% of the texts."),
        (counted(5, 5, held_out=19), "Exact copies: 100.0% of the texts."),
        (counted(0, 7), "None of 1,000 distinct texts is an exact copy (7 expected by chance)."),
        (counted(1, 7), "1 of 1,000 distinct texts is an exact copy (7 expected by chance)."),
        (counted(2, 7), "2 of 1,000 distinct texts are exact copies (7 expected by chance)."),
        (
            counted(1100, 900, training=2000, different=1200),
            "1,100 of 1,200 distinct texts are exact copies (1,200 expected by chance).",
        ),
        (
            counted(270, 90, different=300),
            "270 of 300 distinct texts are exact copies (90 expected by chance, clearly more).",
        ),
    ],
)
def test_exact_copies_are_told_beside_chance(whole: Whole | None, sentence: str) -> None:
    copied = texts(12, 14, 14, verbatim=True)
    said = judge_copying(copied, [], whole=whole).sentence
    longest = "Longest passage shared with the training text: median 14 characters"
    assert said == f"{longest} (too little held-out text to compare with). {sentence}"


def test_nothing_written_is_said() -> None:
    nothing = judge_copying([], [], whole=None)
    assert nothing.sentence == "The model wrote nothing. Exact copies: 0.0% of the texts."
    assert (nothing.verbatim_share, nothing.lengths, nothing.held_out_lengths) == (0.0, None, None)


@pytest.mark.parametrize(
    ("whole", "beyond"),
    [
        (counted(27, 9, different=300), True),  # of 36 hits half, and three errors of half a root of 36 more
        (counted(26, 10, different=300), False),
        (counted(270, 90, different=3600), True),  # a twentieth of all texts more than by chance
        (counted(270, 90, different=3601), False),
        (counted(270, 90, held_out=20, training=20), True),
        (counted(270, 90, held_out=19, training=19), False),
    ],
)
def test_where_more_than_chance_begins(whole: Whole, beyond: bool) -> None:
    assert whole.beyond_chance is beyond


def audit(**changes: Any) -> Audit:
    said: dict[str, Any] = dict.fromkeys(("since_epoch", "training", "held_out", "best", "noise"))
    fit = Fit(verdict="fitting", sentence="Good fit", **said)
    usual: dict[str, Any] = {
        "fit": fit, "training_bits_per_character": 1.0, "held_out_bits_per_character": None,
        "copying": judge_copying(texts(12), [], whole=None), "diversity": None, "held_out_diversity": None,
        "canaries": None, "same_corpus": None,
    }  # fmt: skip
    return Audit(**(usual | changes))


def secrets(*exposures: float) -> tuple[SecretExposure, ...]:
    return tuple(SecretExposure(text="x", bits=1.0, rank=1.0, exposure=each) for each in exposures)


def test_an_audit_says_whose_text_it_was_and_how_exposed_the_secrets_are() -> None:
    copying = audit().copying.sentence
    assert audit().sentences == ["Good fit.", copying]
    assert audit(same_corpus=True).sentences == ["Good fit.", copying]
    other = "The model was trained on another text, or the text has changed since."
    assert audit(same_corpus=False).sentences == [other, "Good fit.", copying]
    exposed = Exposures(
        format="{digits:3}", space=1024, method="enumerated", secrets=secrets(8.0, 9.0, 10.0),
        strangers=secrets(1.0, 1.5),
    )  # fmt: skip
    assert audit(canaries=exposed).sentences[-1] == (
        "Exposure of the secrets: 9.0 bits on average (secrets that the model never saw: 1.2; maximum 10.0)."
    )
    alone = replace(exposed, secrets=secrets(3.0, 4.0))
    assert audit(canaries=exposed, canaries_without_counts=alone).sentences[-2:] == [
        audit(canaries=exposed).sentences[-1],
        "By the network alone, without counts: 3.5 bits on average (secrets that the model never saw: 1.2; "
        "maximum 10.0).",
    ]
    assert repr(audit()).splitlines()[0].startswith("<Audit: unknown")


def test_a_notebook_shows_the_longest_copies_first() -> None:
    copied = judge_copying(texts(*range(MOST_SHOWN + 3)), [], whole=None)
    shown = audit(copying=copied)._repr_html_()
    assert "Longest copied passages" in shown
    assert "copied characters" in shown
    assert "training record" in shown
    places = [shown.index(f">{length}<") for length in range(MOST_SHOWN + 2, 2, -1)]
    assert places == sorted(places)
    assert ">2<" not in shown  # the ten longest
    nothing = audit(copying=judge_copying(texts(0, 0), [], whole=None))._repr_html_()
    assert "Longest copied passages" not in nothing


def test_the_options_of_an_audit_are_checked() -> None:
    written = GenerationOptions(seed=0)
    assert AuditOptions(samples=1, generation=written).secrets == ()
    for values, message in (
        ({"samples": 0}, "samples must be a whole number from 1 to 10000000; got 0"),
        ({"samples": 10_000_001}, "samples must be a whole number from 1 to 10000000; got 10000001"),
        ({"secrets": ["1"]}, "canary_format must be a format, to rank secrets; got None"),
    ):
        with pytest.raises(ConfigError) as caught:
            AuditOptions(**{"samples": 1, "generation": written, **values})  # type: ignore[arg-type]
        assert str(caught.value) == message
