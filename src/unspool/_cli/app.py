"""The app: its commands, and its exit codes.

0 success, 1 a training that diverged, 2 bad input (one line on standard error), 3 fewer
texts than `sample` was asked for, 130 Ctrl-C, 141 a pipe gone.
"""

import codecs
import contextlib
import errno
import importlib
import inspect
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import click

from unspool._cli.flags.flag import parameter_of
from unspool._cli.flags.guesses import known_command
from unspool._cli.flags.help import GroupedCommand
from unspool._cli.output.printing import complain, discard
from unspool._errors import DivergenceError, UnspoolError, shortened
from unspool._screen.wording import spell
from unspool._system import is_closed_pipe, stream_settings

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}  # an output cannot be written
CLOSED_PIPE = 128 + 13  # the code that a shell reports for a program that SIGPIPE ended
DEFAULT_WARNING = warnings.showwarning
HELP_FLAGS = {"help_option_names": ["-h", "--help"]}
EPILOG = (
    "Every flag can be given as an environment variable: UNSPOOL_SEED=1 is --seed 1. Every command takes "
    "--json. Bad input ends with exit code 2 and one line that says what to do."
)
# The module of each command; it is imported when the command runs, so that it does not wait for the others.
COMMANDS = {
    "demo": "demo:demo",
    "train": "train:train",
    "sample": "sample:sample",
    "schema": "tables.schema:schema",
    "impute": "tables.impute:impute",
    "play": "play:play",
    "enumerate": "enumerate:enumerate_texts",
    "score": "score:score",
    "eval": "eval:evaluate",
    "classify": "classify:classify",
    "audit": "audit:audit",
    "info": "info:info",
    "export": "export:export",
    "quantize": "quantize:quantize",
    "import": "import_:import_model",
    "push": "push:push",
    "serve": "serve:serve",
    "sweep": "sweep:sweep",
    "corpora": "corpora:corpora",
    "cache": "cache:cache",
    "bench": "bench:bench",
}


class Commands(click.Group):
    """The commands of the table; every error becomes an exit code and at most one line of text."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command and return it."""
        if name not in COMMANDS:
            return None
        module, function = COMMANDS[name].split(":")
        return command_of(name, getattr(importlib.import_module(f"unspool._cli.commands.{module}"), function))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command, or the nearest one to its name."""
        if args[0] not in COMMANDS:
            advice = known_command(args[0], COMMANDS)
            ctx.fail(f"No such command {args[0]!r}" + (f"; {advice}" if advice else ""))
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command line; only a bug shows a traceback."""
        try:
            code = super().main(*args, **(extra | {"standalone_mode": False}))
        except Exception as error:
            code = exit_code(error)
        sys.exit(code if isinstance(code, int) else 0)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the command line; ``--help`` and ``--version`` print already here."""
        with output_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and print all of its output."""
        with output_errors():
            result = super().invoke(ctx)
            sys.stdout.flush()
        return result


@contextlib.contextmanager
def output_errors() -> Iterator[None]:
    """End quietly if the reader of the output, such as ``head``, has ended; explain any other failure."""
    try:
        yield
    except MemoryError as error:
        complain(f"not enough memory: {str(error) or 'none is left'}; a smaller network needs less")
        raise click.exceptions.Exit(2) from None
    except OSError as error:
        if is_closed_pipe(error):
            discard(sys.stdout)
            raise click.exceptions.Exit(CLOSED_PIPE) from None
        if error.filename is None and error.errno in FULL:  # our files have their names in their errors
            discard(sys.stdout)
            error.filename = "standard output"
        place = error.filename or "the system"
        complain(f"{shortened(str(place))}: {error.strerror or error}")
        raise click.exceptions.Exit(2) from None


def command_of(name: str, function: Callable[..., None]) -> click.Command:
    """Make a command from a function whose parameters are described by `Annotated` types."""
    params = [parameter_of(parameter) for parameter in inspect.signature(function).parameters.values()]
    command = GroupedCommand(
        name, params=params, callback=function, help=inspect.getdoc(function), context_settings=HELP_FLAGS
    )
    command.leading = getattr(function, "leading", ())
    command.examples = getattr(function, "examples", ())
    return command


def exit_code(error: Exception) -> int:
    """Print the error in one line, and return the exit code.

    Raises:
        Exception: The error itself, if it is a bug.
    """
    if isinstance(error, DivergenceError):
        complain(str(error))
        return 1
    if isinstance(error, UnspoolError):
        complain(str(error))
        return 2
    if isinstance(error, click.Abort):
        return 130
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "unspool"
        complain(f"{shortened(error.format_message()).rstrip('.')}; see {path} --help")
        return 2
    raise error


def show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        import unspool

        click.echo(f"unspool {unspool.__version__}")
        context.exit()


@click.pass_context
def start(context: click.Context) -> None:
    """Train a small recurrent text generator on your own text, and write with it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


app = Commands(
    name="unspool",
    callback=start,
    invoke_without_command=True,
    help=inspect.getdoc(start),
    epilog=EPILOG,
    context_settings=HELP_FLAGS,
    params=[
        click.Option(
            ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show_version,
            help="Show the version.",
        )
    ],
)  # fmt: skip


def open_closed_streams() -> None:
    """Open the null device for an output that was closed from the start (``>&-``)."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", newline="\n"))


def show_warning(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
    """Print a warning to the user as one line; other warnings are shown with their place, as Python does."""
    if category is UserWarning:
        complain(str(message))
    else:
        DEFAULT_WARNING(message, category, *place, **more)


def command() -> NoReturn:
    """Run the app on the arguments of the process.

    A character that the encoding of the output does not have is escaped, so that no text causes an error and
    JSON stays JSON.
    """
    open_closed_streams()
    codecs.register_error(spell.__name__, spell)
    warnings.showwarning = show_warning
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            settings = stream_settings(terminal=stream.isatty())
            stream.reconfigure(errors=spell.__name__, **settings)
    app.main(prog_name="unspool")
