"""The names of the records, which stand in metrics.jsonl and in what programs read."""

from unspool._training import records


def test_each_record_has_its_name() -> None:
    named = {name: each.kind for name, each in vars(records).items() if hasattr(each, "kind")}
    assert named == {
        "StepRecord": "step",
        "MeasuringRecord": "measuring",
        "EvaluationRecord": "evaluation",
        "SampleRecord": "sample",
        "CheckpointRecord": "checkpoint",
        "ChangeRecord": "change",
        "CountsRecord": "counts",
        "StopRecord": "stop",
        "FinishRecord": "finish",
    }
