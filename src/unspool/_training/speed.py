"""The speed of the last training steps."""

MEMORY = 0.95  # each later step multiplies the weight of a step by this


class StepSpeed:
    """A running mean of the training speed, in which older steps count less."""

    def __init__(self) -> None:
        self.symbols = 0.0
        self.seconds = 0.0

    def add(self, symbols: int, seconds: float) -> None:
        """Add one step.

        Args:
            symbols: Number of tokens in the step.
            seconds: Duration of the step.
        """
        self.symbols = MEMORY * self.symbols + symbols
        self.seconds = MEMORY * self.seconds + seconds

    @property
    def rate(self) -> float:
        """Return tokens per second, or 0 before the first step."""
        return self.symbols / self.seconds if self.seconds > 0 else 0.0
