"""The flags of ``unspool sweep``, in groups."""

from dataclasses import replace
from functools import partial

from unspool._cli.flags.flag import Flag, Group
from unspool._cli.flags.rows import flags_of
from unspool._cli.flags.shared import NETWORK, TRAINING
from unspool._sweeping.space import parse_values
from unspool._sweeping.sweep_config import SweepConfig

SWEEPING = flags_of(SweepConfig)
TRYING = Group(
    "trying",
    "What to try: one or more values, or with --trials a range LOW..HIGH",
    tuple(replace(flag, collect=partial(parse_values, flag.name)) for flag in SWEEPING if flag.several),
)
BUDGET = Group("budget", "How long", tuple(flag for flag in SWEEPING if not flag.several))

PLACE = Group(
    "place",
    "Where",
    (
        Flag("workers", int, "Runs at the same time; they share the processors", default="1"),
        Flag("storage", str, "URL of a database", default="a SQLite file in the folder"),
        Flag("ray", str, "Address of a Ray cluster to train on", default="this machine"),
    ),
)

OWN = {flag.name for flag in SWEEPING}
FIXED_NETWORK = Group(
    "network", "The same for all runs", tuple(flag for flag in NETWORK.flags if flag.name not in OWN)
)
NOT_USED = {"epochs", "minutes", "patience", "evaluate_every", "checkpoint_seconds"} | OWN
FIXED_TRAINING = Group(
    "training", "The same for all runs", tuple(flag for flag in TRAINING.flags if flag.name not in NOT_USED)
)
