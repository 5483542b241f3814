"""The end of the process of a command: wherever Ctrl-C comes, whatever still runs."""

import subprocess
import sys

import pytest

# The app is replaced, so that Ctrl-C comes at a certain place; `main` is what the command `unspool` calls.
RUN = """
import atexit, os, signal, sys, threading, time
from types import ModuleType
from unspool._cli import main

def press():
    os.kill(os.getpid(), signal.SIGINT)

class Imported(ModuleType):
    def __getattr__(self, name):
        press()

class Finalized:
    def __del__(self):
        press()

def stay():
    threading.Event().wait()

def app():
    %s

kind = Imported if %r == "import" else ModuleType
module = sys.modules["unspool._cli.app"] = kind("unspool._cli.app")
if kind is ModuleType:
    module.command = app
main()
"""
PLACES = {
    "import": ("pass", 130, ""),
    "command": ("print('kept'); press()", 130, "kept\n"),
    "command that ends with 130": ("print('kept'); sys.exit(130)", 130, "kept\n"),
    "finalizer": ("Finalized(); [time.sleep(0.01) for _ in range(3000)]", 130, ""),
    "beside a thread that never ends": ("threading.Thread(target=stay).start(); press()", 130, ""),
    "beside a thread, handled": ("threading.Thread(target=stay).start(); sys.exit(130)", 130, ""),
    "end": ("print('done'); atexit.register(press); sys.exit(0)", 0, "done\n"),
    "end with an error": ("atexit.register(press); sys.exit(2)", 2, ""),
}


@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_has_one_exit_code_and_no_traceback(place: str) -> None:
    body, code, output = PLACES[place]
    done = subprocess.run(
        [sys.executable, "-c", RUN % (body, place)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, output, "")


def test_an_output_that_is_gone_is_no_reason_for_noise() -> None:
    program = RUN % ("print('lost'); os.close(1); press()", "closed")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")
