"""The generator: what it writes, scores and measures does not depend on how it is asked."""

import copy
import dataclasses
import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._engines import make_engine
from unspool._network.parameters import initialize
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._text.streams.lanes import Lanes

TEXTS = ["the cat sat", "a dog ran far", "the dog sat", "réd cat 猫", "cat\nnap"]


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    tokenizer = encode_corpus(Records.of(TEXTS), EncodingRecipe()).tokenizer
    network = unspool.NetworkConfig(hidden_size=12, num_layers=2, vocab_size=tokenizer.vocab_size)
    return unspool.Generator(
        network=network, tokenizer=tokenizer, parameters=initialize(network, 3), threads=2
    )


def test_a_text_is_its_prompt_and_its_continuation(model: unspool.Generator) -> None:
    for generation in model.generate(["the ", ""], n=3, max_new_tokens=30, seed=1):
        assert generation.text == generation.prompt + generation.continuation
        assert model.tokenizer.decode(generation.ids) == generation.continuation
        stopped = generation.finish_reason == "stop"
        assert len(generation.token_logprobs) == len(generation.ids) + stopped
        assert stopped or len(generation.ids) == 30
    assert [g.prompt for g in model.generate(["the ", ""], n=2)] == ["the ", "the ", "", ""]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("filters", [{}, {"top_k": 4}, {"top_p": 0.8, "temperature": 1.4}], ids=str)
def test_a_stream_is_what_generate_gives(
    model: unspool.Generator, seed: int, filters: dict[str, float]
) -> None:
    (whole,) = model.generate("the ", max_new_tokens=150, seed=seed, **filters)
    pieces = list(model.stream("the ", max_new_tokens=150, seed=seed, **filters))
    assert "".join(pieces) == whole.continuation
    assert all(pieces)


CONSTRAINTS = [
    unspool.Constraint(regex="the [a-z]{3,5}( sat| ran)?"),
    unspool.Constraint(contains=["cat", "dog"], max_length=20, excludes="aa"),
    [unspool.Constraint(ends_with="ran", min_length=9), unspool.Constraint(characters="[a-z ]")],
    [unspool.Constraint(choices=["", "cat", "猫"], scope="continuation"), unspool.Constraint(max_length=7)],
]


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=str)
@pytest.mark.parametrize("engine", ["cpu", "torch"])
def test_every_text_meets_its_constraint(
    model: unspool.Generator, constraint: Any, engine: str, tmp_path: Path
) -> None:
    if engine == "torch":
        pytest.importorskip("torch")
    model.save(tmp_path)
    drawing = unspool.load(tmp_path, engine=engine, threads=1)
    options: Any = {"constraint": constraint, "seed": 3, "max_new_tokens": 19}
    texts = drawing.generate(["the ", "t"], n=10, **options)
    for one in constraint if isinstance(constraint, list) else [constraint]:
        assert all(one.holds(t.continuation if one.scope == "continuation" else t.text) for t in texts)
    assert len({text.text for text in texts}) > 4
    assert "".join(drawing.stream("the ", **options)) == texts[0].continuation


def test_a_constraint_that_cannot_be_met_is_refused_at_the_call(model: unspool.Generator) -> None:
    impossible = unspool.Constraint(starts_with="the")
    with pytest.raises(unspool.ConfigError, match="prompt 'a': expected the beginning of a text"):
        model.generate(["the ", "a"], constraint=impossible)
    with pytest.raises(unspool.ConfigError, match="at least 2, the length of the shortest text"):
        model.stream("t", constraint=impossible, max_new_tokens=1)
    with pytest.raises(unspool.ConfigError, match="constraint must be a Constraint"):
        model.generate(constraint="the")  # type: ignore[arg-type]


def test_a_stream_shows_something_before_it_is_over(model: unspool.Generator) -> None:
    never_ends = {name: array.copy() for name, array in model.parameters.items()}
    never_ends["output.bias"][model.tokenizer.eos_id] = -1e4
    endless = unspool.Generator(network=model.network, tokenizer=model.tokenizer, parameters=never_ends)
    pieces = endless.stream("", max_new_tokens=2**31 - 1)
    assert sum(len(next(pieces)) for _ in range(20)) >= 20


def test_a_text_does_not_depend_on_what_is_drawn_beside_it(model: unspool.Generator) -> None:
    alone = model.generate("the ", seed=7)[0]
    assert model.generate(["the ", "a", "cat"], n=4, seed=7)[0].text == alone.text
    single = unspool.Generator(
        network=model.network, tokenizer=model.tokenizer, parameters=model.parameters, threads=1
    )
    many = [g.text for g in model.generate("a", n=9, seed=5)]
    assert [g.text for g in single.generate("a", n=9, seed=5)] == many
    assert len(set(many)) > 1


def test_texts_can_be_drawn_in_parts(model: unspool.Generator) -> None:
    whole = model.generate("a", n=5, max_new_tokens=9, seed=3)
    parts = [*model.generate("a", n=2, max_new_tokens=9, seed=3)]
    parts += model.generate("a", n=3, max_new_tokens=9, seed=3, first=2)
    assert [text.text for text in parts] == [text.text for text in whole]


def test_an_unknown_option_is_named_with_the_nearest_known_one(model: unspool.Generator) -> None:
    with pytest.raises(unspool.ConfigError, match=r"unknown option 'temprature'; did you mean 'temperature'"):
        model.generate(temprature=1.0)  # type: ignore[call-arg]


def test_the_logprob_of_a_text_is_its_score(model: unspool.Generator) -> None:
    generated = [g for g in model.generate("", n=40, seed=2) if g.finish_reason == "stop" and g.text]
    assert generated
    scores = model.score([g.text for g in generated])
    for generation, score in zip(generated, scores, strict=True):
        assert score.total_logprob == pytest.approx(generation.total_logprob, rel=1e-4)
        bits = -score.total_logprob / math.log(2) / len(generation.text)
        assert score.bits_per_character == pytest.approx(bits)


def test_scores_agree_with_what_training_computes(model: unspool.Generator) -> None:
    """The loss of line mode's lanes, one lane wide, is the sum of the texts' scores."""
    encoded = encode_corpus(Records.of(TEXTS), EncodingRecipe(tokenizer=model.tokenizer))
    lanes = Lanes(encoded.training, batch_size=1, sequence_length=7, seed=0, eos_id=model.tokenizer.eos_id,
                  document=False)  # fmt: skip
    engine = make_engine("cpu", model.network, threads=1)
    state, total = engine.initial_state(1), 0.0
    for window in lanes.windows(0):
        loss, _, state = engine.loss_and_gradients(
            model.parameters, window, state, reset_id=model.tokenizer.eos_id
        )
        total += loss.total
    scored = -sum(score.total_logprob for score in model.score(TEXTS))
    assert scored == pytest.approx(total, rel=1e-5)
    evaluation = model.evaluate(TEXTS)
    assert evaluation.loss * evaluation.symbols == pytest.approx(total, rel=1e-5)
    assert evaluation.bits_per_character == pytest.approx(total / math.log(2) / sum(map(len, TEXTS)))


def test_a_text_is_encoded_in_the_ids_of_its_tokens(model: unspool.Generator) -> None:
    ids = model.encode("cat")
    assert ids.dtype == np.int32
    assert model.tokenizer.decode(ids) == "cat"
    assert len(model.encode("c?t", unknown="drop")) == 2
    with pytest.raises(unspool.UnknownSymbolError):
        model.encode("c?t")


def test_unknown_symbols_are_named_dropped_or_replaced(model: unspool.Generator) -> None:
    with pytest.raises(unspool.UnknownSymbolError, match="'z'"):
        model.generate("zoo")
    with pytest.raises(unspool.UnknownSymbolError):
        model.stream("zoo")
    assert model.generate("cazt", unknown="drop", seed=0)[0].prompt == "cat"
    assert len(model.generate("cazt", unknown="replace", seed=0)[0].prompt) == 4
    assert model.score(["zz"], unknown="drop")[0].bits_per_character is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 0), ("n", 1.5), ("temperature", -0.1), ("temperature", math.inf), ("temperature", math.nan),
        ("max_new_tokens", 0), ("top_k", 0), ("top_p", 0.0), ("top_p", 1.1), ("min_p", -1), ("seed", -1),
        ("unknown", "guess"),
    ],
)  # fmt: skip
def test_options_are_checked_at_the_call(model: unspool.Generator, name: str, value: object) -> None:
    with pytest.raises(unspool.ConfigError, match=name):
        model.generate("a", **{name: value})
    if name != "n":
        with pytest.raises(unspool.ConfigError, match=name):
            model.stream("a", **{name: value})


def test_one_string_is_not_a_list_of_texts(model: unspool.Generator) -> None:
    with pytest.raises(unspool.CorpusError, match=r"got one string, 'cat', which is no file; .*\[text\]"):
        model.score("cat")


def test_a_model_is_saved_over_a_model_and_over_nothing_else(
    model: unspool.Generator, tmp_path: Path
) -> None:
    kept = {"README.md": "My notes", "config.json": '{"hidden_size": 8}', "model.safetensors": "another's"}
    for name, content in kept.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(content)
        with pytest.raises(unspool.ArtifactError) as caught:
            model.save(folder)
        assert str(caught.value) == (
            f"{folder}: expected a new folder, or one of a model, got {name} of something else; "
            "choose another folder"
        )
        assert {path.name: path.read_text() for path in folder.iterdir()} == {name: content}
    (tmp_path / "free").mkdir()
    (tmp_path / "free" / "notes.txt").write_text("kept")
    for _ in range(2):
        model.save(tmp_path / "free")
        (tmp_path / "free" / "README.md").write_text("a card that was changed")
    assert (tmp_path / "free" / "notes.txt").read_text() == "kept"
    (tmp_path / "free" / "model.safetensors").write_text("damaged")
    model.save(tmp_path / "free")
    assert unspool.load(tmp_path / "free").network == model.network


def test_save_and_load_give_the_same_generator(model: unspool.Generator, tmp_path: Path) -> None:
    model.save(tmp_path / "saved")
    loaded = unspool.load(tmp_path / "saved")
    assert loaded.network == model.network
    assert loaded.tokenizer == model.tokenizer
    for name, array in model.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], array)
    assert loaded.generate("a", seed=1)[0].text == model.generate("a", seed=1)[0].text
    assert "saved" in (tmp_path / "saved" / "README.md").read_text("utf-8")


def test_a_summary_counts_the_parameters_of_each_layer(
    model: unspool.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    model.summary()
    head, _, *layers, _, total = capsys.readouterr().out.splitlines()
    assert re.split("  +", head) == ["layer", "kind", "output shape", "arrays", "parameters"]
    assert [line.split()[0] for line in layers] == ["layers.0", "layers.1", "output"]
    assert re.split("  +", layers[1])[1:] == ["lstm", "(T, B, 12)", "12 × 48, 12 × 48, 48", "1,200"]
    counts = [int(line.split()[-1].replace(",", "")) for line in layers]
    assert sum(counts) == model.num_parameters == int(total.split()[-1].replace(",", ""))
    tables: list[str] = []
    model.summary(print_fn=tables.append)
    assert len(tables) == 1


def test_a_tokenizer_of_another_model_is_refused(model: unspool.Generator) -> None:
    network = dataclasses.replace(model.network, vocab_size=5)
    with pytest.raises(unspool.ConfigError, match="vocab_size"):
        unspool.Generator(network=network, tokenizer=model.tokenizer, parameters=model.parameters)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(unspool.ArtifactError, match="no such folder"):
        unspool.load(tmp_path / "nothing")


def test_a_pickle_and_a_copy_write_the_same(model: unspool.Generator) -> None:
    texts = [text.text for text in model.generate("the ", n=3, seed=4)]
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert [text.text for text in other.generate("the ", n=3, seed=4)] == texts


@pytest.mark.parametrize("wrong", [3, None, [3], ["the", None], b"the"])
def test_what_is_no_string_is_refused(model: unspool.Generator, wrong: Any) -> None:
    with pytest.raises(unspool.ConfigError, match="prompt must be"):
        model.generate(wrong)
    with pytest.raises(unspool.ConfigError, match="prompt must be a string"):
        model.stream(wrong)
    with pytest.raises(unspool.ConfigError, match="text must be"):
        model.encode(wrong)
    with pytest.raises(unspool.CorpusError, match=r"^texts(\[\d\])?: expected a (list of )?string"):
        model.score(wrong)


def test_one_string_is_no_corpus(model: unspool.Generator) -> None:
    with pytest.raises(unspool.CorpusError, match="records: expected a list of strings"):
        model.evaluate("the cat")


def test_next_symbols_are_those_of_the_engine(model: unspool.Generator) -> None:
    engine = make_engine("cpu", model.network, threads=1)
    ids = np.concatenate([[model.tokenizer.eos_id], model.tokenizer.encode("the c")])[:, None]
    logits, _ = engine.logits(model.parameters, ids, engine.initial_state(1))
    for temperature in (0.5, 1.0, 2.0):
        weights = np.exp(logits[-1, 0].astype(np.float64) / temperature)  # that of <pad> is 0
        named = dict(model.next_symbols("the c", temperature=temperature, top=None))
        assert sum(named.values()) == pytest.approx(1)
        spelled = [named[symbol] for symbol in (*model.tokenizer.symbols, "<eos>")]
        np.testing.assert_allclose(spelled, (weights / weights.sum())[1:], rtol=1e-4)
        assert list(named.values()) == sorted(named.values(), reverse=True)
    assert model.next_symbols("the c", top=3) == list(model.next_symbols("the c", top=None))[:3]
    best, chance = model.next_symbols("the c", temperature=0)[0]
    assert (best, chance) == (model.next_symbols("the c")[0][0], 1.0)


@pytest.mark.parametrize(
    ("name", "value"), [("top", 0), ("temperature", -1), ("prompt", 3), ("unknown", "guess")]
)
def test_next_symbols_checks_its_arguments(model: unspool.Generator, name: str, value: Any) -> None:
    with pytest.raises(unspool.ConfigError, match=name):
        model.next_symbols(**{name: value})


def test_next_symbols_names_what_it_does_not_know(model: unspool.Generator) -> None:
    with pytest.raises(unspool.UnknownSymbolError, match="'z'"):
        model.next_symbols("zoo")
    assert model.next_symbols("cazt", unknown="drop") == model.next_symbols("cat")
