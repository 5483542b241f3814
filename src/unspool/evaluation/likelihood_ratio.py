"""Which of two models finds a text more probable, and by how much."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from unspool.evaluation.scorer import Scorer, TextScore, blocks
from unspool.text.tokenizers.registry import Tokenizer


@dataclass(frozen=True, eq=False, slots=True)
class LikelihoodRatio:
    """Compare what two models say of one text.

    Args:
        score: What the first model says.
        against: What the second says.
        dropped: Symbols that either does not know and that both left out.
    """

    score: TextScore
    against: TextScore
    dropped: int = 0

    @property
    def log_likelihood_ratio(self) -> float:
        """Give ln p(text) of the first model minus that of the second: above 0 the first fits better."""
        return self.score.total_logprob - self.against.total_logprob

    @property
    def bits_per_character(self) -> float | None:
        """Give the bits that the first model saves on each character; None for an empty text."""
        if self.score.bits_per_character is None or self.against.bits_per_character is None:
            return None
        return self.against.bits_per_character - self.score.bits_per_character


def likelihood_ratios(
    scorer: Scorer, against: Scorer, texts: Iterable[str], *, first: int = 0
) -> Iterator[LikelihoodRatio]:
    """Compare two models on texts, a block of texts at a time.

    The models may have different vocabularies. Where both raise an error at an unknown symbol, or know all of
    them, the ratio is exact. Where symbols are dropped, those that either model does not know are dropped for
    both, so that both are measured on the same text. Where they are replaced, each model reads its own
    `<unk>` or nearest symbol in their place, and `TextScore.unknown` says how often: `<unk>` is as probable
    as all the symbols that it stands for together, which speaks for the model that knows fewer.

    Args:
        scorer: The first model, with its prompt and its rule for unknown symbols.
        against: The second.
        texts: Any texts.
        first: How many texts came before them, for messages.

    Raises:
        UnknownSymbolError: If a symbol is not known to a model for which that is an error.
    """
    dropping = "drop" in (scorer.rule, against.rule)
    if dropping:
        scorer, against = replace(scorer, unknown="drop"), replace(against, unknown="drop")
    for block in blocks(texts):
        read, dropped = list(block), [0] * len(block)
        if dropping:
            shared = [shared_text(text, (scorer.tokenizer, against.tokenizer)) for text in block]
            read, dropped = [text for text, _ in shared], [count for _, count in shared]
        ours, theirs = scorer.scores(read, first=first), against.scores(read, first=first)
        for score, other, count in zip(ours, theirs, dropped, strict=True):
            yield LikelihoodRatio(score, other, count)
        first += len(block)


def shared_text(text: str, tokenizers: Iterable[Tokenizer]) -> tuple[str, int]:
    """Leave out what any of the tokenizers does not know, and count it.

    What is left is split anew after each symbol that went, since two words may have become one.
    """
    readers = tuple(tokenizers)
    lost, before = 0, -1
    while lost != before:
        before = lost
        for tokenizer in readers:
            pieces = tokenizer.split(tokenizer.normalize(text))
            kept = [piece for piece in pieces if tokenizer.piece_ids(piece)]
            lost += len(pieces) - len(kept)
            text = "".join(kept)
    return text, lost
