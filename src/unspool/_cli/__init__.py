"""The command line: one file for each command, which parses, makes one call and prints.

A command imports its modules when it runs, so that ``unspool --help`` stays fast.
"""

import _thread
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

INTERRUPTED = 130  # the exit code that a shell reports for a program that SIGINT ended
AGAIN = 0.01  # seconds until Ctrl-C is raised once more


def main() -> NoReturn:
    """Run the command line and end the process with its exit code.

    Ctrl-C ends it with 130, from the first import on. Once the command is over, it has no effect.
    """
    sys.unraisablehook = raise_again
    try:
        from unspool._cli.app import command

        command()
    except KeyboardInterrupt:
        end_at_once(INTERRUPTED)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            end_at_once(INTERRUPTED)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise


def end_at_once(code: int) -> NoReturn:
    """End the process after what it has printed is written: no thread is waited for, no memory given back.

    Args:
        code: The exit code.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # also while a reader of the output does not read
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):  # a reader is gone, or the stream is closed
                stream.flush()
    os._exit(code)


def raise_again(ignored: "sys.UnraisableHookArgs") -> None:
    """Raise Ctrl-C once more that came where Python ignores errors: in a finalizer, or where an import ends.

    Args:
        ignored: The error, and where it was raised.
    """
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        threading.Timer(AGAIN, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(ignored)
