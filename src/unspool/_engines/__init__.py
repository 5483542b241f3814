"""The engines, which compute the network: one file for each, and one protocol.

`ENGINES` names the class of each. The class is imported when it is needed, so that only its users need
PyTorch.
"""

import importlib
from dataclasses import dataclass
from functools import partial
from typing import cast

from unspool._configuration import as_spelled, check
from unspool._engines.protocol import Engine
from unspool._errors import ConfigError
from unspool._extras import install_command
from unspool._network.config import NetworkConfig


@dataclass(frozen=True)
class EngineRow:
    """The row of an engine.

    Args:
        module: The module to import.
        class_name: The class in the module, called with a configuration, and threads, precision and inference
            by name.
        needs: The package that must be installed, and the extra that installs it; None for no package.
        devices: Whether it can choose a device, by the name `device`; otherwise it computes on the CPU.
    """

    module: str
    class_name: str
    needs: str | None = None
    devices: bool = False


DEVICES: tuple[str, ...] = ("auto", "cpu", "cuda", "mps")

ENGINES: dict[str, EngineRow] = {
    "cpu": EngineRow("unspool._engines.cpu", "CpuEngine"),
    "torch": EngineRow("unspool._engines.fused_torch", "FusedTorchEngine", needs="torch", devices=True),
}


def make_engine(
    name: str,
    config: NetworkConfig,
    *,
    threads: int | None = None,
    precision: str = "float32",
    inference: str = "float32",
    device: str = "auto",
) -> Engine:
    """Make an engine by its name.

    Args:
        name: One of `ENGINES`.
        config: The network, its vocab_size set.
        threads: CPU threads to use, ≥ 1; None for the engine's own choice.
        precision: Number format of the products in training: "float32", "bf16" or "auto".
        inference: Number format of the products in writing and scoring: "float32", "bf16", "int8" or "auto".
        device: One of `DEVICES`; "auto" is the best one that is there and that the engine can use.

    Raises:
        ConfigError: If the name is unknown, the needed package is not installed, or a value is out of its
            range.
    """
    row = ENGINES.get(as_spelled(name, ENGINES))
    if row is None:
        raise ConfigError("engine", expected=f"one of {', '.join(ENGINES)}", got=repr(name))
    device = as_spelled(device, DEVICES)
    check("device", device, f"one of {', '.join(DEVICES)}", device in DEVICES)
    if not row.devices and device not in ("auto", "cpu"):
        able = " or ".join(f'"{other}"' for other, its in ENGINES.items() if its.devices)
        expected, got = "auto or cpu: it computes on the CPU", device
        raise ConfigError(
            f"device of engine {name}", expected=expected, got=got, hint=f"choose engine {able}"
        )
    try:
        module = importlib.import_module(row.module)
    except ModuleNotFoundError as error:
        if row.needs is None or error.name != row.needs:
            raise
        what = f"engine {name!r} needs the package {row.needs}, which is not installed"
        raise ConfigError(what, hint=f'{install_command(row.needs)}, or choose engine "cpu"') from None
    engine = getattr(module, row.class_name)
    of_device = {"device": device} if row.devices else {}
    make = partial(engine, threads=threads, precision=precision, inference=inference, **of_device)
    if config.encoder is None:
        return cast(Engine, make(config))
    from unspool._engines.encoder_decoder import EncoderDecoder  # noqa: PLC0415 - rarely needed

    return EncoderDecoder(config, make(config.without_encoder()), make(config.encoder))
