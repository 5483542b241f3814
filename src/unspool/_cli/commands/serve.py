"""``unspool serve``: models over HTTP."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from unspool._cli.flags.flag import Argument, Flag, FlagValues, Group, Option, takes
from unspool._cli.flags.rows import flags_of
from unspool._cli.flags.shared import COMPUTING
from unspool._cli.output.printing import note
from unspool._screen.wording import counted
from unspool._serving.limits import Limits

if TYPE_CHECKING:
    from unspool._serving.served import Served

PACKAGES = ("starlette", "uvicorn", "httptools", "prometheus_client")  # of the extra
MOST_SHOWN = 20  # models that are listed at the start
LIMITS = Group("limits", "Limits; what goes beyond one is refused with its number", flags_of(Limits))
Host = Annotated[str, Option(Flag("host", str, "Address to listen on", default="127.0.0.1"))]
Port = Annotated[int, Option(Flag("port", int, "Port; 0 takes any that is free", default="8000"))]
KeyFile = Annotated[
    str | None,
    Option(Flag("api_key_file", Path, "File with keys, one on a line; a client needs one of them")),
]
NoAuth = Annotated[
    bool, Option(Flag("no_auth", bool, "Let everybody in who can reach an address other than 127.0.0.1"))
]
AllowedHosts = Annotated[
    list[str] | None,
    Option(Flag("allow_host", list[str], "A name by which clients may call the server; may be repeated")),
]
AsJson = Annotated[
    bool, Option(Flag("json", bool, "Print a line of JSON when it starts, when it stops, and at its end"))
]
Log = Annotated[bool, Option(Flag("log", bool, "Write a line for each request, without what is in it"))]


@takes(
    COMPUTING,
    LIMITS,
    leading=("host", "port", "api_key_file"),
    examples=("unspool serve runs/titles", "unspool serve runs --port 8080 --max-concurrent 64"),
)
def serve(
    *,
    folders: Annotated[
        list[str], Argument(metavar="DIR...", help="Folders of models, or folders with such folders in them.")
    ],
    host: Host = "127.0.0.1",
    port: Port = 8000,
    api_key_file: KeyFile = None,
    no_auth: NoAuth = False,
    allow_host: AllowedHosts = None,
    log: Log = False,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Serve models over HTTP, with an API and a page.

    Clients of OpenAI speak the API; the page is to write with models, and to watch and start trainings.
    Ctrl-C lets the texts finish that are being written. Without a key it listens to this machine alone,
    unless --no-auth is given.
    """
    check_extra()
    roots = tuple(map(checked_folder, folders))
    limits = Limits(**flags.limits)
    from unspool._serving import server
    from unspool._serving.guarding import read_keys
    from unspool._serving.models.found import FoundModels
    from unspool._serving.served import Served

    keys = () if api_key_file is None else read_keys(Path(api_key_file))
    family, address = server.resolve(host, checked_port(port))
    is_local = server.is_loopback(address[0])
    check_open(host, is_local=is_local, guarded=bool(keys) or no_auth)
    names = frozenset(name.lower() for name in allow_host or ())
    served = Served(
        roots=roots,
        limits=limits,
        keys=keys,
        allowed_hosts=names,
        is_local=is_local,
        log=log,
        computing=flags.computing,
    )
    models = FoundModels(roots).look()
    listener = server.listening_socket(family, address)
    code = server.serve(
        served,
        listener,
        started=lambda: tell_start(served, models, server.address_of(listener), as_json=as_json),
        stopping=lambda: tell_stop(served, as_json=as_json),
    )
    if as_json:
        print_event({"event": "stopped"})
    if code:
        raise click.exceptions.Exit(code)


def check_extra() -> None:
    """Check that the packages are there which a server needs.

    Raises:
        ConfigError: If one is missing.
    """
    from unspool._errors import ConfigError
    from unspool._extras import install_command

    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        what = f"unspool serve needs the package {missing[0]}, which is not installed"
        raise ConfigError(what, hint=install_command("serve"))


def checked_folder(name: str) -> Path:
    """Return the folder of a name.

    Raises:
        ConfigError: If there is none.
    """
    from unspool._errors import ConfigError

    path = Path(name)
    if not path.is_dir():
        from unspool._screen.wording import argument, command_line

        hint, got = "name the folder of a model, or a folder with such folders, such as runs", "a file"
        if not path.exists():
            got = "no such folder"
            train = command_line(["unspool", "train", "CORPUS", "--out", argument(path / "NAME")])
            empty = command_line(["mkdir", argument(path)])
            hint = f"{hint}; {train} makes one, and so does {empty}, to train in the page"
        raise ConfigError(name, expected="a folder", got=got, hint=hint)
    return path


def checked_port(port: int) -> int:
    """Return a port.

    Raises:
        ConfigError: If there is no such port.
    """
    from unspool._configuration import check

    check("port", port, "a whole number from 0 to 65535", 0 <= port <= 65535)
    return port


def check_open(host: str, *, is_local: bool, guarded: bool) -> None:
    """Check that nobody serves the whole network without having said so.

    Args:
        host: The host.
        is_local: Whether only this machine can reach it.
        guarded: Whether there is a key, or somebody said that there shall be none.

    Raises:
        ConfigError: If somebody does.
    """
    from unspool._errors import ConfigError

    if not is_local and not guarded:
        hint = "give --api-key-file FILE, or --no-auth to let everybody in"
        raise ConfigError("host", expected="127.0.0.1, or a key", got=f"{host} without a key", hint=hint)


def tell_start(served: "Served", models: dict[str, Path], address: str, *, as_json: bool) -> None:
    """Print where the server is, what it has, and how it is stopped."""
    import os

    from unspool._screen.wording import one_line

    if as_json:
        print_event({"event": "started", "address": address, "models": list(models), "pid": os.getpid()})
        return
    count = counted(len(models), "model")
    shown = list(models.items())[:MOST_SHOWN]
    width = max((len(name) for name, _ in shown), default=0)
    lines = [f"Serving {count} at {address}"]
    lines += [f"  {one_line(name):{width}}  {one_line(str(folder))}" for name, folder in shown]
    lines += ["  none yet: what is trained into these folders is served"] * (not models)
    lines += [f"  and {len(models) - len(shown)} more"] * (len(models) > len(shown))
    if not served.is_local and not served.keys:
        lines.append("Whoever can reach this address may use them: no key is asked for (--no-auth)")
    note("\n".join([*lines, "Ctrl-C stops it, and lets running texts finish; a second one stops it at once"]))


def tell_stop(served: "Served", *, as_json: bool) -> None:
    """Print that the server waits for running texts."""
    if as_json:
        print_event({"event": "stopping", "running": served.writing})
    elif served.writing:
        note(f"Running requests: {served.writing}; waiting at most {served.limits.stop_seconds:g} s for them")


def print_event(event: dict[str, Any]) -> None:
    """Print a line of JSON on standard output, at once."""
    from unspool._cli.output.printing import as_json

    print(as_json(event), flush=True)
