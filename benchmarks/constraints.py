"""What constraints cost: the same length of text with and without one, and rejection sampling beside them.

The first table draws texts of one length from an untrained network, `<eos>` being out of reach, so that both
sides do the same work. The second one trains on the embedded corpus for a moment and compares two ways to a
text that meets a constraint: drawing it under the constraint, and drawing until one meets it by chance.
"""

import argparse
import tempfile
import time
from collections.abc import Callable

import numpy as np

import harness

NEVER = np.float32(-1e4)  # a bias so low that <eos> never ends a sequence
LETTERS = "".join(map(chr, range(32, 127)))

SAME_LENGTH = {  # under all of them a text can go on for ever
    "excluded_characters": {"excluded_characters": "[0-9]"},
    "excludes": {"excludes": ["the", "and", "aa", "  "]},
    "regex": {"regex": r"(?:[A-Za-z]+(?: |, ))*[A-Za-z]*"},
}
WANTED = {
    "starts_with": {"starts_with": "Return", "max_length": 200},
    "max_length": {"max_length": 40, "ends_with": "."},
    "contains": {"contains": ["file", "name"], "max_length": 200},
    "regex": {"regex": r"(?:Return|Set|Get) the [a-z ]{5,60}\.", "max_length": 200},
}


def untrained(arguments: argparse.Namespace) -> object:
    """Make a generator that never ends a text by itself."""
    import unspool
    from unspool._network.parameters import initialize
    from unspool._text.tokenizers.registry import CharTokenizer

    tokenizer = CharTokenizer(LETTERS[: arguments.vocab_size - 2])
    network = unspool.NetworkConfig(hidden_size=arguments.hidden_size, vocab_size=tokenizer.vocab_size)
    parameters = initialize(network, 0)
    parameters["output.bias"][-1] = NEVER
    return unspool.Generator(
        network=network, tokenizer=tokenizer, parameters=parameters, threads=arguments.threads
    )


def draw(model: object, **options: object) -> tuple[list[object], float]:
    """Draw texts, and return them with the seconds that it took."""
    began = time.perf_counter()
    texts = model.generate("", seed=0, **options)
    return texts, time.perf_counter() - began


def speed(model: object, constraint: object, batch_size: int, length: int) -> Callable[[], float]:
    """Prepare a round that returns characters per second; compiling happens in the first round only."""

    def run() -> float:
        texts, seconds = draw(model, n=batch_size, max_new_tokens=length, constraint=constraint)
        drawn = sum(len(text.ids) for text in texts)
        if drawn != batch_size * length:
            raise SystemExit(f"expected {batch_size * length} characters, got {drawn}")
        return drawn / seconds

    return run


def measure_cost(arguments: argparse.Namespace, batch_size: int) -> dict[str, object]:
    """Measure the same length of text with and without each constraint."""
    import unspool

    model = untrained(arguments)
    length = max(1, arguments.characters // batch_size)
    contenders = {"none": speed(model, None, batch_size, length)}
    for name, fields in SAME_LENGTH.items():
        contenders[name] = speed(model, unspool.Constraint(**fields), batch_size, length)
    speeds = harness.take_turns(contenders, rounds=arguments.rounds)
    return {"batch_size": batch_size, "characters_per_second": speeds}


def trained(arguments: argparse.Namespace) -> object:
    """Train on the embedded corpus for a moment."""
    import unspool

    with tempfile.TemporaryDirectory() as folder:
        return unspool.train(
            unspool.read_records("docstrings"),
            out=f"{folder}/run",
            training=unspool.TrainingConfig(
                epochs=None, minutes=arguments.minutes, threads=arguments.threads, seed=0
            ),
        )


def by_rejection(model: object, constraint: object, arguments: argparse.Namespace) -> dict[str, object]:
    """Draw texts without the constraint until enough of them meet it or the draws are used up."""
    drawn = accepted = 0
    total_seconds = 0.0
    while drawn < arguments.draws and accepted < arguments.texts:
        texts, seconds = draw(model, n=arguments.texts, first=drawn, max_new_tokens=200)
        total_seconds += seconds
        drawn += arguments.texts
        ended = (text for text in texts if text.finish_reason == "stop")
        accepted += sum(constraint.holds(text.text) for text in ended)
    return {"drawn": drawn, "accepted": accepted, "seconds": total_seconds}


def measure_rejection(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """Measure both ways to a text that meets a constraint."""
    import unspool
    from unspool._generation.constraints.compiling import compile_constraint

    model = trained(arguments)
    results = []
    for name, fields in WANTED.items():
        constraint = unspool.Constraint(**fields)
        compiling = harness.seconds(lambda c=constraint: compile_constraint(c, model.tokenizer))
        _, drawing = draw(model, n=arguments.texts, max_new_tokens=200, constraint=constraint)
        rejection = by_rejection(model, constraint, arguments)
        results.append(
            {"constraint": name, "fields": fields, "compiling": compiling, "texts": arguments.texts}
            | {"seconds": drawing, "rejection": rejection}
        )
        harness.say(f"{name}: {rejection['accepted']} of {rejection['drawn']} meet it by chance")
    return results


def cost_rows(results: list[dict[str, object]]) -> list[list[str]]:
    """Return the speeds as table rows, with the change against the speed without a constraint."""
    rows = []
    for result in results:
        speeds: dict[str, harness.Spread] = result["characters_per_second"]
        plain = speeds["none"].median
        cells = [f"{speeds[name]} {speeds[name].median / plain - 1:+.1%}" for name in SAME_LENGTH]
        rows.append([str(result["batch_size"]), str(speeds["none"]), *cells])
    return rows


def rejection_rows(results: list[dict[str, object]]) -> list[list[str]]:
    """Return the milliseconds for each text as table rows, under the constraint and by rejection."""
    rows = []
    for result in results:
        tried = result["rejection"]
        spent = 1000 * result["seconds"] / result["texts"]
        chance, draws = "more", f"over {tried['drawn']:,}"
        if tried["accepted"]:
            chance = harness.figure(1000 * tried["seconds"] / tried["accepted"])
            draws = harness.figure(tried["drawn"] / tried["accepted"])
        fields = ", ".join(f"{name} {value}" for name, value in result["fields"].items())
        fields = fields.replace("|", "\\|")
        rows.append([fields, f"{1000 * result['compiling']:.0f}", harness.figure(spent), chance, draws])
    return rows


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__)
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--vocab-size", type=int, default=84)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 256])
    parser.add_argument("--characters", type=int, default=100_000, help="characters in a round")
    parser.add_argument("--minutes", type=float, default=0.25, help="training for the second table")
    parser.add_argument("--texts", type=int, default=256, help="texts to draw under a constraint")
    parser.add_argument("--draws", type=int, default=20_000, help="most draws for rejection sampling")
    arguments = parser.parse_args()
    cost = [measure_cost(arguments, batch_size) for batch_size in arguments.batch_sizes]
    rejection = measure_rejection(arguments)
    terms = f"Characters a second, median (low to high) of {arguments.rounds} rounds, compiled before: "
    terms += f"lstm, hidden {arguments.hidden_size}, vocabulary {arguments.vocab_size}"
    beside = "Milliseconds for each text that meets a constraint, and draws until one meets it by chance"
    document = {
        "benchmark": "constraints",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "results": {"cost": cost, "rejection": rejection},
    }
    lines = [terms, "", harness.table(["sequences at once", "none", *SAME_LENGTH], cost_rows(cost)), ""]
    header = ["constraint", "compiling, ms", "under it, ms", "by rejection, ms", "draws"]
    lines += [beside, "", harness.table(header, rejection_rows(rejection))]
    harness.finish(document, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
