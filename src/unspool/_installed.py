"""What unspool needs of the Python that it is started in. Much older ones can read this module too."""

import importlib
import sys
from pathlib import Path

OLDEST = (3, 11)
LONGEST = 200  # characters of what the system says of a module that does not load
ANEW = "pip install --force-reinstall --no-cache-dir unspool (in a clone: pip install -e .)"


def check() -> None:
    """Check that unspool can work in this Python.

    Raises:
        ImportError: If it cannot; the command line ends with exit code 2 and the same sentence instead.
    """
    sentence = problem()
    if sentence and is_command():
        sys.stderr.write(sentence + "\n")
        raise SystemExit(2)
    if sentence:
        raise ImportError(sentence)


def problem() -> str:
    """Return what keeps unspool from working in this Python, in one sentence; empty if nothing does."""
    if sys.version_info < OLDEST:
        wanted, here = (".".join(map(str, version[:2])) for version in (OLDEST, sys.version_info))
        return f"unspool needs Python {wanted} or newer, and this is Python {here}; start it with a newer one"
    if sys.maxsize < 2**32:
        return "unspool needs a 64-bit Python, and this one is for 32 bits; install a 64-bit one"
    try:
        importlib.import_module("unspool._native")
    except ImportError as error:
        reason = " ".join(str(error).split())[:LONGEST]
        return f"the compiled module of unspool does not load ({reason}); install it anew: {ANEW}"
    return ""


def is_command() -> bool:
    """Return whether this process is the command: ``unspool``, or ``python -m unspool``."""
    program = (getattr(sys, "argv", None) or [""])[0]
    if program == "-m":  # whose module is still being looked for
        return "unspool" in getattr(sys, "orig_argv", ["unspool"])
    return Path(program).stem == "unspool"
