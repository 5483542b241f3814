"""A trained generator in one object: generate, stream, score, evaluate, save and load."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from unspool.artifacts import load_model, save_model
from unspool.artifacts.novelty_file import load_novelty, save_novelty
from unspool.configuration import check
from unspool.engines import make_engine
from unspool.engines.protocol import Engine, Parameters
from unspool.errors import ConfigError
from unspool.evaluation.audit.auditing import Auditing
from unspool.evaluation.classifying import Classifying
from unspool.evaluation.next_symbols import named_symbols
from unspool.evaluation.reader import TextReader
from unspool.evaluation.streams import Evaluation, evaluate_stream
from unspool.generation.conditioning import Context
from unspool.generation.constraints.constraint import ConstraintLike
from unspool.generation.options.keywords import generation_options
from unspool.generation.requests import StateLike
from unspool.generation.results import Generations
from unspool.generation.sampling.probabilities import probabilities
from unspool.generation.sampling.random import fresh_seed
from unspool.generation.search.searching import Searching
from unspool.generation.selecting.collection import Collection
from unspool.generation.selecting.selection import CollectionKeywords, split_keywords
from unspool.generation.writing import Writing, options_and_n
from unspool.network.conditions import schema_of
from unspool.network.config import NetworkConfig
from unspool.network.parameters import count_parameters
from unspool.text.encoding.corpus import encode_corpus
from unspool.text.encoding.recipe import EncodingRecipe
from unspool.text.novelty import NoveltyIndex
from unspool.text.records import Record, Records
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown


class Generator(Writing, Classifying, Searching, Auditing):
    """Write, score and measure texts with a trained network.

    Any number of threads may use one model at once; its own threads do one call after the other.
    After a fork, parent and child may both go on with it.

    Args:
        network: The network.
        tokenizer: Turns texts into its symbols; fixes `vocab_size` where the network leaves it open.
        parameters: Name -> array, as `unspool.network.parameters` names them.
        training: The resolved training configuration, in plain JSON types; saved with the model, as are
        data: where its text came from, and
        generation: how it is meant to be sampled.
        source_tokenizer: That of the texts which an encoder reads; None for a network without one.
        engine: A name in `ENGINES`.
        threads: Threads of the engine, ≥ 1; None for one on each processor.

    Raises:
        ConfigError: If the engine cannot be made, or the tokenizer is not the network's.
    """

    _engine: Engine

    def __init__(
        self,
        *,
        network: NetworkConfig,
        tokenizer: Tokenizer,
        parameters: Parameters,
        training: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        generation: Mapping[str, Any] | None = None,
        source_tokenizer: Tokenizer | None = None,
        engine: str = "cpu",
        threads: int | None = None,
    ) -> None:
        size = None if source_tokenizer is None else source_tokenizer.vocab_size
        expected = f"{network.source_vocab_size}, as the network has"
        check("vocab_size of source_tokenizer", size, expected, network.source_vocab_size == size)
        if network.symbols != tokenizer.vocab_size:
            expected = f"{network.symbols}, as the network has"
            raise ConfigError("vocab_size of the tokenizer", expected=expected, got=str(tokenizer.vocab_size))
        self.network = network
        self.tokenizer, self.source_tokenizer = tokenizer, source_tokenizer
        self.parameters = dict(parameters)
        self.training, self.data, self.generation = (
            dict(training or {}),
            dict(data or {}),
            dict(generation or {}),
        )
        self._novelty: NoveltyIndex | Path | None = None  # a path until it is read
        self._engine_name, self._threads = engine, threads
        self._engine = make_engine(engine, network, threads=threads)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the engine out of a pickle or a copy: it lives in its process and is made anew."""
        return {name: value for name, value in vars(self).items() if name != "_engine"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what `__getstate__` gave, and make an engine."""
        vars(self).update(state)
        self._engine = make_engine(self._engine_name, self.network, threads=self._threads)

    @classmethod
    def load(cls, folder: str | Path, *, engine: str = "cpu", threads: int | None = None) -> "Generator":
        """Read a model folder.

        Args:
            folder: What `save` or a training made.
            engine: A name in `ENGINES`.
            threads: Threads of the engine, ≥ 1; None for one on each processor.

        Raises:
            ArtifactError: If the folder is not a whole model.
            ConfigError: If the engine cannot be made.
        """
        saved = load_model(Path(folder))
        model = cls(
            network=saved.network,
            tokenizer=saved.tokenizer,
            parameters=saved.parameters,
            training=saved.training,
            data=saved.data,
            generation=saved.generation,
            source_tokenizer=saved.source_tokenizer,
            engine=engine,
            threads=threads,
        )
        model._novelty = Path(folder)
        return model

    def save(self, folder: str | Path) -> None:
        """Write the model as a folder that `load` reads, with its index of the training texts if it has one.

        Raises:
            ArtifactError: If the folder cannot be written, or the index to take along is damaged.
        """
        novelty = self.novelty_index
        save_model(
            Path(folder),
            network=self.network,
            tokenizer=self.tokenizer,
            parameters=self.parameters,
            training=self.training,
            data=self.data,
            generation=self.generation,
            source_tokenizer=self.source_tokenizer,
            card=self._card(Path(folder).name),
        )
        save_novelty(Path(folder), novelty, self.tokenizer)

    @property
    def novelty_index(self) -> NoveltyIndex | None:
        """Tell which texts the model was trained on, if that was kept; read when it is first asked for.

        Raises:
            ArtifactError: If the file is damaged or of another model.
        """
        novelty = self._novelty
        if isinstance(novelty, Path):
            novelty = self._novelty = load_novelty(novelty, self.tokenizer)
        return novelty

    @novelty_index.setter
    def novelty_index(self, index: NoveltyIndex | None) -> None:
        """Give the model an index, which `save` keeps; None takes it away."""
        self._novelty = index

    @property
    def num_parameters(self) -> int:
        """Count the network's parameters."""
        return count_parameters(self.network)

    def __repr__(self) -> str:
        """Show the network in a few words."""
        network = self.network
        return (
            f"<Generator {network.cell} {network.num_layers}×{network.hidden_size}, "
            f"{self.tokenizer.vocab_size} symbols, {self.num_parameters:,} parameters>"
        )

    def generate(
        self,
        prompt: str | Sequence[str] = "",
        *,
        n: int = 1,
        first: int = 0,
        unknown: Unknown = "error",
        state: StateLike | Sequence[StateLike] | None = None,
        constraint: ConstraintLike = None,
        context: Context | None = None,
        vector: Any = None,
        source: str | Sequence[str] | None = None,
        **options: Unpack[CollectionKeywords],
    ) -> Generations:
        """Continue one prompt or several.

        Text i depends on the seed, on its own prompt and on i, not on what is drawn beside it. Where the
        texts have to be good ones (unique, novel, valid, finished), this gathers what `collect` gives.

        Args:
            prompt: What to go on from; "" starts from nothing.
            n: Texts for each prompt, ≥ 1.
            first: Index of the first text, ≥ 0: text 100 of a seed is the same, drawn on its own or after 0
                to 99.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".
            state: What to go on from in place of a fresh start: a `State` from `encode`, after which the
                prompt is read; or an array (L, S, H), which the network has before it reads anything. One for
                all prompts, or one for each; a single prompt goes on from each of several.
            constraint: What every text must be; several hold all at once. None for anything.
            context: What is known of the texts: ``{"label": "Sports"}``; None for nothing. See `given`.
            vector: The numbers that the first state is worked from; None for none.
            source: What the texts are the answer to, for a model of pairs, in place of a state: one for all
                prompts, or one for each; a single prompt is continued for each of several.
            **options: How to sample and when to stop: any field of `GenerationOptions`, or an alias; which
                texts are good: any field of `Selection`.

        Returns:
            n texts of the first prompt, then n of the second, and so on: a list. Its `report` says what was
            refused where the texts had to be good ones, and is None otherwise.

        Raises:
            ConfigError: If a value is out of its range, `novel` has nothing to compare with, or no text that
                goes on from a prompt and is short enough can be what the constraint asks for.
            UnknownSymbolError: If a prompt has a symbol that the model does not know.
        """
        if context is not None or vector is not None:
            return self.given(context, vector=vector).generate(
                prompt,
                n=n,
                first=first,
                unknown=unknown,
                state=state,
                constraint=constraint,
                source=source,
                **options,
            )
        state = self._start(source, state, unknown)
        selection, rest = split_keywords(options)
        if not selection.is_off:
            return self.collect(
                prompt, n=n, first=first, unknown=unknown, state=state, constraint=constraint, **options
            ).gather()
        chosen, n = options_and_n(rest, n)
        prompts = _strings("prompt", [prompt] if isinstance(prompt, str) else prompt)
        texts = self._write(
            prompts, chosen, n=n, first=first, unknown=unknown, state=state, constraint=constraint
        )
        return Generations(texts)

    def collect(
        self,
        prompt: str | Sequence[str] = "",
        *,
        n: int = 1,
        first: int = 0,
        unknown: Unknown = "error",
        state: StateLike | Sequence[StateLike] | None = None,
        constraint: ConstraintLike = None,
        context: Context | None = None,
        source: str | None = None,
        **options: Unpack[CollectionKeywords],
    ) -> Collection:
        """Give good texts one by one, as many as are wanted, with a report.

        They are those of the indices first, first + 1, … that pass, in this order, so a seed gives the same
        texts every time. One that other options kept from meeting the constraint does not pass. Memory stays
        flat, however many are wanted. A text is judged as a whole, its prompt included. Errors in the
        arguments are raised at the call.

        Args:
            prompt: What to go on from. The indices run on from one prompt to the next.
            n: Texts for each prompt, ≥ 1.
            first: Index of the first text, ≥ 0; to go on with a collection, its first + `report.attempts`.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".
            state: What all prompts go on from, as in `generate`.
            constraint: What every text must be, as in `generate`.
            context: What is known of the texts, as in `generate`.
            source: What all texts are the answer to, for a model of pairs.
            **options: Which texts are good: any field of `Selection`; how to sample and when to stop: any
                field of `GenerationOptions`.

        Raises:
            ConfigError: If a value is out of its range, or `novel` has nothing to compare with.
            UnknownSymbolError: If a prompt has a symbol that the model does not know.
            ArtifactError: If the index is damaged.
        """
        if context is not None or source is not None:
            return self.given(context, source=source, unknown=unknown).collect(
                prompt, n=n, first=first, unknown=unknown, state=state, constraint=constraint, **options
            )
        selection, rest = split_keywords(options)
        chosen, n = options_and_n(rest, n)
        check("best_of", chosen.best_of, "none where texts are chosen one by one", chosen.best_of is None)
        prompts = _strings("prompt", [prompt] if isinstance(prompt, str) else prompt)
        self._request(prompts, chosen, unknown, state, constraint)  # refused now, not at the first text
        rest["seed"] = fresh_seed() if chosen.seed is None else chosen.seed
        rest.pop("num_return_sequences", None)  # which n is
        return Collection(
            lambda text, count, index: self.generate(
                text, n=count, first=index, unknown=unknown, state=state, constraint=constraint, **rest
            ),
            prompts,
            n=n,
            first=first,
            selection=selection,
            constrained=constraint is not None,
            known=selection.known(lambda: self.novelty_index),
            max_new_tokens=chosen.max_new_tokens,
        )

    def next_symbols(
        self, prompt: str = "", *, temperature: float = 1.0, top: int | None = 10, unknown: Unknown = "error"
    ) -> list[tuple[str, float]]:
        """Tell what may come after a text, the most probable first.

        Args:
            prompt: The text so far; "" is the start of a text.
            temperature: What the logits are divided by, ≥ 0.
            top: Symbols to give, ≥ 1; None for all of them.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            Symbols with their probabilities; the end of the text is "<eos>".

        Raises:
            ConfigError: If a value is out of its range.
            UnknownSymbolError: If the prompt has a symbol that the model does not know.
        """
        options = generation_options({"temperature": temperature})
        check("prompt", prompt, "a string", isinstance(prompt, str))
        ids = self.tokenizer.encode(prompt, unknown=unknown)
        reader = self.reader()
        reader.read(ids)
        return named_symbols(probabilities(reader.logits_after(len(ids)), options), self.tokenizer, top=top)

    def reader(self) -> TextReader:
        """Make a reader for a text that grows and changes, such as one that is being typed."""
        return TextReader(self._engine, self.parameters)

    def evaluate(
        self,
        records: Records | Iterable[str | Record | Mapping[str, str] | tuple[str, str]],
        *,
        document: bool | None = None,
        unknown: Unknown | None = None,
        context: Context | None = None,
    ) -> Evaluation:
        """Measure how well the model predicts a corpus, every record from its start to its end.

        What a record says of itself is taken as known, where the model was trained with it.

        Args:
            records: From `read_records`, or texts in memory.
            document: Whether they are one long stream; None for what the records say of themselves.
            unknown: What becomes of symbols that the model does not know, as in `score`.
            context: What is known of all records, in place of what they say of themselves.

        Raises:
            ConfigError: If a record says what the model has never heard of.
            CorpusError: If the corpus cannot be read or has no text.
            UnknownSymbolError: If it has a symbol that the model does not know.
        """
        corpus = records if isinstance(records, Records) else Records.of(records)
        model = self if context is None else self.given(context)
        refused = self.source_tokenizer is not None or not corpus.pairs
        check("records", "texts with sources", "texts alone: the model was trained without sources", refused)
        schema, sources = schema_of(model.data), model.source_tokenizer
        recipe = EncodingRecipe(tokenizer=self.tokenizer, unknown=unknown, contexts=schema, sources=sources)
        encoded = encode_corpus(corpus, recipe)
        return evaluate_stream(
            model._engine,
            model.parameters,
            encoded.training,
            eos_id=self.tokenizer.eos_id,
            document=corpus.document if document is None else document,
        )

    def _card(self, name: str) -> str:
        """Write what can be told of a model without its training at hand."""
        network = self.network
        return (
            f"# {name}\n\nA text generator: {network.num_layers} × {network.cell} of {network.hidden_size} "
            f"units, {self.tokenizer.vocab_size:,} symbols ({self.tokenizer.kind}), "
            f"{self.num_parameters:,} parameters.\n\n```\nunspool sample {name}\n```\n"
        )


def _strings(name: str, values: Iterable[str]) -> list[str]:
    """Gather strings, and refuse what is none."""
    check(name, values, "a list of strings", isinstance(values, Iterable))
    gathered = list(values)
    for value in gathered:
        check(name, value, "strings alone", isinstance(value, str))
    return gathered


def load(folder: str | Path, *, engine: str = "cpu", threads: int | None = None) -> Generator:
    """Read a model folder; the same as `Generator.load`."""
    return Generator.load(folder, engine=engine, threads=threads)
