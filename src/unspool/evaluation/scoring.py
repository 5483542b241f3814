"""What a model says of texts: the methods that `unspool.Generator` has for it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check
from unspool.engines.protocol import Engine, Floats
from unspool.evaluation.guess_numbers import SAMPLES, GuessNumber, GuessNumbers
from unspool.evaluation.hidden_states import hidden_states
from unspool.evaluation.likelihood_ratio import LikelihoodRatio, likelihood_ratios
from unspool.evaluation.ranking import RankedText, rank_texts
from unspool.evaluation.scorer import Scorer, TextScore
from unspool.evaluation.surprisal import Surprisal, surprisals
from unspool.generation.conditioning import Conditioning, Context
from unspool.text.records import Record
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown


class Scoring(Conditioning):
    """Score texts with a network that the class on top of this one holds.

    Attributes:
        tokenizer: The network's tokenizer.
        parameters: The network's parameters.
    """

    tokenizer: Tokenizer
    parameters: dict[str, Floats]
    _engine: Engine

    def score(
        self,
        texts: Iterable[str | Record],
        *,
        prompt: str = "",
        ended: bool = True,
        unknown: Unknown | None = None,
        context: Context | None = None,
    ) -> list[TextScore]:
        """Tell how probable texts are, each from its start to its end, as training sees them.

        Args:
            texts: The texts, each scored on its own. What a `Record` brings along is taken as known.
            prompt: What they go on from: what is told is log p(text | prompt). The prompt and each text are
                split into symbols on their own.
            ended: Whether the end of each text counts; without it a text is only a beginning.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace"; None
                for "replace" where the model was trained with `<unk>`, else "error".
            context: What is known of all texts; None for nothing. See `given`.

        Raises:
            UnknownSymbolError: If a text has a symbol that the model does not know, and that is an error.
        """
        ok = isinstance(texts, Iterable) and not isinstance(texts, str)
        check("texts", texts, "a list of strings or records, not one string", ok)
        some = [text if isinstance(text, Record) else texts_of("texts", [text])[0] for text in texts]
        model = self if context is None else self.given(context)
        return list(model.scorer(prompt=prompt, ended=ended, unknown=unknown).scores(some))

    def surprisal(
        self,
        text: str,
        *,
        prompt: str = "",
        ended: bool = True,
        unknown: Unknown | None = None,
        context: Context | None = None,
    ) -> Surprisal:
        """Tell how surprising each symbol of a text is, and draw it with `.svg()`.

        The arguments are those of `score`.
        """
        check("text", text, "a string", isinstance(text, str))
        model = self if context is None else self.given(context)
        (one,) = surprisals(model.scorer(prompt=prompt, ended=ended, unknown=unknown), [text])
        return one

    def hidden_states(self, text: str, *, unknown: Unknown = "error") -> NDArray[np.float32]:
        """Tell what every unit holds after each symbol of a text.

        Args:
            text: Any text; it is read from its start.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            The hidden states of each layer, the first layer first, after each symbol; with a char tokenizer
            there is one symbol for each character of the normalized text.  # (N, L, H)

        Raises:
            UnknownSymbolError: If the text has a symbol that the model does not know, and that is an error.
        """
        check("text", text, "a string", isinstance(text, str))
        return hidden_states(self._engine, self.parameters, self.tokenizer.encode(text, unknown=unknown))

    def rank(
        self,
        texts: Iterable[str],
        *,
        by: str = "logprob",
        prompt: str = "",
        ended: bool = True,
        unknown: Unknown | None = None,
    ) -> list[RankedText]:
        """Put texts in the order of their probability, the most probable first.

        Args:
            texts: The candidates.
            by: "logprob" for the probability of each whole text; "bits_per_character" to be fair to long
                ones.
            prompt: As in `score`, like all that follow.
            ended: Whether the end of each text counts.
            unknown: What becomes of symbols that the model does not know.
        """
        some = texts_of("texts", texts)
        return rank_texts(some, self.score(some, prompt=prompt, ended=ended, unknown=unknown), by=by)

    def likelihood_ratios(
        self,
        texts: Iterable[str],
        against: "Scoring",
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
        """
        some = texts_of("texts", texts)
        ours, theirs = (
            model.scorer(prompt=prompt, ended=ended, unknown=unknown) for model in (self, against)
        )
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
        """
        scorer = self.scorer(prompt=prompt, unknown=unknown)
        scores = list(scorer.scores(texts_of("texts", texts)))
        drawn = GuessNumbers.draw(scorer, samples=samples, seed=seed)
        return [drawn.of(score.total_logprob) for score in scores]

    def scorer(self, *, prompt: str = "", ended: bool = True, unknown: Unknown | None = None) -> Scorer:
        """Make what `score` scores with, to score a stream of any length: `scorer().scores(texts)`.

        The arguments are those of `score`.
        """
        check("prompt", prompt, "a string", isinstance(prompt, str))
        rules = (None, "error", "drop", "replace")
        check("unknown", unknown, "error, drop, replace or none", unknown in rules)
        return Scorer(
            self._engine,
            self.parameters,
            self.tokenizer,
            prompt=prompt,
            ended=ended,
            unknown=unknown,
            schema=self.schema,
        )


def texts_of(name: str, texts: Iterable[str]) -> list[str]:
    """Gather texts, and refuse a single one, which would be taken letter by letter.

    Raises:
        ConfigError: If they are no strings, or only one.
    """
    ok = isinstance(texts, Iterable) and not isinstance(texts, str)
    check(name, texts, "a list of strings, not one string", ok)
    gathered = list(texts)
    for text in gathered:
        check(name, text, "strings alone", isinstance(text, str))
    return gathered
