"""The engine, the threads and the precision that a user chose are those of each engine that is made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import unspool
from unspool._fine_tuning import load_origin
from unspool._planning.speeds import measure_speeds
from unspool._sweeping.trial import Job, SweepCorpus, run_trial
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._training import task

TEXTS = ["ab", "ba"] * 9
NETWORK = unspool.NetworkConfig(hidden_size=2)
TRAINING = unspool.TrainingConfig(engine="torch", threads=3, precision="auto", device="cpu", epochs=1)


class MadeError(Exception):
    """Enough was seen."""


def time_a_network() -> None:
    measure_speeds([unspool.NetworkConfig(hidden_size=2, vocab_size=5)], TRAINING, 1.0)


def train_a_network() -> None:
    unspool.train(TEXTS, network=NETWORK, training=TRAINING, progress=False)


def try_a_network() -> None:
    encoded = encode_corpus(Records.of(TEXTS), EncodingRecipe(validation_fraction=0.5))
    corpus = SweepCorpus(encoded.training, encoded.validation, encoded.tokenizer.eos_id, document=False)
    network = unspool.NetworkConfig(hidden_size=2, vocab_size=encoded.tokenizer.vocab_size)
    job = Job(number=0, network=network, training=TRAINING, minutes=None, symbols=99, evaluations=1)
    list(run_trial(job, corpus))


@pytest.mark.parametrize("work", [time_a_network, train_a_network, try_a_network])
def test_what_was_chosen_for_a_training_is_what_is_made(
    work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(name: str, config: unspool.NetworkConfig, **chosen: Any) -> None:
        assert (name, chosen) == ("torch", {"threads": 3, "precision": "auto", "device": "cpu"})
        raise MadeError

    monkeypatch.setattr(task, "make_engine", make)
    with pytest.raises(MadeError):
        work()


def test_a_model_has_the_engine_that_it_is_loaded_for(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    training = unspool.TrainingConfig(engine="torch", threads=2, batch_size=2, epochs=1)
    trained = unspool.train(TEXTS, out=tmp_path / "m", network=NETWORK, training=training, progress=False)
    loaded = unspool.load(tmp_path / "m", engine="torch", threads=2)
    assert [(model.engine, model.threads) for model in (trained, loaded)] == [("torch", 2)] * 2
    assert load_origin(tmp_path / "m", engine="torch").engine == "torch"
    assert load_origin(tmp_path / "m", engine="cpu").engine == "cpu"
