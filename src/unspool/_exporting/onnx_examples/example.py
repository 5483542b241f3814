"""Write a text with the ONNX models beside this file: ``python example.py "Today " --seed 0``.

It needs onnxruntime and NumPy alone. A text begins with ``<eos>``, read from the first state; each symbol
that is drawn is read next, until it is ``<eos>`` again. A seed gives the same text as in unspool.
"""

import argparse
import json
import re
import secrets
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

FOLDER = Path(__file__).parent
Arrays = dict[str, Any]


def read_json(name: str) -> dict[str, Any]:
    """Return the content of a file of the folder; nothing if there is none."""
    path = FOLDER / name
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def run(name: str, inputs: Arrays) -> Arrays:
    """Run a model of the folder once; return its outputs by name."""
    session = onnxruntime.InferenceSession(str(FOLDER / name), providers=["CPUExecutionProvider"])
    return named(session, inputs)


def named(session: Any, inputs: Arrays) -> Arrays:
    """Run a model; return its outputs by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def encode(tokenizer: dict[str, Any], text: str, words: str | None) -> list[int]:
    """Return the ids of a text: 1, 2, ... are the symbols of the tokenizer, or the bytes."""
    form = tokenizer["normalization"]
    text = unicodedata.normalize(form, text) if form else text
    symbols, text = spellings(tokenizer), letters(text) if in_bytes(tokenizer) else text
    pieces = list(longest_symbols(symbols, text))
    if words and tokenizer["kind"] == "word":
        pieces = re.findall(words, text, re.DOTALL)
    unknown = [piece for piece in pieces if piece not in symbols]
    if unknown and not tokenizer.get("unk"):
        raise ValueError(f"the model does not know the symbol {unknown[0]!r}")
    return [(symbols.index(piece) if piece in symbols else len(symbols)) + 1 for piece in pieces]


def in_bytes(tokenizer: dict[str, Any]) -> bool:
    """Return whether symbols are spelled in letters that each stand for a byte."""
    return tokenizer["kind"] in ("bytes", "bpe")


def letters(text: str) -> str:
    """Return a letter for each byte of a text."""
    return text.encode().decode("latin-1")


def spellings(tokenizer: dict[str, Any]) -> list[str]:
    """Return the symbols 1, 2, ...: with bytes, these before all others."""
    symbols: list[str] = tokenizer.get("symbols", [])
    return [*map(chr, range(256)), *map(letters, symbols)] if in_bytes(tokenizer) else symbols


def longest_symbols(symbols: list[str], text: str) -> Iterator[str]:
    """Yield the longest symbols that a text is made of, an unknown character alone; 1 each for characters."""
    known, longest = set(symbols), max(map(len, symbols))
    while text:
        sizes = range(min(longest, len(text)), 0, -1)
        size = next((size for size in sizes if text[:size] in known), 1)
        yield text[:size]
        text = text[size:]


def decode(tokenizer: dict[str, Any], ids: list[int]) -> str:
    """Return the text of ids."""
    text = "".join([*spellings(tokenizer), "<unk>" if tokenizer.get("unk") else "", ""][i - 1] for i in ids)
    return text.encode("latin-1").decode("utf-8", "replace") if in_bytes(tokenizer) else text


def context_row(attributes: list[dict[str, Any]], known: dict[str, str]) -> Arrays:
    """Return the input that the model has for a context, such as {"label": "Sports"}.  # (1, F)."""
    row: list[float] = []
    for one in attributes:
        value = known.get(one["name"])
        if one["values"]:
            row += [float(value == each) for each in one["values"]]
        else:  # a number: standardized, and a mark that it is known
            row += [0, 0] if value is None else [(float(value) - one["mean"]) / one["deviation"], 1]
    return {"context": np.array([row], np.float32)} if row else {}


def random_bits(stream: int, number: int) -> int:
    """Return number `number` of a random stream, 64 bits: SplitMix64 (Steele, Lea and Flood, 2014)."""
    mask = 2**64 - 1
    z = (stream + (number + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def draw(logprobs: Any, temperature: float, uniform: float) -> int:
    """Draw an id: the first at which the running sum of the weights passes the share `uniform` of all."""
    if temperature == 0:
        return int(logprobs.argmax())
    weights = np.exp((logprobs - logprobs.max()) / np.float32(temperature))
    running = np.cumsum(weights, dtype=np.float64)
    drawn = int(np.searchsorted(running, uniform * running[-1], side="right"))
    return min(drawn, int(np.flatnonzero(weights)[-1]))


def first_state(network: dict[str, Any], vector: list[float], source: list[int]) -> Arrays:
    """Return the state before a text: of a source, of a vector, as it was learned, or zeros."""
    if source:
        return run("encoder.onnx", {"ids": np.array(source, np.int64)[:, None]})
    if network["start_size"] is not None:
        size = network["start_size"]
        row = np.array([vector or [0.0] * size], np.float32)
        return run("start.onnx", {"vector": row} if size else {})
    zeros = np.zeros((network["num_layers"], 1, network["hidden_size"]), np.float32)
    return dict.fromkeys(("h", "c") if network["cell"] == "lstm" else ("h",), zeros)


def write(prompt: str, told: argparse.Namespace) -> str:
    """Write a text that begins with a prompt."""
    config, tokenizer = read_json("config.json"), read_json("tokenizer.json")
    usual, words, sources = config["generation"], config["word_pattern"], read_json("source_tokenizer.json")
    source = []
    if sources:  # it is read from its last symbol to its first, after its own <eos>
        source = [config["network"]["source_vocab_size"] - 1]
        source += encode(sources, told.source or "", words)[::-1]
    state = first_state(config["network"], told.vector, source)
    context = context_row(config["context"], dict(item.split("=", 1) for item in told.context))
    eos = config["network"]["vocab_size"] - 1
    temperature = usual["temperature"] if told.temperature is None else told.temperature
    seed = secrets.randbits(64) if told.seed is None else told.seed
    stream, ids = random_bits(seed, 0), encode(tokenizer, prompt, words)
    sequence = onnxruntime.InferenceSession(str(FOLDER / "sequence.onnx"), providers=["CPUExecutionProvider"])
    step = onnxruntime.InferenceSession(str(FOLDER / "step.onnx"), providers=["CPUExecutionProvider"])
    out = named(sequence, {"ids": np.array([eos, *ids], np.int64)[:, None], **context, **state})
    logprobs = out["logprobs"][-1, 0]
    for place in range(usual["max_new_tokens"]):
        if tokenizer.get("unk"):
            logprobs[eos - 1] = -np.inf  # <unk> is not drawn
        drawn = draw(logprobs, temperature, (random_bits(stream, place) >> 11) * 2.0**-53)
        if drawn == eos:
            break
        ids.append(drawn)
        state = {name: out[f"next_{name}"] for name in state}
        out = named(step, {"ids": np.array([drawn], np.int64), **context, **state})
        logprobs = out["logprobs"][0]
    return decode(tokenizer, ids)


def main() -> None:
    """Read the command line, and write a text."""
    parser = argparse.ArgumentParser(description="Write a text with the ONNX models beside this file.")
    parser.add_argument("prompt", nargs="?", default="", help="the beginning of the text")
    parser.add_argument("--temperature", type=float, help="0 takes the most probable symbol each time")
    parser.add_argument("--seed", type=int, help="the same seed, the same text")
    parser.add_argument("--context", action="append", default=[], metavar="NAME=VALUE", help="what is known")
    parser.add_argument("--vector", type=float, nargs="+", default=[], help="the start vector")
    parser.add_argument("--source", help="the source to answer, for a model of pairs")
    told = parser.parse_args()
    try:
        print(write(told.prompt, told))
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
