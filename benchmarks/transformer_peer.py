"""The peer that many people know: a small transformer over characters, by nanoGPT's recipe for a CPU.

4 layers of 4 heads and 128 units, 64 characters of context, batches of 12, 2,000 steps of AdamW from 1e-3
down to 1e-4 by a cosine after 100 steps of warm-up, no dropout. The published results are about 3 minutes and
a validation loss of 1.88 on tiny Shakespeare. The network and the loop here are our own; only the numbers are
from the recipe. Import this module only if torch is installed.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ours import Point
from unspool._text.streams.stream import TokenStream


@dataclass(frozen=True)
class Recipe:
    """The numbers of the recipe."""

    layers: int = 4
    heads: int = 4
    units: int = 128
    context: int = 64
    batch_size: int = 12
    steps: int = 2000
    warmup: int = 100
    learning_rate: float = 1e-3
    last_learning_rate: float = 1e-4
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)
    evaluation_batches: int = 20
    evaluate_every: int = 100


class Block(nn.Module):
    """One layer: attention to earlier tokens, then two products, each with normalisation and a residual."""

    def __init__(self, units: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_products = nn.LayerNorm(units), nn.LayerNorm(units)
        self.query_key_value = nn.Linear(units, 3 * units)
        self.mix = nn.Linear(units, units)
        self.products = nn.Sequential(nn.Linear(units, 4 * units), nn.GELU(), nn.Linear(4 * units, units))

    def forward(self, x: Tensor) -> Tensor:  # (B, T, C)
        """Return the output of the layer."""
        B, T, C = x.shape
        parts = self.query_key_value(self.before_attention(x)).view(B, T, 3, self.heads, C // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, C / heads)
        attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mix(attended.transpose(1, 2).reshape(B, T, C))
        return x + self.products(self.before_products(x))


class Transformer(nn.Module):
    """The whole network; its output kernel is the embedding's transpose."""

    def __init__(self, recipe: Recipe, *, vocab_size: int) -> None:
        super().__init__()
        self.symbols = nn.Embedding(vocab_size, recipe.units)
        self.places = nn.Parameter(0.02 * torch.randn(recipe.context, recipe.units))
        self.blocks = nn.Sequential(*(Block(recipe.units, recipe.heads) for _ in range(recipe.layers)))
        self.last = nn.LayerNorm(recipe.units)
        nn.init.normal_(self.symbols.weight, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, ids: Tensor) -> Tensor:  # (B, T)
        """Return the logits.  # (B, T, V)."""
        x = self.symbols(ids) + self.places[: ids.shape[1]]
        return self.last(self.blocks(x)) @ self.symbols.weight.T

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the mean loss in nats per token of ids and targets, each (B, T)."""
        ids, targets = batch
        return functional.cross_entropy(self(ids).flatten(0, 1), targets.flatten())


def batches(stream: TokenStream, recipe: Recipe, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw random pieces of the text, with the next token at each place as target."""
    begins = random.integers(0, len(stream.ids) - recipe.context - 1, recipe.batch_size)
    places = begins[:, None] + np.arange(recipe.context + 1)  # (B, T + 1)
    pieces = torch.from_numpy(stream.ids[places].astype(np.int64))
    return pieces[:, :-1], pieces[:, 1:]


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the learning rate of a step, from 0."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / (recipe.steps - recipe.warmup)
    middle = recipe.learning_rate - recipe.last_learning_rate
    return recipe.last_learning_rate + middle * 0.5 * (1 + math.cos(math.pi * share))


def train(
    training: TokenStream,
    validation: TokenStream,
    *,
    vocab_size: int,
    seed: int,
    enough: Callable[[Point], bool],
    recipe: Recipe | None = None,
) -> list[Point]:
    """Train by the recipe; every evaluation uses random pieces of the held-out text, as the recipe does.

    Args:
        training: The token stream to learn from.
        validation: The held-out token stream.
        vocab_size: V, the number of token ids.
        seed: The seed of the initial weights and of the pieces.
        enough: A function that ends the run at the first evaluation for which it returns True.
        recipe: The recipe; None for the published one.
    """
    recipe = recipe or Recipe()
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Transformer(recipe, vocab_size=vocab_size)
    kernels = [p for p in network.parameters() if p.ndim >= 2]
    biases = [p for p in network.parameters() if p.ndim < 2]
    groups = [
        {"params": kernels, "weight_decay": recipe.weight_decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)
    points: list[Point] = []
    began, processor = time.perf_counter(), time.process_time()
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        loss = network.loss(batches(training, recipe, random))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % recipe.evaluate_every == 0 or step + 1 == recipe.steps:
            loss = evaluated(network, validation, recipe, random)
            seconds = time.perf_counter() - began
            used = time.process_time() - processor
            points.append(Point(step + 1, 1, seconds, loss, loss / math.log(2), used))
            if enough(points[-1]):
                break
    return points


@torch.inference_mode()
def evaluated(
    network: Transformer, validation: TokenStream, recipe: Recipe, random: np.random.Generator
) -> float:
    """Return the loss in nats per token of random pieces of the held-out text."""
    losses = [network.loss(batches(validation, recipe, random)) for _ in range(recipe.evaluation_batches)]
    return torch.stack(losses).mean().item()
