"""A writer's sequences: each is the text that it is alone, whatever is written beside it, and whenever."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engines.pieces import joined
from tests.engines.variants import engine_or_skip, every_engine
from tests.random_generation import SYMBOLS, random_constraint, random_options
from unspool._engines.cpu import CpuEngine
from unspool._engines.protocol import Engine
from unspool._engines.reference_writer import ReferenceWriter
from unspool._errors import ConfigError, NetworkError
from unspool._generation.constraints.guides import make_guide
from unspool._generation.engine_request import EngineRequest, as_one
from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.options.keywords import generation_options
from unspool._generation.requests import make_request
from unspool._generation.writer import Writer, generate, stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import CharTokenizer

TOKENIZER = CharTokenizer(SYMBOLS)
F = 3  # numbers of a context
ARRAYS = ("ids", "logprobs", "constrained_logprobs", "prompt_logprobs")


def random_network(draw: random.Random) -> tuple[NetworkConfig, dict[str, Any]]:
    """Draw a small network with a context, now and then one that learns its first state."""
    config = NetworkConfig(
        cell=draw.choice(["lstm", "gru", "rnn"]),
        hidden_size=draw.choice([3, 8, 17, 160]),  # the largest is shared by the threads
        num_layers=draw.choice([1, 2]),
        embedding_size=draw.choice([None, 5]),
        reset_after=draw.random() < 0.5,
        vocab_size=TOKENIZER.vocab_size,
        context_size=F,
        start_size=draw.choice([None, 0]),
    )
    noise = np.random.default_rng(draw.randrange(1000))
    parameters = {
        name: (array + 0.3 * noise.normal(size=array.shape)).astype(np.float32)
        for name, array in initialize(config, 0).items()
    }
    return config, parameters


def random_request(draw: random.Random, config: NetworkConfig) -> EngineRequest:
    """Draw sequences that share their options."""
    while True:
        prompts = [
            "".join(draw.choices(SYMBOLS, k=draw.randrange(6))) for _ in range(draw.choice([1, 1, 2, 5]))
        ]
        constrained = draw.random() < 0.4
        words = random_options(draw, constrained=constrained)
        words.pop("best_of", None)
        ids = [TOKENIZER.encode(prompt) for prompt in prompts]
        try:
            options = generation_options(words)
            guide = None
            if constrained:
                guide = make_guide(
                    random_constraint(draw), TOKENIZER, ids, max_new_tokens=options.max_new_tokens
                )
            request = make_request(
                TOKENIZER, ids, options, state_shape=config.state_shape, guide=guide
            ).in_ids
        except ConfigError:
            continue
        noise = np.random.default_rng(draw.randrange(1000))
        L, S, H = config.state_shape
        if draw.random() < 0.3:
            request = replace(request, states=noise.normal(size=(L, S, len(ids), H)).astype(np.float32))
        context = noise.normal(size=F).astype(np.float32) if draw.random() < 0.5 else None
        return replace(request, context=context, first=draw.randrange(100))


def in_company(draw: random.Random, writer: Writer, requests: list[EngineRequest]) -> list[GeneratedIds]:
    """Write requests side by side: they join at random moments, and some sequences are taken out."""
    waiting, pieces, wanted, leaving, whole = list(requests), {}, [], [], set()
    while waiting or len(writer):
        for _ in range(draw.choice([0, 1, 1, 3]) if len(writer) else 1):
            if waiting:
                at_once = draw.random() < 0.3
                sequences = writer.add(waiting.pop(0), whole=at_once)
                wanted += sequences
                whole |= set(sequences) if at_once else set()
                pieces |= {sequence: [] for sequence in sequences}
                leaving += writer.add(draw.choice(requests))
        while leaving and draw.random() < 0.5:
            writer.remove(leaving.pop(draw.randrange(len(leaving))))
        steps, spared = draw.choice([1, 1, 2, 5, 1000]), draw.choice([0, 0, 1, 2, 9])
        for sequence, piece in writer.advance(steps, spared=spared).pieces():
            pieces.setdefault(sequence, []).append(piece)
    for sequence in wanted:
        reasons = [piece.finish_reason for piece in pieces[sequence]]
        assert None not in reasons[-1:]
        assert set(reasons[:-1]) <= {None}
        assert sequence not in whole or len(reasons) == 1
    return [joined(pieces[sequence]) for sequence in wanted]


def alone(engine: Engine, parameters: Any, request: EngineRequest) -> list[GeneratedIds]:
    """Write each sequence of a request with a writer of its own."""
    results = []
    for i in range(len(request.prompts)):
        writer = engine.writer(parameters)
        (sequence,) = writer.add(request.part(i, i + 1))
        ((written, piece),) = writer.advance(10_000).pieces()
        assert (written, len(writer)) == (sequence, 0)
        results.append(piece)
    return results


def assert_same_bits(a: GeneratedIds, b: GeneratedIds) -> None:
    """Check that two results are equal in all that they report."""
    assert a.finish_reason == b.finish_reason
    pairs = [(getattr(a, name), getattr(b, name)) for name in ARRAYS]
    for mine, other in ((a.alternatives, b.alternatives), (a.prompt_alternatives, b.prompt_alternatives)):
        assert (mine is None) == (other is None)
        if mine is not None and other is not None:
            pairs += [(mine.ids, other.ids), (mine.logprobs, other.logprobs)]
    for x, y in pairs:
        assert (x is None) == (y is None)
        if x is not None and y is not None:
            np.testing.assert_array_equal(x, y)
            assert x.dtype == y.dtype


def check_company(seed: int) -> int:
    """Write random sequences alone and in company; return how many."""
    draw = random.Random(seed)
    config, parameters = random_network(draw)
    requests = [random_request(draw, config) for _ in range(draw.choice([1, 3, 8]))]
    expected = [text for request in requests for text in alone(CpuEngine(config), parameters, request)]
    engine = CpuEngine(config, threads=draw.choice([1, 2, 3, 5]))
    for text, other in zip(in_company(draw, engine.writer(parameters), requests), expected, strict=True):
        assert_same_bits(text, other)
    return len(expected)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_a_text_is_the_same_alone_and_in_company(first: int) -> None:
    assert sum(map(check_company, range(first, first + 10))) > 20


def test_a_text_is_the_same_however_many_threads_have_a_part_of_it() -> None:
    config = NetworkConfig(hidden_size=128, vocab_size=TOKENIZER.vocab_size)  # 2 threads share a step of it
    parameters = initialize(config, 0)
    options = generation_options({"max_new_tokens": 40, "seed": 3, "temperature": 2.0})
    request = EngineRequest([TOKENIZER.encode("ab")], options)
    (expected,) = generate(CpuEngine(config).writer(parameters), request)
    writer = CpuEngine(config, threads=3).writer(parameters)
    writer.add(request)
    pieces = []
    for spared in [2, 0, 1, 9, 0, 1, 2, 0] * 40:
        pieces += [piece for _, piece in writer.advance(1, spared=spared).pieces()]
        if not len(writer):
            break
    text = joined(pieces)
    assert text.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(text.logprobs, expected.logprobs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("first", [0, 7])
def test_requests_of_one_kind_are_written_as_each_alone(first: int) -> None:
    config = NetworkConfig(cell="gru", hidden_size=8, vocab_size=TOKENIZER.vocab_size)
    parameters = initialize(config, 0)
    options = generation_options({"max_new_tokens": 12, "seed": 0, "temperature": 2.0})
    template = EngineRequest([np.empty(0, np.int32)], options, first=first)
    prompts = [["ab"], ["", "cd"], ["ab", "ab", "a"]]
    requests = [
        template.anew([TOKENIZER.encode(text) for text in texts], options.seeded(seed))
        for seed, texts in zip([5, 2**64 - 1, 5], prompts, strict=True)
    ]
    assert {id(each.kind) for each in requests} == {id(template)}
    together = generate(CpuEngine(config).writer(parameters), as_one(requests))
    apart = [text for each in requests for text in generate(CpuEngine(config).writer(parameters), each)]
    assert len(together) == 6
    for text, other in zip(together, apart, strict=True):
        assert_same_bits(text, other)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 2500, 50))
def test_many_texts_are_the_same_alone_and_in_company(first: int) -> None:
    for seed in range(first, first + 50):
        check_company(seed)


@every_engine
@pytest.mark.parametrize("seed", range(8))
def test_company_is_that_of_the_plain_writer(engine_name: str, seed: int) -> None:
    draw = random.Random(seed)
    config, parameters = random_network(draw)
    engine = engine_or_skip(engine_name, config)
    requests = [random_request(draw, config) for _ in range(4)]
    texts = in_company(draw, engine.writer(parameters), requests)
    twin = ReferenceWriter(CpuEngine(config), parameters)
    twins = [text for request in requests for text in generate(twin, request)]
    assert [(text.ids.tolist(), text.finish_reason) for text in texts] == [
        (text.ids.tolist(), text.finish_reason) for text in twins
    ]
    for text, other in zip(texts, twins, strict=True):
        np.testing.assert_allclose(text.logprobs, other.logprobs, rtol=0, atol=1e-4)


@every_engine
@pytest.mark.parametrize("hidden_size", [4, 160])  # the larger one is shared by the threads
def test_a_writer_without_sequences_has_nothing_to_do(engine_name: str, hidden_size: int) -> None:
    config = NetworkConfig(cell="gru", hidden_size=hidden_size, vocab_size=TOKENIZER.vocab_size)
    writer = engine_or_skip(engine_name, config, threads=2).writer(initialize(config, 0))
    request = EngineRequest([np.empty(0, np.int32)], generation_options({"seed": 0}))
    (sequence,) = writer.add(request)
    assert (writer.remove(sequence), writer.remove(sequence)) == (True, False)
    assert (list(writer.advance(3).pieces()), generate(writer, replace(request, prompts=[]))) == ([], [])


@every_engine
def test_a_step_reads_a_token_or_draws_one(engine_name: str) -> None:
    config = NetworkConfig(cell="gru", hidden_size=4, vocab_size=TOKENIZER.vocab_size)
    writer = engine_or_skip(engine_name, config).writer(initialize(config, 0))
    never = {TOKENIZER.eos_id: float("-inf")}
    options = generation_options({"max_new_tokens": 3, "seed": 0, "logit_bias": never, "echo": True})
    prompts = [TOKENIZER.encode(text) for text in ("", "ab")]
    assert list(writer.add(EngineRequest(prompts, options))) == [0, 1]
    news = [
        {i: (len(piece.prompt_logprobs), len(piece.ids)) for i, piece in writer.advance(1).pieces()}
        for _ in range(5)
    ]
    assert news == [
        {0: (0, 1), 1: (1, 0)},
        {0: (0, 1), 1: (1, 0)},
        {0: (0, 1), 1: (0, 1)},
        {1: (0, 1)},
        {1: (0, 1)},
    ]
    assert (len(writer), list(writer.advance(1).pieces())) == (0, [])


@every_engine
def test_logits_that_overflow_end_their_sequence_alone(engine_name: str) -> None:
    config = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=TOKENIZER.vocab_size)
    parameters = dict(initialize(config, 0))
    parameters["output.kernel"] = np.full_like(parameters["output.kernel"], 1e38)
    writer = engine_or_skip(engine_name, config).writer(parameters)
    request = EngineRequest([np.empty(0, np.int32)], generation_options({"max_new_tokens": 1, "seed": 0}))
    writer.add(request)
    writer.add(replace(request, states=np.zeros((1, 1, 1, 4), np.float32)))  # whose logits are the bias
    assert [piece.finish_reason == "overflow" for _, piece in writer.advance(9).pieces()] == [True, False]
    for write in (lambda: generate(writer, request), lambda: list(stream(writer, request))):
        with pytest.raises(NetworkError):
            write()
