"""Draw docs/demo.svg from a terminal's screen on which `unspool demo` has run.

::

    tmux new-session -d -x 100 -y 46 -s demo "unspool demo; sleep 100"
    sleep 80; tmux capture-pane -ep -t demo > screen.txt
    python docs/site/demo_picture.py screen.txt
"""

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).resolve().parents[1] / "demo.svg"


def draw(screen: str) -> None:
    """Write the picture of a screen.

    Args:
        screen: Its lines, with the codes of their colours.
    """
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=100, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi("$ unspool demo\n…\n" + screen.strip("\n")))
        console.save_svg(str(PICTURE), title="unspool demo")


if __name__ == "__main__":
    draw(Path(sys.argv[1]).read_text("utf-8"))
