"""Whatever happens to the bytes of a model or a run: it means the same, or there is one clear error.

Each damage is drawn from a seed. What a damaged folder writes and how its run goes on is compared with the
whole one: another text in silence, a traceback or a long wait is a failure. `pytest -m slow` draws many more.
"""

import json
import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

import unspool
from tests.artifacts.models import make_model, same, save
from unspool._artifacts import load_model
from unspool._artifacts.model_folder import CONFIG, MODEL, TOKENIZER
from unspool._artifacts.tensor_files import open_tensor_file, tensor_file_bytes
from unspool._cli.commands.info import model_facts, model_rows
from unspool._configuration import from_dict
from unspool._errors import UnspoolError
from unspool._generation.options.generation_options import GenerationOptions
from unspool._json_files import fingerprint, json_text
from unspool._pipeline import resume_training
from unspool._training.folder.run_folder import RunFolder

FILES = (
    "config.json", "tokenizer.json", "generation_config.json", "model.safetensors", "novelty.safetensors",
    "metrics.jsonl", "README.md", "checkpoint/last.safetensors", "checkpoint/corpus.json",
)  # fmt: skip
JSON_FILES = [name for name in FILES if name.endswith(".json")]
FEW, MANY = 25, 1000  # damages of each file
LONGEST = 10  # seconds for one damage
ODD = (None, True, -1, 0, 1e300, 2**70, "", "x\ud800", "\x00", [], {}, [[[]]], {"a": {}})
Random = np.random.Generator


@contextmanager
def limited() -> Iterator[None]:
    """Fail if this takes too long."""

    def late(*_: object) -> None:
        raise AssertionError(f"it took more than {LONGEST} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a run of one file that was stopped after its first model."""
    place = tmp_path_factory.mktemp("damage")
    (place / "names.txt").write_text("\n".join(f"{a}{b}{c}" for a in "abcd" for b in "éo" for c in "xyz"))

    def stop(record: Any) -> None:
        if record.kind == "step" and record.step == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unspool.train(
            place / "names.txt",
            out=place / "run",
            hidden_size=6,
            epochs=2,
            threads=1,
            novelty_index=True,
            sample_prompts=["a"],
            on_record=stop,
            batch_size=2,
            sequence_length=8,
            evaluate_every=4,
            checkpoint_seconds=0.0,
        )
    return place / "run"


def meaning(folder: Path, scratch: Path | None) -> list[object]:
    """Return what a folder writes and how its run goes on, after all that it tells was asked for.

    Args:
        folder: The folder.
        scratch: The place of the copy in which the run goes on; None to go on in the folder itself.

    Raises:
        UnspoolError: If it is refused.
    """
    model = unspool.load(folder, threads=1)
    config = from_dict(GenerationOptions, model.generation_config, where="generation_config.json")
    options = {"temperature": config.temperature, "top_k": config.top_k, "max_new_tokens": 12}
    texts = [text.text for text in model.generate(n=4, seed=1, **options)]
    novel = [text.text for text in model.generate(n=2, seed=1, novel=True, max_attempts=40, **options)]
    facts = model_facts(model, folder)
    assert model_rows(facts)
    assert json_text(facts).encode("utf-8")
    if scratch is not None:
        shutil.copytree(folder, scratch)
    after = resume_training(scratch or folder)
    sums = [float(array.sum()) for array in after.parameters.values()]
    return [texts, novel, facts["network"], sums]


def outcome(folder: Path, scratch: Path, whole: list[object]) -> str:
    """Return whether a folder means what the whole one does, is refused, or is told to have changed."""
    with limited(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            same = meaning(folder, scratch) == whole
        except UnspoolError as error:
            message = str(error)
            assert len(message) < 2000, message  # one line that a person can read
            message.encode("utf-8")
            return "refused"
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    warned = any("since the model was saved" in str(warning.message) for warning in caught)
    assert same or warned, "another meaning, in silence"
    return "same" if same else "warned"


def flip(raw: bytes, random: Random) -> bytes:
    at = int(random.integers(len(raw)))
    return raw[:at] + bytes([raw[at] ^ (1 << int(random.integers(8)))]) + raw[at + 1 :]


def cut(raw: bytes, random: Random) -> bytes:
    return raw[: int(random.integers(len(raw)))]


def overwrite(raw: bytes, random: Random) -> bytes:
    begin, length = int(random.integers(len(raw))), int(random.integers(1, 40))
    return raw[:begin] + random.bytes(length) + raw[begin + length :]


def splice(raw: bytes, random: Random) -> bytes:
    """Put a piece of the file, or nothing, in the place of another."""
    begin, end, first, last = (int(each) for each in random.integers(0, len(raw) + 1, 4))
    return raw[: min(begin, end)] + raw[first:last] + raw[max(begin, end) :]


def blank(raw: bytes, random: Random) -> bytes:
    """Write zeros over a piece, as a power cut may."""
    begin = int(random.integers(len(raw)))
    return raw[:begin] + bytes(min(512, len(raw) - begin)) + raw[begin + 512 :]


def grow(raw: bytes, random: Random) -> bytes:
    piece = (b"[" * 5000, b'{"a":' * 5000, b"9" * 5000, b"\xff\xfe", b"NaN", b"1e999", b'"\\ud800"', b"\n")
    at = int(random.integers(len(raw) + 1))
    return raw[:at] + piece[int(random.integers(len(piece)))] + raw[at:]


def odd_value(raw: bytes, random: Random) -> bytes:
    """Put a value of another kind somewhere into the JSON of a file, or of one of its lines."""
    lines = raw.split(b"\n") if b"\n{" in raw[1:] and not raw.startswith(b"{\n") else [raw]
    chosen = int(random.integers(len(lines)))
    try:
        value = json.loads(lines[chosen])
    except ValueError:
        return flip(raw, random)
    places = list(places_in(value))
    if places:
        container, key = places[int(random.integers(len(places)))]
        container[key] = ODD[int(random.integers(len(ODD)))]
    lines[chosen] = json.dumps(value).encode()
    return b"\n".join(lines)


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(item, dict | list):
            yield from places_in(item)


DAMAGES: tuple[Callable[[bytes, Random], bytes], ...] = (
    flip,
    flip,
    cut,
    overwrite,
    splice,
    blank,
    grow,
    odd_value,
)


def damaged(run: Path, tmp_path: Path, name: str, count: int) -> list[str]:
    """Damage a file in many ways, and return the outcomes."""
    folder, scratch = tmp_path / "run", tmp_path / "scratch"
    shutil.copytree(run, folder)
    shutil.copy(run.parent / "names.txt", tmp_path)
    raw, whole = (folder / name).read_bytes(), meaning(folder, scratch)
    shutil.rmtree(scratch)
    results = []
    for number in range(count):
        random = np.random.default_rng([number, FILES.index(name)])
        damage = DAMAGES[number % len(DAMAGES)]
        (folder / name).write_bytes(damage(raw, random))
        try:
            results.append(outcome(folder, scratch, whole))
        except Exception as error:
            error.add_note(f"damage {number} of {name}: {damage.__name__}")
            raise
    return results


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_means_the_same_or_is_refused(run: Path, tmp_path: Path, name: str) -> None:
    results = damaged(run, tmp_path, name, FEW)
    assert "warned" not in results or name == "generation_config.json"
    assert ("refused" in results) == (name != "README.md")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_much_damage_means_the_same_or_is_refused(run: Path, tmp_path: Path, name: str) -> None:
    damaged(run, tmp_path, name, MANY)


@pytest.mark.parametrize("name", ["model.safetensors", "checkpoint/last.safetensors", "novelty.safetensors"])
def test_a_bit_of_what_was_learned_is_never_another_bit(run: Path, tmp_path: Path, name: str) -> None:
    folder, scratch = tmp_path / "run", tmp_path / "scratch"
    shutil.copytree(run, folder)
    shutil.copy(run.parent / "names.txt", tmp_path)
    raw = bytearray((folder / name).read_bytes())
    begin, random = 8 + int.from_bytes(raw[:8], "little"), np.random.default_rng(0)
    for at in random.integers(begin, len(raw), 20):
        raw[at] ^= 1
        (folder / name).write_bytes(raw)
        assert outcome(folder, scratch, []) == "refused"
        raw[at] ^= 1


@pytest.mark.parametrize("name", [CONFIG, TOKENIZER, MODEL])
def test_no_byte_can_be_changed_or_missing_in_silence(tmp_path: Path, name: str) -> None:
    model = make_model(cell="rnn")
    save(tmp_path, model)
    raw, flips = (tmp_path / name).read_bytes(), (0x01, 0x20, 0x80)
    flipped = (raw[:at] + bytes([raw[at] ^ flips[at % 3]]) + raw[at + 1 :] for at in range(len(raw)))
    for version in flipped:
        (tmp_path / name).write_bytes(version)
        try:
            assert same(load_model(tmp_path), model)
        except UnspoolError as error:
            assert len(str(error)) < 1000  # noqa: PT017  (one line that a person can read)
    for length in range(0, len(raw.rstrip()), 7):
        (tmp_path / name).write_bytes(raw[:length])
        with pytest.raises(UnspoolError):
            load_model(tmp_path)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_at_once(run: Path, tmp_path: Path, name: str, kind: str) -> None:
    folder, scratch = tmp_path / "run", tmp_path / "scratch"
    shutil.copytree(run, folder)
    shutil.copy(run.parent / "names.txt", tmp_path)
    whole = meaning(folder, scratch)
    shutil.rmtree(scratch)
    (folder / name).unlink()
    if kind == "pipe":
        os.mkfifo(folder / name)
    elif kind == "device":
        (folder / name).symlink_to("/dev/zero")
    else:
        (folder / name).mkdir()
    with limited():
        try:
            assert meaning(folder, None) == whole
        except UnspoolError:
            assert name != "README.md" or kind == "folder"
        else:
            assert name == "README.md"


@pytest.mark.parametrize("name", JSON_FILES)
def test_a_huge_file_is_refused_before_it_is_read(run: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    os.truncate(folder / name, 1 << 40)  # no disk space is taken, and no memory would suffice
    with (
        limited(),
        pytest.raises(UnspoolError, match=r"expected at most [\d,]+ bytes, got 1,099,511,627,776"),
    ):
        meaning(folder, None)


def reseal(folder: Path, name: str, raw: bytes) -> None:
    """Put a file in the place of another, with a fingerprint and a checksum that fit it."""
    (folder / name).write_bytes(raw)
    arrays = load((folder / MODEL).read_bytes())
    with open_tensor_file(folder / MODEL) as file:
        content = file.content
    content["fingerprints"][name] = fingerprint(json.loads(raw))
    (folder / MODEL).write_bytes(tensor_file_bytes(arrays, content))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "generation_config.json"])
@pytest.mark.parametrize("count", [60, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_value_of_another_kind_is_never_a_traceback(
    run: Path, tmp_path: Path, name: str, count: int
) -> None:
    folder, scratch = tmp_path / "run", tmp_path / "scratch"
    shutil.copytree(run, folder)
    shutil.copy(run.parent / "names.txt", tmp_path)
    raw = (folder / name).read_bytes()
    refused = 0
    for number in range(count):
        reseal(folder, name, odd_value(raw, np.random.default_rng([number, 7])))
        with limited(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                meaning(folder, scratch)
            except UnspoolError:
                refused += 1
            except Exception as error:
                error.add_note(f"value {number} of {name}")
                raise
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    assert refused


def test_changed_options_are_warned_of_before_a_run_saves_them_again(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    path = folder / "generation_config.json"
    path.write_text(path.read_text().replace('"temperature": 0.8', '"temperature": 0.9'))
    with pytest.warns(UserWarning, match="was changed since the model was saved"):
        reopened = RunFolder.reopen(folder)
    assert reopened.generation_config.temperature == 0.9
    path.unlink()
    with pytest.warns(UserWarning, match="is missing since the model was saved"):
        assert RunFolder.reopen(folder).generation_config.temperature == 0.8
