"""Run windows of any length through an engine in parts, the state carried from part to part."""

from collections.abc import Iterable, Iterator

from unspool.engines.protocol import Engine, Floats, Parameters, State
from unspool.text.lanes import Window

PART = 256  # steps at a time: what bounds the memory that a long text needs


def parts(window: Window) -> Iterator[Window]:
    """Cut a window into parts of at most `PART` steps."""
    for begin in range(0, len(window.ids), PART):
        part = slice(begin, begin + PART)
        yield Window(ids=window.ids[part], targets=window.targets[part])


def token_losses(engine: Engine, parameters: Parameters, windows: Iterable[Window]) -> Iterator[Floats]:
    """Yield the losses of windows that follow each other, the first of which starts with no memory.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        windows: ids and targets (T, B), all with the same B.

    Yields:
        Nats of each target of a window, 0 where the target is 0.  # (T, B)
    """
    state: State | None = None
    for window in windows:
        before = engine.initial_state(window.ids.shape[1]) if state is None else state
        losses, state = engine.token_losses(parameters, window, before, reset_id=None)
        yield losses
