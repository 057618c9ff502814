"""One batch that a model is given, for the host that would watch it: the core has no clock."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from earmark.models.padding import Padding
from earmark.processors.content import ContentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a model is given at once.

    `held` is how much it is, of `room` for which the stage gathers, in the unit of its budget; one
    item may be more than there is room for. `events` are those that share it, none for a step of
    recordings that goes on many times a second. `padding` is known when the batch is through.
    """

    signal: str
    events: Sequence[ContentEvent]
    held: float
    room: float
    padding: Padding

    @property
    def fill(self) -> float:
        """How full it is, in [0, 1]."""
        return min(1.0, self.held / self.room)


WatchBatch = Callable[[Batch], AbstractContextManager[object]]


def unwatched(_: Batch) -> AbstractContextManager[object]:
    """Nobody looks."""
    return nullcontext()
