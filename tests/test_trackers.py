"""What the page on trackers says is what a tracker then has, read by the tracker's own reader."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.test_readme import ROOT, Session, blocks

PAGE = (ROOT / "docs" / "trackers.md").read_text("utf-8")


def test_tensorboard_has_the_figures_of_the_run(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    session = Session(tmp_path)
    for block in blocks(PAGE):
        if block.language == "python" and (not block.marks or "needs=tensorboard" in block.marks):
            session.run(block)
            if block.marks:
                break
    model: Any = session.names["model"]
    board = EventAccumulator(str(tmp_path / "logs" / "titles"), size_guidance={"tensors": 0})
    board.Reload()
    for tag, kind, name in (
        ("training/bits_per_character", "step", "bits_per_character"),
        ("training/learning_rate", "step", "learning_rate"),
        ("held-out/bits_per_character", "evaluation", "bits_per_character"),
    ):
        lines = [line for line in model.history if line["kind"] == kind]
        events = board.Tensors(tag)
        assert [event.step for event in events] == [line["step"] for line in lines] != []
        figures = [tensor_util.make_ndarray(event.tensor_proto).item() for event in events]
        assert figures == pytest.approx([line[name] for line in lines], rel=1e-6)


def test_the_table_of_the_page_names_figures_that_the_records_have(tmp_path: Path) -> None:
    import unspool

    records: list[Any] = []
    texts = [f"{a} {b}" for a in "abcdef" for b in "uvwxyz"]
    unspool.train(texts, epochs=1, hidden_size=4, out=tmp_path / "run", on_record=records.append)
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    assert {row[1].strip(" `") for row in rows} <= {record.kind for record in records}
    for row in rows:
        kind = row[1].strip(" `")
        (record, *_) = (each for each in records if each.kind == kind)
        for name in row[2].split("of the")[0].replace("`", "").split(","):
            assert hasattr(record, name.split(";")[0].strip()), name
    kept = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert {line["kind"] for line in kept} <= {record.kind for record in records}
