"""The example beside an export to Keras, by a plain twin of Keras's layers: it writes what unspool does."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.exporting.cases import Asked, logprobs_of, model_of
from tests.exporting.plain_keras import Layer, Node, PlainKeras, Recurrent
from tests.exporting.programs import imported, printed
from tests.exporting.strangers import generator_of
from unspool._exporting.exporters import export

CASES = ("lstm-L1", "rnn-L2", "gru-reset_before", "residual", "embedding", "words", "bytes", "regex", "bpe",
         "context", "vector", "learned_start", "pairs")  # fmt: skip


class Loaded:
    """A layer of a model that was loaded, and its cell, as they are called in a step."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def __call__(self, x: Any) -> Any:
        return self._layer(Node(lambda _: np.asarray(x))).of({})  # type: ignore[operator]

    def cell(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        assert isinstance(self._layer, Recurrent)
        assert len(states) == self._layer.states
        after = self._layer.step(x, states)
        return after[0], after


def exported(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, Any]:
    """Return the example of a case's export, and its model as it is loaded."""
    keras: Any = PlainKeras()
    monkeypatch.setitem(sys.modules, "keras", keras)
    path = export(model_of(case), "keras", folder / "out")[0]
    layers = {layer.name: Loaded(layer) for layer in keras.made}
    model = SimpleNamespace(get_layer=layers.__getitem__)

    def load_model(place: Path) -> Any:
        assert place == path / "model.keras"
        return model

    keras.saving = SimpleNamespace(load_model=load_model)
    keras.ops = SimpleNamespace(
        convert_to_numpy=np.asarray, convert_to_tensor=np.asarray, concatenate=np.concatenate
    )
    return imported(path / "example.py", "keras_example.py"), model


@pytest.mark.parametrize("case", CASES)
def test_the_example_writes_what_unspool_does(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, loaded = exported(case, tmp_path, monkeypatch)
    writer = program.KerasWriter(loaded)
    generator = generator_of(model_of(case))
    source = "plain" if case == "pairs" else ""
    generator = generator.conditioned_on(source=source) if source else generator
    prompt = "".join(model_of(case).tokenizer.symbols[:2]) if case == "words" else "pla"
    for text in (prompt, ""):
        (wanted,) = generator.generate(text, temperature=0, max_new_tokens=30)
        assert writer.write(text, temperature=0, longest=30, source=source) == wanted.text
    (short,) = generator.generate(temperature=0, max_new_tokens=3)
    assert writer.write(temperature=0, longest=3, source=source) == short.text


def test_the_example_is_told_a_context_and_a_vector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    program, loaded = exported("context", tmp_path / "a", monkeypatch)
    writer, model = program.KerasWriter(loaded), model_of("context")
    generator = generator_of(model).conditioned_on(context={"kind": "k1"})
    (wanted,) = generator.generate(temperature=0, max_new_tokens=20)
    size = model.network.context_size or 0
    row = [float(name == "k1") for name in ("k0", "k1")] + [0.0] * (size - 2)
    assert writer.write(temperature=0, longest=20, context=row) == wanted.text
    assert writer.write(temperature=0, longest=20) != wanted.text
    (tmp_path / "b").mkdir()
    program, loaded = exported("vector", tmp_path / "b", monkeypatch)
    vector = [0.4, 1.0, -0.5]
    (wanted,) = (
        generator_of(model_of("vector"))
        .conditioned_on(vector=vector)
        .generate(temperature=0, max_new_tokens=20)
    )
    assert program.KerasWriter(loaded).write(temperature=0, longest=20, start=vector) == wanted.text


class Uniform:
    """A generator that is asked once for each symbol, and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def choice(self, size: int, *, p: Any) -> int:
        self.asked.append((size, p))
        return int(np.argsort(p)[-2])  # the one after the best


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_the_shares_are_those_of_the_network(
    temperature: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, loaded = exported("words", tmp_path, monkeypatch)
    writer, random = program.KerasWriter(loaded), Uniform()
    assert (
        writer.symbols.decode([0, 1, writer.symbols.end, writer.symbols.unknown])
        == (model_of("words").tokenizer.symbols[0])
    )
    writer.write(temperature=temperature, longest=2, random=random)
    size, shares = random.asked[0]
    model = model_of("words")
    assert size == model.network.symbols
    logprobs = logprobs_of(model, Asked(np.array([model.tokenizer.eos_id], np.int32)))[0]
    powers = np.exp(logprobs) ** (1 / temperature)
    powers[writer.symbols.unknown] = 0
    np.testing.assert_allclose(shares, powers / powers.sum(), atol=1e-5)
    assert len(random.asked) == 2


def test_the_command_line_of_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, loaded = exported("pairs", tmp_path, monkeypatch)
    words = ["pl", "--n", "2", "--temperature", "0.7", "--seed", "3", "--source", "plain"]
    random = np.random.default_rng(3)
    writer = program.KerasWriter(loaded)
    wanted = [writer.write("pl", temperature=0.7, source="plain", random=random) for _ in range(2)]
    assert printed(program, *words) == "".join(f"{text}\n" for text in wanted)
    assert wanted[0] != wanted[1]
    assert printed(program) == writer.write(temperature=program.FACTS["generation"]["temperature"]) + "\n"
    with pytest.raises(SystemExit, match="the model does not know 'Ω'"):
        printed(program, "Ω")
