"""How everything public is called: the names of all parameters, their kinds and what they are if left out."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import unspool


def signatures() -> str:
    """Return a line for every public function, class and method, and for every property its name."""
    lines = (line for name in sorted(unspool.__all__) for line in told(name, getattr(unspool, name)))
    return "".join(f"{line}\n" for line in lines)


def told(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"{name}{called(value)}"
        for each in dir(value):
            if not each.startswith("_"):
                yield from told(f"{name}.{each}", inspect.getattr_static(value, each))
    elif isinstance(value, classmethod | staticmethod) or inspect.isfunction(value):
        yield f"{name}{called(getattr(value, '__func__', value))}"
    elif isinstance(value, property):
        yield name


def called(function: Any) -> str:
    """Return the parameters of a function and what they are if left out, without their types."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # an exception takes what its base takes
        return ""
    plain = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in parameters
        if each.name not in ("self", "cls")
    ]
    return re.sub(r" at 0x\w+", "", str(inspect.Signature(plain)))
