"""A small recurrent text generator in PyTorch, as unspool exports it; torch and safetensors are all it needs.

From a terminal ``python model.py "Today " --seed 0``, from Python::

    model = TextGenerator.load("the folder of this file")
    print(model.generate("Today ", temperature=0.8, seed=0)[0])

Beside this file are config.json (network, context, options, name, precision), tokenizer.json (for pairs also
source_tokenizer.json) and model.safetensors with these tensors, where V is the number of symbols, E the size
of the embedding, H of a layer, L the number of layers, S the states of a cell (2 for an LSTM, otherwise 1), F
and D the sizes of the context and of the start vector, and G the gates: i f g o of an LSTM, r z n of a GRU::

    embedding.weight (V, E)           only with an embedding, E = I; otherwise symbols are one-hot, V = I
    rnn.weight_ih_l{l} (G·H, I or H), rnn.weight_hh_l{l} (G·H, H), rnn.bias_ih_l{l}, rnn.bias_hh_l{l} (G·H,)
                                      as in nn.LSTM, nn.GRU and nn.RNN; bias_hh is 0 but for the n of a GRU
    rnn.layers.{l}.weight_ih_l0 ...   in their place with residual layers, and in a GRU whose reset gate comes
                                      before the product, which has no bias_hh
    context.weight (G·H, F)           further columns of the first weight_ih, multiplied by the context
    output.weight (V, H)              not with a tied output: it is the embedding
    output.bias (V,)
    start.weight (L·S·H, D), start.bias (L·S·H,)      the first state, from a start vector or learned
    encoder.embedding.weight, encoder.rnn...          the encoder of pairs

In int8 each matrix NAME is a matrix of integers times NAME.scale, a number for each output (G·H or V, 1), and
for an embedding one for each column (1, E). Symbol 0 is padding, which is never drawn; the last symbol begins
and ends every text.
"""

import argparse
import json
import re
import secrets
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

KNOWN_OPTIONS = ("temperature", "top_k", "top_p", "min_p", "max_new_tokens", "allow_unk")


class TextTokenizer:
    """Text to ids and back, as tokenizer.json says: by characters, words, bytes or the longest symbols.

    Args:
        facts: The content of tokenizer.json.
        words: The regular expression of a word, for symbols that are words.
    """

    def __init__(self, facts: Mapping[str, Any], words: str | None) -> None:
        self.kind, self.form = facts["kind"], facts["normalization"]
        self.words = words if self.kind == "word" else None
        self.symbols = facts.get("symbols", [])  # of the ids 1, 2, ...
        self.bytes = self.kind in ("bytes", "bpe")  # a letter for each byte, before longer symbols
        if self.bytes:
            self.symbols = [*map(chr, range(256)), *map(self.letters, self.symbols)]
        self.ids = {symbol: i for i, symbol in enumerate(self.symbols, start=1)}
        self.unk_id = len(self.symbols) + 1 if facts.get("unk") else None
        self.eos_id = len(self.symbols) + (2 if self.unk_id else 1)

    @staticmethod
    def letters(text: str) -> str:
        """Return a letter for each byte of a text."""
        return text.encode().decode("latin-1")

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; an unknown symbol is <unk> if there is one, otherwise an error."""
        text = unicodedata.normalize(self.form, text) if self.form else text
        text = self.letters(text) if self.bytes else text
        pieces = re.findall(self.words, text, re.DOTALL) if self.words else list(self.longest(text))
        ids = [self.ids.get(piece, self.unk_id) for piece in pieces]
        if None in ids:
            raise ValueError(f"the model does not know the symbol {pieces[ids.index(None)]!r}")
        return [i for i in ids if i is not None]

    def longest(self, text: str) -> Iterator[str]:
        """Yield the longest symbols that a text is made of; an unknown character stands alone."""
        longest = max(map(len, self.symbols))  # 1 for characters
        while text:
            sizes = range(min(longest, len(text)), 0, -1)
            size = next((size for size in sizes if text[:size] in self.ids), 1)
            yield text[:size]
            text = text[size:]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; <unk> is shown as such."""
        inner = [i for i in ids if 0 < i < self.eos_id]
        text = "".join("<unk>" if i == self.unk_id else self.symbols[i - 1] for i in inner)
        return text.encode("latin-1").decode("utf-8", "replace") if self.bytes else text


class ResetBeforeGRU(nn.Module):
    """A layer of the GRU of Cho et al. (2014): the reset gate comes before the product. Called as nn.GRU."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.zeros(3 * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.zeros(3 * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(3 * hidden_size))

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs (T, B, H) for inputs (T, B, I) after a state (1, B, H), and the last state."""
        h, outputs = state[0], []
        from_r, from_z, from_n = self.weight_hh_l0.chunk(3)  # (H, H) each
        for inputs in functional.linear(x, self.weight_ih_l0, self.bias_ih_l0):  # (B, 3H)
            x_r, x_z, x_n = inputs.chunk(3, dim=1)  # (B, H) each
            r, z = torch.sigmoid(x_r + h @ from_r.T), torch.sigmoid(x_z + h @ from_z.T)
            n = torch.tanh(x_n + (r * h) @ from_n.T)
            h = (1 - z) * n + z * h
            outputs.append(h)
        return torch.stack(outputs), h[None]


class Layers(nn.Module):
    """Layers one above the other, each but the first adding its input to its output if they are residual."""

    def __init__(self, layers: Sequence[nn.Module], *, residual: bool) -> None:
        super().__init__()
        self.layers, self.residual = nn.ModuleList(layers), residual

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs (T, B, H) for inputs (T, B, I) from a state (S, L, B, H), and the last state."""
        ends = []
        for i, layer in enumerate(self.layers):
            y, end = run(layer, x, state[:, i : i + 1])
            x = x + y if self.residual and i else y
            ends.append(end)
        return x, torch.cat(ends, dim=1)


def run(rnn: nn.Module, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Run recurrent layers of any kind from a state (S, L, B, H)."""
    if isinstance(rnn, Layers):
        return rnn(x, state)
    if isinstance(rnn, nn.LSTM):
        y, (h, c) = rnn(x, (state[0], state[1]))
        return y, torch.stack([h, c])
    y, h = rnn(x, state[0])
    return y, h[None]


class Reader(nn.Module):
    """The recurrent layers over an embedding or over one-hot symbols.

    Args:
        network: The network in config.json.
        symbols: The number of symbols, V.
        context_size: The size of the context, F; 0 for none.
    """

    def __init__(self, network: Mapping[str, Any], symbols: int, context_size: int = 0) -> None:
        super().__init__()
        E, H, L = network["embedding_size"], network["hidden_size"], network["num_layers"]
        self.symbols, self.context_size = symbols, context_size
        self.embedding = nn.Embedding(symbols, E) if E else None
        sizes = [(E or symbols) + context_size] + [H] * (L - 1)
        cell = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[network["cell"]]
        if network["cell"] == "gru" and not network["reset_after"]:
            cell = ResetBeforeGRU
        if network["residual"] or cell is ResetBeforeGRU:
            self.rnn = Layers([cell(size, H) for size in sizes], residual=network["residual"])
        else:
            self.rnn = cell(sizes[0], H, L)

    def read(self, ids: Tensor, state: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the outputs (T, B, H) for ids (T, B) after a state (S, L, B, H), and the last state."""
        x = functional.one_hot(ids, self.symbols).float() if self.embedding is None else self.embedding(ids)
        if self.context_size:
            row = x.new_zeros(self.context_size) if context is None else context  # (F,) or (B, F)
            x = torch.cat([x, row.expand(*ids.shape, -1)], dim=2)
        return run(self.rnn, x, state)


class TextGenerator(Reader):
    """The network with its tokenizer.

    Args:
        config: The content of config.json.
        tokenizer: The tokenizer of the texts.
        source_tokenizer: The tokenizer of the sources; None unless the model has learned pairs.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        tokenizer: TextTokenizer,
        source_tokenizer: TextTokenizer | None = None,
    ) -> None:
        network = config["network"]
        super().__init__(network, tokenizer.eos_id + 1, network["context_size"] or 0)
        H, L, S = network["hidden_size"], network["num_layers"], 2 if network["cell"] == "lstm" else 1
        self.config, self.tokenizer, self.source_tokenizer = config, tokenizer, source_tokenizer
        self.state_shape = (L, S, H)
        self.output = nn.Linear(H, self.symbols)
        if network["tied_output"] and self.embedding is not None:
            self.output.weight = self.embedding.weight
        if network["start_size"]:
            self.start = nn.Linear(network["start_size"], L * S * H)
        elif network["start_size"] == 0:
            self.start = nn.ParameterDict({"bias": torch.zeros(L * S * H)})
        if source_tokenizer is not None:
            self.encoder = Reader(network, source_tokenizer.eos_id + 1)

    @classmethod
    def load(cls, folder: str | Path = Path(__file__).parent) -> "TextGenerator":
        """Read the model in a folder."""
        folder = Path(folder)
        config = json.loads((folder / "config.json").read_text("utf-8"))
        paths = [folder / "tokenizer.json", folder / "source_tokenizer.json"]
        texts = [path.read_text("utf-8") for path in paths if path.exists()]
        model = cls(config, *(TextTokenizer(json.loads(text), config["word_pattern"]) for text in texts))
        weights = read_weights(folder / "model.safetensors")
        if config["network"]["tied_output"]:
            weights["output.weight"] = weights["embedding.weight"]
        model.load_state_dict(weights)
        return model.eval()

    def forward(self, ids: Tensor, state: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the logits (T, B, V) after each of the ids (T, B), and the last state.

        Args:
            ids: The symbols; a text begins with the last id, tokenizer.eos_id.  # (T, B)
            state: The state, for a new text that of `first_state`.  # (S, L, B, H)
            context: A row of `context_row`, or one for each text.  # (F,) or (B, F)
        """
        outputs, state = self.read(ids, state, context)
        logits = self.output(outputs)
        return logits.masked_fill(torch.arange(self.symbols) == 0, -torch.inf), state

    def first_state(
        self, batch_size: int = 1, *, vector: Sequence[float] | None = None, source: str | None = None
    ) -> Tensor:
        """Return the state of a new text, from a start vector or a source if the model has learned them."""
        L, S, H = self.state_shape
        zeros = torch.zeros(S, L, batch_size, H)
        if self.source_tokenizer is not None:
            if source is None:
                raise ValueError("the model has learned pairs and needs a source")
            return self.encode(
                [self.source_tokenizer.eos_id, *self.source_tokenizer.encode(source)[::-1]], zeros
            )
        if not hasattr(self, "start"):
            return zeros
        row = self.start["bias"] if isinstance(self.start, nn.ParameterDict) else self.start.bias
        if vector is not None:
            row = self.start(torch.tensor(vector, dtype=torch.float32))
        return row.view(L, S, 1, H).transpose(0, 1) + zeros

    def encode(self, ids: Sequence[int], state: Tensor) -> Tensor:
        """Return the state after the ids of a source, which is read from its last symbol to its first."""
        column = torch.tensor(ids)[:, None].expand(-1, state.shape[2])
        return self.encoder.read(column, state)[1]

    def context_row(self, context: Mapping[str, object]) -> Tensor | None:
        """Return the numbers of a context such as {"label": "Sports"}.  # (F,)."""
        attributes = {one["name"]: one for one in self.config["context"]}
        for name in context:
            if name not in attributes:
                raise ValueError(
                    f"the model knows no context {name!r}, only {', '.join(attributes) or 'none'}"
                )
        row: list[float] = []
        for name, one in attributes.items():
            value = None if context.get(name) is None else str(context[name]).strip()
            if not one["values"]:  # a number: standardized, and a mark that it is known
                row += [0, 0] if value is None else [(float(value) - one["mean"]) / one["deviation"], 1]
            elif value is None or value in one["values"]:
                row += [float(value == known) for known in one["values"]]
            else:
                raise ValueError(f"context {name!r} is one of {', '.join(one['values'])}, not {value!r}")
        return torch.tensor(row) if row else None

    @torch.no_grad()
    def generate(
        self,
        prompt: str = "",
        *,
        n: int = 1,
        seed: int | None = None,
        context: Mapping[str, object] | None = None,
        vector: Sequence[float] | None = None,
        source: str | None = None,
        **options: float | None,
    ) -> list[str]:
        """Write n texts; a seed gives the same texts as in unspool.

        Args:
            prompt: The beginning of the texts.
            n: The number of texts.
            seed: A whole number from 0 to 2^64 - 1; None for a new one each time.
            context: The context, by name; what is left out is unknown.
            vector: The start vector, if the model has learned one.  # (D,)
            source: The source that is answered, if the model has learned pairs.
            options: Any of temperature, top_k, top_p, min_p, max_new_tokens and allow_unk; what is left out
                is as config.json says.
        """
        chosen = {**dict.fromkeys(KNOWN_OPTIONS), **self.config["generation"], **options}
        if unknown := [name for name in chosen if name not in KNOWN_OPTIONS]:
            warnings.warn(f"model.py does not know {', '.join(unknown)}", stacklevel=2)
        if isinstance(chosen["temperature"], list):
            warnings.warn("model.py takes the last of several temperatures", stacklevel=2)
            chosen["temperature"] = chosen["temperature"][-1]
        seed = secrets.randbits(64) if seed is None else seed
        streams = [random_bits(seed, i) for i in range(n)]
        row, state = self.context_row(context or {}), self.first_state(vector=vector, source=source)
        start = self.tokenizer.encode(prompt)
        logits, state = self(torch.tensor([self.tokenizer.eos_id, *start])[:, None], state, row)
        written: list[list[int]] = [[] for _ in range(n)]
        going, rows, state = list(range(n)), logits[-1].expand(n, -1), state.repeat(1, 1, n, 1)
        for place in range(chosen["max_new_tokens"]):
            if self.tokenizer.unk_id is not None and not chosen["allow_unk"]:
                rows = rows.index_fill(1, torch.tensor([self.tokenizer.unk_id]), -torch.inf)
            for i, scores in zip(going, rows, strict=True):
                uniform = (random_bits(streams[i], place) >> 11) * 2.0**-53
                written[i].append(draw(scores, uniform, chosen))
            kept = [at for at, i in enumerate(going) if written[i][-1] != self.tokenizer.eos_id]
            going, state = [going[at] for at in kept], state[:, :, kept]
            if not going:
                break
            logits, state = self(torch.tensor([[written[i][-1] for i in going]]), state, row)
            rows = logits[0]
        return [self.tokenizer.decode([*start, *ids]) for ids in written]


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file in float32, by the names of the parameters."""
    tensors = load_file(path)
    weights = {
        name: tensor.float() * tensors.get(f"{name}.scale", 1)
        for name, tensor in tensors.items()
        if not name.endswith(".scale")
    }
    if "context.weight" in weights:
        first = "rnn.weight_ih_l0" if "rnn.weight_ih_l0" in weights else "rnn.layers.0.weight_ih_l0"
        weights[first] = torch.cat([weights[first], weights.pop("context.weight")], dim=1)
    return weights


def random_bits(stream: int, number: int) -> int:
    """Return number `number` of a random stream, 64 bits: SplitMix64 (Steele, Lea and Flood, 2014)."""
    mask = 2**64 - 1
    z = (stream + (number + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def draw(logits: Tensor, uniform: float, options: Mapping[str, Any]) -> int:
    """Draw an id: the first at which the running sum of the weights passes the share `uniform` of all."""
    if options["temperature"] == 0:
        return int(logits.argmax())
    scores = (logits - logits.max()) / options["temperature"]
    weights = torch.where(scores.isneginf(), 0.0, scores.clamp(min=-87).exp())
    order = weights.argsort(descending=True, stable=True)
    if options["top_k"] is not None:
        weights[order[options["top_k"] :]] = 0
    if options["top_p"] is not None and options["top_p"] < 1:
        share = weights[order].double().cumsum(0)
        few = int(torch.searchsorted(share, options["top_p"] * share[-1])) + 1
        weights[order[few:]] = 0
    if options["min_p"] is not None:
        weights[weights < options["min_p"]] = 0
    running = weights.double().cumsum(0)
    drawn = int(torch.searchsorted(running, uniform * running[-1], right=True))
    return min(drawn, int(weights.nonzero()[-1]))


def main() -> None:
    """Write texts from the command line."""
    parser = argparse.ArgumentParser(description="Write texts with the model beside this file.")
    parser.add_argument("prompt", nargs="?", default="", help="the beginning of the texts")
    parser.add_argument("--n", type=int, default=1, help="number of texts")
    parser.add_argument("--seed", type=int, help="the same seed, the same texts")
    parser.add_argument("--source", help="the source to answer, for a model of pairs")
    parser.add_argument("--context", action="append", default=[], metavar="NAME=VALUE", help="what is known")
    parser.add_argument("--vector", type=float, nargs="+", help="the start vector")
    for name, kind in (("temperature", float), ("top-k", int), ("top-p", float), ("min-p", float)):
        parser.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS, help="as in unspool sample")
    parser.add_argument("--max-new-tokens", type=int, default=argparse.SUPPRESS, help="longest text")
    told = vars(parser.parse_args())
    model = TextGenerator.load()
    try:
        told["context"] = dict(item.split("=", 1) for item in told["context"])
        texts = model.generate(**told)
    except ValueError as error:
        parser.error(str(error))
    print(*texts, sep="\n")


if __name__ == "__main__":
    main()
