"""Playing without a screen: what is typed, suggested, taken and undone."""

import dataclasses

import numpy as np
import pytest

import unspool
from tests.cli.play_models import cyclic, session_of
from unspool._cli.play.prediction import Continuation, Predictor, View, without_loop
from unspool._cli.play.session import LONGEST, Session, first_line, first_word
from unspool._engines import make_engine
from unspool._generation.options.generation_options import GenerationOptions
from unspool._network.parameters import initialize
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records

LETTERS = "abc defg\nhij"


@pytest.fixture(scope="module")
def alphabet() -> unspool.Generator:
    return cyclic(LETTERS)


@pytest.fixture(scope="module")
def random_model() -> unspool.Generator:
    tokenizer = encode_corpus(
        Records.of(["the cat sat", "réd cat 猫", "cat\nnap"]), EncodingRecipe()
    ).tokenizer
    network = unspool.NetworkConfig(hidden_size=9, vocab_size=tokenizer.vocab_size)
    return unspool.Generator(network=network, tokenizer=tokenizer, parameters=initialize(network, 3))


def typed(session: Session, keys: str) -> Session:
    for key in keys:
        session.insert(key)
    return session


def test_what_comes_next_is_shown_and_taken(alphabet: unspool.Generator) -> None:
    session = typed(session_of(alphabet), "ab")
    assert session.settle().next_symbols[0][0] == "c"
    assert session.settle().suggestion == Continuation("c defg\nhij", ends=True)
    assert session.ghost == Continuation("c defg", ends=True)
    session.accept_symbol()
    assert session.text == "abc"
    session.accept_word()
    assert session.text == "abc defg"
    session.accept_line()
    assert session.text == LETTERS
    session.accept_word()
    assert (session.text, session.message) == (LETTERS, "the model would end the text here")
    for text in ("abc defg", "abc", "ab", ""):
        session.undo()
        assert session.text == text
    session.undo()
    assert session.message == "nothing to undo"
    for text in ("ab", "abc"):
        session.redo()
        assert session.text == text
    session.insert("x")
    session.redo()
    assert (session.text, session.message) == ("abcx", "nothing to redo")


def test_typed_words_are_undone_one_by_one(alphabet: unspool.Generator) -> None:
    session = typed(session_of(alphabet), "abc def g")
    for text in ("abc def ", "abc ", ""):
        session.undo()
        assert session.text == text


def test_the_ghost_stays_while_what_is_typed_fits(alphabet: unspool.Generator) -> None:
    session = session_of(alphabet, "a")
    assert session.ghost.text == "bc defg"
    session.insert("b")
    assert not session.fresh
    assert session.ghost.text == "c defg"
    session.insert("x")
    assert session.ghost == Continuation("", ends=False)
    session.settle()
    assert session.ghost.ends


@pytest.mark.parametrize("text", ["", "the c", "réd 猫", "cat\nsat the cat"])
@pytest.mark.parametrize("options", [{}, {"temperature": 0.5, "top_k": 3}], ids=str)
def test_it_shows_what_the_library_says(
    random_model: unspool.Generator, text: str, options: dict[str, float]
) -> None:
    session = session_of(random_model, text, seed=7, **options)
    prediction = session.settle()
    drawn = random_model.generate(text, n=5, seed=7, max_new_tokens=60, **options)  # type: ignore[arg-type]
    assert [c.text for c in prediction.continuations] == [g.continuation for g in drawn]
    (score,) = random_model.score([text])
    bits = -score.token_logprobs[:-1] / np.log(2)
    np.testing.assert_allclose(np.array(prediction.surprisals, float), bits, rtol=1e-3, atol=1e-3)
    if not options:
        expected = random_model.next_symbols(text, top=12)
        assert [name for name, _ in prediction.next_symbols] == [name for name, _ in expected]
        for found, wanted in zip(prediction.next_symbols, expected, strict=True):
            assert found[1] == pytest.approx(wanted[1], rel=1e-3)
    else:
        assert len(prediction.next_symbols) == 3


def test_any_keys_leave_what_a_fresh_session_shows(random_model: unspool.Generator) -> None:
    random = np.random.default_rng(0)
    session = session_of(random_model)
    does = [
        lambda: session.insert(str(random.choice(list("thecats réd猫\nzß")))),
        lambda: session.insert("cat sat\r\nthe e\u0301 "),
        session.erase_before, session.erase_after, session.erase_word, session.undo, session.redo,
        session.accept_word, session.accept_symbol, session.accept_line, session.reseed, session.enter,
        session.forward, lambda: session.accept_continuation(int(random.integers(7))),
        lambda: session.heat(int(random.integers(-3, 4))), lambda: session.move_line(-1),
        lambda: session.move(int(random.integers(-1, len(session.text) + 2))),
    ]  # fmt: skip
    for _ in range(100):
        does[random.integers(len(does))]()
        assert 0 <= session.cursor <= len(session.text)
        assert session.text == random_model.tokenizer.normalize(session.text)
        fresh, kept = Predictor(random_model).predict(session.view), session.settle()
        assert kept.continuations == fresh.continuations
        assert kept.strangers == fresh.strangers
        assert [name for name, _ in kept.next_symbols] == [name for name, _ in fresh.next_symbols]
        assert len(kept.surprisals) == len(session.text)


def test_what_the_model_does_not_know_is_named_and_left_out(alphabet: unspool.Generator) -> None:
    session = typed(session_of(alphabet), "aß猫")
    prediction = session.settle()
    assert prediction.strangers == ("ß", "猫")
    assert [bits is None for bits in prediction.surprisals] == [False, True, True]
    assert prediction.next_symbols[0][0] == "b"
    assert prediction.bits_per_character == pytest.approx(prediction.surprisals[0])
    assert session.fate == "left out"
    session.insert("\ud800")
    assert session.text == "aß猫"


def test_unknown_words_are_read_as_unk_where_there_is_one() -> None:
    tokenizer = encode_corpus(
        Records.of(["the cat", "the dog"]), EncodingRecipe(tokenizer="word", max_vocab_size=5)
    ).tokenizer
    network = unspool.NetworkConfig(hidden_size=4, vocab_size=tokenizer.vocab_size)
    model = unspool.Generator(network=network, tokenizer=tokenizer, parameters=initialize(network, 1))
    session = session_of(model, "the zebra ")
    assert session.fate == "read as <unk>"
    assert session.latest.strangers == ("zebra",)
    ids = np.concatenate([[tokenizer.eos_id], tokenizer.encode("the zebra ", unknown="replace")])[:, None]
    engine = make_engine("cpu", network, threads=1)
    logits, _ = engine.logits(model.parameters, ids, engine.initial_state(1))
    assert tokenizer.decode([logits[-1, 0].argmax()]) in session.latest.next_symbols[0][0]


@pytest.mark.parametrize(("kind", "text"), [("word", "the zebra sat "), ("char", "the zcat")])
def test_the_bits_of_what_is_read_as_unk_are_those_of_score(kind: str, text: str) -> None:
    recipe = EncodingRecipe(tokenizer=kind, max_vocab_size=6)
    tokenizer = encode_corpus(Records.of(["the cat sat", "the dog sat"] * 3), recipe).tokenizer
    assert tokenizer.spelling_model is not None
    network = unspool.NetworkConfig(hidden_size=4, vocab_size=tokenizer.vocab_size)
    model = unspool.Generator(network=network, tokenizer=tokenizer, parameters=initialize(network, 1))
    prediction = session_of(model, text).latest
    (score,) = model.score([text])
    assert prediction.strangers
    assert None not in prediction.surprisals
    bits = -np.sum(score.token_logprobs[:-1]) / np.log(2)  # without the end of the text
    assert sum(bits or 0.0 for bits in prediction.surprisals) == pytest.approx(bits, rel=1e-3)
    unknown = "".join(x for x, strange in zip(text, prediction.strange, strict=True) if strange)
    assert set(unknown) == set("".join(prediction.strangers))
    assert prediction.bits_per_character == pytest.approx(bits / len(text), rel=1e-3)


def test_the_suggestion_is_the_most_probable_one_and_ends_after_60_symbols() -> None:
    model = cyclic("ab" * 40)
    kernel = model.parameters["output.kernel"]
    kernel[:] = np.where(kernel > 0, 0.5, kernel)  # a draw would soon go another way
    greedy = model.generate("a", temperature=0, max_new_tokens=60)[0].continuation
    for seed in (0, 1):
        session = session_of(model, "a", seed=seed)
        assert session.settle().suggestion == Continuation(greedy, ends=False)
    assert len(greedy) == 60


def test_a_word_is_finished_before_the_next_one_comes() -> None:
    model = cyclic("the company.", "companion", tokenizer="word")
    session = session_of(model, "the com")
    prediction = session.latest
    assert {name for name, _ in prediction.next_symbols} <= {"company", "companion"}
    assert prediction.suggestion == Continuation("pany.", ends=True)
    assert all(c.text.startswith(("pany", "panion")) for c in prediction.continuations)
    assert (prediction.strangers, prediction.surprisals[-3:]) == ((), (None, None, None))
    session.accept_word()
    assert session.text == "the company."


def test_the_cursor_goes_through_the_text(alphabet: unspool.Generator) -> None:
    session = session_of(alphabet, "abc defg\nhi\njabc")
    session.move_line(-1)
    assert session.cursor == 11
    session.move_line(-1)
    assert session.cursor == 2
    assert session.settle().next_symbols[0][0] == "c"
    assert session.ghost.text == ""
    session.line_forward()
    assert session.cursor == 8
    session.move(session.word_start())
    assert session.cursor == 4
    session.erase_word()
    session.erase_after()
    assert (session.text, session.cursor) == ("efg\nhi\njabc", 0)
    session.forward()
    session.move(session.word_end())
    assert session.cursor == session.line_end() == 3
    session.insert("!")
    assert session.text == "efg!\nhi\njabc"
    session.clear()
    session.undo()
    assert (session.text, session.cursor) == ("efg!\nhi\njabc", 4)


def test_text_is_brought_into_the_models_form(random_model: unspool.Generator) -> None:
    session = typed(session_of(random_model), "re\u0301d")
    assert (session.text, session.cursor) == ("réd", 3)
    session.insert("\r\ncat\r")
    assert session.text == "réd\ncat\n"


def test_pasting_has_an_end(alphabet: unspool.Generator) -> None:
    session = session_of(alphabet)
    session.insert("ab" * LONGEST)
    assert len(session.text) == LONGEST
    session.insert("c")
    assert "no text longer than" in session.message
    assert len(session.settle().surprisals) == LONGEST


def test_the_temperature_goes_by_tenths_and_has_ends(alphabet: unspool.Generator) -> None:
    session = session_of(alphabet, "a", temperature=0.25)
    session.heat(1)
    assert session.options.temperature == pytest.approx(0.3, abs=0.11)
    sharp = session.settle().next_symbols[0][1]
    session.heat(10)
    assert session.settle().next_symbols[0][1] < sharp
    session.heat(-99)
    assert session.options.temperature == 0
    assert session.settle().next_symbols == (("b", 1.0),)
    session.heat(999)
    assert session.options.temperature == 5


def test_other_seeds_go_on_otherwise(random_model: unspool.Generator) -> None:
    session = session_of(random_model, "the ")
    before = session.latest
    session.reseed()
    after = session.settle()
    assert after.continuations != before.continuations
    assert (after.next_symbols, after.suggestion) == (before.next_symbols, before.suggestion)
    last = dataclasses.replace(session.options, seed=2**64 - 1)
    session.options = last
    session.reseed()
    assert session.options.seed == 0


def test_lines_are_for_models_that_know_them(alphabet: unspool.Generator) -> None:
    session = session_of(alphabet)
    session.enter()
    assert session.text == "\n"
    session = session_of(cyclic("abc"))
    session.enter()
    assert session.text == ""
    assert "single lines" in session.message


def test_a_continuation_is_taken_by_its_number(alphabet: unspool.Generator) -> None:
    session = session_of(alphabet, "abc", temperature=0.01)
    session.accept_continuation(9)
    assert session.text == "abc"
    session.accept_continuation(4)
    assert session.text == "abc defg"


@pytest.mark.parametrize(
    ("text", "word", "line"),
    [
        ("", "", ""), ("one", "one", "one"), (" one two", " one", " one two"), ("a\nb c", "a", "a"),
        ("\n\nA b\nc", "\n\nA", "\n\nA b"), ("  ", "  ", "  "), ("(AP) x", "(AP)", "(AP) x"),
        ("猫が好き", "猫", "猫が好き"), ("cat猫", "cat", "cat猫"), (" 猫が", " 猫", " 猫が"),
    ],
)  # fmt: skip
def test_words_and_lines_are_cut(text: str, word: str, line: str) -> None:
    assert (first_word(text), first_line(text)) == (word, line)


def test_a_suggestion_that_goes_in_circles_is_cut() -> None:
    cut = without_loop(Continuation("y and the stand the stand the", ends=True))
    assert cut == Continuation("y and the stand", ends=False)
    same = Continuation("no no, never no", ends=True)
    assert without_loop(same) == same


def test_a_view_is_fresh_by_its_value(alphabet: unspool.Generator) -> None:
    options = GenerationOptions(seed=1)
    assert View("a", 1, options) == View("a", 1, GenerationOptions(seed=1))
    session = session_of(alphabet, "a")
    session.insert("b")
    session.undo()
    assert session.fresh
