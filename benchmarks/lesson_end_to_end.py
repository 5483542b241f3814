"""The lesson from the file to the saved model: read, tokenize, train with validation and samples, save.

Both sides read the same table, learn the same titles for as many epochs, measure the same held-out titles and
write a text after each epoch, and save. Neither clock counts the import of its libraries.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import harness
from lesson import keras_on, titles

PROMPT = "Today "

Result = dict[str, float]


def unspool_run(arguments: argparse.Namespace, seed: int) -> Result:
    """Run the whole job as a user of unspool does: `train` with its defaults, for as many epochs."""
    import unspool
    from unspool._training.records import EvaluationRecord

    bits: list[float] = []

    def keep(record: object) -> None:
        if isinstance(record, EvaluationRecord) and record.bits_per_character is not None:
            bits.append(record.bits_per_character)

    began = time.perf_counter()
    training, held_out = titles(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        unspool.train(
            training,
            out=Path(folder, "run"),
            validation=held_out,
            training=unspool.TrainingConfig(epochs=arguments.epochs, seed=seed, threads=arguments.threads),
            sample_prompts=(PROMPT,),
            on_record=keep,
        )
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "bits_per_character": min(bits)}


def keras_run(arguments: argparse.Namespace) -> Result:
    """Run the whole job as the lesson does, and measure each part."""
    parts = dict.fromkeys(("read and prepare", "train", "validate", "sample", "save"), 0.0)
    bits: list[float] = []

    def timed(part: str, work: Callable[[], object]) -> object:
        results: list[object] = []
        parts[part] += harness.seconds(lambda: results.append(work()))
        return results[0]

    lesson = timed("read and prepare", lambda: keras_on(arguments.threads).Lesson(*titles(arguments.data)))
    for epoch in range(arguments.epochs):
        timed("train", lesson.epoch)
        bits.append(timed("validate", lesson.bits_per_character))
        timed("sample", lambda: lesson.generate(PROMPT, arguments.characters))
        harness.say(f"Keras, epoch {epoch + 1}: {sum(parts.values()):.1f} s, {bits[-1]:.3f}")
    with tempfile.TemporaryDirectory() as folder:
        timed("save", lambda: lesson.model.save(Path(folder, "lesson.keras")))
    return {"seconds": sum(parts.values()), "bits_per_character": min(bits), **parts}


def measure(arguments: argparse.Namespace) -> dict[str, list[Result]]:
    """Let both run the whole job, unspool before and after Keras, so that a slow minute affects both."""
    import unspool._pipeline  # noqa: F401 - before the clock starts, as TensorFlow is

    runs: dict[str, list[Result]] = {"unspool": [unspool_run(arguments, 0)], "Keras": []}
    if harness.installed("tensorflow-cpu") or harness.installed("tensorflow"):
        import keras_peer  # noqa: F401 - likewise

        runs["Keras"].append(keras_run(arguments))
    else:
        harness.absent("Keras", "tensorflow")
    runs["unspool"] += [unspool_run(arguments, seed) for seed in range(1, arguments.rounds)]
    return runs


def rows(runs: dict[str, list[Result]]) -> list[list[str]]:
    """Return both sides as table rows."""
    table_rows = []
    for name, results in runs.items():
        if results:
            seconds, bits = (
                harness.Spread.of([result[key] for result in results])
                for key in ("seconds", "bits_per_character")
            )
            table_rows.append([name, str(seconds), f"{bits.median:.3f} ({bits.low:.3f} to {bits.high:.3f})"])
        else:
            table_rows.append([name, "absent", ""])
    return table_rows


def verdict(runs: dict[str, list[Result]]) -> str:
    """Return how many times faster unspool is, and where Keras spends its time."""
    if not runs["Keras"]:
        return "Keras is absent: nothing to compare with"
    (keras,) = runs["Keras"]
    unspool = harness.Spread.of([result["seconds"] for result in runs["unspool"]])
    parts = [f"{name} {value:.1f} s" for name, value in keras.items() if name not in runs["unspool"][0]]
    without = keras["seconds"] - keras["sample"]
    return (
        f"unspool is {keras['seconds'] / unspool.median:.1f} × faster, {without / unspool.median:.1f} × "
        f"where Keras's samples count nothing; Keras: {', '.join(parts)}"
    )


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=3)
    parser.add_argument("--data", type=Path, default=harness.data("ag_news_test.csv"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--characters", type=int, default=40, help="characters of Keras's sample")
    arguments = parser.parse_args()
    harness.required(arguments.data)
    runs = measure(arguments)
    document = {
        "benchmark": "lesson_end_to_end",
        "machine": harness.describe(threads=arguments.threads),
        "settings": {**vars(arguments), "data": arguments.data.name},
        "results": runs,
    }
    header = ["", f"{arguments.epochs} epochs, everything counted: seconds", "held-out bits per character"]
    harness.finish(document, [harness.table(header, rows(runs)), "", verdict(runs)], as_json=arguments.json)


if __name__ == "__main__":
    main()
