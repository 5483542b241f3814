"""Run a module of `unspool export --to js` with node."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exporting.cases import Asked
from unspool._artifacts.model_folder import SavedModel

READ = """
import { load, spec } from MODULE;
const text = await new Promise((resolve) => {
  let all = "";
  process.stdin.on("data", (part) => { all += part; }).on("end", () => resolve(all));
});
const asked = JSON.parse(text);
const results = [];
for (const wasm of asked.wasm) {
  const model = await load(spec, { wasm });
  RUN
}
console.log(JSON.stringify(results, (key, value) => (value === -Infinity ? null : value)));
"""
LOGPROBS = """
  const rows = model.logprobs(asked.ids, model.conditions(asked));
  results.push(rows.map((row) => Array.from(row)));
"""


def node(path: Path, asked: dict[str, Any], run: str, wasm: tuple[bool, ...] = (False,)) -> list[Any]:
    """Run a program on the model of a module.

    Args:
        path: The folder of the module.
        asked: What the program finds in `asked`.
        run: The program; it has `model`, and pushes to `results`.
        wasm: Whether WebAssembly may be used, for each run.

    Returns:
        What it pushed to `results`.
    """
    module = json.dumps((path / "model.js").resolve().as_uri())
    text = json.dumps({**asked, "wasm": wasm})
    results: list[Any] = json.loads(run_node(READ.replace("MODULE", module).replace("RUN", run), text))
    return results


def run_node(program: str, text: str = "") -> str:
    """Run a module of JavaScript, and return what it prints.

    Args:
        program: The module.
        text: What it finds on its standard input.
    """
    if shutil.which("node") is None:
        pytest.skip("node is not installed: apt install nodejs")
    command = ["node", "--input-type=module", "-e", program]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def logprobs(path: Path, model: SavedModel, asked: Asked) -> NDArray[np.float32]:
    """Return the log-probabilities after each id.  # (T, V)."""
    plain = {
        "ids": asked.ids.tolist(),
        "row": None if asked.context is None else asked.context.tolist(),
        "vector": None if asked.start is None else asked.start.tolist(),
        "source": None if asked.source is None else asked.source.tolist(),
    }
    several = node(
        path, plain, LOGPROBS, (False, True)
    )  # the second is the first where there is no WebAssembly
    tables = [
        np.array([[-np.inf if value is None else value for value in row] for row in rows], np.float32)
        for rows in several
    ]
    np.testing.assert_allclose(tables[1], tables[0], rtol=0, atol=2e-5)
    return tables[0]
