"""The numbers by which rows and native code know each other are the same on both sides."""

import re
from pathlib import Path

from unspool._network.cells import CELLS
from unspool._training.optimizers import OPTIMIZERS

NATIVE = Path(__file__).parents[2] / "native"


def numbers(file: str, enumeration: str) -> dict[str, int]:
    """Read the names of an enumeration, in small letters and without their k, and their numbers."""
    source = (NATIVE / file).read_text("utf-8")
    found = re.search(rf"enum (?:class )?{enumeration}\b[^{{]*{{([^}}]*)}}", source)
    assert found is not None
    return {name.lower(): int(number) for name, number in re.findall(r"k(\w+) = (\d+)", found[1])}


def test_a_cell_has_the_number_of_its_kernels() -> None:
    rows = {name: cell.native for name, cell in CELLS.items() if cell.native is not None}
    assert rows == numbers("dispatch/kernels.h", "Cell")


def test_an_optimizer_has_the_number_of_its_native_update() -> None:
    enumeration = numbers("network/optimizer.h", "Optimizer")
    rows = {name: rule for name, rule in OPTIMIZERS.items() if rule.native is not None}
    assert {rule.native for rule in rows.values()} == set(enumeration.values())
    for name, number in enumeration.items():
        assert rows[name].native == number
        same = [rule for rule in rows.values() if rule.native == number]  # adamw is adam that decays
        assert {(rule.slots, rule.update) for rule in same} == {(rows[name].slots, rows[name].update)}
