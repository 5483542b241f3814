"""Make the golden outputs of an area in a process of its own: ``python -m tests.golden.make AREA FILE``.

The process begins in an empty folder, under the surroundings that `setting.surroundings` fixes.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import unspool

from .commands import TRANSCRIPTS, sweep_and_bench, transcript
from .corpora import write_corpora
from .digests import digests
from .figures import figures, searches
from .refusals import refusals
from .refused_models import RUNS, WRITING
from .refused_reading import MEMORY, READING
from .setting import NO_KERNELS
from .signatures import signatures
from .steering import steered_texts
from .texts import texts_at_random, texts_of_constraints, texts_of_options
from .words import answers

AREAS: dict[str, Callable[[], str]] = {
    **{f"command-{name}.txt": partial(transcript, lines) for name, lines in TRANSCRIPTS.items()},
    "command-sweep.txt": sweep_and_bench,
    "refused-reading.txt": partial(refusals, READING, MEMORY),
    "refused-writing.txt": partial(refusals, WRITING),
    "refused-runs.txt": partial(refusals, RUNS),
    "words.txt": answers,
    "texts-options.jsonl": texts_of_options,
    "texts-constraints.jsonl": texts_of_constraints,
    "texts-random.jsonl": texts_at_random,
    "texts-steered.jsonl": steered_texts,
    "figures.jsonl": figures,
    "searches.jsonl": searches,
    "digests.json": digests,
    "signatures.txt": signatures,
}


def make(area: str, file: Path) -> int:
    """Write what an area is today; return the exit code."""
    write_corpora(Path.cwd())
    try:
        file.write_text(AREAS[area](), "utf-8")
    except unspool.ConfigError as error:
        if "UNSPOOL_KERNELS" not in str(error):
            raise
        print(error, file=sys.stderr)
        return NO_KERNELS
    return 0


if __name__ == "__main__":
    sys.exit(make(sys.argv[1], Path(sys.argv[2])))
