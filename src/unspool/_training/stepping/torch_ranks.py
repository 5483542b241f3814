"""The processes that train together: process 0 leads, the others do what it tells them, on their own lanes.

Only the leader evaluates, writes, shows anything and looks at the clock, so nothing has to be decided twice.
Before each step it tells the others which window comes and at which learning rate. All of them add up their
gradients, and make the same update. PyTorch connects them: gloo on the CPU, NCCL between GPUs.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist

from unspool._engines.protocol import Gradients, Loss
from unspool._errors import ConfigError, UnspoolError
from unspool._training.checkpoints import Checkpoint

PATIENCE = timedelta(days=1)  # the leader may read a long corpus or measure; one that is gone is seen at once
STEP, CLEAR, HOME, END = range(4)  # what the leader tells the others
READ = "unspool/read"  # in the store of all processes, once the leader has read the corpus
SAID = "unspool/said"  # counts, in the store of all processes, who has said that one is gone


class ProcessLostError(UnspoolError):
    """Another process of the training has ended."""


class LeaderSaysError(UnspoolError):
    """The training cannot go on, and the leader says why."""


class Ranks:
    """The place of this process among those that train together.

    Attributes:
        number: The number of this process, from 0.
        count: Number of processes.
        agreed: Whether they have compared what they train.
    """

    def __init__(self) -> None:
        self.agreed = False
        on_gpu = torch.cuda.is_available()
        if on_gpu:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
        try:
            dist.init_process_group(backend, timeout=PATIENCE)
        except (RuntimeError, ValueError) as error:
            raise UnspoolError(f"cannot reach the other processes: {str(error).splitlines()[0]}") from error
        self.number, self.count = dist.get_rank(), dist.get_world_size()
        self._store = dist.distributed_c10d._get_default_store()

    @property
    def leads(self) -> bool:
        """Return whether this is the process that writes and decides."""
        return bool(self.number == 0)

    @property
    def part(self) -> tuple[int, int]:
        """Return the part of the lanes of this process, for `Lanes`."""
        return self.number, self.count

    def leave(self) -> None:
        """Close the connections."""
        if dist.is_initialized():
            dist.destroy_process_group()

    def agree(self, what: Mapping[str, Any] | UnspoolError) -> None:
        """Compare what all processes are about to train, before the first step.

        Args:
            what: The identity of the run as this process sees it; or the error that keeps it from training.

        Raises:
            UnspoolError: If they differ, or one of them cannot train.
        """
        self.agreed = True
        own = (str(what), None) if isinstance(what, UnspoolError) else (None, _flat(what))
        all_of_them: list[Any] = [None] * self.count
        if self.leads:
            self._store.set(READ, "")  # nobody waits any longer, though it may have read nothing
        with self._connected():
            dist.all_gather_object(all_of_them, own)
        failed = [(number, error) for number, (error, _) in enumerate(all_of_them) if error is not None]
        if isinstance(what, UnspoolError):
            return  # the caller raises it
        error = (
            ConfigError(f"process {failed[0][0]} cannot train: {failed[0][1]}")
            if failed
            else _difference([identity for _, identity in all_of_them])
        )
        if error is not None:
            raise error if self.leads else LeaderSaysError(str(error))

    def says(self, error: UnspoolError) -> bool:
        """Return whether this process is the one that says an error: the first that meets one."""
        if isinstance(error, LeaderSaysError):
            return False
        try:
            return int(self._store.add(SAID, 1)) == 1
        except (RuntimeError, ValueError):
            return True

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Turn a broken connection into an error that says what is left.

        Raises:
            ProcessLostError: If another process has ended.
        """
        try:
            yield
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise ProcessLostError(
                "a process of this training has ended before the others; the last checkpoint is kept; "
                "start them again with --resume, as many as you like"
            ) from error

    def leader_first(self, work: Callable[[], Any]) -> Any:
        """Do a piece of work in the leader, and then in the others, which find what it has cached."""
        if not self.leads:
            with self._connected():
                self._store.wait([READ], PATIENCE)
            return work()
        try:
            return work()
        finally:
            self._store.set(READ, "")

    def wait_for_the_end_of_the_leader(self) -> None:
        """Wait until the leader is gone, so that it can say what went wrong."""
        with suppress(ProcessLostError):
            while True:
                self.hear()

    def tell(self, what: int, number: int = 0, epoch: int = 0, window: int = 0, rate: float = 0.0) -> None:
        """Send to the others what they do now; see `hear`."""
        with self._connected():
            dist.broadcast(torch.tensor([what, number, epoch, window, rate], dtype=torch.float64), src=0)

    def hear(self) -> tuple[int, int, int, int, float]:
        """Wait for what the leader tells: what to do, the step, the epoch, the window, the learning rate."""
        told = torch.zeros(5, dtype=torch.float64)
        with self._connected():
            dist.broadcast(told, src=0)
        what, number, epoch, window, rate = told.tolist()
        return int(what), int(number), int(epoch), int(window), rate

    def mean(self, gradients: Sequence[Tensor], total: Tensor, count: Tensor) -> tuple[list[Any], Any, Any]:
        """Return the mean gradients by all lanes, the whole loss and the number of its targets.

        Args:
            gradients: The mean gradients by the counted targets of this process.
            total: The loss of this process in nats.
            count: The number of its targets.
        """
        flat = torch.cat(
            [
                *((gradient * count).reshape(-1) for gradient in gradients),
                total.reshape(1),
                count.reshape(1),
            ]
        )
        with self._connected():
            dist.all_reduce(flat)
        *parts, all_nats, all_targets = flat.split([*(each.numel() for each in gradients), 1, 1])
        by = all_targets.clamp(min=1)
        means = [(part / by).view_as(each) for part, each in zip(parts, gradients, strict=True)]
        return means, all_nats[0], all_targets[0]

    def mean_of_arrays(self, loss: Loss, gradients: Gradients) -> tuple[Loss, Gradients]:
        """Return the whole loss and the mean gradients by all lanes, as arrays."""
        tensors = [torch.from_numpy(np.ascontiguousarray(each)) for each in gradients.values()]
        total, count = (torch.tensor(float(each)) for each in (loss.total, loss.count))
        means, nats, targets = self.mean(tensors, total, count)
        arrays = {name: mean.numpy() for name, mean in zip(gradients, means, strict=True)}
        return Loss(total=float(nats), count=round(float(targets))), arrays

    def share(self, checkpoint: Checkpoint) -> None:
        """Put the leader's checkpoint into that of every process, in place."""
        slots = [array for arrays in checkpoint.slots.values() for array in arrays.values()]
        average = list((checkpoint.average or {}).values())
        step = np.array([checkpoint.progress.step], np.int64)
        for array in (*checkpoint.parameters.values(), *slots, *average, checkpoint.state, step):
            with self._connected():
                dist.broadcast(torch.from_numpy(array), src=0)
        checkpoint.progress.step = int(step[0])

    def gather_state(self, checkpoint: Checkpoint) -> None:
        """Put the state of the lanes of every process into the checkpoint."""
        lanes = checkpoint.state.shape[2]
        checkpoint.state = checkpoint.state.copy()
        for number in range(self.count):
            own = slice(lanes * number // self.count, lanes * (number + 1) // self.count)
            part = np.ascontiguousarray(checkpoint.state[:, :, own])
            with self._connected():
                dist.broadcast(torch.from_numpy(part), src=number)
            checkpoint.state[:, :, own] = part


def _difference(identities: Sequence[Any]) -> ConfigError | None:
    """Return the error for the first process that trains something else than process 0; None if none does."""
    first = identities[0]
    for number, other in enumerate(identities):
        for name in [*first, *other]:
            if first.get(name) != other.get(name):
                return ConfigError(
                    f"process {number} trains something else than process 0: {name}",
                    expected=f"{first.get(name)!r}, as in process 0",
                    got=repr(other.get(name)),
                    hint="give all processes the same texts and the same options",
                )
    return None


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return the values of an identity by their whole names, without those that may differ."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name in ("kernels", "threads"):
            continue
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {before + name: value}
    return flat
