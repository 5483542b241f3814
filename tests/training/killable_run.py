"""A tiny run that can be killed at any moment: started again with the same folder, it goes on.

Usage: python killable_run.py FOLDER line|document
"""

import sys
from pathlib import Path

import numpy as np

from unspool._engines import make_engine
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import CharTokenizer
from unspool._training.callbacks import SamplingCallback
from unspool._training.config import TrainingConfig
from unspool._training.folder.run_folder import RunFolder
from unspool._training.loop import train_loop
from unspool._training.task import TrainingTask, fresh_start

TOKENIZER = CharTokenizer(tuple("abcdefgh"))
NETWORK = NetworkConfig(
    hidden_size=8,
    num_layers=2,
    embedding_size=8,
    residual=True,
    tied_output=True,
    dropout=0.2,
    input_dropout=0.1,
    recurrent_dropout=0.3,
    vocab_size=TOKENIZER.vocab_size,
)
TRAINING = TrainingConfig(
    epochs=4, batch_size=4, sequence_length=5, evaluate_every=7, checkpoint_seconds=0.0, threads=1, ema=0.9
)


def make_stream(num_records: int, seed: int) -> TokenStream:
    rng = np.random.default_rng(seed)
    records = [np.append(rng.integers(1, 9, rng.integers(2, 12)), 9) for _ in range(num_records)]
    starts = np.cumsum([0, *map(len, records)])[:-1].astype(np.int64)
    ids = np.concatenate(records).astype(np.uint8)
    return TokenStream(ids, starts, len(ids) - num_records)


def main(folder: Path, mode: str) -> None:
    if (folder / "config.json").exists():
        run = RunFolder.reopen(folder)
    else:
        run = RunFolder.create(folder, network=NETWORK, training=TRAINING, tokenizer=TOKENIZER, data={})
    task = TrainingTask(
        engine=make_engine("cpu", run.network, threads=1),
        training=make_stream(60, seed=0),
        validation=make_stream(6, seed=1),
        eos_id=TOKENIZER.eos_id,
        document=mode == "document",
        config=run.training,
        callbacks=[SamplingCallback(tokenizer=run.tokenizer, prompts=["ab"], max_new_tokens=5)],
    )
    start = run.start(fresh_start(task, dict(initialize(run.network, run.training.seed))))
    print("ready", flush=True)
    for record in train_loop(task, start, sink=run):
        run.record(record)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
