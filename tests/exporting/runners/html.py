"""Run the model in a page of `unspool export --to html` with node; its own script unpacks it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exporting.cases import Asked
from unspool._artifacts.model_folder import SavedModel
from unspool._exporting.html import PAGE

RUN = """
import { readFileSync } from "node:fs";
import { unpacked } from UNPACK;
const { text, asked } = JSON.parse(readFileSync(0, "utf8"));
const { spec, engine } = await unpacked(text);
const { load } = await import(`data:text/javascript;base64,${Buffer.from(engine).toString("base64")}`);
const model = await load(spec);
const rows = model.logprobs(asked.ids, model.conditions(asked));
const plain = rows.map((row) => Array.from(row));
console.log(JSON.stringify(plain, (key, value) => (value === -Infinity ? null : value)));
"""


def packed_text(path: Path) -> str:
    """Return the packed model of a page."""
    page = path.read_text("utf-8")
    found = re.search(r'<script type="text/plain" id="model">\n(.*?)\n</script>', page, re.S)
    assert found is not None
    return found[1]


def logprobs(path: Path, model: SavedModel, asked: Asked) -> NDArray[np.float32]:
    """Return the log-probabilities after each id.  # (T, V)."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed: apt install nodejs")
    rows = {"row": asked.context, "vector": asked.start, "source": asked.source}
    plain = {name: None if row is None else row.tolist() for name, row in rows.items()}
    question = {"text": packed_text(path), "asked": {"ids": asked.ids.tolist(), **plain}}
    program = RUN.replace("UNPACK", json.dumps((PAGE / "unpack.js").as_uri()))
    command = ["node", "--input-type=module", "-e", program]
    done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    numbers = json.loads(done.stdout)
    return np.array([[-np.inf if one is None else one for one in row] for row in numbers], np.float32)
