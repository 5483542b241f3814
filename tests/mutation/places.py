"""Tests that start programs, of whose lines the coverage of a run knows nothing."""

GOLDEN = "tests/golden/test_golden.py::test_it_writes_what_it_wrote"
# Run commands in processes of their own, where the coverage does not see which lines they run.
QUICK_IN_PROCESSES = [
    f"{GOLDEN}[{area}]"
    for area in (
        "signatures.txt",
        "command-help.txt",
        "command-errors.txt",
        "command-score.txt",
        "command-others.txt",
        "words.txt",
        "refused-reading.txt",
        "refused-writing.txt",
        "refused-runs.txt",
    )
]
IN_PROCESSES = [
    GOLDEN,
    "tests/cli/test_process.py",
    "tests/cli/test_streams.py",
    "tests/cli/test_full_streams.py",
    "tests/cli/test_end.py",
    "tests/cli/commands/test_play.py",
    "tests/cli/steps/test_collecting.py",
    "tests/text/test_memory.py",
    "tests/training/test_killed_runs.py",
    "tests/test_imports.py",
    "tests/test_installed.py",
]
