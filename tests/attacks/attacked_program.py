"""A process whose calls of the system fail one after the other, made so by `failing_calls.c`.

Usage: LD_PRELOAD=failing_calls.so python attacked_program.py ATTACK FOLDER STRIDE

For each call of the system that the attacked command makes, it prints what happened in one line of JSON. With
STRIDE 0 each call meets each fault; otherwise every STRIDE-th call meets one, and every fault has its turn.
"""

import contextlib
import ctypes
import errno
import importlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.attacks.attacks import ATTACKS, Attack

HALF, KILL, FOR_GOOD = -1, -2, 1 << 30
# How many calls fail, and by what: an error's number, or what `failing_calls.c` does.
FAULTS = {
    "full": (1, errno.ENOSPC),
    "killed": (1, KILL),
    "broken": (1, errno.EIO),
    "short": (1, HALF),
    "full for good": (FOR_GOOD, errno.ENOSPC),
    "interrupted": (1, errno.EINTR),
}
NEVER = (-1, "full")


@dataclass
class Case:
    """What happened when a call failed.

    Args:
        turn: Number of the call.
        call: Its name.
        fault: How it failed.
        code: How the command ended: its exit code, or less than 0 if a signal killed it.
        errors: What it printed on standard error.
        problems: What was wrong afterwards.
    """

    turn: int
    call: str
    fault: str
    code: int
    errors: str
    problems: list[str]


def in_a_child(act: Callable[[], int], reports: Path) -> tuple[int, str]:
    """Run a function in a fork of this process; return its exit code and what it printed as errors."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        for number, name in ((1, "out"), (2, "errors")):
            os.dup2(os.open(reports / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = 70
        try:
            code = act()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), (reports / "errors").read_text("utf-8")


class Attacker:
    """Attack one command, call by call.

    Args:
        attack: The command, and what must hold of it.
        place: A folder for all that it writes.
    """

    def __init__(self, attack: Attack, place: Path) -> None:
        self.attack, self.library = attack, ctypes.CDLL(None)
        self.library.failing_name.restype = ctypes.c_char_p
        self.prepared, self.folder, self.reports = place / "prepared", place / "case", place / "reports"
        for folder in (self.prepared, self.reports):
            folder.mkdir()
        assert in_a_child(lambda: attack.prepare(self.prepared), self.reports)[0] == 0

    def attempt(self, turn: int, fault: str) -> tuple[int, str]:
        """Run the command on a fresh copy of what is prepared."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.prepared, self.folder)
        count, what = FAULTS[fault]

        def act() -> int:
            self.library.failing_watch(os.fsencode(self.folder))
            self.library.failing_arm(ctypes.c_long(turn), ctypes.c_long(count), what)
            code = self.attack.act(self.folder)
            calls = [self.library.failing_name(i).decode() for i in range(self.library.failing_calls())]
            self.library.failing_arm(ctypes.c_long(-1), ctypes.c_long(0), 0)
            (self.reports / "report").write_text(json.dumps({"calls": calls, "modules": list(sys.modules)}))
            return code

        return in_a_child(act, self.reports)

    def whole(self) -> tuple[list[str], Any]:
        """Run the command undisturbed; return the names of its calls, and what it leaves."""
        code, errors = self.attempt(*NEVER)
        assert code == 0, errors
        report = json.loads((self.reports / "report").read_text())
        for module in report["modules"]:  # once, and not in each child
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
        return report["calls"], self.attack.left(self.folder)

    def case(self, turn: int, call: str, fault: str, whole: Any) -> Case:
        """Let a call fail, look at what is left, and run the command once more."""
        code, errors = self.attempt(turn, fault)
        problems = []
        killed = code == -signal.SIGKILL and fault == "killed"
        if not killed and code not in (0, 2):
            problems.append(f"it ended with {code}")
        if code == 2 and len(errors.strip().splitlines()[-1:]) + errors.count("Traceback") != 1:
            problems.append("it did not end with one line of error")
        if self.attack.must_succeed and not killed and code != 0:
            problems.append(f"it must succeed, and ended with {code}")
        if code == 0 and self.attack.left(self.folder) != whole:
            problems.append("it succeeded and left something else")
        problems += self.attack.broken(self.folder)
        again, told = in_a_child(lambda: self.attack.again(self.folder), self.reports)
        if again != 0:
            problems.append(f"the next call ended with {again}: {told}")
        elif self.attack.left(self.folder) != whole:
            problems.append("the next call left something else")
        return Case(turn, call, fault, code, errors, problems)


def main(name: str, place: Path, stride: int) -> None:
    """Attack a command of the table, and print each case."""
    attacker = Attacker(ATTACKS[name], place)
    calls, whole = attacker.whole()
    faults = list(FAULTS)
    for number, turn in enumerate(range(0, len(calls), stride or 1)):
        for fault in [faults[number % len(faults)]] if stride else faults:
            call = calls[turn]
            print(json.dumps(asdict(attacker.case(turn, call, fault, whole))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
