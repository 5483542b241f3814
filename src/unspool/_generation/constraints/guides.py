"""Compile constraints and prompts to a guide for the engine, or refuse them before anything is drawn."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check
from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD, Guide, TokenAutomaton
from unspool._generation.automata.joint_guide import join_guides
from unspool._generation.constraints.compiling import compile_constraints
from unspool._generation.constraints.constraint import Constraint
from unspool._text.expressions.patterns import shown
from unspool._text.tokenizers.registry import Tokenizer

Ids = NDArray[np.integer[Any]]


def make_guide(
    constraint: Constraint | Sequence[Constraint],
    tokenizer: Tokenizer,
    prompts: Sequence[Ids],
    *,
    max_new_tokens: int,
) -> Guide:
    """Compile constraints and read every prompt.

    Args:
        constraint: One constraint, or several that all hold.
        tokenizer: The tokenizer of the model.
        prompts: The ids of each prompt, at least one.
        max_new_tokens: Number of tokens that may be drawn after a prompt.

    Raises:
        ConfigError: If no text meets the constraints, or none after one of the prompts, or none that is short
            enough.
    """
    constraints = constraints_of(constraint)
    guides: list[Guide] = []
    for scope in ("text", "continuation"):
        chosen = tuple(one for one in constraints if one.scope == scope)
        if chosen:
            automaton = compile_constraints(chosen, tokenizer)
            inputs = prompts if scope == "text" else [np.empty(0, np.int32)] * len(prompts)
            starts = np.array([_start(automaton, ids, tokenizer) for ids in inputs], np.int32)
            guides.append(Guide(automaton, starts))
    guide = reduce(join_guides, guides)
    for ids, start in zip(prompts, guide.starts.tolist(), strict=True):
        _check_end(guide.automaton, start, tokenizer.decode(ids), max_new_tokens)
    return guide


def constraints_of(constraint: object) -> tuple[Constraint, ...]:
    """Return one constraint or several as a tuple.

    Raises:
        ConfigError: If they are something else, or there are none.
    """
    constraints = tuple(constraint) if isinstance(constraint, (list, tuple)) else (constraint,)
    ok = len(constraints) > 0 and all(isinstance(one, Constraint) for one in constraints)
    check("constraint", constraint, "a Constraint, a list of them, or None", ok)
    return constraints


def _start(automaton: TokenAutomaton, ids: Ids, tokenizer: Tokenizer) -> int:
    """Return the state after a prompt; the error for a forbidden prompt names the place."""
    state = automaton.walk(ids)
    if state != DEAD:
        return state
    fits = next(n for n in range(len(ids)) if automaton.walk(ids[: n + 1]) == DEAD)
    raise ConfigError(
        f"prompt {shown(tokenizer.decode(ids))}",
        expected="the beginning of a text that meets the constraint",
        got=f"{tokenizer.decode(ids[fits : fits + 1])!r} after {tokenizer.decode(ids[:fits])[-20:]!r}",
        hint="change the prompt, or apply the constraint to the continuation only, with scope 'continuation'",
    )


def _check_end(automaton: TokenAutomaton, start: int, prompt: str, max_new_tokens: int) -> None:
    """Refuse a prompt whose text cannot end as it must, or not in time."""
    if start == DEAD:
        raise ConfigError(
            f"the model cannot write a text that begins with {shown(prompt)} and meets all constraints",
            hint="leave one of them out",
        )
    needed = int(automaton.distance[start])
    if needed > max_new_tokens:
        raise ConfigError(
            f"max_new_tokens for prompt {shown(prompt)}",
            expected=f"at least {needed}, the length of the shortest text that meets the constraint",
            got=str(max_new_tokens),
        )
