"""The whole audit: an overtrained model copies, a fresh one does not, and both say so."""

import json
from pathlib import Path
from typing import Any

import pytest

import unspool
from tests.json_keys import keys
from unspool._errors import ConfigError, UnknownSymbolError
from unspool._evaluation.audit import run as audit_module
from unspool._evaluation.audit.diversity import measure_diversity
from unspool._evaluation.streams import evaluate_stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import CharTokenizer

WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game", "rain", "ends", "drought", "in")
FEW = [f"{a} {b} {c}" for a, b, c in zip(WORDS, WORDS[5:] + WORDS[:5], WORDS[3:] + WORDS[:3], strict=True)]
MANY = [f"{a} {b} {c} {d}" for a in WORDS for b in WORDS[:4] for c in WORDS[4:8] for d in WORDS[8:]]


def trained(texts: list[str], out: Path, **changes: Any) -> unspool.Generator:
    settings = {"epochs": 130, "batch_size": 4, "threads": 1, "validation_fraction": None}
    return unspool.train(
        texts, out=out, network=unspool.NetworkConfig(hidden_size=48),
        training=unspool.TrainingConfig(**{**settings, **changes}), sample_prompts=(),
    )  # fmt: skip


def test_an_overtrained_model_is_called_copying(tmp_path: Path) -> None:
    model = trained(FEW, tmp_path / "run")
    told: list[tuple[str, int, int]] = []
    audit = model.audit(FEW, samples=100, report=lambda *said: told.append(said))
    assert audit.copying.verdict == "copying"
    assert audit.copying.verbatim_share > 0.5
    assert audit.fit.verdict == "unknown"
    assert audit.held_out_bits_per_character is None
    assert audit.training_bits_per_character < 1
    assert audit.same_corpus
    assert "xact copies" in " ".join(audit.sentences)
    copied = next(text for text in audit.copying.samples if text.verbatim)
    assert copied.record is not None
    assert FEW[copied.record - 1] == copied.text == copied.span
    beside = model.audit(FEW, validation=MANY[::4], samples=100)
    assert beside.copying.verdict == "copying"
    assert beside.copying.comparison is not None
    assert beside.copying.comparison.verdict == "more"
    assert ": the model copies." in beside.copying.sentence
    length = sum(len(text) + 1 for text in FEW)
    assert told == [
        ("reading the corpus", 0, 0),
        ("measuring bits per character", 0, 0),
        ("writing texts", 0, 100),
        ("searching the training text", length, length),
        ("comparing the texts", 0, 0),
    ]


def test_a_fresh_model_is_not_called_copying() -> None:
    tokenizer = CharTokenizer(sorted(set("".join(MANY))))
    network = NetworkConfig(hidden_size=16, vocab_size=tokenizer.vocab_size)
    model = unspool.Generator(
        network=network, tokenizer=tokenizer, parameters=initialize(network, 0), threads=1,
        training={"validation_fraction": 0.1},
    )  # fmt: skip
    audit = model.audit(MANY, samples=100, max_new_tokens=40)
    assert audit.copying.verdict == "not copying"
    assert audit.copying.verbatim_share == 0
    assert audit.copying.comparison is not None
    assert audit.same_corpus is None
    assert max(text.characters for text in audit.copying.held_out) <= 40


@pytest.mark.parametrize("document", [False, True])
def test_the_same_seed_gives_the_same_audit(tmp_path: Path, document: bool) -> None:
    records = unspool.Records.of(MANY, document=document)
    model = trained(records, tmp_path / "run", epochs=1, validation_fraction=0.2)  # type: ignore[arg-type]
    one, two, other = (
        model.audit(records, samples=60, max_new_tokens=30, seed=seed).to_dict() for seed in (5, 5, 6)
    )
    assert json.dumps(one) == json.dumps(two) != json.dumps(other)
    assert one["same_corpus"]
    assert len(one["copying"]["held_out"]) > 20
    assert (one["copying"]["whole"] is None) == document


def test_a_changed_corpus_is_noticed(tmp_path: Path) -> None:
    model = trained(MANY, tmp_path / "run", epochs=1)
    audit = model.audit(MANY[1:], samples=5)
    assert audit.same_corpus is False
    assert "trained on another text" in audit.sentences[0]
    with pytest.raises(UnknownSymbolError):
        model.audit([*MANY, "Ω"], samples=5)
    assert model.audit([*MANY, "Ω"], samples=5, unknown="drop").same_corpus is False


def test_texts_that_were_held_out_on_their_own(tmp_path: Path) -> None:
    model = unspool.train(
        MANY[:100], out=tmp_path / "run", validation=MANY[100:], sample_prompts=(),
        network=unspool.NetworkConfig(hidden_size=8), training=unspool.TrainingConfig(epochs=1, threads=1),
    )  # fmt: skip
    audit = model.audit(MANY[:100], validation=MANY[100:], samples=30)
    assert audit.same_corpus
    assert {text.text for text in audit.copying.held_out} <= set(MANY[100:])


@pytest.mark.parametrize("tokenizer", ["char", "word"])
def test_of_a_large_corpus_some_records_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: str
) -> None:
    """What is measured is read where the engine reads it: whole records, each once, with all their text."""
    model = unspool.train(
        MANY, out=tmp_path / "run", tokenizer=tokenizer, sample_prompts=(), validation_fraction=None,
        network=unspool.NetworkConfig(hidden_size=8), epochs=1, threads=1,
    )  # fmt: skip
    measured = []

    def spy(engine: Any, parameters: Any, stream: TokenStream, **options: Any) -> Any:
        measured.append(stream)
        return evaluate_stream(engine, parameters, stream, **options)

    monkeypatch.setattr(audit_module, "MEASURED", 200)
    monkeypatch.setattr(audit_module, "evaluate_stream", spy)
    model.audit(MANY, samples=2)
    (stream,) = measured
    ends = [*stream.starts[1:], len(stream)]
    texts = [model.tokenizer.decode(stream.ids[a : b - 1]) for a, b in zip(stream.starts, ends, strict=True)]
    assert 1 < len(texts) < len(MANY) / 2
    assert len(set(texts)) == len(texts)
    assert set(texts) <= set(MANY)
    assert len(stream) <= 200
    assert stream.characters == sum(map(len, texts))


def test_planted_secrets_are_ranked_without_being_asked_for(tmp_path: Path) -> None:
    model = unspool.train(
        MANY, out=tmp_path / "run", network=unspool.NetworkConfig(hidden_size=8), sample_prompts=(),
        training=unspool.TrainingConfig(epochs=1, threads=1),
        canaries=unspool.Canaries(count=3, repeats=2, format="code {digits:3}"),
    )  # fmt: skip
    audit = model.audit(MANY, samples=5)
    assert audit.same_corpus
    assert audit.canaries is not None
    assert [secret.text for secret in audit.canaries.secrets] == model.data["canaries"]["texts"]
    assert "Exposure" in audit.sentences[-1]
    assert model.audit(MANY, samples=5, secrets=[]).canaries is None


COPIED = {
    "text",
    "characters",
    "copied",
    "start",
    "verbatim",
    "record",
    "position",
    "before",
    "span",
    "after",
}
DIVERSITY = {"distinct_characters", "distinct_words", "self_bleu_characters", "self_bleu_words", "texts"}
SECRET = {"text", "bits", "rank", "exposure"}
KEYS = {
    "": {"sentences", "fit", "training_bits_per_character", "held_out_bits_per_character", "copying",
         "diversity", "held_out_diversity", "canaries", "canaries_without_counts", "same_corpus"},
    "fit": {"verdict", "since_epoch", "noise", "best", "training", "held_out", "sentence"},
    "copying": {"verdict", "sentence", "verbatim_share", "lengths", "held_out_lengths", "comparison", "whole",
                "samples", "held_out"},
    "copying.comparison": {"verdict", "chance", "errors"},
    "copying.lengths": {"count", "mean", "quantiles"},
    "copying.held_out_lengths": {"count", "mean", "quantiles"},
    "copying.whole": {"different", "in_training", "in_held_out", "training", "held_out", "repeated_share",
                      "by_chance"},
    "copying.samples[]": COPIED,
    "copying.held_out[]": COPIED,
    "diversity": DIVERSITY,
    "held_out_diversity": DIVERSITY,
    "canaries": {"format", "method", "space", "secrets", "strangers"},
    "canaries.secrets[]": SECRET,
    "canaries.strangers[]": SECRET,
}  # fmt: skip


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> unspool.Audit:
    """Audit a model about which there is everything to say; of its texts few are held out."""
    model = unspool.train(
        MANY, out=tmp_path_factory.mktemp("full") / "run", network=unspool.NetworkConfig(hidden_size=8),
        training=unspool.TrainingConfig(epochs=2, threads=1, validation_fraction=0.1), sample_prompts=(),
        canaries=unspool.Canaries(count=3, repeats=2, format="code {digits:3}"),
    )  # fmt: skip
    return model.audit(MANY, samples=300)


def test_the_keys_of_the_document_are_those_that_users_read(full: unspool.Audit) -> None:
    document = json.loads(json.dumps(full.to_dict(), allow_nan=False))
    assert keys(document) == KEYS
    assert document["sentences"] == full.sentences
    assert document["copying"]["whole"]["by_chance"] == full.copying.whole.by_chance  # type: ignore[union-attr]


def test_as_many_texts_of_each_kind_are_compared(full: unspool.Audit) -> None:
    written, real = full.copying.samples, full.copying.held_out
    assert len(real) < len(written) == 300
    assert full.diversity == measure_diversity([text.text for text in written[: len(real)]])
    assert full.held_out_diversity == measure_diversity([text.text for text in real])


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"samples": 0}, "samples"),
        ({"secrets": ["1"]}, "canary_format"),
        ({"temperature": -1}, "temperature"),
    ],
)
def test_values_out_of_range_are_refused(tmp_path: Path, values: dict[str, Any], part: str) -> None:
    tokenizer = CharTokenizer("abc")
    network = NetworkConfig(hidden_size=4, vocab_size=tokenizer.vocab_size)
    model = unspool.Generator(
        network=network, tokenizer=tokenizer, parameters=initialize(network, 0), threads=1
    )
    with pytest.raises(ConfigError, match=part):
        model.audit(["abc"], **values)
