"""The limits of a server, each declared once: its number, its range and its flag.

The module needs no NumPy and no library of the extra, so that the command line makes its flags from the rows.
"""

from dataclasses import dataclass
from typing import Annotated

from unspool._configuration import OptionRow, answers_unknown_names, check_rows, real_range, whole_range

MOST = 2**31 - 1  # the largest count
COUNT = whole_range(1, MOST)
BYTES = whole_range(1024, 2**40)
SECONDS = real_range("a number above 0 and up to 86400", above=0, most=86400)
WAITING = whole_range(0, MOST)
LEVELS = whole_range(1, 100)


@answers_unknown_names
@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a server; what goes beyond one is refused with its number.

    Args:
        max_concurrent: Number of texts that a model writes side by side, ≥ 1; more wait.
        max_queue: Number of texts of a model that wait for their place, ≥ 0; a request with more is refused
            with the status 429.
        max_connections: Number of open connections, ≥ 1; more are answered with the status 503.
        max_memory: Bytes of the models that are kept loaded, ≥ 1024; the one that was not asked for the
            longest time goes first.
        max_prompt: Number of symbols of all prompts, sources and inputs of a request, ≥ 1.
        max_tokens: Greatest `max_tokens` of a request, ≥ 1.
        max_texts: Number of texts that a request may draw: prompts × n or best_of, ≥ 1.
        max_pattern: Number of characters of all patterns and strings of a constraint, ≥ 1.
        max_body: Bytes of the body of a request in JSON, ≥ 1024.
        max_upload: Bytes of a corpus that is uploaded, ≥ 1024.
        max_trainings: Number of trainings that the page runs at once, ≥ 1; a further one is refused with the
            status 429.
        max_read_memory: Bytes of addresses of the process that reads a corpus that was uploaded, ≥ 1024.
        max_headers: Bytes of the first line and the headers of a request, ≥ 1024.
        max_levels: How often lists and objects of the body may be within each other, from 1 to 100.
        max_buffer: Bytes that wait for a client that reads slowly, ≥ 1024; beyond them its stream is dropped.
        read_seconds: Greatest time to read a corpus that was uploaded, above 0.
        compile_seconds: Greatest time to compile a constraint, above 0.
        header_seconds: Greatest time until the headers of a request have arrived, above 0.
        body_seconds: Greatest time until the body of a request has arrived, above 0.
        write_seconds: Greatest time in which a client that is written to takes nothing, above 0.
        idle_seconds: Greatest time that a connection stays open between two requests, above 0.
        text_seconds: Greatest time until a request is answered to its end, above 0.
        stop_seconds: Greatest time, when the server stops, until running texts have finished, above 0.

    Raises:
        ConfigError: If a value is out of its range.
    """

    # fmt: off
    max_concurrent: Annotated[int, OptionRow(
        COUNT, "Texts that a model writes side by side; more wait", sample=4)] = 1024
    max_queue: Annotated[int, OptionRow(
        WAITING, "Texts of a model that wait for their place; more are refused", sample=8)] = 4096
    max_connections: Annotated[int, OptionRow(COUNT, "Connections that are open at once", sample=16)] = 4096
    max_memory: Annotated[int, OptionRow(
        BYTES, "Bytes of the models that are kept loaded", sample=2**30)] = 2**32
    max_prompt: Annotated[int, OptionRow(
        COUNT, "Symbols of all prompts of a request", sample=1000)] = 100_000
    max_tokens: Annotated[int, OptionRow(COUNT, "Longest text that may be asked for, in symbols",
                                         sample=1000)] = 100_000
    max_texts: Annotated[int, OptionRow(
        COUNT, "Texts of a request: prompts × n or best_of", sample=16)] = 1024
    max_pattern: Annotated[int, OptionRow(
        COUNT, "Characters of all patterns and strings of a constraint", sample=100)] = 10_000
    max_body: Annotated[int, OptionRow(BYTES, "Bytes of the body of a request", sample=2**16)] = 2**20
    max_upload: Annotated[int, OptionRow(
        BYTES, "Bytes of a corpus that is uploaded", sample=2**20)] = 2**28
    max_trainings: Annotated[int, OptionRow(
        COUNT, "Trainings of the page at once; a further one is refused", sample=1)] = 2
    max_read_memory: Annotated[int, OptionRow(
        BYTES, "Bytes of addresses of the process that reads a corpus", sample=2**31)] = 2**32
    max_headers: Annotated[int, OptionRow(
        BYTES, "Bytes of the first line and the headers of a request", sample=2**12)] = 2**15
    max_levels: Annotated[int, OptionRow(
        LEVELS, "Lists and objects of the body within each other", sample=8)] = 32
    max_buffer: Annotated[int, OptionRow(
        BYTES, "Bytes that wait for a slow reader; beyond them its stream is dropped", sample=2**14)] = 2**20
    read_seconds: Annotated[float, OptionRow(
        SECONDS, "Longest time to read a corpus that is uploaded", sample=10.0)] = 60.0
    compile_seconds: Annotated[float, OptionRow(
        SECONDS, "Longest time to compile a constraint", sample=1.0)] = 5.0
    header_seconds: Annotated[float, OptionRow(
        SECONDS, "Longest time until the headers of a request have arrived", sample=1.0)] = 10.0
    body_seconds: Annotated[float, OptionRow(
        SECONDS, "Longest time until the body of a request has arrived", sample=1.0)] = 30.0
    write_seconds: Annotated[float, OptionRow(
        SECONDS, "Longest time in which a client takes nothing of what is sent", sample=1.0)] = 30.0
    idle_seconds: Annotated[float, OptionRow(
        SECONDS, "Longest time that a connection stays open between two requests", sample=1.0)] = 60.0
    text_seconds: Annotated[float, OptionRow(
        SECONDS, "Longest time until a request is answered to its end", sample=10.0)] = 600.0
    stop_seconds: Annotated[float, OptionRow(
        SECONDS, "Longest time for running texts to finish when the server stops", sample=1.0)] = 30.0
    # fmt: on

    def __post_init__(self) -> None:
        """Check every value against its range."""
        check_rows(self)
