"""How fast the last steps were."""

MEMORY = 0.95  # a step's share fades by this with every later step


class StepSpeed:
    """Measure symbols per second over the last steps, the older ones fading away."""

    def __init__(self) -> None:
        self.symbols = 0.0
        self.seconds = 0.0

    def add(self, symbols: int, seconds: float) -> None:
        """Enter one step."""
        self.symbols = MEMORY * self.symbols + symbols
        self.seconds = MEMORY * self.seconds + seconds

    @property
    def rate(self) -> float:
        """Give symbols per second; 0 before anything was measured."""
        return self.symbols / self.seconds if self.seconds > 0 else 0.0
