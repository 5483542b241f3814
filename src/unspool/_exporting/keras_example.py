"""Write texts with the Keras model beside this file: ``KERAS_BACKEND=torch python example.py "Today "``.

It needs Keras 3 with any backend, and nothing of unspool. A text is written symbol by symbol: the cell of
each layer takes what the layer before it says and its own states, and returns its new ones.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np

FOLDER = Path(__file__).resolve().parent
FACTS = json.loads((FOLDER / "config.json").read_text("utf-8"))
NETWORK = FACTS["network"]


def letters(text: str) -> str:
    """Return a letter for each byte of a text."""
    return text.encode().decode("latin-1")


class Symbols:
    """The symbols 1, 2, ... of texts; 0 is padding, and the last one begins and ends every text.

    Args:
        name: The file that lists them.
        size: Their number, with both of these.
    """

    def __init__(self, name: str, size: int) -> None:
        facts = json.loads((FOLDER / name).read_text("utf-8"))
        self.kind, self.end, self.size = facts["kind"], size - 1, size
        self.symbols = facts.get("symbols", [])
        self.bytes = self.kind in ("bytes", "bpe")  # a letter for each byte, before longer symbols
        if self.bytes:
            self.symbols = [*map(chr, range(256)), *map(letters, self.symbols)]
        self.ids = {symbol: number for number, symbol in enumerate(self.symbols, start=1)}
        self.unknown = len(self.symbols) + 1 if facts.get("unk") else None

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the symbols of a text."""
        parts, text = [], letters(text) if self.bytes else text
        if self.kind == "word":
            parts = re.findall(FACTS["word_pattern"], text)
        else:  # the longest symbols
            longest = max(map(len, self.symbols))
            while text:
                sizes = range(min(longest, len(text)), 0, -1)
                parts.append(text[: next((size for size in sizes if text[:size] in self.ids), 1)])
                text = text[len(parts[-1]) :]
        ids = [self.ids.get(part, self.unknown) for part in parts]
        if None in ids:
            raise SystemExit(f"the model does not know {parts[ids.index(None)]!r}")
        return [number for number in ids if number is not None]

    def decode(self, ids: list[int]) -> str:
        """Return the text of numbers of symbols."""
        text = "".join(self.symbols[number - 1] for number in ids if 0 < number <= len(self.symbols))
        return text.encode("latin-1").decode("utf-8", "replace") if self.bytes else text


class KerasWriter:
    """A model that writes, one text at a time.

    Args:
        model: The Keras model.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.symbols = model, Symbols("tokenizer.json", NETWORK["vocab_size"])

    def write(
        self,
        prompt: str = "",
        *,
        temperature: float = 1.0,
        longest: int = 200,
        context: Any = None,
        start: Any = None,
        source: str = "",
        random: np.random.Generator | None = None,
    ) -> str:
        """Write one text.

        Args:
            prompt: How it begins.
            temperature: Above 1 it is bolder, below 1 more cautious; 0 takes the most probable symbol.
            longest: The most symbols that are added.
            context: The row of numbers of the context; None for nothing known.  # (F,)
            start: The start vector; None for zeros.  # (D,)
            source: The text that it is the answer to, for a model of pairs.
            random: A generator of random numbers.
        """
        random, end = random or np.random.default_rng(), self.symbols.end
        states = self.read_source(source) if NETWORK["source_vocab_size"] else self.first_states(start)
        prompt_ids = self.symbols.encode(prompt)
        ids, waiting = [], [end, *prompt_ids]
        while True:
            x = self.read(waiting.pop(0), states, context=context)
            if waiting:
                continue
            shares = keras.ops.convert_to_numpy(self.model.get_layer("output")(x))[0].astype("float64")
            if self.symbols.unknown is not None:
                shares[self.symbols.unknown] = 0
            shares = shares == shares.max() if temperature == 0 else shares ** (1 / temperature)
            waiting = [int(random.choice(self.symbols.size, p=shares / shares.sum()))]
            ids += waiting
            if ids[-1] == end or len(ids) == longest:
                return self.symbols.decode([*prompt_ids, *ids])

    def read(self, symbol: int, states: list[Any], *, context: Any = None, prefix: str = "") -> Any:
        """Read a symbol, change the states, and return what the last layer says.  # (1, H)."""
        layer = self.model.get_layer
        if NETWORK["embedding_size"]:
            x = layer(f"{prefix}embedding")(np.array([symbol], "int32"))
        else:
            size = NETWORK["source_vocab_size"] if prefix else self.symbols.size
            x = keras.ops.convert_to_tensor(np.eye(size, dtype="float32")[[symbol]])
        if NETWORK["context_size"] and not prefix:
            row = np.zeros(NETWORK["context_size"]) if context is None else np.array(context)
            x = keras.ops.concatenate([x, row[None].astype("float32")], axis=1)
        for number in range(NETWORK["num_layers"]):
            y, states[number] = layer(f"{prefix}layer_{number}").cell(x, states[number])
            x = x + y if number and NETWORK["residual"] else y
        return x

    def first_states(self, start: Any) -> list[Any]:
        """Return the states that a text begins with: zeros, learned ones, or those of a start vector."""
        L, S = NETWORK["num_layers"], 2 if NETWORK["cell"] == "lstm" else 1
        if (size := NETWORK["start_size"]) is None:
            return [[np.zeros((1, NETWORK["hidden_size"]), "float32")] * S for _ in range(L)]
        vector = np.zeros((1, size), "float32") if size else np.ones((1, 1), "float32")
        if size and start is not None:
            vector[0] = start
        return [[self.model.get_layer(f"start_{i}_{j}")(vector) for j in range(S)] for i in range(L)]

    def read_source(self, source: str) -> list[Any]:
        """Return the states after a source, which is read from its last symbol to its first."""
        symbols = Symbols("source_tokenizer.json", NETWORK["source_vocab_size"])
        S = 2 if NETWORK["cell"] == "lstm" else 1
        zeros = [np.zeros((1, NETWORK["hidden_size"]), "float32")] * S
        states: list[Any] = [zeros for _ in range(NETWORK["num_layers"])]
        for symbol in [symbols.end, *symbols.encode(source)[::-1]]:
            self.read(symbol, states, prefix="source_")
        return states


def main() -> None:
    """Write as the command line says."""
    parser = argparse.ArgumentParser(description="Write texts with the Keras model beside this file.")
    parser.add_argument("prompt", nargs="?", default="")
    parser.add_argument("--n", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=FACTS["generation"]["temperature"])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--source", default="", help="for a model of pairs")
    options = parser.parse_args()
    writer = KerasWriter(keras.saving.load_model(FOLDER / "model.keras"))
    random = np.random.default_rng(options.seed)
    for _ in range(options.n):
        print(
            writer.write(
                options.prompt, temperature=options.temperature, source=options.source, random=random
            )
        )


if __name__ == "__main__":
    main()
