"""Events between the moment they are read and the moment their offsets are committed.

Events of a partition finish in any order and are committed in the order they came: what is
published in one transaction is the finished head of each partition, and the offset behind it.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from confluent_kafka import Message, TopicPartition

from earmark.processors.content import ContentEvent
from earmark.processors.outcome import Outcome, Rejection, held_bytes
from earmark.processors.plan import Plan
from earmark.streams.crash_ledger import Place
from earmark.streams.header import FORCE, Headers, carried_headers, headers_of
from earmark.streams.journey import NOWHERE, Journey
from earmark.streams.promotion import Promotion
from earmark.streams.receipt import Ruling

Partition = tuple[str, int]
Payload = bytes  # in a flight, that name is taken

HEADS_BYTES = 16_000_000  # of flights that are published in one transaction


@dataclass(slots=True, kw_only=True, eq=False)
class Flight:
    """One record on its way; `outcomes` is None until all of them are known.

    `bytes` are those of the record and, once they are counted, of its outcomes.
    """

    message: Message
    event: ContentEvent | None = None  # None where the record could not be read
    promotion: Promotion | None = None  # or where it is an answer of a replay
    plan: Plan | None = None  # None: all that is expected is computed
    outcomes: tuple[Outcome, ...] | None = None
    heard_s: float = 0.0  # seconds of audio that were decoded for it
    retried: bool = False  # what failed is tried again later
    late: bool = False  # what stood of its item when it was taken up was as new
    long: bool = False  # its recording is long: it waits among others of its kind
    journey: Journey = NOWHERE  # how it is on its way
    ruling: Ruling | None = None  # what is to be written, once that is known
    receipt: Payload | None = None  # its receipt as it is written
    bytes: int = field(init=False)
    adrift: bool = False  # its partition has gone to another worker while it was computed
    _partition: Partition | None = field(default=None, init=False)
    _headers: Headers | None = field(default=None, init=False)
    _carried: Headers | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.bytes = len(self.message.value() or b"")

    @property
    def content_id(self) -> str | None:
        """The item that it is about, where that is known."""
        about = self.event or self.promotion
        return about.content_id if about is not None else None

    @property
    def carried(self) -> Headers:
        """The trace context of what comes of it."""
        if (traced := self.journey.headers) is not None:
            return traced
        if self._carried is None:
            self._carried = carried_headers(self.headers)
        return self._carried

    @property
    def headers(self) -> Headers:
        """Those of the record; the client makes them anew each time that it is asked."""
        if self._headers is None:
            self._headers = headers_of(self.message)
        return self._headers

    @property
    def partition(self) -> Partition:
        """Where the record came from."""
        if self._partition is None:
            self._partition = partition_of(self.message)
        return self._partition

    @property
    def place(self) -> Place:
        """Where the record stands."""
        return Place(*self.partition, self.message.offset() or 0)

    @property
    def written(self) -> tuple[Outcome, ...]:
        """The outcomes that are published."""
        return self.ruling.outcomes if self.ruling is not None else self.outcomes or ()

    @property
    def rejection(self) -> Rejection | None:
        """Why the record is dead-lettered, if it is."""
        for each in self.written:
            if isinstance(each, Rejection):
                return each
        return None

    @property
    def forced(self) -> bool:
        """Whether its producer wants it answered even where nothing changed."""
        return any(name == FORCE for name, _ in self.headers)


class FlightLedger:
    """Every flight of the partitions that this worker owns, in order.

    `count` is their number. `bytes` is what they hold, and what those hold that were dropped and
    are still being computed.
    """

    def __init__(self) -> None:
        self._flights: dict[Partition, deque[Flight]] = defaultdict(deque)
        self._items: Counter[str] = Counter()  # flights of each item whose event is known
        self.count = 0
        self.bytes = 0

    def add(self, flight: Flight) -> None:
        """Take up the next record of its partition."""
        self._flights[flight.partition].append(flight)
        self.count += 1
        self.bytes += flight.bytes

    def answered(self, flight: Flight) -> None:
        """Count what the outcomes of a flight hold, now that they have come.

        They may lie here for long: while one before them takes hours. One that is adrift is let go.
        """
        if flight.adrift:
            self.bytes -= flight.bytes
            return
        more = sum(map(held_bytes, flight.outcomes or ()))
        flight.bytes += more
        self.bytes += more

    def identify(self, flight: Flight) -> bool:
        """Note the item of a flight, now that it is known; whether no other is on its way."""
        item = flight.content_id
        if item is None:
            return True
        self._items[item] += 1
        return self._items[item] == 1

    def finished_heads(self, limit: int) -> list[Flight]:
        """Up to `limit` finished flights with nothing unfinished before them, removed.

        Together they hold HEADS_BYTES at most, unless it is a single one that holds more.
        """
        heads: list[Flight] = []
        room = HEADS_BYTES
        for flights in self._flights.values():
            while flights and flights[0].outcomes is not None and len(heads) < limit:
                room -= flights[0].bytes
                if heads and room < 0:
                    return heads
                heads.append(self._remove(flights))
        return heads

    def holds(self, topic: str | None) -> bool:
        """Whether any flight from this topic is in the ledger."""
        return any(flights and name == topic for (name, _), flights in self._flights.items())

    def oldest(self, partition: Partition) -> Flight | None:
        """The first flight of the partition that is not committed."""
        flights = self._flights.get(partition)
        return flights[0] if flights else None

    def pending(self, partitions: Collection[Partition]) -> bool:
        """Whether any flight of these partitions is still in the ledger."""
        return any(self._flights[partition] for partition in partitions)

    def drop(self, partitions: Iterable[Partition]) -> list[Flight]:
        """Forget the flights of partitions that now belong to another worker."""
        return list(self._dropped(partitions))

    def _dropped(self, partitions: Iterable[Partition]) -> Iterator[Flight]:
        for partition in partitions:
            flights = self._flights.pop(partition, deque())
            while flights:
                flight = self._remove(flights)
                flight.adrift = flight.outcomes is None
                self.bytes += flight.bytes if flight.adrift else 0
                yield flight

    def _remove(self, flights: deque[Flight]) -> Flight:
        flight = flights.popleft()
        self.count -= 1
        self.bytes -= flight.bytes
        if (item := flight.content_id) is not None:
            self._items[item] -= 1
            if not self._items[item]:
                del self._items[item]
        return flight


def partition_of(message: Message) -> Partition:
    """Where the record was read."""
    return message.topic() or "", message.partition() or 0


def offsets_behind(flights: Iterable[Flight], *, of: str = "") -> list[TopicPartition]:
    """The offsets to commit once these flights are published: one past the last of each.

    They carry `of`, the name of who commits them.
    """
    last: dict[Partition, int] = {}
    for flight in flights:
        last[flight.partition] = max(
            last.get(flight.partition, -1), (flight.message.offset() or 0) + 1
        )
    return [TopicPartition(topic, number, offset, of) for (topic, number), offset in last.items()]
