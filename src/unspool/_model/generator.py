"""A trained generator in one object: generate, stream, score, evaluate, save and load."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts import load_model
from unspool._artifacts.novelty_file import load_novelty
from unspool._configuration import check
from unspool._engines.protocol import Floats
from unspool._evaluation.classifying import Classification
from unspool._evaluation.guess_numbers import SAMPLES, GuessNumber, guess_numbers
from unspool._evaluation.hidden_states import hidden_states
from unspool._evaluation.likelihood_ratio import LikelihoodRatio, likelihood_ratios
from unspool._evaluation.next_symbols import NextSymbols
from unspool._evaluation.ranking import RankedText, rank_texts
from unspool._evaluation.reader import TextReader
from unspool._evaluation.scorer import Scorer, TextScore
from unspool._evaluation.streams import Evaluation
from unspool._evaluation.surprisal import Surprisal, surprisals
from unspool._exporting.exporters import export
from unspool._generation.constraints.constraint import ConstraintLike
from unspool._generation.options.generation_options import GenerationKeywords
from unspool._generation.requests import StateLike, StatesLike
from unspool._generation.results import Generations
from unspool._generation.search.search_options import BeamKeywords, EnumerationKeywords
from unspool._generation.search.texts import Enumeration, FoundText
from unspool._generation.selecting.collection import Collection
from unspool._generation.selecting.selection import CollectionKeywords, split_keywords
from unspool._generation.states import State
from unspool._hub.fetching import model_folder
from unspool._model import auditing, classifying, conditioning, quantizing, rows, scoring, searching, writing
from unspool._model.conditioning import Context
from unspool._model.elsewhere import no_attribute
from unspool._model.parts import ModelParts, options_and_n
from unspool._model.rows import TableRows
from unspool._model.saving import refuse_strangers, save_parts, saved
from unspool._model.scoring import make_scorer, strings_of
from unspool._model.summary import summary_html, summary_text
from unspool._network.parameters import count_parameters
from unspool._screen.wording import counted
from unspool._storage import path_of
from unspool._text.novelty import NoveltyIndex
from unspool._text.opening import Readable
from unspool._text.tokenizers.unknown import Unknown
from unspool._training.folder.history import History
from unspool._training.folder.metrics import METRICS, read_metrics

if TYPE_CHECKING:
    from unspool._evaluation.audit.run import Audit, ReportAudit


class Generator(ModelParts):
    """A trained network, which writes, scores and measures texts.

    Any number of threads may use one model at once; its own threads do one call after the other.
    After a fork, parent and child may both go on with it.

    Args:
        network: The network.
        tokenizer: Turns texts into its symbols; fixes `vocab_size` where the network leaves it open.
        parameters: Name -> array, as `unspool._network.parameters` names them.
        training: The resolved training configuration, in plain JSON types; saved with the model.
        data: Where its text came from, in plain JSON types; saved with the model.
        generation_config: How it is sampled where a call does not say, in plain JSON types; saved with the
            model.
        source_tokenizer: That of the texts which an encoder reads; None for a network without one.
        quantization: The number format that the parameters were rounded to, and its cost; None for float32.
        counts: What followed which context in the training text, which is mixed into the network's logits;
            None for the network alone.
        engine: A name in `ENGINES`.
        threads: Threads of the engine, ≥ 1; None for one on each processor.

    Raises:
        ConfigError: If the engine cannot be made, or the tokenizer is not the network's.

    Example:
        >>> import unspool
        >>> from unspool._network.parameters import initialize
        >>> tokenizer = unspool.CharTokenizer(["a", "b"])
        >>> network = unspool.NetworkConfig(hidden_size=8, vocab_size=tokenizer.vocab_size)
        >>> parameters = initialize(network, 0)
        >>> model = unspool.Generator(network=network, tokenizer=tokenizer, parameters=parameters)
        >>> [text.text for text in model.generate("a", n=2, max_new_tokens=3, seed=1)]
        ['ab', 'abaa']
    """

    _novelty: NoveltyIndex | Path | None = None  # a path until it is read
    _history: History | Path | None = None

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        engine: str = "cpu",
        threads: int | None = None,
        precision: str = "float32",
        device: str = "auto",
        counts: bool = True,
    ) -> "Generator":
        """Read a model folder, or a model of the Hugging Face Hub.

        Args:
            folder: What `save` or a training made; or ``hf://user/name``, also with ``@revision``.
            engine: A name in `ENGINES`.
            threads: Threads of the engine, ≥ 1; None for one on each processor.
            precision: Number format of the products when it writes and scores: "float32"; "bf16" or "int8",
                which are faster and cost little (docs/performance.md); or "auto", which is bf16 where the
                processor multiplies it. A seed is another text in another precision.
            device: Where the engine computes: "cpu", "cuda" or "mps"; "auto" for the best one that is there
                and that the engine can use.
            counts: Whether the counts beside the network are used, if it has some; see `without_counts`.

        Raises:
            ArtifactError: If the folder is not a whole model, or cannot be fetched from the Hub.
            ConfigError: If the engine cannot be made, or the package huggingface_hub is not there.

        Example:
            >>> model.save("runs/names")
            >>> unspool.Generator.load("runs/names").num_parameters == model.num_parameters
            True
        """
        folder = model_folder(folder)
        computing: dict[str, Any] = {"engine": engine, "threads": threads, "precision": precision}
        model = cls(**vars(load_model(folder)), device=device, **computing)
        model._novelty, model._history = folder, folder / METRICS
        return model if counts else model.without_counts()

    def _leave_folder(self) -> None:
        """Read what else is read when it is first asked for, since the folder will not stay."""
        self._novelty, self._history = self.novelty_index, self.history

    def save(self, folder: str | Path) -> None:
        """Write the model as a folder that `load` reads.

        Its counts and its index of the training texts go along, if it has them. A model that is there is
        replaced.

        Raises:
            ArtifactError: If the folder cannot be written or has files of something else in their places, or
                the index to take along is damaged.

        Example:
            >>> model.save("runs/names-2")
            >>> unspool.load("runs/names-2").num_parameters == model.num_parameters
            True
        """
        folder = path_of("folder", folder)
        refuse_strangers(folder)
        save_parts(self, folder, self.novelty_index, self.history)

    def without_counts(self) -> Self:
        """Return the network alone: the model without the counts of its training text.

        Counts are what ``unspool train --counts`` keeps beside the network. Without them a model is smaller
        and tells less of the text that it learnt, but it writes other texts, and predicts them less well.

        Example:
            >>> model.without_counts().counts is None
            True
        """
        model = replace(self, counts=None)
        model._novelty, model._history = self._novelty, self._history
        return model

    def export(
        self,
        to: str,
        out: str | Path | None = None,
        *,
        precision: str = "float32",
        with_counts: bool = False,
        overwrite: bool = False,
    ) -> Path:
        """Write the model in the form of another program, which needs no unspool to run it.

        Args:
            to: A name in `EXPORTERS`: "html", "js", "onnx", "torch", "keras", "c".
            out: The file or folder to write; None for one in the working folder.
            precision: The number format of the parameters: "float32", "float16" or "int8".
            with_counts: Whether the counts of its training text go along, which html and js can take. Much of
                the text can be read out of them. Without them what is written is the network alone.
            overwrite: Whether what is there may be replaced.

        Returns:
            The path of what was written.

        Raises:
            ConfigError: If the target cannot say the model, keep the precision or take counts, there are no
                counts to take, its package is not installed, or the path is taken.
            ArtifactError: If the files cannot be written; what was there is unharmed.

        Example:
            >>> model.export("html", "names.html").name
            'names.html'
        """
        one = saved(self)
        return export(one, to, out, precision=precision, with_counts=with_counts, overwrite=overwrite)[0]

    def quantized(
        self, precision: str, *, on: Readable | None = None, unknown: Unknown | None = None
    ) -> Self:
        """Return the model with its parameters rounded to fewer bits.

        It is a model like any other. `save` writes its folder in these bits: a half of the size in float16,
        a good quarter in int8, in which each column of a matrix has its own scale and biases stay float32.
        In memory its parameters are float32, so it computes as fast as before.

        Args:
            precision: "float16" or "int8".
            on: Texts to measure the loss on, in place of texts that the model writes.
            unknown: What becomes of symbols of these texts that the model does not know, as in `score`.

        Returns:
            The rounded model; its `quantization` says what was lost, in bits per character.

        Raises:
            ConfigError: If there is no such precision, the model has been rounded before, or a parameter is
                too large for float16.
            CorpusError: If the texts cannot be read.

        Example:
            >>> small = model.quantized("int8")
            >>> small.quantization.bits_per_character_lost < 0.01
            True
        """
        model = quantizing.quantized(self, precision, on=on, unknown=unknown)
        model._novelty, model._history = self._novelty, self._history
        return model

    @property
    def novelty_index(self) -> NoveltyIndex | None:
        """Return the index of the training texts, if one was kept; it is read when it is first asked for.

        Raises:
            ArtifactError: If the file is damaged or of another model.

        Example:
            >>> model.novelty_index.knows("anna")
            True
        """
        novelty = self._novelty
        if isinstance(novelty, Path):
            novelty = self._novelty = load_novelty(novelty, self.tokenizer)
        return novelty

    @novelty_index.setter
    def novelty_index(self, index: NoveltyIndex | None) -> None:
        """Set the index, which `save` keeps; None takes it away."""
        self._novelty = index

    @property
    def history(self) -> History:
        """Return what the training wrote down: a dictionary for each step, evaluation and sample.

        They are the lines of the run's metrics.jsonl, read when they are first asked for. Each has a `kind`:
        "step", "evaluation", "sample" or "finish". Empty for a model that was saved on its own. A notebook
        shows them as the loss curve.

        Raises:
            ArtifactError: If a line of the file is none that a training writes.

        Example:
            >>> model.history[-1]["kind"]
            'finish'
        """
        if isinstance(self._history, Path):
            self._history = History(read_metrics(self._history))
        return self._history or History()

    @property
    def num_parameters(self) -> int:
        """Count the network's parameters.

        Example:
            >>> model.num_parameters == sum(array.size for array in model.parameters.values())
            True
        """
        return count_parameters(self.network)

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the layers of the network: what each returns, its arrays and the number of its parameters.

        Args:
            print_fn: What takes the whole table, as in Keras.

        Example:
            >>> model.summary()  # doctest: +ELLIPSIS
            layer ...
        """
        print_fn(summary_text(self.network))

    if not TYPE_CHECKING:  # else a type checker would take any name for one of a model

        def __getattr__(self, name: str) -> None:
            """Answer a method's name in another library with what it is called here."""
            raise AttributeError(no_attribute(name), name=name, obj=self)

    def __repr__(self) -> str:
        """Show the network in a few words."""
        network = self.network
        return (
            f"<Generator {network.cell} {network.num_layers}×{network.hidden_size}, "
            f"{counted(self.tokenizer.vocab_size, 'symbol')}, {counted(self.num_parameters, 'parameter')}>"
        )

    def _repr_html_(self) -> str:
        """Return the summary for a notebook."""
        return summary_html(self.network, repr(self).strip("<>"))

    def conditioned_on(
        self,
        context: Context | None = None,
        *,
        vector: Any = None,
        source: str | None = None,
        unknown: Unknown = "error",
    ) -> Self:
        """Return the model that this one is once something is known of its texts.

        It is a model like any other, which takes no context any more: all that it writes, scores and finds is
        under what was told here. What is not told is left open. Where nothing is told it is the model itself.

        Args:
            context: Values of any of its attributes, by name: ``{"label": "Sports"}``.
            vector: The numbers that its first state is worked from.  # (D,)
            source: What its texts are the answer to, for a model of pairs. Without it the result still needs
                one.
            unknown: What becomes of symbols of the source that the model does not know: "error"; "drop";
                "replace".

        Raises:
            ConfigError: If the model has no such attribute, an attribute has no such value, the vector is
                of another size, or the model was trained without sources.
            UnknownSymbolError: If the source has a symbol that the model does not know.

        Example:
            >>> places = model_with_labels.conditioned_on({"label": "places"})
            >>> len(places.generate(n=2))
            2
        """
        model = conditioning.conditioned_on(self, context, vector=vector, source=source, unknown=unknown)
        model._novelty = self._novelty
        return model

    def encode_sources(self, sources: Sequence[str], *, unknown: Unknown = "error") -> list[Floats]:
        """Read sources, and return the state that the answer to each starts from.

        Args:
            sources: Any number of them; they are read side by side.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            An array for each, which `generate` takes as a state.  # (L, S, H)

        Raises:
            ConfigError: If the model was trained without sources.
            UnknownSymbolError: If a source has a symbol that the model does not know.

        Example:
            >>> [state] = model_of_pairs.encode_sources(["ab"])
            >>> state.shape == model_of_pairs.network.state_shape
            True
        """
        return conditioning.encode_sources(self, sources, unknown=unknown)

    def generate(
        self,
        prompt: str | Sequence[str] = "",
        *,
        n: int = 1,
        first: int = 0,
        unknown: Unknown = "error",
        state: StatesLike = None,
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
            state: What to go on from in place of a fresh start: a `State` from `state_after`, after which the
                prompt is read; or an array (L, S, H), which the network has before it reads anything. One for
                all prompts, or one for each; a single prompt goes on from each of several.
            constraint: What every text must be; several hold all at once. None for anything.
            context: What is known of the texts: ``{"label": "Sports"}``; None for nothing. See
                `conditioned_on`.
            vector: The numbers that the first state is worked from; None for none.
            source: What the texts are the answer to, for a model of pairs, in place of a state: one for all
                prompts, or one for each; a single prompt is continued for each of several.
            **options: How to sample and when to stop: any field of `GenerationOptions`, or an alias; what is
                left out is as `generation_config` says. Which texts are good: any field of `Selection`.

        Returns:
            n texts of the first prompt, then n of the second, and so on: a list. Its `report` says what was
            refused where the texts had to be good ones, and is None otherwise. A notebook shows it as a
            table, in which copies of training texts are underlined if the model's `novelty_index` was read.

        Raises:
            ConfigError: If a value is out of its range, `novel` has nothing to compare with, or no text that
                goes on from a prompt and is short enough can be what the constraint asks for.
            UnknownSymbolError: If a prompt has a symbol that the model does not know.

        Example:
            >>> texts = model.generate("an", n=2, temperature=0.8, seed=0)
            >>> [str(text)[:2] for text in texts]
            ['an', 'an']
        """
        parts = self.conditioned_on(context, vector=vector)
        state = conditioning.start_states(parts, source, state, unknown)
        selection, rest = split_keywords(options)
        chosen, n = options_and_n(parts, rest, n)
        request = writing.prepare(parts, prompt, chosen, unknown=unknown, state=state, constraint=constraint)
        if selection.is_off:
            texts = Generations(writing.write(parts, request, n=n, first=first))
        else:
            collected = writing.collection(
                parts, request, selection, lambda: self.novelty_index, n=n, first=first
            )
            texts = collected.gather()
        texts.known = self._novelty if isinstance(self._novelty, NoveltyIndex) else None
        return texts

    def collect(
        self,
        prompt: str | Sequence[str] = "",
        *,
        n: int = 1,
        first: int = 0,
        unknown: Unknown = "error",
        state: StatesLike = None,
        constraint: ConstraintLike = None,
        context: Context | None = None,
        source: str | None = None,
        **options: Unpack[CollectionKeywords],
    ) -> Collection:
        """Yield good texts one by one, as many as are wanted, with a report.

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
                field of `GenerationOptions`, as in `generate`.

        Raises:
            ConfigError: If a value is out of its range, or `novel` has nothing to compare with.
            UnknownSymbolError: If a prompt has a symbol that the model does not know.
            ArtifactError: If the index is damaged.

        Example:
            >>> good = model.collect(n=3, unique=True, seed=0)
            >>> len({text.text for text in good})
            3
        """
        parts = self.conditioned_on(context, source=source, unknown=unknown)
        selection, rest = split_keywords(options)
        chosen, n = options_and_n(parts, rest, n)
        request = writing.prepare(parts, prompt, chosen, unknown=unknown, state=state, constraint=constraint)
        return writing.collection(parts, request, selection, lambda: self.novelty_index, n=n, first=first)

    def stream(
        self,
        prompt: str = "",
        *,
        unknown: Unknown = "error",
        state: StateLike | None = None,
        constraint: ConstraintLike = None,
        context: Context | None = None,
        vector: Any = None,
        source: str | None = None,
        **options: Unpack[GenerationKeywords],
    ) -> Iterator[str]:
        """Yield a continuation piece by piece, as it is drawn.

        Together the pieces are the `continuation` of what `generate` gives for the same arguments, which
        are described there; errors are raised at the call, not at the first piece. What a stop string may
        yet cut off is held back. The iterator is a Python generator, whose return value is the
        `finish_reason`.

        Example:
            >>> pieces = model.stream("an", seed=0)
            >>> "".join(pieces) == model.generate("an", seed=0)[0].continuation
            True
        """
        parts = self.conditioned_on(context, vector=vector, source=source, unknown=unknown)
        return writing.stream(parts, prompt, options, unknown=unknown, state=state, constraint=constraint)

    def sample_rows(
        self, n: int = 1, *, given: Mapping[str, Any] | None = None, **options: Unpack[GenerationKeywords]
    ) -> TableRows:
        """Write rows of the table that the model has learnt.

        Every value is one that the schema allows: in its range, its category, its pattern. Rows that break a
        rule of the schema are refused, and counted in the report.

        Args:
            n: Number of rows, ≥ 1.
            given: What is known of them, by the name of a column: a value; a range of numbers or dates, as a
                tuple or ``"30..40"``; None for a missing one. None knows nothing.
            **options: How values are drawn: `temperature`, 1 unless it is given, `top_k`, `top_p`, `min_p`,
                `seed`.

        Returns:
            The rows, a list of dictionaries; `save` writes them to a file.

        Raises:
            ConfigError: If the model has learnt no table, no row can be as given, or too many are refused.

        Example:
            >>> rows = [{"age": age, "adult": age > 17} for age in range(10, 60)] * 4
            >>> model_of_rows = unspool.train(rows, table=True, epochs=1, hidden_size=16)
            >>> [row] = model_of_rows.sample_rows(given={"age": (30, 40)}, seed=0)
            >>> 30 <= row["age"] <= 40
            True
        """
        return rows.written(self, n, given or {}, options)

    def impute(
        self, table: Any, *, reading: Mapping[str, Any] | None = None, **options: Unpack[GenerationKeywords]
    ) -> TableRows:
        """Fill the missing values of a table, each drawn by what is known of its row.

        Args:
            table: The table, a file or in memory, with the columns that the model has learnt.
            reading: Options of `read_records` for files, such as ``{"delimiter": ";"}``.
            **options: How values are drawn, as in `sample_rows`; ``temperature=0`` takes the most probable.

        Returns:
            The rows, in their order.

        Raises:
            ConfigError: If the model has learnt no table, or another one.
            CorpusError: If a value that is there contradicts the schema.

        Example:
            >>> rows = [{"sex": sex, "name": name} for sex, name in (("F", "Anna"), ("M", "Otto"))] * 99
            >>> model_of_rows = unspool.train(rows, table=True, epochs=2, hidden_size=16)
            >>> [row] = model_of_rows.impute([{"sex": "F", "name": None}], temperature=0)
            >>> row["sex"]
            'F'
        """
        return rows.filled(self, table, reading, options)

    def encode(self, text: str, *, unknown: Unknown = "error") -> NDArray[np.int32]:
        """Return the ids of the tokens of a text.

        Args:
            text: Any text.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            The ids, without `<eos>`.  # (T,)

        Raises:
            UnknownSymbolError: If the text has a symbol that the model does not know.

        Example:
            >>> model.encode("anna").dtype
            dtype('int32')
        """
        check("text", text, "a string", isinstance(text, str))
        return self.tokenizer.encode(text, unknown=unknown)

    def state_after(self, text: str = "", *, unknown: Unknown = "error") -> State:
        """Read a text, and return the state that the network has after it, to go on from.

        Args:
            text: What to read; "" for the start of a text alone.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            The state after `<eos>` and the text.

        Raises:
            UnknownSymbolError: If the text has a symbol that the model does not know.

        Example:
            >>> state = model.state_after("an")
            >>> [text] = model.generate(state=state, seed=0)
            >>> text.continuation == model.generate("an", seed=0)[0].continuation
            True
        """
        return conditioning.state_after(self, text, unknown=unknown)

    def beam_search(
        self,
        prompt: str | Sequence[str] = "",
        *,
        constraint: ConstraintLike = None,
        unknown: Unknown = "error",
        context: Context | None = None,
        source: str | Sequence[str] | None = None,
        **options: Unpack[BeamKeywords],
    ) -> list[FoundText]:
        """Find the best continuations of one prompt or several, by the model's own probabilities.

        Args:
            prompt: What to go on from; "" starts from nothing. Each is searched as if it were alone.
            constraint: What every text must be; several hold all at once. None for anything.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".
            context: What is known of the texts; None for nothing. See `conditioned_on`.
            source: What the texts are the answer to, for a model of pairs; of several, each is searched
                for on its own, with all prompts.
            **options: How to search: any field of `unspool._generation.search.search_options.BeamOptions`;
                max_new_tokens and allow_unk, where they are left out, are as `generation_config` says.

        Returns:
            At most n texts of the first prompt, the best first, then those of the second, and so on. Fewer
            where there are fewer, or the beams have met fewer.

        Raises:
            ConfigError: If a value is out of its range, or a prompt cannot be finished under the constraint.
            UnknownSymbolError: If a prompt has a symbol that the model does not know.

        Example:
            >>> [found.text[:1] for found in model.beam_search("a", n=2, num_beams=4)]
            ['a', 'a']
        """
        sources = [source] if source is None or isinstance(source, str) else source
        models = [self.conditioned_on(context, source=text, unknown=unknown) for text in sources]
        limits: dict[str, Any] = {"constraint": constraint, "unknown": unknown}
        return [text for each in models for text in searching.beam_search(each, prompt, options, **limits)]

    def enumerate(
        self,
        prompt: str = "",
        *,
        constraint: ConstraintLike = None,
        unknown: Unknown = "error",
        context: Context | None = None,
        **options: Unpack[EnumerationKeywords],
    ) -> Enumeration:
        """Yield every continuation that is at least so probable, the most probable first.

        They are the texts that `generate` may draw at temperature 1, each once, with its probability;
        together they have probability 1. Texts that are equally probable come in an order that is the same
        each time.

        Args:
            prompt: What to go on from; "" starts from nothing.
            constraint: What every text must be; several hold all at once. None for anything.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".
            context: What is known of the texts; None for nothing. See `conditioned_on`.
            **options: Which texts: any field of `EnumerationOptions` in
                `unspool._generation.search.search_options`, above all min_probability or limit; what is left
                out, as in `beam_search`.

        Returns:
            An iterator, which also tells how much probability the texts so far cover and how much remains.

        Raises:
            ConfigError: If a value is out of its range, or the prompt cannot be finished under the
                constraint; from the iterator, if the search needs more memory than it may have.
            UnknownSymbolError: If the prompt has a symbol that the model does not know.

        Example:
            >>> [found.text for found in model.enumerate("a", limit=2, max_new_tokens=9)][0][:1]
            'a'
        """
        parts = self.conditioned_on(context)
        return searching.enumerate_texts(parts, prompt, options, constraint=constraint, unknown=unknown)

    def next_symbols(
        self, prompt: str = "", *, temperature: float = 1.0, top: int | None = 10, unknown: Unknown = "error"
    ) -> NextSymbols:
        """Return what may come after a text, the most probable first.

        Args:
            prompt: The text so far; "" is the start of a text.
            temperature: What the logits are divided by, ≥ 0.
            top: Symbols to give, ≥ 1; None for all of them.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            A list of symbols with their probabilities; the end of the text is "<eos>".

        Raises:
            ConfigError: If a value is out of its range.
            UnknownSymbolError: If the prompt has a symbol that the model does not know.

        Example:
            >>> [(symbol, probability)] = model.next_symbols("ann", top=1)
            >>> 0 < probability <= 1
            True
        """
        return scoring.next_symbols(self, prompt, temperature=temperature, top=top, unknown=unknown)

    def reader(self) -> TextReader:
        """Make a reader for a text that grows and changes, such as one that is being typed.

        Example:
            >>> reader = model.reader()
            >>> _ = reader.read(model.encode("ann"))
            >>> reader.logits_after(3).shape == (model.tokenizer.vocab_size,)
            True
        """
        return TextReader(self.runner, self.parameters)

    def hidden_states(self, text: str, *, unknown: Unknown = "error") -> NDArray[np.float32]:
        """Return what every unit holds after each symbol of a text.

        Args:
            text: Any text; it is read from its start.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            The hidden states of each layer, the first layer first, after each symbol; with a char tokenizer
            there is one symbol for each character of the normalized text.  # (N, L, H)

        Raises:
            UnknownSymbolError: If the text has a symbol that the model does not know, and that is an error.

        Example:
            >>> model.hidden_states("anna").shape[-1] == model.network.hidden_size
            True
        """
        check("text", text, "a string", isinstance(text, str))
        ids = self.tokenizer.encode(text, unknown=unknown)
        return hidden_states(self.runner, self.parameters, ids)

    def scorer(
        self, *, prompt: str = "", ended: bool = True, unknown: Unknown | None = None, adapt: bool = False
    ) -> Scorer:
        """Make what `score` scores with, to score a stream of any length: `scorer().scores(texts)`.

        The arguments are those of `score`.

        Example:
            >>> scorer = model.scorer(prompt="an")
            >>> next(iter(scorer.scores(["na"]))).total_logprob < 0
            True
        """
        return make_scorer(self, prompt=prompt, ended=ended, unknown=unknown, adapt=adapt)

    def score(
        self,
        texts: Readable,
        *,
        prompt: str = "",
        ended: bool = True,
        unknown: Unknown | None = None,
        context: Context | None = None,
        adapt: bool = False,
    ) -> list[TextScore]:
        """Compute how probable texts are, each from its start to its end, as training sees them.

        Args:
            texts: The texts, each scored on its own. What a `Record` brings along is taken as known.
            prompt: What they go on from: what is told is log p(text | prompt). The prompt and each text are
                split into symbols on their own.
            ended: Whether the end of each text counts; without it a text is only a beginning.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace"; None
                for "replace" where the model was trained with `<unk>`, else "error".
            context: What is known of all texts; None for nothing. See `conditioned_on`.
            adapt: Whether what a text has said is expected again further on in it: for long texts.

        Raises:
            UnknownSymbolError: If a text has a symbol that the model does not know, and that is an error.

        Example:
            >>> [score] = model.score(["anna"])
            >>> score.total_logprob < 0
            True
        """
        scorer = self.conditioned_on(context).scorer(prompt=prompt, ended=ended, unknown=unknown, adapt=adapt)
        return scoring.score(scorer, texts)

    def surprisal(
        self,
        text: str,
        *,
        prompt: str = "",
        ended: bool = True,
        unknown: Unknown | None = None,
        context: Context | None = None,
    ) -> Surprisal:
        """Compute how surprising each symbol of a text is; the result draws itself with `.svg()`.

        The arguments are those of `score`.

        Example:
            >>> len(model.surprisal("anna").bits)
            5
        """
        check("text", text, "a string", isinstance(text, str))
        scorer = make_scorer(self.conditioned_on(context), prompt=prompt, ended=ended, unknown=unknown)
        (one,) = surprisals(scorer, [text])
        return one

    def rank(
        self,
        texts: Iterable[str],
        *,
        by: str = "logprob",
        prompt: str = "",
        ended: bool = True,
        unknown: Unknown | None = None,
    ) -> list[RankedText]:
        """Sort texts by their probability, the most probable first.

        Args:
            texts: The candidates.
            by: "logprob" for the probability of each whole text; "bits_per_character" to be fair to long
                ones.
            prompt: As in `score`, like all that follow.
            ended: Whether the end of each text counts.
            unknown: What becomes of symbols that the model does not know.

        Example:
            >>> [ranked.text for ranked in model.rank(["xyzzy", "anna"], unknown="replace")][0]
            'anna'
        """
        some = strings_of("texts", texts)
        return rank_texts(some, self.score(some, prompt=prompt, ended=ended, unknown=unknown), by=by)

    def likelihood_ratios(
        self,
        texts: Iterable[str],
        against: "Generator",
        *,
        prompt: str = "",
        ended: bool = True,
        unknown: Unknown | None = None,
    ) -> list[LikelihoodRatio]:
        """Compare what this model and another one say of texts.

        Args:
            texts: The texts.
            against: The other model; its vocabulary may be another.
            prompt: As in `score`, like all that follow.
            ended: Whether the end of each text counts.
            unknown: As in `score`; symbols that either model drops are dropped for both.

        Example:
            >>> [ratio] = model.likelihood_ratios(["anna"], model)
            >>> ratio.log_likelihood_ratio
            0.0
        """
        some = strings_of("texts", texts)
        check("against", against, "a model", isinstance(against, Generator))
        ours, theirs = (m.scorer(prompt=prompt, ended=ended, unknown=unknown) for m in (self, against))
        return list(likelihood_ratios(ours, theirs, some))

    def guess_numbers(
        self,
        texts: Iterable[str],
        *,
        samples: int = SAMPLES,
        seed: int = 0,
        prompt: str = "",
        unknown: Unknown | None = None,
    ) -> list[GuessNumber]:
        """Estimate how many texts are more probable than each of some texts, from samples.

        Args:
            texts: The texts.
            samples: How many texts to draw, ≥ 2.
            seed: What they come from.
            prompt: As in `score`.
            unknown: As in `score`.

        Raises:
            ConfigError: If a value is out of its range, or no sample ends.

        Example:
            >>> [number] = model.guess_numbers(["anna"], samples=500)
            >>> number.guess_number >= 1
            True
        """
        scorer = self.scorer(prompt=prompt, unknown=unknown)
        return guess_numbers(scorer, strings_of("texts", texts), samples=samples, seed=seed)

    def classify(
        self, texts: Iterable[str], by: str, *, prior: bool = True, unknown: Unknown | None = None
    ) -> list[Classification]:
        """Compute which value of an attribute texts have, by Bayes' rule over their probabilities.

        p(value | text) is proportional to p(text | value) p(value).

        Args:
            texts: The texts.
            by: The attribute; it must be a categorical one.
            prior: Whether p(value) is its share of the training texts; else all values are as probable.
            unknown: What becomes of symbols that the model does not know, as in `score`.

        Raises:
            ConfigError: If there is no such attribute, or it is a number.
            UnknownSymbolError: If a text has a symbol that the model does not know, and that is an error.

        Example:
            >>> [result] = model_with_labels.classify(["anna"], by="label")
            >>> result.value in ("names", "places")
            True
        """
        return list(self.classifications(strings_of("texts", texts), by, prior=prior, unknown=unknown))

    def classifications(
        self, texts: Iterable[str], by: str, *, prior: bool = True, unknown: Unknown | None = None
    ) -> Iterator[Classification]:
        """Yield what `classify` returns, for a stream of any length.

        Example:
            >>> [result] = model_with_labels.classifications(["anna"], by="label")
            >>> result.value in ("names", "places")
            True
        """
        return classifying.classifications(self, texts, by, prior=prior, unknown=unknown)

    def evaluate(
        self,
        records: Readable,
        *,
        document: bool | None = None,
        unknown: Unknown | None = None,
        context: Context | None = None,
        adapt: bool = False,
    ) -> Evaluation:
        """Measure how well the model predicts a corpus, every record from its start to its end.

        What a record says of itself is taken as known, where the model was trained with it.

        Args:
            records: From `read_records`, or texts in memory.
            document: Whether they are one long stream; None for what the records say of themselves.
            unknown: What becomes of symbols that the model does not know, as in `score`.
            context: What is known of all records, in place of what they say of themselves.
            adapt: Whether what they have said is expected again further on, as a compressor does that reads
                them in this order.

        Raises:
            ConfigError: If a record says what the model has never heard of.
            CorpusError: If the corpus cannot be read or has no text.
            UnknownSymbolError: If it has a symbol that the model does not know.

        Example:
            >>> model.evaluate(names).bits_per_character > 0
            True
        """
        parts = self.conditioned_on(context)
        return scoring.evaluate(parts, records, document=document, unknown=unknown, adapt=adapt)

    def audit(
        self,
        records: Readable,
        *,
        validation: Readable | None = None,
        samples: int = 1000,
        metrics: Iterable[Mapping[str, Any]] | None = None,
        secrets: Sequence[str] | None = None,
        canary_format: str | None = None,
        unknown: Unknown | None = None,
        report: "ReportAudit" = lambda what, done, total: None,
        **options: Unpack[GenerationKeywords],
    ) -> "Audit":
        """Measure whether the model learnt from its texts or copies them.

        Args:
            records: What it was trained on, as it was then: canaries are planted and texts held out again.
            validation: What was held out, if that was another corpus.
            samples: Texts to generate, ≥ 1; all start from nothing.
            metrics: The lines of a training as dictionaries, to judge the fit by; None for `history`.
            secrets: Secrets to rank; None for those that the run planted.
            canary_format: The format of `secrets`; None for that of the run.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace". None
                for "replace" if it has an `<unk>`, else "error".
            report: Told what goes on, how much of it is done, of how much (0 where that is not known).
            **options: How to sample: any field of `GenerationOptions`. The seed is 0 unless it is given; else
                `generation_config` has no say, so that audits of two models can be compared.

        Raises:
            ConfigError: If a value is out of its range.
            CorpusError: If the corpus cannot be read or has no text.
            UnknownSymbolError: If it has a symbol that the model does not know.

        Example:
            >>> audit = model.audit(names)
            >>> "copying" in audit.to_dict()
            True
        """
        return auditing.audit(
            self,
            records,
            options,
            validation=validation,
            samples=samples,
            metrics=self.history if metrics is None else metrics,
            secrets=secrets,
            canary_format=canary_format,
            unknown=unknown,
            report=report,
        )
