"""The precision in which a model folder keeps its parameters, and how they become arrays of a file and back.

A matrix in int8 is two arrays, ``NAME`` (I8) and ``NAME:scales`` (F32, one for each column); its biases stay
F32. In float16 every array is F16. Either way a model has them in float32 once it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_real
from unspool._network.quantization import PRECISIONS, QuantizedArray, half, quantize

SCALES = ":scales"
# The names of safetensors.
DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "I8": np.dtype("i1")}

Arrays = dict[str, NDArray[np.float32]]
Layout = dict[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Quantization:
    """How a model folder keeps the parameters of a model that was rounded, and what that cost.

    Args:
        precision: "float16" or "int8".
        bits_per_character_lost: What the model lost by it; None if nobody measured it.
        measured_on: The texts that it was measured on, in words; None if nobody measured it.

    Raises:
        ConfigError: If there is no such precision, or the number is none.
    """

    precision: str
    bits_per_character_lost: float | None = None
    measured_on: str | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        names = [name for name in PRECISIONS if name != "float32"]
        check("precision", self.precision, f"one of {', '.join(names)}", self.precision in names)
        lost = self.bits_per_character_lost
        ok = lost is None or (is_real(lost) and bool(np.isfinite(lost)))
        check("bits_per_character_lost", lost, "a finite number, or None", ok)

    @property
    def sentence(self) -> str:
        """Return the precision and its cost, in words."""
        if self.bits_per_character_lost is None:
            return f"{self.precision}; what it costs was not measured"
        lost = f"{round(self.bits_per_character_lost, 4) + 0.0:.4f} bits per character lost"  # and no -0.0000
        return f"{self.precision}, {lost}" + ("" if self.measured_on is None else f" on {self.measured_on}")


def stored(parameters: Mapping[str, NDArray[Any]], precision: str) -> dict[str, NDArray[Any]]:
    """Return parameters as the arrays of a file.

    Args:
        parameters: Name -> array, float32.
        precision: One of `PRECISIONS`.

    Raises:
        ConfigError: If a number is too large for the precision.
    """
    if precision == "float32":
        return dict(parameters)
    if precision == "float16":
        return {name: half(name, array) for name, array in parameters.items()}
    arrays: dict[str, NDArray[Any]] = {}
    for name, array in parameters.items():
        if array.ndim != 2:
            arrays[name] = array
            continue
        kept = quantize(array)
        arrays |= {name: kept.values, name + SCALES: kept.scales}
    return arrays


def stored_layout(shapes: Mapping[str, tuple[int, ...]], precision: str) -> Layout:
    """Return the type and shape of each array of a file, for the shapes of the parameters."""
    if precision != "int8":
        return {name: ("F16" if precision == "float16" else "F32", shape) for name, shape in shapes.items()}
    layout: Layout = {}
    for name, shape in shapes.items():
        matrix = len(shape) == 2
        layout[name] = ("I8" if matrix else "F32", shape)
        if matrix:
            layout[name + SCALES] = ("F32", shape[1:])
    return layout


def restored(arrays: Mapping[str, NDArray[Any]], precision: str) -> Arrays:
    """Return the parameters that the arrays of a file stand for, in float32.

    Args:
        arrays: Name -> array, as `stored` makes them.
        precision: One of `PRECISIONS`.
    """
    if precision != "int8":
        return {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    return {
        name: QuantizedArray(array, arrays[name + SCALES]).array() if name + SCALES in arrays else array
        for name, array in arrays.items()
        if not name.endswith(SCALES)
    }
