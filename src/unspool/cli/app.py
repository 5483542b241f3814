"""The app: its commands, and how every way to end becomes an exit code.

0 success, 1 a training that diverged, 2 bad input (one line on standard error), 130 Ctrl-C, 141 a pipe gone.
"""

import contextlib
import io
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from unspool.cli.corpora import corpora
from unspool.cli.demo import demo
from unspool.cli.eval import evaluate
from unspool.cli.help import GroupedCommand
from unspool.cli.info import info
from unspool.cli.printing import complain
from unspool.cli.sample import sample
from unspool.cli.score import score
from unspool.cli.train import train
from unspool.errors import DivergenceError, UnspoolError

CLOSED_PIPE = 128 + 13  # what a shell reports of a program that SIGPIPE ended
EPILOG = (
    "Every flag can be given as an environment variable: UNSPOOL_SEED=1 is --seed 1. Every command takes "
    "--json. Errors in the input end with exit code 2 and one line that says what to do."
)


class Group(TyperGroup):
    """Turn every way to end into an exit code and at most one line on standard error."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command line; errors never show a traceback unless they are bugs."""
        try:
            code = super().main(*args, **(extra | {"standalone_mode": False}))
        except Exception as error:
            code = exit_code(error)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a reader that went away, such as ``head``, is no reason for noise."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(CLOSED_PIPE) from None
        except MemoryError as error:
            complain(f"not enough memory: {error or 'none is left'}; a smaller network needs less")
            raise typer.Exit(2) from None
        except OSError as error:
            complain(f"{error.filename or 'the system'}: {error.strerror or error}")
            raise typer.Exit(2) from None
        return result


def exit_code(error: Exception) -> int:
    """Say in one line what went wrong, and give the exit code that it ends with.

    Raises:
        Exception: The error itself, if it is a bug.
    """
    if isinstance(error, UnspoolError):
        complain(str(error))
        return 1 if isinstance(error, DivergenceError) else 2
    if isinstance(error, typer.Abort):
        return 130
    if hasattr(error, "format_message"):  # a usage error of the parser, whose class typer does not export
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "unspool"
        complain(f"{error.format_message().rstrip('.')}; see {path} --help")
        return 2
    raise error


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        import unspool

        typer.echo(f"unspool {unspool.__version__}")
        raise typer.Exit


def start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train a small recurrent text generator on your own text, and write with it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app = typer.Typer(
    name="unspool",
    cls=Group,
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback(invoke_without_command=True)(start)
for function in (demo, train, sample, score, evaluate, info, corpora):
    app.command("eval" if function is evaluate else None, cls=GroupedCommand)(function)


def open_closed_streams() -> None:
    """Let output that was closed from the start (``>&-``) go nowhere, and no file take its number."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))


def command() -> NoReturn:
    """Run the app on the process's arguments.

    What the output's encoding does not have is written as an escape, so that no text ends in an error.
    """
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    typer.main.get_command(app).main(prog_name="unspool")
    raise SystemExit  # main has ended the process already
