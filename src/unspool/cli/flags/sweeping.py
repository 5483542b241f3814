"""The flags of ``unspool sweep``, in groups."""

from unspool.cli.flags.flag import Flag, Group
from unspool.cli.flags.shared import NETWORK, TRAINING

TRYING = Group(
    "trying",
    "What to try: values after one another, or with --trials a range LOW..HIGH",
    (
        Flag("cell", list[str], "{choices}", default="lstm gru", table="unspool.network.cells:CELLS",
             several=True),
        Flag("hidden_size", list[str], "Units in each layer", default="64 128 256", several=True),
        Flag("num_layers", list[str], "Recurrent layers", default="1", several=True),
        Flag("learning_rate", list[str], "Peaks of the schedule", default="0.01 0.02", several=True),
        Flag("dropout", list[str], "Chances that a unit is dropped", default="0", several=True),
        Flag("batch_size", list[str], "Lanes of text read side by side", default="16", several=True),
    ),
)  # fmt: skip

BUDGET = Group(
    "budget",
    "How long",
    (
        Flag("minutes_per_trial", float, "Learning time of every training, evaluations left out",
             default="1"),
        Flag("symbols_per_trial", int, "Symbols that every training reads, in place of a time",
             default="none"),
        Flag("seeds", int, "Trainings of each configuration, to know the noise", default="3"),
        Flag("trials", int, "Draw so many configurations (TPE) in place of the grid", default="none",
             can_be_off=True),
        Flag("finalists", int, "Train only so many with all seeds, the best by their first",
             default="none", can_be_off=True),
        Flag("pruner", str, "What ends a hopeless training early: median, halving or none", default="median",
             table="unspool.sweeping.sweep_config:PRUNERS", can_be_off=True),
        Flag("evaluations", int, "Measurements in each training", default="8"),
    ),
)  # fmt: skip

PLACE = Group(
    "place",
    "Where",
    (
        Flag("workers", int, "Trainings side by side; the processors are divided among them", default="1"),
        Flag("storage", str, "URL of a database", default="a SQLite file in the folder"),
        Flag("ray", str, "Address of a Ray cluster to train on", default="this machine"),
    ),
)

OWN = {flag.name for group in (TRYING, BUDGET) for flag in group.flags}
FIXED_NETWORK = Group(
    "network", "The same for all", tuple(flag for flag in NETWORK.flags if flag.name not in OWN)
)
NOT_USED = {"epochs", "minutes", "patience", "evaluate_every", "checkpoint_seconds"} | OWN
FIXED_TRAINING = Group(
    "training", "The same for all", tuple(flag for flag in TRAINING.flags if flag.name not in NOT_USED)
)
