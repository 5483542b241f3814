"""A model as the JavaScript engine takes it: one JSON value, and the source of the engine as one module.

`web_spec` returns the argument of ``load`` in ``web/engine.js``. Its keys:

- ``format``, ``unspool`` (the version that wrote it), ``name``, ``precision``, ``cost`` (bits per character),
  ``rounded``: the precision to which the weights were rounded before, or null;
- ``network``: the configuration in camel case, without what only a training needs;
- ``tokenizer`` and ``sourceTokenizer`` (or null): kind, normalization, symbols, whether they have an
  ``<unk>``, and the length of the longest symbol if they cut a text into the longest ones;
- ``attributes`` and ``vectorSize``: what the model is told of a text;
- ``defaults``: the default options of generation, in camel case;
- ``tensors``: name -> shape and base64 of little-endian float32, float16, or int8 with a scale for each
  column;
- ``counts``, if they go along: the arrays of the counts beside the network by name, as the tensors, also in
  uint32 and uint16;
- ``wasm``: base64 of the compiled kernel, or null.
"""

import base64
import importlib.util
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts.model_folder import SavedModel
from unspool._errors import warn_user
from unspool._exporting.exporter import ModelToExport
from unspool._generation.options.generation_options import ROWS, GenerationOptions
from unspool._kernels.counts import CountTable
from unspool._network.conditions import schema_of
from unspool._network.quantization import is_quantized, quantize
from unspool._text.context import Attribute, ContextSchema
from unspool._text.tokenizers.bpe import BpeTokenizer
from unspool._text.tokenizers.bytes import ByteTokenizer
from unspool._text.tokenizers.patterns import RegexTokenizer
from unspool._text.tokenizers.tokenizer import Tokenizer

FORMAT = 1
WEB = Path(__file__).parent / "web"
WASM = "engine.wasm"
WITHOUT_WASM = (
    "the engine is plain JavaScript alone, which is slower: this unspool was built without a compiler for "
    "WebAssembly (apt install clang lld, then install unspool again)"
)
NETWORK = (
    "cell", "hidden_size", "num_layers", "embedding_size", "residual", "tied_output", "reset_after",
    "context_size", "start_size", "vocab_size", "source_vocab_size",
)  # fmt: skip
NOT_IN_A_PAGE = ("best_of", "logprobs", "echo")  # options that the engine has not
# The files of the engine, each after those that it imports.
MODULES = ("random", "tensors", "counts", "kernel", "network", "tokenizers", "options", "filters",
           "penalties", "phrases", "conditions", "draw", "engine")  # fmt: skip
IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function|const) )", re.MULTILINE)


def web_spec(exported: ModelToExport) -> dict[str, Any]:
    """Return a model as plain JSON values, for ``load`` of the JavaScript engine.

    Args:
        exported: The model, its name, its precision and the cost of it.
    """
    model, wasm = exported.model, wasm_module()
    if wasm is None:
        warn_user(WITHOUT_WASM, UserWarning)
    schema = schema_of(model.data) or ContextSchema()
    sources = model.source_tokenizer
    return {
        "format": FORMAT,
        "unspool": version("unspool"),
        "name": exported.name,
        "precision": exported.precision,
        "cost": exported.cost,
        "rounded": None if model.quantization is None else model.quantization.precision,
        "network": {camel_case(name): getattr(model.network, name) for name in NETWORK},
        "tokenizer": _tokenizer(model.tokenizer),
        "sourceTokenizer": None if sources is None else _tokenizer(sources),
        "attributes": [_attribute(one) for one in schema.attributes],
        "vectorSize": schema.vector_size,
        "defaults": _defaults(model),
        "tensors": {
            name: _tensor(name, values, exported.precision) for name, values in model.parameters.items()
        },
        **({} if model.counts is None else {"counts": _counts(model.counts)}),
        "wasm": None if wasm is None else _base64(wasm),
    }


def spec_json(spec: dict[str, Any]) -> str:
    r"""Return JSON that may stand inside a script, be it of a page or a module.

    ``\u003c`` and its like stand for ``<``, ``>``, ``&`` and everything beyond ASCII.

    Args:
        spec: Plain JSON values.
    """
    text = json.dumps(spec, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def engine_source() -> str:
    """Return the engine as one module: it exports ``load``, ``Model`` and ``Writer``, and imports nothing."""
    parts = [IMPORT.sub("", (WEB / f"{name}.js").read_text("utf-8")) for name in MODULES]
    inner = [EXPORT.sub("", part) for part in parts[:-1]]
    return "\n".join([*inner, parts[-1]])


def wasm_module() -> bytes | None:
    """Return the compiled kernel of the engine; None if unspool was built without a compiler for it."""
    native = importlib.util.find_spec("unspool._native")  # an editable install has what was built beside it
    built = None if native is None or native.origin is None else Path(native.origin).parent
    for package in filter(None, (WEB.parents[1], built)):
        path = package / "_exporting" / "web" / WASM
        if path.is_file():
            return path.read_bytes()
    return None


def camel_case(name: str) -> str:
    """Return a name as JavaScript spells it: ``top_k`` is ``topK``.

    Args:
        name: A name with underscores.
    """
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    unk = tokenizer.unk_id is not None
    spellings = tokenizer.spellings[1 : -2 if unk else -1]
    cuts = isinstance(tokenizer, RegexTokenizer | BpeTokenizer)
    longest = {"longest": max(map(len, spellings))} if cuts else {}
    if isinstance(tokenizer, ByteTokenizer):
        spellings = tokenizer.symbols[256:]
    return {
        "kind": tokenizer.kind,
        "normalization": tokenizer.normalization,
        "symbols": None if tokenizer.kind == "bytes" else list(spellings),
        "unk": unk,
        **longest,
    }


def _attribute(attribute: Attribute) -> dict[str, Any]:
    if attribute.is_number:
        numbers = {"mean": attribute.mean, "deviation": attribute.deviation}
        return {"name": attribute.name, "kind": "number", **numbers}
    return {"name": attribute.name, "kind": "category", "values": list(attribute.values)}


def _defaults(model: SavedModel) -> dict[str, Any]:
    """Return the default options that are not the usual ones."""
    usual = {name: getattr(GenerationOptions, name) for name in ROWS}
    options = {
        name: value
        for name, value in model.generation_config.items()
        if name not in NOT_IN_A_PAGE and value != usual.get(name)
    }
    if options.get("samplers") is not None:
        options["samplers"] = [camel_case(name) for name in options["samplers"]]
    return {camel_case(name): value for name, value in options.items()}


def _tensor(name: str, values: NDArray[np.float32], precision: str) -> dict[str, Any]:
    shape = list(values.shape)
    if precision == "int8" and is_quantized(name, values):
        quantized = quantize(values)
        scales = _base64(quantized.scales.astype("<f4").tobytes())
        return {"shape": shape, "int8": _base64(quantized.values.tobytes()), "scales": scales}
    if precision == "float16":
        return {"shape": shape, "float16": _base64(values.astype("<f2").tobytes())}
    return {"shape": shape, "float32": _base64(values.astype("<f4").tobytes())}


def _counts(table: CountTable) -> dict[str, Any]:
    return {
        camel_case(name): {
            "shape": list(array.shape),
            array.dtype.name: _base64(array.astype(array.dtype.newbyteorder("<")).tobytes()),
        }
        for name, array in table.arrays().items()
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
