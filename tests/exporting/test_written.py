"""What is written for a model of fixed numbers is, byte by byte, what was written before.

After a change on purpose: ``python -m tests.exporting.test_written`` prints the digests as they are now.
"""

import hashlib
import json
import zlib
from base64 import b85decode
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._artifacts.model_folder import SavedModel
from unspool._configuration import to_plain
from unspool._exporting.c import c_files
from unspool._exporting.exporter import ModelToExport
from unspool._exporting.html import html_files
from unspool._exporting.js import js_files
from unspool._exporting.torch import torch_files
from unspool._exporting.web_model import engine_source, web_spec
from unspool._importing.own_web import LETTERS, PACKED
from unspool._network.config import NetworkConfig
from unspool._network.parameters import parameter_shapes
from unspool._network.quantization import rounded
from unspool._text.context import Attribute, ContextSchema
from unspool._text.tokenizers.registry import ByteTokenizer, CharTokenizer

CHARS = CharTokenizer(["a", "\n", "é", "\\", '"', "<"])
SOURCES = CharTokenizer(["x", "y"], unk=True)
SCHEMA = ContextSchema(
    (Attribute("kind", ("k0", "k\n1"), (1, 2)), Attribute("size", mean=1.5, deviation=0.5))
)
OPTIONS = {"temperature": 0.5, "top_k": 3, "max_new_tokens": 30}


def model(tokenizer: Any = CHARS, *, sources: Any = None, schema: Any = None, **network: Any) -> SavedModel:
    """Make a model of numbers that every machine draws alike."""
    if sources is not None:
        network["source_vocab_size"] = sources.vocab_size
    if schema is not None:
        network["context_size"] = schema.size
    config = NetworkConfig(**{"hidden_size": 3, "vocab_size": tokenizer.vocab_size} | network)
    random = np.random.default_rng(1)
    parameters = {name: (random.integers(-64, 64, shape) / 32).astype(np.float32)
                  for name, shape in parameter_shapes(config).items()}  # fmt: skip
    data = {} if schema is None else {"context": to_plain(schema)}
    return SavedModel(
        config, tokenizer, parameters, data, generation_config=OPTIONS, source_tokenizer=sources
    )


MODELS = {
    "lstm": model(num_layers=2),
    "gru": model(cell="gru", embedding_size=4),
    "before": model(cell="gru", reset_after=False, num_layers=2, residual=True),
    "tied": model(cell="rnn", embedding_size=3, tied_output=True),
    "context": model(schema=SCHEMA),
    "start": model(cell="gru", start_size=0, num_layers=2),
    "vector": model(start_size=2),
    "pairs": model(sources=SOURCES, num_layers=2),
    "bytes": model(ByteTokenizer(), cell="rnn"),
    "unk": model(SOURCES, cell="rnn", num_layers=3, residual=True),
}


def exported(name: str, precision: str) -> ModelToExport:
    one = MODELS[name]
    kept = replace(one, parameters=rounded(one.parameters, precision))
    return ModelToExport(kept, "A name", precision, None if precision == "float32" else 0.125)


def digest(files: dict[str, bytes]) -> str:
    """Return the digest of files, but for the version that wrote them."""
    found = hashlib.sha256()
    for name, content in sorted(files.items()):
        found.update(
            name.encode() + b"\0" + content.replace(unspool.__version__.encode(), b"VERSION") + b"\0"
        )
    return found.hexdigest()[:12]


def of_web(name: str, precision: str) -> dict[str, bytes]:
    """Return what a module and a page say of a model, without their engine, a file of its own."""
    one = exported(name, precision)
    spec = web_spec(one) | {"wasm": None}
    files = js_files(one)
    module = files["model.js"].decode()
    assert module.startswith(engine_source())
    page = html_files(one)["page.html"]
    match = PACKED.search(page)
    assert match is not None
    content = zlib.decompress(b85decode(b"".join(match[1].split()).translate(LETTERS)), -15)
    head = json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])
    assert head["engine"].startswith(engine_source())
    head["spec"]["wasm"] = None
    tensors = head["spec"]["tensors"].values()
    numbers = sum(count for each in tensors for kind, count in each.items() if kind != "shape")
    begin = 4 + int.from_bytes(content[:4], "little")
    return {
        "spec": json.dumps(spec).encode(),
        "before": module.removeprefix(engine_source()).split("JSON.parse")[0].encode(),
        "after": module.rsplit("');", 1)[1].encode(), "package": files["package.json"],
        "head": json.dumps(head["spec"]).encode(), "body": content[begin : begin + numbers],
    }  # fmt: skip


def of_onnx(name: str, precision: str) -> dict[str, bytes]:
    """Return the graphs in words."""
    onnx = pytest.importorskip("onnx")
    from unspool._exporting.onnx import onnx_files

    found = {}
    for file, content in onnx_files(exported(name, precision)).items():
        if file.endswith(".onnx"):
            read = onnx.ModelProto()
            read.ParseFromString(content)
            found[file] = str(read).encode()
        elif file.endswith(".json"):
            found[file] = content
    return found


WRITERS = {
    "c": lambda name, precision: c_files(exported(name, precision)),
    "torch": lambda name, precision: {
        file: content
        for file, content in torch_files(exported(name, precision)).items()
        if file != "model.py"
    },
    "web": of_web,
    "onnx": of_onnx,
}
WAYS = [
    *((to, name, "float32") for to in WRITERS for name in MODELS),
    *((to, name, "int8") for to in WRITERS for name in ("gru", "pairs", "context")),
    *((to, "gru", "float16") for to in ("torch", "web")),
]
DIGESTS = {
    "c lstm float32": "7dc8af57d185",
    "c gru float32": "6b235478786c",
    "c before float32": "ac974a1c523a",
    "c tied float32": "dd3ac06f272c",
    "c context float32": "f1a783df5c5c",
    "c start float32": "afa3abbe61ed",
    "c vector float32": "5df9589c2f5f",
    "c pairs float32": "0b71308181e1",
    "c bytes float32": "e6730138428c",
    "c unk float32": "6dcd21ea3752",
    "torch lstm float32": "3672e9e3d98f",
    "torch gru float32": "244a566f408c",
    "torch before float32": "10114a612a96",
    "torch tied float32": "a4e35833973e",
    "torch context float32": "36ad3cdc8eb6",
    "torch start float32": "a8ad22984e36",
    "torch vector float32": "84d4f977feef",
    "torch pairs float32": "345923aa16de",
    "torch bytes float32": "ca56ac218f90",
    "torch unk float32": "3a8fabeac36d",
    "web lstm float32": "3ef2184f7a0c",
    "web gru float32": "80dd53f1bf73",
    "web before float32": "52a4781c3452",
    "web tied float32": "53561ba331bb",
    "web context float32": "e7daf431a37b",
    "web start float32": "aa5ee501559a",
    "web vector float32": "a8c85465aefb",
    "web pairs float32": "37058a7bf856",
    "web bytes float32": "129a5f587078",
    "web unk float32": "3a6783683f6f",
    "onnx lstm float32": "b79667799de4",
    "onnx gru float32": "da9aaba8ac39",
    "onnx before float32": "b2fea2a22596",
    "onnx tied float32": "49b91a5b0c76",
    "onnx context float32": "cfb8cd02ec7a",
    "onnx start float32": "cbf96a9fedc1",
    "onnx vector float32": "836896ab375c",
    "onnx pairs float32": "5c771e72db8f",
    "onnx bytes float32": "f07e10446bbf",
    "onnx unk float32": "c4192e664891",
    "c gru int8": "320edefc69d3",
    "c pairs int8": "03b25915d0fa",
    "c context int8": "c88cd3b1e97a",
    "torch gru int8": "f41529bf2b71",
    "torch pairs int8": "549ac291030e",
    "torch context int8": "e9628e86d83e",
    "web gru int8": "6206c5e50374",
    "web pairs int8": "2358506da37a",
    "web context int8": "2c1b6c676865",
    "onnx gru int8": "1239d764de37",
    "onnx pairs int8": "08c19a6050be",
    "onnx context int8": "22408d4c5120",
    "torch gru float16": "143f620577de",
    "web gru float16": "e83a7f00a180",
}


@pytest.mark.filterwarnings("ignore:the engine is plain JavaScript alone")  # where nothing compiles it
@pytest.mark.parametrize(("to", "name", "precision"), WAYS)
def test_it_writes_what_it_wrote(to: str, name: str, precision: str) -> None:
    assert digest(WRITERS[to](name, precision)) == DIGESTS[f"{to} {name} {precision}"]


if __name__ == "__main__":
    for to, name, precision in WAYS:
        print(f'    "{to} {name} {precision}": "{digest(WRITERS[to](name, precision))}",')
