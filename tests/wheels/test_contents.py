"""What is in the wheels: their size, their platform, the licences of what they carry."""

import fnmatch
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.test_dispatch import NEEDED

pytestmark = pytest.mark.slow

MOST_BYTES = 5_000_000
# The libraries that a module may ask for: the C library alone, as each system names it.
C_LIBRARY = {
    "manylinux": ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld-linux-*.so.*"),
    "musllinux": ("libc.musl-*.so.1",),
}
NOTICES = ("nanobind", "robin-map", "libc++", "compiler_rt")


def checked(*command: str | Path) -> str:
    """Run a module of Python that checks something, which must be content, and return what it says."""
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wheels(dist: Path) -> list[Path]:
    """List the wheels."""
    return sorted(dist.glob("*.whl"))


def module_of(wheel: Path) -> bytes:
    """Return the compiled module in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (native,) = (name for name in archive.namelist() if name.endswith(".so"))
        return archive.read(native)


def parts_of(module: bytes) -> Any:
    """Return a compiled module as the library sees it that auditwheel reads modules with."""
    elf: Any = pytest.importorskip("elftools.elf.elffile")
    return elf.ELFFile(BytesIO(module))


def tags_of(module: bytes) -> list[Any]:
    """List what the dynamic loader is told of a module."""
    return list(parts_of(module).get_section_by_name(".dynamic").iter_tags())


def symbols_of(module: bytes, *, needed: bool) -> set[str]:
    """Return the names that a module offers, or those that it cannot do without.

    Args:
        module: The compiled module.
        needed: Whether to return what it needs.
    """
    symbols = parts_of(module).get_section_by_name(".dynsym").iter_symbols()
    chosen = (symbol for symbol in symbols if (symbol["st_shndx"] == "SHN_UNDEF") == needed)
    return {symbol.name for symbol in chosen if symbol["st_info"]["bind"] != "STB_WEAK" or not needed} - {""}


def test_each_is_small_and_has_its_licences(dist: Path) -> None:
    for wheel in wheels(dist):
        assert wheel.stat().st_size <= MOST_BYTES, wheel.name
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            (notice,) = (name for name in names if name.endswith("/licenses/NOTICE"))
            text = archive.read(notice).decode()
        assert [word for word in NOTICES if word not in text] == [], wheel.name
        assert any(name.endswith("/licenses/LICENSE") for name in names), wheel.name
        assert sum("/_native." in name and name.endswith(".so") for name in names) == 1, wheel.name
        assert "unspool/_exporting/web/engine.wasm" in names, wheel.name  # the JavaScript engine's own kernel


def test_each_has_every_set_of_kernels_of_its_processor(dist: Path) -> None:
    for wheel in wheels(dist):
        module = module_of(wheel)
        (names,) = (names for processor, names in NEEDED.items() if wheel.stem.endswith(processor))
        assert [name for name in names if f"\0{name}\0".encode() not in module] == [], wheel.name


def test_each_asks_for_the_c_library_of_its_platform_alone(dist: Path) -> None:
    for wheel in wheels(dist):
        (libraries,) = (names for platform, names in C_LIBRARY.items() if f"-{platform}" in wheel.name)
        needed = [tag.needed for tag in tags_of(module_of(wheel)) if tag.entry.d_tag == "DT_NEEDED"]
        strangers = [name for name in needed if not any(fnmatch.fnmatch(name, each) for each in libraries)]
        assert needed, wheel.name
        assert strangers == [], wheel.name


def test_an_old_musl_has_what_the_wheels_for_musl_need(dist: Path) -> None:
    library = Path("/lib/ld-musl-x86_64.so.1")
    if not library.exists():
        pytest.skip("no musl here: apt install musl")
    offered = symbols_of(library.read_bytes(), needed=False)
    for wheel in dist.glob("*musllinux*_x86_64.whl"):
        module = module_of(wheel)
        missing = symbols_of(module, needed=True) - offered
        assert [name for name in sorted(missing) if not name.startswith(("Py", "_Py"))] == [], wheel.name
        # The musl of 2020 does not know packed relocations: it skips them and the module crashes.
        assert "DT_RELR" not in {tag.entry.d_tag for tag in tags_of(module)}, wheel.name


def test_the_checkers_of_packages_are_content(dist: Path) -> None:
    checked("twine", "check", "--strict", *dist.glob("unspool-*"))
    checked("check_wheel_contents", *wheels(dist))


def test_each_keeps_to_the_platform_of_its_name(dist: Path) -> None:
    for wheel in wheels(dist):
        tags = wheel.stem.rsplit("-", 1)[1].split(".")
        assert all(tag.startswith(("manylinux", "musllinux")) for tag in tags), wheel.name
        shown = " ".join(checked("auditwheel", "show", wheel).split())
        assert any(f'platform tag: "{tag}"' in shown for tag in tags), shown


def test_the_stable_interface_is_kept(dist: Path) -> None:
    for wheel in wheels(dist):
        if "-abi3-" in wheel.name:
            checked("abi3audit", "--strict", "--assume-minimum-abi3", "3.12", wheel)
