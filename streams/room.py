"""Room for so many bytes: whoever brings more waits until others have gone.

What a worker holds between Kafka and Kafka, and what bounds it. Nothing grows with the length of a
topic, of a queue or of a recording: where one place is full, those before it wait, and in the end
partitions are paused.

    what                          bound                                       by
    read ahead by librdkafka      16 MB, and 8 MB from each broker            kafka.CONSUMER
    records before their turn     1 MB and a record of each partition         intake.KEPT_BYTES
    the last read                 what was read ahead
    flights: records, answers     worker.bytes_in_flight, 64 MB: then no      flight.FlightLedger
      that wait for others,         more is begun. What is computed for a
      lost partitions' work         lost partition counts until it is done
    their events                  as large again as the records
    media on disk                 media.spool_bytes, 4 GB, and a download     room.Room
                                    of each fetcher whose size is unknown
    media from records of Kafka   16 MB                                       fetch.MEMORY_BYTES
    media in decode processes     inline ones: of one event each
    samples on their way here     two blocks of each decoder, 640 kB each
    samples before the device     worker.decoded_bytes, 16 MB                 block_queue.BlockQueue
    samples of open recordings    16 MB (CUDA 131 MB), and of each            stage.BACKLOG_BYTES
                                    decoder a chunk, two blocks, the
                                    speech that goes on (28 s), a window
                                    (30 s): 5 MB
    clips before the device       240 s, 15 MB; in lanes thrice that, of      budget.CLIP_S,
                                    which a third is computed; CUDA           session.MOST_FILL
                                    1,920 s, 123 MB
    spans, readings               media.max_hours: about 20 MB in 24 hours
    texts read together           1,000,000 code points, or an event's        budget.Budget
    a transaction                 16 MB of flights, or one; and encoded       flight.HEADS_BYTES
    to be sent by librdkafka      32 MB                                       kafka.PRODUCER
    receipts, cached answers      on disk; answers worker.answer_cache_bytes
    the crash ledger              the flights, and 10,000 suspects

The device's own memory is what `earmark.processors.budget` is about.
"""

from collections import deque
from collections.abc import Callable
from threading import Condition
from types import TracebackType
from typing import Self

from earmark.processors.error import ServiceError

WAIT_S = 1.0  # from one word that somebody waits to the next


class Room:
    """Holds up to `max_bytes`; safe to use from several threads.

    They are let in in the order in which they came. Whoever finds nobody is let in whatever his
    size, so one thing of any size passes. `waiting` is called about once in a second by each who
    waits.
    """

    def __init__(self, max_bytes: int, waiting: Callable[[], None] | None = None) -> None:
        self._max_bytes = max_bytes
        self._waiting = waiting
        self._queue: deque[object] = deque()
        self._changed = Condition()
        self._closed = False
        self._places = 0
        self.bytes = 0

    def take(self, size: int) -> "Place":
        """A place for `size` bytes, once there is one; raises ServiceError after `close`."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            while not self._changed.wait_for(lambda: self._admits(ticket, size), WAIT_S):
                if self._waiting is not None:
                    self._waiting()
            self._queue.remove(ticket)
            self._changed.notify_all()
            if self._closed:
                raise ServiceError("nothing more is taken in: the worker ends")
            self._places += 1
            self.bytes += size
        return Place(self, size)

    def close(self) -> None:
        """Send away who waits and who comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def change(self, bytes_more: int, *, places: int = 0) -> None:
        """Note that what is here has grown or shrunk; that never waits."""
        with self._changed:
            self.bytes += bytes_more
            self._places += places
            self._changed.notify_all()

    def _admits(self, ticket: object, size: int) -> bool:
        if self._closed:
            return True
        fits = not self._places or self.bytes + size <= self._max_bytes
        return fits and self._queue[0] is ticket


class Place:
    """Room that is taken, until it is left; for one thread at a time."""

    def __init__(self, room: Room, size: int) -> None:
        self._room = room
        self._size = size
        self._left = False

    def hold(self, size: int) -> None:
        """Take so much in all: what came was not as large as was said."""
        if not self._left:
            self._room.change(size - self._size)
            self._size = size

    def leave(self) -> None:
        """Give it back; may be called twice."""
        if not self._left:
            self._left = True
            self._room.change(-self._size, places=-1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.leave()
