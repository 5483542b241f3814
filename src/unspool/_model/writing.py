"""Writing texts with a model: a request is prepared once, and drawn at once, in batches or in pieces."""

from collections.abc import Callable, Generator, Iterable, Sequence

from unspool._configuration import check, is_whole
from unspool._generation.automata.automaton import Guide
from unspool._generation.constraints.constraint import ConstraintLike
from unspool._generation.options.generation_options import GenerationKeywords, GenerationOptions
from unspool._generation.options.keywords import by_own_names
from unspool._generation.requests import Request, StateLike, StatesLike, make_request
from unspool._generation.results import Generation
from unspool._generation.selecting.collection import Collection
from unspool._generation.selecting.selection import Selection
from unspool._generation.texts import best_texts, generation_of, streamed_text
from unspool._generation.writer import Writer, generate
from unspool._generation.writer import stream as written_in_pieces
from unspool._kernels.arrays import Ids
from unspool._model.parts import ModelParts, options_and_n
from unspool._network.conditions import no_source
from unspool._text.novelty import NoveltyIndex
from unspool._text.tokenizers.registry import Tokenizer
from unspool._text.tokenizers.unknown import Unknown


def prepare(
    parts: ModelParts,
    prompt: str | Sequence[str],
    options: GenerationOptions,
    *,
    unknown: Unknown,
    state: StatesLike,
    constraint: ConstraintLike,
) -> Request:
    """Make a request of prompts and options; the arguments are those of `Generator.generate`.

    Raises:
        ConfigError: If something does not fit together, or the constraint allows no continuation.
        UnknownSymbolError: If a prompt has a symbol that the model does not know.
    """
    check("prompt", prompt, "a list of strings", isinstance(prompt, Iterable))
    prompts = [prompt] if isinstance(prompt, str) else list(prompt)
    for text in prompts:
        check("prompt", text, "a list of strings", isinstance(text, str))
    if parts.network.source_vocab_size is not None and state is None:
        raise no_source()
    ids = [parts.tokenizer.encode(text, unknown=unknown) for text in prompts]
    return prepare_ids(parts, ids, options, state=state, constraint=constraint)


def prepare_ids(
    parts: ModelParts,
    prompts: list[Ids],
    options: GenerationOptions,
    *,
    state: StatesLike,
    constraint: ConstraintLike,
) -> Request:
    """Make a request of prompts in ids and options; see `prepare`."""
    guide = guide_of(parts, constraint, prompts, options.max_new_tokens)
    layers, states, _, columns = parts.runner.initial_state(1).shape
    shape = layers, states, columns
    return make_request(parts.tokenizer, prompts, options, state_shape=shape, state=state, guide=guide)


def guide_of(
    parts: ModelParts, constraint: ConstraintLike, prompts: list[Ids], max_new_tokens: int
) -> Guide | None:
    """Compile a constraint, and find where each prompt stands in it; None where there is nothing to do."""
    if constraint is None or not prompts:
        return None
    from unspool._generation.constraints.guides import make_guide  # noqa: PLC0415 - seldom needed

    return make_guide(constraint, parts.tokenizer, prompts, max_new_tokens=max_new_tokens)


def draw(
    writer: Writer,
    tokenizer: Tokenizer,
    request: Request,
    *,
    count: int,
    first: int,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Generation]:
    """Draw so many texts for each prompt, the first from random stream `first`; fewer once it is stopped."""
    in_ids = request.in_ids.repeated(count, first=first)
    return [
        generation_of(tokenizer, request.prompts[i // count], drawn, request.options)
        for i, drawn in enumerate(generate(writer, in_ids, stopped=stopped))
    ]


def write(parts: ModelParts, request: Request, *, n: int, first: int) -> list[Generation]:
    """Write n texts for each prompt: those that are drawn, or the best of more.

    Raises:
        ConfigError: If a number is out of its range.
    """
    check("first", first, "a whole number ≥ 0", is_whole(first, least=0))
    best_of, writer = request.options.best_of, parts.runner.writer(parts.parameters)
    if best_of is None:
        return draw(writer, parts.tokenizer, request, count=n, first=first)
    count = int(best_of)
    check("best_of", count, f"a whole number ≥ n ({n}), or None", count >= n)
    check("first", first, f"a multiple of n ({n}) with best_of", count == n or first % n == 0)
    start = first if count == n else first // n * count
    texts = draw(writer, parts.tokenizer, request, count=count, first=start)
    return best_texts(texts, constrained=request.constrained, count=count, n=n)


def collection(
    parts: ModelParts,
    request: Request,
    selection: Selection,
    saved: Callable[[], NoveltyIndex | None],
    *,
    n: int,
    first: int,
) -> Collection:
    """Make the collection of n good texts for each prompt of a request.

    Args:
        parts: The model.
        request: What is asked for; each batch repeats its part of one prompt.
        selection: Which texts are good.
        saved: Gives the index that was saved with the model, if there is one.
        n: Texts for each prompt.
        first: Index of the first text.

    Raises:
        ConfigError: If a value is out of its range, or there is nothing to compare with.
    """
    selection.check(request.options)
    best_of = request.options.best_of
    check("best_of", best_of, "left out where texts are filtered one by one", best_of is None)
    writer, tokenizer = parts.runner.writer(parts.parameters), parts.tokenizer
    texts = Collection(
        lambda prompt, count, index: draw(
            writer, tokenizer, request.of_prompt(prompt), count=count, first=index, stopped=texts.stopped
        ),
        len(request.prompts),
        n=n,
        first=first,
        selection=selection,
        constrained=request.constrained,
        known=selection.known(saved),
        max_new_tokens=request.options.max_new_tokens,
    )
    return texts


def stream(
    parts: ModelParts,
    prompt: str,
    keywords: GenerationKeywords,
    *,
    unknown: Unknown,
    state: StateLike | None,
    constraint: ConstraintLike,
) -> Generator[str, None, str]:
    """Continue one prompt, yield the text piece by piece, and return the reason for its end.

    See `unspool.Generator.stream`.
    """
    off = {"best_of": None, "logprobs": None, "echo": False}  # whatever the model's own file says
    options, n = options_and_n(parts, off | by_own_names(keywords), 1)
    check("n", n, "1: a stream is one text", n == 1)
    for name in off:
        value = getattr(options, name)
        check(name, value, "left out: a stream yields only text; use generate", not value)
    check("prompt", prompt, "a string", isinstance(prompt, str))
    request = prepare(parts, prompt, options, unknown=unknown, state=state, constraint=constraint)
    check("state", state, "one state: a stream is one text", len(request.prompts) == 1)
    pieces = written_in_pieces(parts.runner.writer(parts.parameters), request.in_ids)
    return streamed_text(parts.tokenizer, pieces, request.options)
