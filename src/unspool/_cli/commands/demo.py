"""``unspool demo``: the main job on the embedded corpus, in under a minute."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.commands.train import finished_facts, show_outcome, trained
from unspool._cli.flags.flag import Flag, FlagValues, Group, Option, takes
from unspool._cli.flags.shared import TRAINING, AsJson
from unspool._cli.output.printing import print_json
from unspool._cli.output.tables import print_table
from unspool._cli.output.text_json import as_dict
from unspool._errors import InputError

if TYPE_CHECKING:
    from unspool._model import Generator

CORPUS = "docstrings"
PROMPTS = ("Return ", "Test ", "A ")
TEMPERATURES = (0.3, 0.8, 1.0, 1.3, 1.8)
EPOCHS = 12
MINUTES = 0.7  # limit for a slow machine
LONGEST = 72
RUNNING = Group(
    "running",
    "Running",
    tuple(flag for flag in TRAINING.flags if flag.name in ("epochs", "minutes", "seed", "threads")),
)


@takes(RUNNING)
def demo(
    *,
    out: Annotated[str, Option(Flag("out", Path, "Folder of the run", default="runs/demo"))] = "runs/demo",
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Watch a generator learn, in under a minute.

    It learns from the docstrings of Python's standard library and then writes at several temperatures. The
    model is saved in the folder; an earlier demo in it is replaced.
    """
    import unspool

    folder = Path(out)
    options = {"epochs": EPOCHS, "minutes": MINUTES, **flags.running}
    start = partial(
        unspool.train,
        unspool.read_records(CORPUS),
        out=folder,
        training=unspool.TrainingConfig(**options),
        sample_prompts=("", *PROMPTS),
        sample_temperatures=(0.8,),
        overwrite=is_demo(folder),
    )
    model = trained(folder, start)
    texts, facts = write_table(model), finished_facts(model, folder)
    if as_json:
        print_json({**facts, "samples": texts})
        return
    show_outcome(facts, folder)
    print()
    rows = [(f"{row['temperature']:g}", row["text"]) for row in texts]
    print_table(("temperature", "text"), rows, right=(0,), section=len(TEMPERATURES))
    print("\nTrain on your own text, one text per line: unspool train FILE")


def write_table(model: "Generator") -> list[dict[str, Any]]:
    """Return the continuations of every prompt at every temperature."""
    rows = []
    for temperature in TEMPERATURES:
        options: dict[str, Any] = {"temperature": temperature, "max_new_tokens": LONGEST, "seed": 0}
        rows += [(temperature, each) for each in model.generate(PROMPTS, **options)]
    rows.sort(key=lambda row: PROMPTS.index(row[1].prompt))
    return [{"temperature": temperature, **as_dict(generation)} for temperature, generation in rows]


def is_demo(folder: Path) -> bool:
    """Return whether a folder holds an earlier demo, which a new one may replace."""
    from unspool._artifacts.model_folder import CONFIG, config_of, read_content
    from unspool._text.reading.sources import CORPUS_PREFIX

    try:
        data = config_of(read_content(folder / CONFIG), where=CONFIG).data
    except InputError:
        return False
    return (data.get("records") or {}).get("source") == CORPUS_PREFIX + CORPUS
