"""A model that is loaded: its parts, its defaults, and what writes with it."""

from collections.abc import Callable
from typing import Any, Protocol

from prometheus_client import Counter

from unspool._artifacts.belonging import NOVELTY
from unspool._errors import ConfigError
from unspool._generation.requests import Request
from unspool._json_files import json_text
from unspool._kernels.arrays import Ids
from unspool._model.generator import Generator
from unspool._model.parts import own_options
from unspool._serving.limits import Limits
from unspool._serving.models.found import FILES, FileMark, short_mark
from unspool._serving.texts.batching import Batcher
from unspool._text.novelty import NoveltyIndex
from unspool._text.tokenizers.unknown import Unknown

PACKED = 2  # copies of the parameters: as they are, and as the kernels have them
MOST_TEMPLATES = 256
SHORT_PROMPT, MOST_PROMPTS = 64, 1024  # characters of a prompt whose tokens are kept, and how many are
LONGEST_KEY, LARGEST_STOP = 2000, 1 << 16  # characters and bytes of a template: larger ones are made again


class Work(Protocol):
    """What does things on threads; see `unspool._serving.models.library.Library`."""

    async def work(self, function: Callable[[], Any]) -> Any:
        """Do something on a thread."""
        ...


class Loaded:
    """A model that is loaded; whoever uses it counts as a user, and lets go of it at the end.

    Args:
        name: Its name.
        model: The model.
        mark: The state of its folder.
        limits: The limits of the server.
        let_go: Called when nobody uses it any more.

    Attributes:
        fields: What each answer says of it, as JSON without brackets.
        defaults: The options of generation that a request need not give.
        size: Bytes of memory that it takes, about.
        used: When it was last asked for, in seconds of the event loop.
        templates: Requests that were checked before, by what was asked for.
        counter: What counts its tokens, once there are any.
    """

    def __init__(
        self,
        name: str,
        model: Generator,
        *,
        mark: tuple[FileMark, ...],
        limits: Limits,
        let_go: Callable[["Loaded"], None],
    ) -> None:
        self.name, self.model, self.mark = name, model, mark
        self.fingerprint = short_mark(mark, model.runner.inference, counts=model.counts is not None)
        self.fields = json_text({"model": name, "system_fingerprint": self.fingerprint})[1:-1]
        self.updated = max(one[0] for one in mark if one is not None) // 10**9
        self.defaults: dict[str, Any] = own_options(model)
        self.size = PACKED * sum(array.nbytes for array in model.parameters.values())
        self.used = 0.0
        self.templates: dict[str, Request] = {}
        self.counter: Counter | None = None
        self._ids: dict[tuple[str, Unknown], Ids] = {}
        self._limits, self._let_go = limits, let_go
        self._users = 0
        self._is_retired = False
        self._batcher: Batcher | None = None
        self._novelty: NoveltyIndex | None = None

    @property
    def batcher(self) -> Batcher:
        """Return what writes with the model; its thread begins when it is first asked for."""
        if self._batcher is None or self._batcher.is_closed:
            model, limits = self.model, self._limits
            self._batcher = Batcher(
                lambda: model.runner.writer(model.parameters),
                name=self.name,
                most=limits.max_concurrent,
                most_waiting=limits.max_queue,
            )
        return self._batcher

    @property
    def active(self) -> int:
        """Return how many texts are written."""
        return 0 if self._batcher is None else self._batcher.writing

    @property
    def waiting(self) -> int:
        """Return how many texts wait for their place."""
        return 0 if self._batcher is None else self._batcher.waiting

    @property
    def has_novelty(self) -> bool:
        """Whether the model has an index of the texts that it was trained on."""
        return self.mark[FILES.index(NOVELTY)] is not None

    @property
    def is_used(self) -> bool:
        """Whether somebody uses the model."""
        return self._users > 0

    def acquire(self, now: float) -> "Loaded":
        """Count a further user."""
        self._users += 1
        self.used = now
        return self

    def release(self) -> None:
        """Release the model."""
        self._users -= 1
        if not self._users:
            self._close_if_retired()
            self._let_go(self)

    def retire(self) -> None:
        """Put the model away once nobody uses it."""
        self._is_retired = True
        self._close_if_retired()

    def _close_if_retired(self) -> None:
        if self._is_retired and not self._users:
            self.close()

    def close(self) -> None:
        """End what writes with the model; requests that are not over fail."""
        if self._batcher is not None:
            self._batcher.close()

    def ids_of(self, prompt: str, unknown: Unknown) -> Ids:
        """Return the tokens of a prompt; those of short ones are kept.

        Raises:
            UnknownSymbolError: If it has a symbol that the model does not know.
        """
        if len(prompt) > SHORT_PROMPT:
            return self.model.encode(prompt, unknown=unknown)
        ids = self._ids.get((prompt, unknown))
        if ids is None:
            ids = self.model.encode(prompt, unknown=unknown)
            if len(self._ids) >= MOST_PROMPTS:
                self._ids.clear()
            self._ids[prompt, unknown] = ids
        return ids

    def keep(self, key: str, template: Request) -> None:
        """Keep a request that was checked, for others of its kind, unless it takes much memory."""
        stop = template.in_ids.stop
        if len(key) > LONGEST_KEY or (stop is not None and stop.transitions.nbytes > LARGEST_STOP):
            return
        if len(self.templates) >= MOST_TEMPLATES:
            self.templates.pop(next(iter(self.templates)), None)
        self.templates[key] = template

    async def novelty(self, library: "Work") -> NoveltyIndex:
        """Return the index of the texts that the model was trained on, which is read when first asked for.

        Args:
            library: What does things on threads.

        Raises:
            ArtifactError: If the file is damaged or of another model.
            ConfigError: If the model has none.
        """
        if self._novelty is None:
            found = await library.work(lambda: self.model.novelty_index)
            if found is None:
                hint = "train with --novelty-index"
                raise ConfigError("the model has no index of its training texts", hint=hint)
            arrays = (getattr(found, name, None) for name in ("hashes", "held_out"))
            self.size += sum(array.nbytes for array in arrays if array is not None)
            self._novelty = found
        return self._novelty
