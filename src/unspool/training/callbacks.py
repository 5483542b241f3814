"""What a run shows of itself while it learns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unspool.generation.options import GenerationOptions
from unspool.text.tokenizers import Tokenizer
from unspool.training.records import SampleRecord
from unspool.training.task import Moment


@dataclass(frozen=True, kw_only=True)
class SamplingCallback:
    """Let the network write at chosen temperatures after every evaluation.

    The seed is the same each time, so what changes from one evaluation to the next is the network.

    Args:
        tokenizer: The tokenizer of the network.
        prompts: What the texts go on from; "" starts from nothing.
        temperatures: Each prompt is continued once at each of them, ≥ 0.
        max_new_tokens: Longest continuation in symbols.
        seed: Seed of the draws.

    Raises:
        UnknownSymbolError: If a prompt has a symbol that the network does not know.
    """

    tokenizer: Tokenizer
    prompts: Sequence[str] = ("",)
    temperatures: Sequence[float] = (0.3, 0.8, 1.0)
    max_new_tokens: int = 80
    seed: int = 0

    def __post_init__(self) -> None:
        """Find out about a bad prompt or temperature before the training starts."""
        for prompt in self.prompts:
            self.tokenizer.encode(prompt)
        for temperature in self.temperatures:
            self._options(temperature)

    def __call__(self, moment: Moment) -> Iterator[SampleRecord]:
        """Yield a sample for every temperature and prompt, temperatures outermost."""
        prompts = [self.tokenizer.encode(prompt) for prompt in self.prompts]
        for temperature in self.temperatures:
            texts = moment.engine.generate(moment.parameters, prompts, self._options(temperature))
            for prompt, generated in zip(self.prompts, texts, strict=True):
                yield SampleRecord(
                    step=moment.step,
                    epoch=moment.epoch,
                    prompt=prompt,
                    temperature=temperature,
                    text=self.tokenizer.decode(generated.ids),
                )

    def _options(self, temperature: float) -> GenerationOptions:
        return GenerationOptions(temperature=temperature, max_new_tokens=self.max_new_tokens, seed=self.seed)
