"""From what is asked for to a request that a writer takes: encoded, compiled, and within the limits."""

import json
from dataclasses import dataclass, replace

import numpy as np

from unspool._configuration import check, from_dict
from unspool._generation.constraints.constraint import Constraint
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.options.keywords import generation_options
from unspool._generation.requests import Request, StatesLike
from unspool._generation.selecting.selection import Selection
from unspool._kernels.arrays import Ids
from unspool._model.conditioning import encode_sources, row_and_start
from unspool._model.writing import prepare_ids
from unspool._serving.limits import Limits
from unspool._serving.models.library import Library
from unspool._serving.models.loaded import Loaded
from unspool._serving.refusals import RefusedError
from unspool._serving.texts.asking import MOST_NUMBERS, Asked

FEW_CHARACTERS = 4096  # of prompts that are encoded on the event loop


@dataclass(eq=False, slots=True)
class Plan:
    """A request that a writer takes.

    Args:
        asked: What is asked for.
        loaded: The model.
        request: The prompts and options, each prompt once.
        selection: Which texts are good; None for all.
    """

    asked: Asked
    loaded: Loaded
    request: Request
    selection: Selection | None

    @property
    def prompt_tokens(self) -> int:
        """Return the number of tokens of all prompts."""
        return sum(map(len, self.request.prompts))


async def plan_of(library: Library, limits: Limits, asked: Asked, loaded: Loaded) -> Plan:
    """Make the plan for a request: at once if that is quick, else on a thread.

    Raises:
        RefusedError: If it is beyond a limit.
        ConfigError: If something does not fit the model.
        UnknownSymbolError: If a prompt has a symbol that the model does not know.
    """
    is_new = bool(asked.options.get("stop")) and asked.key not in loaded.templates
    if asked.compiles or is_new or sum(map(len, asked.prompts)) > FEW_CHARACTERS:
        return await library.work(make_plan, asked, loaded, limits)
    return make_plan(asked, loaded, limits)


def make_plan(asked: Asked, loaded: Loaded, limits: Limits) -> Plan:
    """Make the plan for a request; see `plan_of`."""
    prompts = _ids(asked, loaded, limits)
    network = loaded.model.network
    conditioned = asked.context is not None or asked.vector is not None
    if asked.compiles or conditioned or network.source_vocab_size is not None:
        return _new_plan(asked, loaded, prompts, limits)
    key = asked.key
    template = loaded.templates.get(key)
    if template is None:
        options = _options(asked, loaded, limits, len(prompts))
        template = prepare_ids(loaded.model, [np.empty(0, np.int32)], options, state=None, constraint=None)
        if template.options == template.in_ids.options:  # which then are seeded once
            template = replace(template, options=template.in_ids.options)
        loaded.keep(key, template)
    return Plan(asked, loaded, _anew(template, prompts, asked.seed), None)


def _anew(template: Request, prompts: list[Ids], seed: int) -> Request:
    """Return a request without a guide and states for other prompts and another seed, as it was checked."""
    in_ids = template.in_ids.anew(prompts, template.in_ids.options.seeded(seed))
    is_same = template.options is template.in_ids.options
    options = in_ids.options if is_same else template.options.seeded(seed)
    return Request(options=options, prompts=prompts, in_ids=in_ids, constrained=template.constrained)


def _new_plan(asked: Asked, loaded: Loaded, prompts: list[Ids], limits: Limits) -> Plan:
    model = loaded.model
    row, start = row_and_start(model, asked.context, asked.vector)
    state: StatesLike = start
    if asked.sources is not None:
        _check_symbols(sum(map(len, asked.sources)), "source", limits)
        state = encode_sources(model, asked.sources, unknown=asked.unknown)
    constraint = from_dict(Constraint, asked.constraint, where="") if asked.constraint else None
    selection = Selection(**asked.selection) if asked.selection else None
    options = _options(asked, loaded, limits, len(prompts)).seeded(asked.seed)
    request = prepare_ids(model, prompts, options, state=state, constraint=constraint)
    if row is not None:
        request = replace(request, in_ids=replace(request.in_ids, context=row))
    return Plan(asked, loaded, request, selection)


def _options(asked: Asked, loaded: Loaded, limits: Limits, prompts: int) -> GenerationOptions:
    """Return the options of a request, with those of the model where it gives none."""
    most = loaded.model.tokenizer.vocab_size - 1
    logprobs = min(asked.logprobs, most) if asked.logprobs else None
    values = loaded.defaults | {"seed": 0, "best_of": None, "logprobs": logprobs}
    values["echo"] = asked.echo and asked.logprobs is not None
    fits = MOST_NUMBERS // (prompts * asked.best_of * (1 + (logprobs or 0)))
    values["max_new_tokens"] = min(values["max_new_tokens"], limits.max_tokens, max(1, fits))
    return generation_options(values | asked.options)


def _ids(asked: Asked, loaded: Loaded, limits: Limits) -> list[Ids]:
    """Return the tokens of each prompt."""
    tokenizer = loaded.model.tokenizer
    ids: list[Ids] = []
    for prompt in asked.prompts:
        if isinstance(prompt, str):
            ids.append(loaded.ids_of(prompt, asked.unknown))
        else:
            ok = all(0 < each < tokenizer.vocab_size for each in prompt)
            check("prompt", json.dumps(prompt)[:60], f"ids from 1 to {tokenizer.vocab_size - 1}", ok)
            ids.append(np.array(prompt, np.int32))
    _check_symbols(sum(map(len, ids)), "prompt", limits)
    return ids


def _check_symbols(size: int, param: str, limits: Limits) -> None:
    if size > limits.max_prompt:
        message = f"the {param} may have at most {limits.max_prompt:,} symbols; got {size:,}"
        raise RefusedError(400, message, code="prompt_too_long", param=param)
