"""How much a stage gives a model at once, and how much less for a while where memory ran out.

A batch that does not fit into memory is no item's fault. It is halved (see `isolation`), and the
batches after it are made half as large, so that they need no halving: another process has the
memory, or these inputs need more of it than most. Batches that fit win the rest back, step by step.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from earmark.models.device import Device
from earmark.models.padding import noting
from earmark.processors.batch import Batch, WatchBatch, unwatched
from earmark.processors.content import ContentEvent
from earmark.processors.signal import Takes

CLIP_S = {"cpu": 240.0, "cuda": 1920.0}  # speech gathered before the device is given it
WINDOW_S = {"cpu": 120.0, "cuda": 1920.0}  # windows likewise
STREAM_WIDTH = {"cpu": 32, "cuda": 512}  # recordings stepped together; 8 do for two cores
PASSAGE_ITEMS = 256  # heard items whose texts are read together
PASSAGE_CODE_POINTS = 1_000_000  # or so much text
ITEM_CODE_POINTS = PASSAGE_CODE_POINTS // PASSAGE_ITEMS  # what an item counts for at least

GOOD_BATCHES = 32  # in a row, that win a step back
STEPS = 8  # from nothing to the whole

T = TypeVar("T")


class Budget:
    """What one batch may hold, in the unit of its stage: seconds, recordings, code points.

    It is never less than `least`. A stage gives its model one item at least, however large.
    `watch` surrounds each batch, for a host that times it.
    """

    def __init__(self, full: float, *, least: float = 1.0) -> None:
        self._full = full
        self._least = least
        self._good = 0
        self.watch: WatchBatch = unwatched
        self.amount = full
        self.shortages = 0  # batches that did not fit into memory

    @property
    def share(self) -> float:
        """What is left of the whole budget, in (0, 1]."""
        return self.amount / self._full

    def lower(self, size: float) -> None:
        """A batch of this size did not fit: gather half of it at most, for a while."""
        self.amount = max(min(self.amount, size / 2), self._least)
        self.shortages += 1
        self._good = -1  # the batch that is under way, in halves, is not a good one

    @contextmanager
    def batch(
        self, signal: str, held: float, events: Sequence[ContentEvent] = ()
    ) -> Iterator[None]:
        """Surrounds the scoring of a batch that holds so much; one that goes through has passed."""
        with noting() as padding:
            room = self.amount
            batch = Batch(signal=signal, events=events, held=held, room=room, padding=padding)
            with self.watch(batch):
                yield
        self.passed()

    def passed(self) -> None:
        """A batch went through; enough of them without a shortage raise the budget by a step."""
        self._good += 1
        if self._good == GOOD_BATCHES:
            self._good = 0
            self.amount = min(self._full, self.amount + self._full / STEPS)

    def portions(self, items: Sequence[T], size: Callable[[T], float]) -> Iterator[list[T]]:
        """The items in batches that are within the budget as it is when each is asked for.

        An item that is larger by itself is a batch of its own.
        """
        portion: list[T] = []
        held = 0.0
        for item in items:
            if portion and held + size(item) > self.amount:
                yield portion
                portion, held = [], 0.0
            portion.append(item)
            held += size(item)
        if portion:
            yield portion


def full_budget(takes: Takes, device: Device) -> Budget:
    """The budget of a stage for signals of this kind, before memory has ever run out."""
    match takes:
        case Takes.STREAM:
            return Budget(STREAM_WIDTH[device.kind])
        case Takes.CLIPS:
            return Budget(CLIP_S[device.kind])
        case Takes.WINDOWS:
            return Budget(WINDOW_S[device.kind])
        case _:
            return Budget(PASSAGE_CODE_POINTS, least=ITEM_CODE_POINTS)
