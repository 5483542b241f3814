"""What a run may be resumed with that differs from what it was started with, and what is left of it then.

Three kinds of values stand in a configuration. Some change no number and are free. Some decide how the same
network learns from the same texts from here on: a run goes on with other values of these, and notes the step
of the change. All others are fixed for a run: they decide the network, the texts, or their order.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from unspool._configuration import to_dict
from unspool._errors import ConfigError
from unspool._network.config import DROPOUTS, NetworkConfig
from unspool._training.config import TrainingConfig

# The number of threads and the precision are compared apart: the native kernels give the same bits for any
# number of threads, and the precision that is really used counts.
FREE_TO_CHANGE = frozenset({"checkpoint_seconds", "threads", "precision", "counts", "device"})
LIMITS = ("epochs", "minutes")
CHANGEABLE = frozenset({
    *LIMITS, *DROPOUTS, "learning_rate", "schedule", "warmup_fraction", "floor_fraction", "weight_decay",
    "beta1", "beta2", "rho", "momentum", "epsilon", "clip_norm", "state_reset", "context_dropout", "patience",
    "evaluate_every",
})  # fmt: skip

Changes = dict[str, tuple[Any, Any]]  # name -> the value before and the value after


def changes_to(
    stored: NetworkConfig | TrainingConfig, requested: NetworkConfig | TrainingConfig, *, where: str
) -> Changes:
    """Return the values that a run is resumed with and was not trained with until now.

    Args:
        stored: The configuration of the run.
        requested: The configuration to resume with.
        where: The folder of the run, for messages.

    Raises:
        ConfigError: If a value differs that is fixed for a run.
    """
    old, new = to_dict(stored), to_dict(requested)
    different = [name for name in new if new[name] != old[name] and name not in FREE_TO_CHANGE]
    for name in different:
        if name not in CHANGEABLE:
            hint = "resume with the same value, or start another run"
            if isinstance(stored, TrainingConfig):
                hint += f" from this model (unspool train CORPUS --init-from {where} --out DIR)"
            what = f"{name} is fixed for the run in {where}"
            raise ConfigError(what, expected=repr(old[name]), got=repr(new[name]), hint=hint)
    return {name: (old[name], new[name]) for name in different}


def changes_since(stored: Mapping[str, Any], current: Mapping[str, Any]) -> Changes:
    """Return the values that were changed after a checkpoint.

    Args:
        stored: The identity that the checkpoint has.
        current: The identity of the run as it goes on.
    """
    old, new = ({**identity["network"], **identity["training"]} for identity in (stored, current))
    both = [name for name in new if name in CHANGEABLE and name in old]
    return {name: (old[name], new[name]) for name in both if old[name] != new[name]}


def fixed_part(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be the same in a checkpoint and in the run that goes on from it."""
    return {
        name: {key: value for key, value in part.items() if key not in CHANGEABLE}
        if isinstance(part, Mapping)
        else part
        for name, part in identity.items()
    }


def with_limits_left(
    config: TrainingConfig, changed: Collection[str], done: Mapping[str, float], *, finished: str | None
) -> TrainingConfig:
    """Return the configuration of a changed run, without a limit that is used up while the other is new.

    A limit counts from the start of the run, not from here. One that was reached and stays as it was no
    longer counts if the other one is changed: whoever asks for more epochs of a run that ended by the clock
    wants it to go on.

    Args:
        config: The configuration to resume with.
        changed: The names of the values that differ from those of the run.
        done: The epochs and the minutes that are done, by the names of their limits.
        finished: Why the run had ended, or None if it had not.

    Raises:
        ConfigError: If no step is left within the limits.
    """
    left: dict[str, Any] = {}
    for name, other in (LIMITS, LIMITS[::-1]):
        limit = getattr(config, name)
        if limit is None or not (done[name] >= limit or (finished == name and name not in changed)):
            continue
        if name in changed or other not in changed or getattr(config, other) is None:
            raise _nothing_left(name, limit, done[name])
        left[name] = None
    return replace(config, **left)


def _nothing_left(name: str, limit: float, done: float) -> ConfigError:
    enough = (
        f"{max(math.floor(done) + 1, 2 * round(limit))}"
        if name == "epochs"
        else f"{2 * max(done, limit):.2g}"
    )
    expected = f"more than the {done:.3g} that are done: they count from the start of the run"
    return ConfigError(
        f"{name} of the run", expected=expected, got=f"{limit:.3g}", hint=f"resume with --{name} {enough}"
    )
