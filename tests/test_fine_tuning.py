"""Going on from a trained model: nothing that was learnt is lost, and new symbols find their place."""

import errno
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import unspool
from unspool._running.resuming import resume_training
from unspool._training.folder.run_folder import CHECKPOINT

OLD = ["oil prices rise", "team wins late game", "rates rise again"] * 20
NEW = ["Ölpreis steigt", "oil prices fall", "team verliert ß"] * 20
FIRST = unspool.TrainingConfig(epochs=2, batch_size=4, sequence_length=16, validation_fraction=None)


NETWORKS = {
    "char": unspool.NetworkConfig(hidden_size=8),
    "word": unspool.NetworkConfig(hidden_size=8, embedding_size=6),
    "tied": unspool.NetworkConfig(
        hidden_size=8, embedding_size=8, num_layers=2, tied_output=True, residual=True, recurrent_dropout=0.1
    ),
}


@pytest.fixture(scope="module", params=list(NETWORKS))
def origin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> unspool.Generator:
    folder = tmp_path_factory.mktemp("origin") / "run"
    words = request.param == "word"
    return unspool.train(
        OLD,
        out=folder,
        network=NETWORKS[request.param],
        training=FIRST,
        tokenizer="word" if words else "char",
        max_vocab_size=8 if words else None,  # so that there is an <unk>
    )


def started(origin: unspool.Generator, out: Path, **options: object) -> unspool.Generator:
    """Train for one step that changes next to nothing."""
    still = unspool.TrainingConfig(epochs=1, learning_rate=1e-12, weight_decay=0.0, validation_fraction=None)
    return unspool.train(NEW, out=out, init_from=origin, training=still, **options)  # type: ignore[arg-type]


def test_the_parameters_it_begins_with_are_kept_before_the_first_step(
    origin: unspool.Generator, tmp_path: Path
) -> None:
    kept: list[bool] = []
    for name, start in (("grown", origin), ("new", None)):
        place = tmp_path / name / CHECKPOINT
        begun = lambda *_, place=place: kept.append(place.is_file())  # noqa: E731
        unspool.train(NEW, out=tmp_path / name, init_from=start, epochs=1, on_start=begun)
    assert kept == [True, False]  # a new run makes its own from its seed


def test_what_was_learnt_stays(origin: unspool.Generator, tmp_path: Path) -> None:
    grown = started(origin, tmp_path / "run")
    old = [symbol for symbol in origin.tokenizer.symbols if symbol != "<unk>"]
    assert list(grown.tokenizer.symbols[: len(old)]) == old
    assert set(" ".join(NEW)) <= set("".join(grown.tokenizer.symbols))
    text = "oil" if origin.tokenizer.kind == "char" else "prices"
    before = origin.runner.logits(
        origin.parameters, origin.tokenizer.encode(text)[:, None], origin.runner.initial_state(1)
    )[0][-1, 0]
    after = grown.runner.logits(
        grown.parameters, grown.tokenizer.encode(text)[:, None], grown.runner.initial_state(1)
    )[0][-1, 0]
    known = slice(1, len(old) + 1)
    np.testing.assert_allclose(after[known], before[known], rtol=1e-5, atol=1e-6)
    assert after[-1] == pytest.approx(before[-1], rel=1e-5)  # <eos>
    new = after[len(old) + 1 : len(grown.tokenizer.symbols) + 1 - (origin.tokenizer.unk_id is not None)]
    assert len(new) > 0
    assert np.abs(new).max() < 10


def test_unknown_words_and_ends_take_their_rows_along(origin: unspool.Generator, tmp_path: Path) -> None:
    grown = started(origin, tmp_path / "run")
    old, new = origin.tokenizer, grown.tokenizer
    moves = {old.eos_id: new.eos_id, 1: 1}
    if old.unk_id is not None and new.unk_id is not None:
        moves[old.unk_id] = new.unk_id
    assert len(moves) == (3 if old.kind == "word" else 2)
    assert new.vocab_size > old.vocab_size
    for name, before in origin.parameters.items():
        after = grown.parameters[name]
        if before.shape != after.shape:  # one of its axes is that of the tokens
            axis = [one == other for one, other in zip(before.shape, after.shape, strict=True)].index(False)
            for one, other in moves.items():
                np.testing.assert_allclose(
                    np.take(after, other, axis), np.take(before, one, axis), rtol=1e-5, atol=1e-7
                )


def test_a_few_epochs_learn_the_new_texts(origin: unspool.Generator, tmp_path: Path) -> None:
    before = started(origin, tmp_path / "before").evaluate(NEW).loss
    more = unspool.TrainingConfig(epochs=8, batch_size=4, sequence_length=16, validation_fraction=None)
    assert (
        unspool.train(NEW, out=tmp_path / "run", init_from=origin, training=more).evaluate(NEW).loss < before
    )


def test_a_run_that_is_stopped_at_once_goes_on_from_the_model(
    origin: unspool.Generator, tmp_path: Path
) -> None:
    def stop(plan: object) -> None:
        raise KeyboardInterrupt

    options = {"training": FIRST, "init_from": origin}
    whole = unspool.train(NEW, out=tmp_path / "whole", **options)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        unspool.train(NEW, out=tmp_path / "run", on_start=stop, **options)  # type: ignore[arg-type]
    rest = resume_training(tmp_path / "run", records=unspool.Records.of(NEW))
    for name, values in whole.parameters.items():
        np.testing.assert_array_equal(rest.parameters[name], values)


def test_a_run_that_found_the_disk_full_at_its_birth_never_goes_on_from_nothing(
    origin: unspool.Generator, tmp_path: Path
) -> None:
    options = {"training": FIRST, "init_from": origin}
    whole = unspool.train(NEW, out=tmp_path / "whole", **options)  # type: ignore[arg-type]
    out = tmp_path / "run"
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        mock.patch("unspool._training.checkpoints.atomic_write", side_effect=full),
        pytest.raises(unspool.ArtifactError, match="No space left"),
    ):
        unspool.train(NEW, out=out, **options)  # type: ignore[arg-type]
    with pytest.raises(unspool.ArtifactError, match="no run to resume"):
        resume_training(out, records=unspool.Records.of(NEW))
    again = unspool.train(NEW, out=out, **options)  # type: ignore[arg-type]
    for name, values in whole.parameters.items():
        np.testing.assert_array_equal(again.parameters[name], values)


def test_another_network_is_refused(origin: unspool.Generator, tmp_path: Path) -> None:
    with pytest.raises(unspool.ConfigError, match="the model to continue"):
        started(origin, tmp_path / "run", network=unspool.NetworkConfig(hidden_size=9))
    assert not (tmp_path / "run").exists()


def test_another_tokenizer_is_refused(origin: unspool.Generator, tmp_path: Path) -> None:
    with pytest.raises(unspool.ConfigError, match=r"max_vocab_size must be left out with init_from"):
        started(origin, tmp_path / "run", max_vocab_size=50)


def test_a_folder_is_as_good_as_a_model(origin: unspool.Generator, tmp_path: Path) -> None:
    origin.save(tmp_path / "origin")
    from_folder = unspool.train(NEW, out=tmp_path / "a", init_from=tmp_path / "origin", training=FIRST)
    from_model = unspool.train(NEW, out=tmp_path / "b", init_from=origin, training=FIRST)
    for name, values in from_model.parameters.items():
        np.testing.assert_array_equal(from_folder.parameters[name], values)
