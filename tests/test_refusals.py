"""What the rooms refuse of each other, word for word; `tests/golden` has what users are told."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool import CharTokenizer, GenerationOptions, NetworkConfig
from unspool._artifacts.facts import PartSizes
from unspool._artifacts.model_folder import _check_source_vocabulary, _check_vocabulary
from unspool._artifacts.tensor_files import check_arrays
from unspool._engines.cpu import CpuEngine
from unspool._evaluation.streams import stream_nats
from unspool._generation.automata.automaton import Guide, TokenAutomaton
from unspool._generation.automata.graphs import check_size
from unspool._generation.engine_request import EngineRequest
from unspool._network.conditions import steered_by
from unspool._network.parameters import initialize
from unspool._text.context import Attribute, ContextSchema
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.source_texts import SourceGatherer
from unspool._text.encoding.split import hash_split, refuse_nothing, refuse_unlearnable
from unspool._text.frames import column_values
from unspool._text.reading.places import is_pipe, refuse_unreadable
from unspool._text.reading.sources import records_from_spec
from unspool._text.records import Record
from unspool._text.streams.batches import padded_batches
from unspool._text.streams.lanes import Lanes
from unspool._text.streams.stream import TokenStream
from unspool._training.by_name import divided
from unspool._training.changes import with_limits_left
from unspool._training.checkpoints import _checked_identity, _read_progress, write_error
from unspool._training.pair_defaults import training_of

AB = CharTokenizer(["a", "b"])
NETWORK = NetworkConfig(hidden_size=2, vocab_size=4)
NOTHING = TokenStream(np.empty(0, np.int32), np.empty(0, np.int64), 0)
BLANK = TokenStream(np.array([3, 3], np.int32), np.array([0, 1]), 0)
STREAM = TokenStream(np.array([1, 2, 3], np.int32), np.array([0]), 2)
LANES = {"batch_size": 1, "sequence_length": 2, "seed": 0, "eos_id": 3, "document": False}
AUTOMATON = TokenAutomaton(np.zeros(4, np.int32), np.array([[1], [-1]], np.int32), np.array([1, 0], np.int32))
NUMBER = Attribute("n", mean=0.0, deviation=1.0)
PROMPT = [np.array([1])]
CHECKPOINT = Path("c")
EPOCHS = unspool.TrainingConfig(epochs=3)
TWO = "in the network's configuration; they belong to two different models"
RESUME = "resume with the same value, or start a new run in another folder"


def lanes(**values: Any) -> Lanes:
    return Lanes(STREAM, **{**LANES, **values})


def request(**options: Any) -> EngineRequest:
    return EngineRequest(PROMPT, GenerationOptions(**options))


def failed(number: int) -> Any:
    raise OSError(number, "Words of the system")


def unreadable() -> None:
    with refuse_unreadable("texts"):
        failed(errno.EIO)


def identity(stored: Any, current: dict[str, Any]) -> object:
    return _checked_identity(CHECKPOINT, stored, current)


def progress(values: Any) -> object:
    return _read_progress(CHECKPOINT, values)


def raised(error: Exception) -> None:
    raise error


REFUSED: dict[str, Callable[[], object]] = {
    "batch_size must be a whole number ≥ 1; got 0": lambda: lanes(batch_size=0),
    "sequence_length must be a whole number ≥ 1; got 0": lambda: lanes(sequence_length=0),
    "seed must be a whole number ≥ 0; got -1": lambda: lanes(seed=-1),
    "epoch must be a whole number ≥ 0; got -1": lambda: lanes().windows(-1),
    "start must be a whole number from 0 to 2; got 3": lambda: lanes().windows(0, 3),
    "the corpus is empty: expected at least one record to make lanes of": lambda: Lanes(NOTHING, **LANES),
    "fraction must be a number from 0 to below 1; got 1": lambda: STREAM.tail_split(1),
    "max_symbols must be a whole number ≥ 1; got 0": lambda: list(
        padded_batches(STREAM.ids, np.array([3]), max_symbols=0, first_id=3)
    ),
    "nothing to evaluate: expected at least one record, got an empty stream": lambda: list(
        stream_nats(CpuEngine(NETWORK, threads=1), {}, NOTHING, eos_id=3, document=False)
    ),
    "the corpus is empty: expected at least one record, got none": lambda: refuse_nothing(NOTHING, NOTHING),
    "the corpus has no text to learn from: expected at least one character, "
    "got 2 records without a known symbol": lambda: refuse_nothing(BLANK, NOTHING),
    "no record is left for training: expected at least one, got all 1 held out; "
    "hold out nothing (--validation-fraction none), or use more text": lambda: refuse_unlearnable(
        NOTHING, STREAM
    ),
    "fraction must be a number from 0 to 1; got 1.5": lambda: hash_split(fraction=1.5),
    "seed must be a whole number from 0 to below 2**128; got -1": lambda: hash_split(fraction=0, seed=-1),
    "max_vocab_size must be left out with an existing tokenizer; got 9": lambda: EncodingRecipe(
        tokenizer=AB, max_vocab_size=9
    ),
    "grow must be false for a new tokenizer; got True": lambda: EncodingRecipe(grow=True),
    "validation_fraction must be a number from 0 to 1, or None; got 2": lambda: EncodingRecipe(
        validation_fraction=2
    ),
    "unknown must be error, drop, replace or None; got 'ignore'": lambda: EncodingRecipe(
        unknown="ignore"  # type: ignore[arg-type]
    ),
    "record 1: expected a whole text beside a source, got a piece": lambda: list(
        SourceGatherer().passing([(Record("a", source="b", ends=False), False)])
    ),
    "attribute label: expected values with their counts, or a mean and a deviation above 0, "
    "got Attribute(name='label', values=('a',), counts=(), mean=None, "
    "deviation=None)": lambda: Attribute("label", values=("a",)),
    "records must be a whole number ≥ 0; got -1": lambda: PartSizes(-1, 0, 0),
    f"m: vocab_size: expected 4 as in its tokenizer, got 9 {TWO}": lambda: _check_vocabulary(
        NetworkConfig(vocab_size=9), AB, "m"
    ),
    f"m: source_vocab_size: expected 4 as in its tokenizer, got None {TWO}": lambda: _check_source_vocabulary(
        NETWORK, AB, "m"
    ),
    f"m: source_vocab_size: expected none: there is no source tokenizer, got 9 {TWO}": lambda: (
        _check_source_vocabulary(NetworkConfig(source_vocab_size=9), None, "m")
    ),
    "model: array 'a' is missing: expected shape (1,); the file belongs to another network": lambda: (
        check_arrays({}, {"a": (1,)}, where="model")
    ),
    "model: array 'a': expected shape (1,), got shape (2,)": lambda: check_arrays(
        {"a": np.zeros(2, np.float32)}, {"a": (1,)}, where="model"
    ),
    "model: array 'b' is not part of the network: expected one of a": lambda: check_arrays(
        {"a": np.zeros(1, np.float32), "b": np.zeros(1)}, {"a": (1,)}, where="model"
    ),
    "model: array 'a': expected float32, got float64": lambda: check_arrays(
        {"a": np.zeros(1)}, {"a": (1,)}, where="model"
    ),
    "model: array 'a': expected finite numbers, got NaN or infinity; its training diverged: use an earlier "
    "model": lambda: check_arrays({"a": np.full(1, np.inf, np.float32)}, {"a": (1,)}, where="model"),
    "precision must be one of float32, bf16, auto; got 'half'": lambda: CpuEngine(NETWORK, precision="half"),
    "the constraint on text 0 does not allow its prompt": lambda: Guide(
        AUTOMATON, np.array([-1], np.int32)
    ).check(9),
    "max_new_tokens must be at least 1, the length that the constraint needs; got 0": lambda: Guide(
        AUTOMATON, np.array([0], np.int32)
    ).check(0),
    "the constraint is too large: expected a table of at most 16,777,216 entries, got 4,097 states × 4,096 "
    "classes of symbols, or more; make it simpler: a smaller max_length, shorter counted repeats, fewer "
    "choices": lambda: check_size(4097, 4096),
    "stop must be None: an engine works on ids; Generator.generate takes texts; got ('a',)": lambda: request(
        stop="a"
    ),
    "logit_bias must be ids from 1 to 3; got {4: 1.0}": lambda: request(logit_bias={4: 1.0}).check_ids(4),
    "dry_sequence_breakers must be tuples of ids: an engine takes no strings; got ('a',)": lambda: request(
        dry_sequence_breakers=["a"]
    ).check_ids(4),
    "logprobs must be a whole number from 1 to 3, or None; got 4": lambda: request(logprobs=4).check_ids(4),
    "context_size must be None: the records have none; got 3": lambda: steered_by(
        NetworkConfig(context_size=3), None, document=False
    ),
    "context_size must be 2, as in the records, or None; got 3": lambda: steered_by(
        NetworkConfig(context_size=3),
        ContextSchema((Attribute("n", mean=0.0, deviation=1.0),)),
        document=False,
    ),
    "vectors and start_size do not work with one document; read a text per record": lambda: steered_by(
        NetworkConfig(start_size=0), None, document=True
    ),
    "seed must be a whole number ≥ 0; got 0.5": lambda: initialize(NETWORK, 0.5),  # type: ignore[arg-type]
    "vocab_size of the tokenizer: expected 9, as the network has, got 4": lambda: unspool.Generator(
        network=NetworkConfig(vocab_size=9), tokenizer=AB, parameters={}
    ),
    "vocab_size of source_tokenizer: expected None, as the network has, got 4": lambda: unspool.Generator(
        network=NETWORK, tokenizer=AB, parameters={}, source_tokenizer=AB
    ),
    "column 'a': expected values that can be read, got dict; compute it first (.collect(), .compute() or "
    ".to_pandas()), or pass a list of its texts": lambda: column_values({"a": 3}, ["a"], 0),
    "more than one column is named 'a'; rename one of them": lambda: column_values({}, ["a", "a"], 1),
    "texts cannot be read: got words of the system; check its path and rights": unreadable,
    "texts from memory cannot be read again; pass them as records": lambda: records_from_spec({}),
    "split does not work with Records, which are read already; say it where they are read: "
    "read_records(..., split=...)": lambda: unspool.train(unspool.Records.of(["a"]), split="sentences"),
    "target and another name of text are given: expected one of them": lambda: divided(
        {"text": "a", "target": "b"}
    ),
    "epochs of the run: expected more than the 3 that are done: they count from the start of the run, got 3; "
    "resume with --epochs 6": lambda: with_limits_left(
        EPOCHS, {"epochs"}, {"epochs": 3, "minutes": 0.5}, finished="epochs"
    ),
    "document must be left out where texts have sources": lambda: training_of(
        unspool.Records(lambda: iter(()), description="a", pairs=True, document=True), None
    ),
    "c: identity: expected an object, got 3": lambda: identity(3, {}),
    f"c is the checkpoint of another run: seed: expected 1, got 2; {RESUME}": lambda: identity(
        {"seed": 1}, {"seed": 2, "precision": "float32"}
    ),
    f"c is the checkpoint of another run: corpus: expected None, got 'x'; {RESUME}": lambda: identity(
        {}, {"corpus": "x", "precision": "float32"}
    ),
    "c: progress: step: expected a whole number ≥ 0, got -1": lambda: _read_progress(
        CHECKPOINT, {"step": -1}
    ),
    "c: progress: unknown key 'stop'": lambda: progress({"stop": 1}),
    "cannot write nowhere/c: its folder is gone; it was removed or renamed while something was written to "
    "it: start the run anew": lambda: raised(
        write_error(Path("nowhere/c"), 1, FileNotFoundError(errno.ENOENT, "No such file"))
    ),
    "cannot write c: expected permission to write there, got Denied; choose another folder, or change its "
    "permissions": lambda: raised(write_error(CHECKPOINT, 1, OSError(errno.EROFS, "Denied"))),
    "cannot write c: expected a writable disk with 2.5 MB free, got Full; free some disk space and resume: "
    "an earlier checkpoint is kept": lambda: raised(
        write_error(CHECKPOINT, 2_500_000, OSError(errno.ENOSPC, "Full"))
    ),
    "cannot write c: expected a writable disk with 0.1 MB free, got Full; free some disk space and resume: "
    "an earlier checkpoint is kept": lambda: raised(
        write_error(CHECKPOINT, 9, OSError(errno.ENOSPC, "Full"))
    ),
    "/dev/null is a device: expected a file, a folder or a pipe; to read what is typed or piped in, write - "
    "in its place": lambda: is_pipe(Path("/dev/null")),
}


@pytest.mark.parametrize("told", REFUSED, ids=range(len(REFUSED)))
def test_a_refusal_says_what_is_wrong_word_for_word(told: str) -> None:
    with pytest.raises(unspool.InputError) as caught:
        REFUSED[told]()
    assert str(caught.value) == told
