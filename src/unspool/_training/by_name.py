"""The configurations of a training from values by name, as keyword arguments of one function."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from unspool._configuration import from_dict, refuse_unknown, to_dict
from unspool._network.config import NetworkConfig
from unspool._training.config import TrainingConfig

NETWORK = tuple(field.name for field in fields(NetworkConfig))
TRAINING = tuple(field.name for field in fields(TrainingConfig))


def divided(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide values by name into those of the network and those of the training.

    Raises:
        ConfigError: If a name belongs to neither; the nearest name is in the message.
    """
    refuse_unknown(options, (*NETWORK, *TRAINING), "")
    of_network = {name: value for name, value in options.items() if name in NETWORK}
    return of_network, {name: value for name, value in options.items() if name in TRAINING}


def network_with(network: NetworkConfig | None, values: Mapping[str, Any]) -> NetworkConfig | None:
    """Return a network with other values, or the network itself; None stays None without values."""
    if not values:
        return network
    return from_dict(NetworkConfig, {**to_dict(network or NetworkConfig()), **values}, where="")


def training_with(training: TrainingConfig, values: Mapping[str, Any]) -> TrainingConfig:
    """Return a training with other values."""
    return from_dict(TrainingConfig, {**to_dict(training), **values}, where="") if values else training
