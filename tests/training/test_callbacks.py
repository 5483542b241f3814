import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from unspool._errors import ConfigError, UnknownSymbolError
from unspool._text.tokenizers.registry import CharTokenizer
from unspool._training.callbacks import SamplingCallback
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import Checkpoint
from unspool._training.loop import train_loop
from unspool._training.records import SampleRecord
from unspool._training.task import TrainingTask

TOKENIZER = CharTokenizer(tuple("abcdefgh"))


def samples(
    make_task: Callable[..., TrainingTask], begin: Callable[[TrainingTask], Checkpoint], **options: Any
) -> list[SampleRecord]:
    callback = SamplingCallback(tokenizer=TOKENIZER, **options)
    task = make_task(callbacks=[callback], epochs=2)
    records = train_loop(task, begin(task), sink=MemorySink())
    return [record for record in records if isinstance(record, SampleRecord)]


def test_every_prompt_is_continued_at_every_temperature_after_every_evaluation(
    make_task: Any, begin: Any
) -> None:
    found = samples(make_task, begin, prompts=["", "abc"], temperatures=[0.0, 1.0], max_new_tokens=9)
    assert [(r.epoch, r.temperature, r.prompt) for r in found] == [
        (epoch, temperature, prompt)
        for epoch in (1, 2)
        for temperature in (0.0, 1.0)
        for prompt in ("", "abc")
    ]
    assert all(len(record.text) <= 9 for record in found)
    assert all(set(record.text) <= set("abcdefgh") for record in found)
    assert len({record.text for record in found}) > 2


def test_the_seed_fixes_the_samples(make_task: Any, begin: Any) -> None:
    first, again, other = (samples(make_task, begin, temperatures=[1.5], seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert [r.text for r in first] != [r.text for r in other]


def test_sampling_leaves_the_training_alone(make_task: Any, begin: Any) -> None:
    finals = []
    for callbacks in ([], [SamplingCallback(tokenizer=TOKENIZER)]):
        task = make_task(callbacks=callbacks, epochs=2)
        start = begin(task)
        list(train_loop(task, start, sink=MemorySink()))
        finals.append({name: array.tobytes() for name, array in start.parameters.items()})
    assert finals[0] == finals[1]


def test_a_bad_prompt_or_temperature_is_found_before_the_training() -> None:
    with pytest.raises(UnknownSymbolError):
        SamplingCallback(tokenizer=TOKENIZER, prompts=["xyz"])
    with pytest.raises(ConfigError):
        SamplingCallback(tokenizer=TOKENIZER, temperatures=[-1.0])
    assert dataclasses.is_dataclass(SamplingCallback)
