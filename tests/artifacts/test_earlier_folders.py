"""Folders of format 0.1, one of each kind, load for ever and mean what they meant.

`folders/` has them as they were written: never write one anew. Those of rnn, lstm and gru are in the first
form of the format, without the keys that came later.
"""

from pathlib import Path

import pytest

import unspool
from unspool._network.cells import CELLS

FOLDERS = Path(__file__).parent / "folders"
MEANT = {  # what each writes at temperature 0, and its log-probability of "a cat"
    "bytes": ("w cooooo", -32.9031),
    "context": ("cccccccc", -11.4349),
    "gru": ("", -7.2486),
    "gru-reset-before": ("o", -10.6090),
    "lstm": ("o tc", -10.6104),
    "pairs": ("cccccccc", -11.5046),
    "rnn": ("cc", -12.2134),
}


def loaded(name: str) -> unspool.Generator:
    with pytest.warns(
        UserWarning, match=r"model\.safetensors was saved by an older unspool, without a check"
    ):
        model = unspool.load(FOLDERS / name, threads=1)
    return model.conditioned_on(source="a cat") if name == "pairs" else model


@pytest.mark.parametrize("name", MEANT)
def test_an_earlier_folder_means_what_it_meant(name: str, tmp_path: Path) -> None:
    model = loaded(name)
    text, logprob = MEANT[name]
    assert model.generate(temperature=0, max_new_tokens=8)[0].text == text
    assert model.score(["a cat"])[0].total_logprob == pytest.approx(logprob, abs=1e-3)
    model.save(tmp_path / name)
    assert unspool.load(tmp_path / name).score(["a cat"])[0].total_logprob == pytest.approx(logprob, abs=1e-3)


def test_there_is_a_folder_of_each_kind() -> None:
    with pytest.warns(UserWarning, match="older unspool") as warned:
        models = [unspool.load(FOLDERS / name) for name in MEANT]
    assert len(warned) == len(MEANT)
    assert {path.name for path in FOLDERS.iterdir()} == MEANT.keys()
    assert {model.network.cell for model in models} == CELLS.keys()
    assert {model.tokenizer.kind for model in models} == {"char", "word", "bytes"}  # all that 0.1 had
    assert any(model.source_tokenizer for model in models)
    assert any(model.schema.attributes for model in models)
    assert {model.network.reset_after for model in models} == {True, False}
