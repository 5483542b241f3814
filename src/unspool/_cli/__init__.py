"""The command line: one file for each command, which parses, makes one call and prints.

A command imports its modules when it runs, so that ``unspool --help`` stays fast.
"""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from unspool._cli.app import command

    command()
