"""Where batches of stages are computed: one after the other here, or several side by side.

On a CPU two networks side by side are faster than one after the other: while one waits for the
slower of its threads, or has no parallel part (the steps of a decoder), the other has the cores.
Threads are the host's, which gives an executor or none.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

from earmark.processors.signal import SignalSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One batch: `compute` may run in any thread, `note` takes what it gave to the items."""

    compute: Callable[[], Any]
    note: Callable[[Any], None]


class LaneExecutor(Protocol):
    """`width` threads, as those of `concurrent.futures.ThreadPoolExecutor`."""

    width: int

    def submit(self, fn: Callable[[], Any], /) -> Future[Any]:
        """Call the function in one of the threads."""


class BatchStage(Protocol):
    """A stage that gathers pieces for batches."""

    @property
    def specs(self) -> Sequence[SignalSpec]:
        """The signals that it answers."""

    @property
    def fill(self) -> float:
        """How many batches it has gathered, 0 where there is nothing."""

    def batch(self) -> Job | None:
        """The next batch, taken out of what is gathered; None where nothing is left."""


class Lanes:
    """Computes batches of `stages`, of those that share a model or follow each other one at a time.

    Without an executor a batch is computed when it is started. One session uses it, in one thread.
    """

    def __init__(self, stages: Sequence[BatchStage], executor: LaneExecutor | None = None) -> None:
        self._groups = {
            id(stage): number for number, group in enumerate(grouped(stages)) for stage in group
        }
        self._executor = executor
        self._width = executor.width if executor else 1
        self._running: dict[Future[Any], tuple[int, Job]] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is being computed."""
        return bool(self._running)

    @property
    def idle(self) -> bool:
        """Whether a lane waits for work."""
        return self._executor is not None and self._has_room

    def takes(self, stage: BatchStage) -> bool:
        """Whether a batch of this stage could begin now."""
        group = self._groups[id(stage)]
        held = any(group == other for other, _ in self._running.values())
        return not held and self._has_room

    @property
    def _has_room(self) -> bool:
        return len(self._running) < self._width

    def start(self, stage: BatchStage) -> None:
        """Take a batch of the stage and compute it."""
        job = stage.batch()
        if job is None:
            return
        if self._executor is None:
            job.note(job.compute())
        else:
            self._running[self._executor.submit(job.compute)] = (self._groups[id(stage)], job)

    def collect(self, *, wait_for_one: bool = False) -> None:
        """Note what is through; raises what a batch raised."""
        if wait_for_one and self._running:
            wait(self._running, return_when=FIRST_COMPLETED)
        for future in [each for each in self._running if each.done()]:
            _, job = self._running.pop(future)
            job.note(future.result())

    def abandon(self) -> None:
        """Wait for what is being computed, and let it go: the models are free then."""
        wait(self._running)
        self._running.clear()


def grouped(stages: Sequence[BatchStage]) -> list[list[BatchStage]]:
    """The stages in groups that have no model in common: what one remembers is for one thread."""
    groups: list[tuple[set[str], list[BatchStage]]] = []
    for stage in stages:
        names = {name for spec in stage.specs for name in (spec.name, *spec.follows, *spec.models)}
        members = [stage]
        for other in [each for each in groups if each[0] & names]:
            groups.remove(other)
            names |= other[0]
            members = [*other[1], *members]
        groups.append((names, members))
    return [members for _, members in groups]
