"""``unspool play``: type with the model beside you."""

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from unspool._cli.flags.flag import Argument, FlagValues, takes
from unspool._cli.flags.shared import COMPUTING, SAMPLING, AsJson, ModelFolder
from unspool._cli.output.printing import for_stdout, print_json
from unspool._generation.options.generation_options import SAMPLERS
from unspool._screen.connections import is_terminal

if TYPE_CHECKING:
    from unspool._cli.play.session import Session
    from unspool._generation.options.generation_options import GenerationOptions
    from unspool._model import Generator

PLAYING = replace(SAMPLING, flags=tuple(flag for flag in SAMPLING.flags if flag.name in ("seed", *SAMPLERS)))
SHORT_SEEDS = 10_000  # short enough to read and type again


@takes(PLAYING, COMPUTING)
def play(
    *,
    folder: ModelFolder,
    text: Annotated[
        str | None, Argument(metavar="[TEXT]", help="Beginning of the text; empty by default.")
    ] = None,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Type a text and see what the model thinks of it, key by key.

    It shows which symbols may come next and how the text may continue; Tab takes the suggestion. The text is
    printed at the end and can be saved: unspool play DIR > text.txt
    """
    check_terminal()
    output = terminal_output()
    import unspool
    from unspool._cli.play.prediction import Predictor
    from unspool._cli.play.screen import Screen, facts_of
    from unspool._cli.play.session import Session
    from unspool._hub.places import model_name

    model = unspool.load(folder, **flags.computing)
    predictor = Predictor(model)
    options = options_of(model, flags.sampling)
    session = Session(predictor, normalize=model.tokenizer.normalize, options=options, text=text or "")
    Screen(session, predictor, name=model_name(folder), facts=facts_of(model), output=output).run()
    if as_json:
        print_json(as_dict(session))
    elif session.text:
        print(for_stdout(session.text))


def options_of(model: "Generator", sampling: dict[str, Any]) -> "GenerationOptions":
    """Return the options of generation: from the flags, else from the model's file; the seed may be random.

    Raises:
        ConfigError: If a value is out of its range.
    """
    from unspool._configuration import check, from_dict
    from unspool._generation.options.generation_options import GenerationOptions
    from unspool._generation.sampling.random import fresh_seed
    from unspool._model.parts import own_options

    options = own_options(model) | sampling
    if options["seed"] is None:
        options["seed"] = fresh_seed() % SHORT_SEEDS
    chosen = from_dict(GenerationOptions, options, where="")
    single = len(chosen.temperatures) == 1
    check("temperature", chosen.temperature, "one number; keys change it later", single)
    return chosen


def check_terminal() -> None:
    """Check that there is a terminal for input and output.

    Raises:
        InputError: If there is no terminal.
    """
    from unspool._errors import InputError

    hint = "`unspool sample` writes without one"
    typed = is_terminal(sys.stdin)
    if not typed or not (is_terminal(sys.stdout) or is_terminal(sys.stderr)):
        what = "standard output" if typed else "standard input"
        raise InputError(what, expected="a terminal", got="a file or a pipe", hint=hint)
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        got = f"TERM={os.environ.get('TERM', '')}"
        raise InputError("the terminal", expected="one whose cursor can be moved", got=got, hint=hint)


def terminal_output() -> Any:
    """Return the terminal to draw on: standard error if it is a terminal, else standard output.

    Raises:
        ConfigError: If prompt_toolkit is not installed.
    """
    from unspool._errors import ConfigError
    from unspool._extras import install_command

    try:
        from prompt_toolkit.output import create_output
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "prompt_toolkit":
            raise
        what = "unspool play needs the package prompt_toolkit, which is not installed"
        raise ConfigError(what, hint=install_command("play")) from None
    return create_output(sys.stderr if is_terminal(sys.stderr) else sys.stdout)


def as_dict(session: "Session") -> dict[str, Any]:
    """Return the text and its continuations in plain JSON types."""
    return {
        "text": session.text,
        "bits_per_character": session.settle().bits_per_character,
        "temperature": session.options.temperature,
        "seed": session.options.seed,
    }
