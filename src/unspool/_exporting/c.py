"""A model in C: one header and one source of C99, without allocation, and an example that uses them.

The text of the C is in ``c_sources/``, with marks for what only some models need; the constants of the
model are put into it here. A product multiplies the integers of int8 with float activations, so that nothing
but the rounding of the parameters is lost. The source ends with a comment that says in JSON what no constant
says: with it and the arrays, ``unspool import`` has the whole model.
"""

import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts.model_folder import SavedModel
from unspool._configuration import from_dict
from unspool._errors import ConfigError
from unspool._exporting.c_characters import character_classes
from unspool._exporting.c_literals import (
    LONGEST_STRING,
    character_array,
    chosen,
    comment,
    identifier,
    number,
    number_array,
    string,
)
from unspool._exporting.exporter import ModelToExport
from unspool._exporting.model_facts import facts_of
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.filters import FILTERS
from unspool._generation.sampling.penalties import PENALTIES
from unspool._network.conditions import schema_of
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER
from unspool._network.quantization import is_quantized, quantize
from unspool._text.tokenizers.registry import Tokenizer

SAID = {"temperature", "top_k", "top_p", "min_p", "min_tokens", "ignore_eos"}  # options that the C knows
UNSAID = ("stop", "bad_words", "allow_unk", "best_of")  # further ones that change a text
# The parameters that are kernels of their own in the C, and their names there.
KERNELS = {"output.kernel": "output", "context.kernel": "by_context", "start.kernel": "by_vector"}
DESCRIPTION = "What the model is, for unspool import:"


def c_files(exported: ModelToExport) -> dict[str, bytes]:
    """Return a model as C: ``NAME.h``, ``NAME.c`` and ``example.c``.

    Args:
        exported: The model.

    Raises:
        ConfigError: If the model's own options of generation have one that the C has no words for.
    """
    model, name = exported.model, identifier(exported.name)
    int8 = exported.precision == "int8"
    known = set(_known(model)) | ({"int8"} if int8 else set())
    parts = {
        "facts": "\n".join(_facts(exported, name.upper())),
        "data": "\n\n".join([*_texts(model), *_numbers(model, int8=int8), _defaults(model, name)]),
        "tokenizers": "\n\n".join(_tokenizers(model, name.upper())),
        "description": comment(DESCRIPTION, _description(exported)),
    }
    written, templates = {}, files("unspool._exporting").joinpath("c_sources")
    for file in ("model.h", "model.c", "example.c"):
        template = templates.joinpath(file).read_text("utf-8")
        for old, new in (("MODEL_", name.upper() + "_"), ("model_", name + "_"), ("model.", name + ".")):
            template = template.replace(old, new)
        written[file.replace("model", name)] = chosen(template, known, parts).encode("ascii")
    return written


def _known(model: SavedModel) -> Iterator[str]:
    """Yield the names of the parts of the templates that a model needs."""
    network, schema = model.network, schema_of(model.data)
    kinds = {one.kind for one in (model.tokenizer, model.source_tokenizer) if one is not None}
    attributes = () if schema is None or network.context_size is None else schema.attributes
    gru, source = network.kind.reset_gate, network.encoder is not None
    parts = {
        network.cell: True,
        "gated": network.kind.states > 1 or gru,
        "reset_after": gru and network.reset_after,
        "reset_before": gru and not network.reset_after,
        "embedding": network.embedding_size is not None,
        "residual": network.residual,
        "tied_output": network.tied_output,
        "context": network.context_size is not None,
        "attributes": bool(attributes),
        "numbers": any(one.is_number for one in attributes),
        "start": network.start_size is not None,
        "vector": bool(network.start_size),
        "source": source,
        "first": source or network.start_size is not None,
        "unk": model.tokenizer.unk_id is not None,
        "normalized": model.tokenizer.normalization is not None,
        "bytes_text": model.tokenizer.kind == "bytes",
        "spelled": kinds != {"bytes"},
        "characters": not kinds <= {"bytes", "bpe"},
        "words": "word" in kinds,
        "longest": bool(kinds - {"char", "word", "bytes"}),
    }
    return (name for name, there in parts.items() if there)


def _facts(exported: ModelToExport, name: str) -> Iterator[str]:
    """Yield the lines of the header that say what the model is."""
    model, network = exported.model, exported.model.network
    form = model.tokenizer.normalization
    yield "// What the model is, and bits per character that its precision costs, measured on its own texts."
    yield f"#define {name}_NAME {string(exported.name.encode('utf-8', 'replace'))}"
    yield f'#define {name}_UNSPOOL "{version("unspool")}"'
    yield f'#define {name}_PRECISION "{exported.precision}"'
    yield f"#define {name}_COST {exported.cost or 0.0:.4f}"
    if form is not None:
        yield f'#define {name}_NORMALIZATION "{form}"'
    yield "// Symbols are numbers: 0 is never read or written, the last one is <eos>, between any two texts."
    yield f"#define {name}_SYMBOLS {network.symbols}"
    yield f"#define {name}_END {model.tokenizer.eos_id}"
    if model.tokenizer.unk_id is not None:
        yield f"#define {name}_UNK {model.tokenizer.unk_id}  // stands for what it has no symbol for"
    layers, states, units = network.state_shape
    sizes = {
        "LAYERS": layers,
        "STATES": states,
        "UNITS": units,
        "GATES": len(network.kind.gates) * units,
        "INPUTS": max(units, network.embedding_size or 0),
        "EMBEDDING": network.embedding_size,
        "CONTEXT": network.context_size,
        "VECTOR": network.start_size or None,
        "SOURCE_SYMBOLS": network.source_vocab_size,
        "SOURCE_END": None if model.source_tokenizer is None else model.source_tokenizer.eos_id,
    }
    yield from (f"#define {name}_{key} {size}" for key, size in sizes.items() if size is not None)


def _description(exported: ModelToExport) -> dict[str, object]:
    """Return what a model is, but for its numbers, in plain JSON types."""
    model, facts = exported.model, facts_of(exported)
    del facts["word_pattern"]  # the C has the classes of characters
    tokenizers = {"tokenizer": model.tokenizer, "source_tokenizer": model.source_tokenizer}
    return facts | {
        name: json.loads(tokenizer.to_json())
        for name, tokenizer in tokenizers.items()
        if tokenizer is not None
    }


def _defaults(model: SavedModel, name: str) -> str:
    """Return the definition of the model's own options.

    Raises:
        ConfigError: If one of them has no words in C.
    """
    options = from_dict(GenerationOptions, model.generation_config, where="generation_config.json")
    unsaid = [row for row in (*PENALTIES, *FILTERS) if options.turns_on(row) and row not in SAID]
    unsaid += [row for row in UNSAID if getattr(options, row)]
    unsaid += ["temperature (several)"] if len(options.temperatures) > 1 else []
    used = [row for row in options.sampler_names if options.turns_on(row)]
    unsaid += ["samplers"] if used != [row for row in FILTERS if row in used] else []
    if unsaid:
        hint = "take them out of its generation_config.json, or choose another target"
        what = f"c cannot say {', '.join(unsaid)}, which the model's own options set"
        raise ConfigError(what, hint=hint)
    values = (
        number(options.temperatures[0]),
        str(options.top_k or 0),
        repr(float(options.top_p or 1.0)),
        number(options.min_p or 0.0),
        str(options.max_new_tokens if options.ignore_eos else options.min_tokens),
        str(options.max_new_tokens),
    )
    return f"const {name}_options {name}_defaults = {{{', '.join(values)}}};"


def _texts(model: SavedModel) -> Iterator[str]:
    """Yield the spellings of the symbols, and the attributes of the context with their values."""
    tokenizers = {"spellings": model.tokenizer, "source_spellings": model.source_tokenizer}
    if model.tokenizer.kind == "bytes":
        yield character_array("byte_values", bytes(range(256)))
    if any(one is not None and one.kind == "word" for one in tokenizers.values()):
        yield character_classes()
    for name, tokenizer in tokenizers.items():
        if tokenizer is not None and tokenizer.kind != "bytes":
            letters = "latin-1" if tokenizer.kind == "bpe" else "utf-8"
            contents = [spelling.encode(letters) for spelling in tokenizer.spellings]
            texts, before = _text_pointers(name, contents)
            rows = (f"    {{{len(each)}, {text}}}," for each, text in zip(contents, texts, strict=True))
            yield "\n".join([*before, f"static const spelling {name}[] = {{", *rows, "};"])
    schema = schema_of(model.data)
    if schema is None or model.network.context_size is None:
        return
    columns: list[bytes] = []
    attributes, before = _text_pointers("attribute", [one.name.encode() for one in schema.attributes])
    lines = [*before, "static const attribute attributes[] = {"]
    for one, text in zip(schema.attributes, attributes, strict=True):
        scale = f"{number(one.mean or 0.0)}, {number(one.deviation or 1.0)}"
        lines.append(f"    {{{text}, {len(columns)}, {len(one.values)}, {scale}}},")
        columns += [value.encode() for value in one.values] or [b"", b""]
    texts, before = _text_pointers("column", columns)
    rows = (f"    {text}," for text in texts)
    yield "\n".join([*lines, "};", "", *before, "static const char* const columns[] = {", *rows, "};"])


def _text_pointers(name: str, contents: Sequence[bytes]) -> tuple[list[str], list[str]]:
    """Return an expression for each text, and the definitions of those that are too long for a literal."""
    texts, definitions = [], []
    for index, content in enumerate(contents):
        if len(content) > LONGEST_STRING:
            definitions.append(character_array(f"{name}_{index}", content + b"\0"))
        texts.append(f"{name}_{index}" if len(content) > LONGEST_STRING else string(content))
    return texts, definitions


def _tokenizers(model: SavedModel, name: str) -> Iterator[str]:
    """Yield the functions that return the symbol that a text begins with."""
    for prefix, tokenizer in (("", model.tokenizer), ("source_", model.source_tokenizer)):
        if tokenizer is not None:
            body = _symbol_of(tokenizer, name, f"{prefix}spellings")
            lines = ["if (**text == 0) return 0;", *body]
            head = f"static int32_t {prefix}symbol_of(const char** text) {{"
            yield "\n".join([head, *(f"    {line}" for line in lines), "}"])


def _symbol_of(tokenizer: Tokenizer, name: str, spellings: str) -> list[str]:
    if tokenizer.kind == "bytes":
        return ["return (int32_t)(unsigned char)*(*text)++ + 1;"]
    count = tokenizer.unk_id or tokenizer.eos_id
    size = {
        "char": ["uint32_t character;", "const size_t size = character_of(*text, &character);"],
        "word": ["const size_t size = word_size(*text);"],
        "bpe": [f"const size_t size = longest_size({spellings}, {count}, *text, 1);"],
    }.get(
        tokenizer.kind,
        [
            "uint32_t character;",
            "const size_t least = character_of(*text, &character);",
            f"const size_t size = least == 0 ? 0 : longest_size({spellings}, {count}, *text, least);",
        ],
    )
    unknown = f"{name}_UNKNOWN" if tokenizer.unk_id is None else str(tokenizer.unk_id)
    return [
        *size,
        f"if (size == 0) return {name}_NOT_UTF8;",
        f"const int32_t symbol = spelled({spellings}, {count}, *text, size);",
        "*text += size;",
        f"return symbol > 0 ? symbol : {unknown};",
    ]


def _numbers(model: SavedModel, *, int8: bool) -> Iterator[str]:
    """Yield the parameters, and the networks that are made of them."""
    parameters, network = model.parameters, model.network
    for name, values in parameters.items():
        yield _array(name, values, int8=int8)
    yield _network("decoder", "", network, int8=int8)
    if network.encoder is not None:
        yield _network("encoder", ENCODER, network.encoder, int8=int8)
    for name, kernel in KERNELS.items():
        if name in parameters:
            columns = parameters[name].shape[1]
            yield f"static const kernel {kernel} = {_kernel(name, columns, int8=int8)};"


def _network(name: str, prefix: str, network: NetworkConfig, *, int8: bool) -> str:
    """Return the definition of a network, whose parameters begin with a prefix."""
    gates, size = len(network.kind.gates) * network.hidden_size, network.embedding_size
    lines = [f"static const network {name} = {{"]
    lines += [] if size is None else [f"    {_kernel(prefix + 'embedding', size, int8=int8)},"]
    lines.append("    {")
    for layer in range(network.num_layers):
        of = f"{prefix}layers.{layer}"
        kernels = [_kernel(f"{of}.{each}_kernel", gates, int8=int8) for each in ("input", "recurrent")]
        biases = ["bias"]
        biases += ["recurrent_bias"] if network.kind.reset_gate and network.reset_after else []
        lines.append(f"        {{{', '.join([*kernels, *(_c_name(f'{of}.{each}') for each in biases)])}}},")
    return "\n".join([*lines, "    },", "};"])


def _array(name: str, values: NDArray[np.float32], *, int8: bool) -> str:
    if not (int8 and is_quantized(name, values)):
        return number_array("float", _c_name(name), values)
    quantized = quantize(values)
    integers = number_array("int8_t", _c_name(name), quantized.values)
    return integers + "\n\n" + number_array("float", _c_name(name) + "_scales", quantized.scales)


def _kernel(name: str, columns: int, *, int8: bool) -> str:
    scales = f", {_c_name(name)}_scales" if int8 else ""
    return f"{{{_c_name(name)}{scales}, {columns}}}"


def _c_name(name: str) -> str:
    return name.replace(".", "_")
