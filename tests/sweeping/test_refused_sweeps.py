"""What a sweep refuses: what it decides itself, what cannot be compared, what is not there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import unspool
from unspool._errors import ArtifactError, ConfigError
from unspool._extras import install_command
from unspool._sweeping import sweep as sweeping

from .scripted import QUICK, SHORT, TABLES, ScriptedPool, run
from .test_trial import TEXTS

pytestmark = pytest.mark.usefixtures("tables")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"training": unspool.TrainingConfig(patience=2)}, "patience"),
        ({"training": unspool.TrainingConfig(learning_rate=0.5)}, "learning_rate"),
        ({"training": unspool.TrainingConfig(validation_fraction=None)}, "held out"),
        ({"network": unspool.NetworkConfig(hidden_size=3)}, "hidden_size"),
        ({"workers": 0}, "workers"),
        ({"config": {"seeds": 1}}, "config"),
    ],
)
def test_what_the_sweep_decides_cannot_be_set_beside_it(
    tmp_path: Path, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        unspool.sweep(TEXTS, out=tmp_path / "s", **options)


def test_results_that_cannot_be_compared_are_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1)
    with pytest.raises(ConfigError, match="symbols_per_trial"):
        run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1, symbols_per_trial=2000)
    with pytest.raises(ConfigError, match="corpus"):
        unspool.sweep(
            TEXTS[:-20], out=tmp_path / "s", training=SHORT,
            config=unspool.SweepConfig(**QUICK, cell=["gru"], hidden_size=[4], batch_size=[4]),
        )  # fmt: skip


def test_any_database_will_do_and_a_bad_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    url = f"sqlite:///{shutil.copy(TABLES[0], tmp_path / 'elsewhere.db')}"
    run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1, storage=url)
    assert (tmp_path / "elsewhere.db").read_bytes() != TABLES[0].read_bytes()
    assert not (tmp_path / "s" / "sweep.db").exists()
    for bad in ("no database", f"sqlite:///{tmp_path}/no/such/folder.db", "nosuch://host/x"):
        with pytest.raises(ArtifactError, match="database"):
            run(tmp_path / "t", cell=["gru"], hidden_size=[4], seeds=1, storage=bad)


def test_optuna_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ConfigError, match=re.escape(install_command("sweep"))):
        run(tmp_path / "s")


def test_a_python_without_sqlite_is_told(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['_sqlite3'] = None\n"
        "import unspool\n"
        "for options in ({'workers': 10**12}, {}):\n"
        "    try:\n"
        "        unspool.sweep(['a cat'], out='s', **options)\n"
        "    except unspool.ConfigError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("workers must be a whole number from 1 to 1024")
    assert second.startswith("a sweep needs SQLite, and this Python cannot load it: got ")
    assert second.endswith("use a Python that was built with it")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_fits_one_of_the_sizes_alone_is_refused_at_the_start(tmp_path: Path) -> None:
    config = unspool.SweepConfig(hidden_size=[8, 16])
    network = unspool.NetworkConfig(hidden_size=128, embedding_size=128, tied_output=True)
    with pytest.raises(ConfigError, match=r"embedding_size must be hidden_size \(8\)"):
        unspool.sweep(TEXTS, out=tmp_path / "sweep", config=config, network=network)
    assert not (tmp_path / "sweep").exists()
