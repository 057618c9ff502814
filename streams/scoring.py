"""The one thread that owns the device: loads the pipeline, scores blocks, hands back answers.

On a CPU it has batches of different models computed side by side (see `lane_threads`).
"""

import queue
from collections.abc import Callable, Iterator
from threading import Event, Thread

from earmark.processors.block import Block, Stir
from earmark.processors.error import ModelError
from earmark.processors.outcome import Answer
from earmark.processors.pipeline import Pipeline
from earmark.streams.allocator import return_free_pages
from earmark.streams.block_queue import BlockQueue
from earmark.streams.busy_clock import BusyClock
from earmark.streams.lane_threads import LaneThreads

TIDY_BYTES = 8_000_000  # of samples, about two minutes: seldom beside a batch of clips


class ScoringThread(Thread):
    """Scores until the queue is closed. What it raises is kept in `failure` for its owner.

    `moved` is called for each block that is folded.

    The pipeline is loaded in this thread, since compiled graphs belong to the thread that made
    them.
    """

    def __init__(
        self, load: Callable[[], Pipeline], blocks: BlockQueue, moved: Callable[[], None]
    ) -> None:
        super().__init__(name="scoring", daemon=True)
        self._load = load
        self._blocks = blocks
        self._moved = moved
        self._clock = BusyClock()  # runs while the pipeline has a block and does not ask for more
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.loaded = Event()
        self._pipeline: Pipeline | None = None
        self.failure: Exception | None = None

    def run(self) -> None:
        """Load, then answer until the blocks end."""
        try:
            pipeline = self._load()
            if isinstance(lanes := pipeline.executor, LaneThreads):
                lanes.clock, lanes.through = self._clock, self._blocks.stir
            pipeline.warm_up()
            self._pipeline = pipeline
            self.loaded.set()
            for answer in pipeline.answer(self._taken()):
                self._answers.put(answer)
        except Exception as error:  # noqa: BLE001  # crosses the thread, raised again by the owner
            self.failure = error
        finally:
            self.loaded.set()
            self._blocks.close()

    @property
    def busy_s(self) -> float:
        """The seconds for which something was computed."""
        return self._clock.seconds

    @property
    def pipeline(self) -> Pipeline:
        """What scores, once it is loaded; others may ask it, only this thread may score."""
        if self._pipeline is None:
            raise ModelError("the models are not loaded")
        return self._pipeline

    def answers(self, *, wait_s: float) -> list[Answer]:
        """The answers that have come, waiting up to `wait_s` for the first.

        Raises what ended the thread, if it failed.
        """
        self.check()
        found: list[Answer] = []
        try:
            found.append(self._answers.get(block=wait_s > 0, timeout=wait_s or None))
            while True:
                found.append(self._answers.get_nowait())
        except queue.Empty:
            return found

    def _taken(self) -> Iterator[Block | Stir | None]:
        """The blocks; in between, what batches have left free goes back to the system."""
        passed_bytes = 0
        for block in self._blocks.stream():
            with self._clock.working():
                yield block
            self._moved()
            passed_bytes += block.samples_T.nbytes if isinstance(block, Block) else 0
            if passed_bytes >= TIDY_BYTES:
                return_free_pages()
                passed_bytes = 0

    def check(self) -> None:
        """Raise what ended the thread, if it failed."""
        if self.failure is not None:
            raise self.failure
