"""Types of the native module; unspool._kernels is its documented face."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

compiler: str

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]

class ThreadTeam:
    def __init__(self, size: int) -> None: ...
    @property
    def size(self) -> int: ...

class StoppedError(Exception): ...

class StopFlag:
    def set(self) -> None: ...
    def is_set(self) -> bool: ...
    def listen(self) -> None: ...
    def leave(self) -> None: ...
    def obey(self) -> None: ...
    @staticmethod
    def disobey() -> None: ...

class Conditions:
    records: Ids | None
    starts: Ids | None
    context: Floats | None
    context_grad: Floats | None
    start_states: Floats | None
    start_states_grad: Floats | None
    final_grad: Floats | None

class Network:
    def __init__(
        self,
        team: ThreadTeam,
        kernels: str,
        cell: int,
        reset_after: bool,
        vocab_size: int,
        embedding_size: int,
        hidden_size: int,
        num_layers: int,
        residual: bool,
        precision: int,
        inference: int,
    ) -> None: ...
    def step(
        self,
        parameters: Sequence[Floats],
        ids: Ids,
        targets: Ids,
        reset_id: int,
        masks: Floats | None,
        state: Floats,
        losses: Floats | None,
        gradients: Sequence[Floats] | None,
        conditions: Conditions,
    ) -> tuple[float, int]: ...
    def stage_seconds(self) -> list[float]: ...
    def logits(
        self,
        parameters: Sequence[Floats] | None,
        ids: Ids,
        reset_id: int,
        state: Floats,
        out: Floats,
        conditions: Conditions,
    ) -> None: ...
    def load(self, parameters: Sequence[Floats]) -> None: ...

class Automaton:
    def __init__(self, classes: Ids, transitions: Ids, distance: Ids, start: int) -> None: ...

class Writer:
    def __init__(self, network: Network, parameters: Sequence[Floats]) -> None: ...
    def add(
        self,
        *,
        prompts: Ids,
        prompt_starts: NDArray[np.int64],
        keys: NDArray[np.uint64],
        start: Floats | None,
        guide_states: Ids | None,
        guide: Automaton | None,
        stop: Automaton | None,
        penalties: list[tuple[str, list[float]]],
        samplers: list[tuple[str, list[float]]],
        first_bias: Floats | None,
        counts: CountTable | None,
        recent: Ids | None,
        penalty_last: int,
        alternatives: int,
        echo: bool,
        from_state: bool,
        max_new_tokens: int,
        end_id: int,
        whole: bool,
    ) -> int: ...
    def advance(self, steps: int, whole: bool, spared: int) -> dict[str, Any]: ...
    def remove(self, sequence: int) -> bool: ...
    def __len__(self) -> int: ...

class CountTable:
    def __init__(
        self,
        *,
        first_child: NDArray[np.uint32],
        first_entry: NDArray[np.uint32],
        symbols: NDArray[np.uint16],
        tokens: NDArray[np.uint16],
        counts: NDArray[np.uint16],
        discounts: Floats,
        weights: Floats,
    ) -> None: ...

class AdaptiveCounts:
    def __init__(self, end_id: int) -> None: ...
    def adapt(self, ids: Ids, nats: Floats, out: Floats) -> None: ...

def count(
    ids: NDArray[Any], vocab: int, order: int, end_id: int, least: int, most_bytes: int
) -> dict[str, NDArray[Any]] | None: ...
def mix_counts(
    kernels: str,
    team: ThreadTeam,
    table: CountTable,
    contexts: Ids,
    targets: Ids | None,
    logits: Floats,
    losses: Floats | None,
    used: Ids,
) -> None: ...

class Matcher:
    def __init__(self, ids: Ids) -> None: ...
    def scan(self, ids: NDArray[Any]) -> None: ...
    def matches(self, lengths: Ids, ends: NDArray[np.int64]) -> None: ...

def hash_records(
    ids: NDArray[Any], starts: NDArray[np.int64], ends: NDArray[np.int64], out: NDArray[np.uint64]
) -> None: ...
def find_lines(
    kernels: str, codes: NDArray[Any], limit: int, bounds: NDArray[np.int64], held_out: NDArray[np.bool_]
) -> int: ...
def recode(numbers: NDArray[Any], table: NDArray[Any], out: NDArray[Any]) -> None: ...
def number_lines(
    codes: NDArray[Any],
    bounds: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    table: NDArray[np.uint32],
    known: int,
    learn: bool,
    counts: NDArray[np.int64],
    training: NDArray[Any],
    training_ends: NDArray[np.int64],
    validation: NDArray[Any],
    validation_ends: NDArray[np.int64],
) -> list[int] | None: ...
def kernel_names() -> list[str]: ...
def stage_names() -> tuple[list[str], list[str]]: ...
def optimize(*arguments: Any) -> float: ...
def multiply(kernels: str, precision: int, transposed: bool, a: Floats, b: Floats, out: Floats) -> None: ...
def has_bf16(kernels: str) -> bool: ...
def round_to_bf16(kernels: str, values: Floats, out: Floats) -> None: ...
def set_leak_warnings(shown: bool) -> None: ...
