"""Compare how probable two models find a text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from unspool._evaluation.scorer import Scorer, TextScore, blocks
from unspool._text.tokenizers.registry import Tokenizer
from unspool._views.short_repr import short_repr


@dataclass(frozen=True, eq=False, slots=True)
class LikelihoodRatio:
    """The scores of one text by two models.

    Args:
        score: The score by the first model.
        against: The score by the second model.
        dropped: Number of symbols that one of the models does not know; both leave them out.

    Example:
        >>> import numpy as np
        >>> from unspool import LikelihoodRatio, TextScore
        >>> first = TextScore(-2.0, np.array([-1.5, -0.5]), 2.9)
        >>> second = TextScore(-3.0, np.array([-2.0, -1.0]), 4.3)
        >>> LikelihoodRatio(first, second).log_likelihood_ratio
        1.0
    """

    score: TextScore
    against: TextScore
    dropped: int = 0

    __repr__ = short_repr

    @property
    def log_likelihood_ratio(self) -> float:
        """Return ln p(text) of the first model minus that of the second; above 0, the first fits better.

        Example:
            >>> (score,) = model.score(["anna"])
            >>> unspool.LikelihoodRatio(score, score).log_likelihood_ratio
            0.0
        """
        return self.score.total_logprob - self.against.total_logprob

    @property
    def bits_per_character(self) -> float | None:
        """Return the bits that the first model saves on each character; None for an empty text.

        Example:
            >>> (score,) = model.score(["anna"])
            >>> unspool.LikelihoodRatio(score, score).bits_per_character
            0.0
        """
        if self.score.bits_per_character is None or self.against.bits_per_character is None:
            return None
        return self.against.bits_per_character - self.score.bits_per_character


def likelihood_ratios(
    scorer: Scorer, against: Scorer, texts: Iterable[str], *, first: int = 0
) -> Iterator[LikelihoodRatio]:
    """Yield the comparison of two models on each text; the texts are read block by block.

    The models may have different vocabularies. If both raise an error at an unknown symbol, or know all
    symbols, the ratio is exact. If symbols are dropped, those that either model does not know are dropped for
    both, so that both are measured on the same text. If they are replaced, each model reads its own `<unk>`
    or nearest symbol, and `TextScore.unknown` is the number of replacements. With an `<unk>` that is spelled
    the ratio is exact; one that is not, of an older model, is as probable as all the symbols that it replaces
    together, which favours the model that knows fewer.

    Args:
        scorer: The first model, with its prompt and its rule for unknown symbols.
        against: The second model.
        texts: The texts.
        first: Number of texts before these, for messages.

    Raises:
        UnknownSymbolError: If a symbol is unknown to a model that refuses unknown symbols.
    """
    dropping = "drop" in (scorer.rule, against.rule)
    if dropping:
        scorer, against = replace(scorer, unknown="drop"), replace(against, unknown="drop")
    for block in blocks(texts):
        scored, dropped = list(block), [0] * len(block)
        if dropping:
            shared = [shared_text(text, (scorer.tokenizer, against.tokenizer)) for text in block]
            scored, dropped = [text for text, _ in shared], [count for _, count in shared]
        left, right = scorer.scores(scored, first=first), against.scores(scored, first=first)
        for score, other, count in zip(left, right, dropped, strict=True):
            yield LikelihoodRatio(score, other, count)
        first += len(block)


def shared_text(text: str, tokenizers: Iterable[Tokenizer]) -> tuple[str, int]:
    """Return a text without the pieces that one of the tokenizers does not know, and their number.

    The rest is split again after each removal, since two words may have become one.
    """
    readers = tuple(tokenizers)
    lost, before = 0, -1
    while lost != before:
        before = lost
        for tokenizer in readers:
            pieces = tokenizer.split(tokenizer.normalize(text))
            known_pieces = [piece for piece in pieces if tokenizer.piece_ids(piece)]
            lost += len(pieces) - len(known_pieces)
            text = "".join(known_pieces)
    return text, lost
