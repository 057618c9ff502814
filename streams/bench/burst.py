"""Bursts of events before the worker, and before a raw loop with all that it is to write."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count

from confluent_kafka import Message

from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.codec import decode_event
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import Answer
from earmark.processors.pipeline import Pipeline
from earmark.processors.schema import RECEIPTS, REJECTIONS
from earmark.streams.assembly import LIVE, worker_name
from earmark.streams.bench.raw_loop import Moved, RawLoop
from earmark.streams.bench.served import Served
from earmark.streams.flight import Flight
from earmark.streams.outgoing import FlightRecords
from earmark.streams.receipt import ruling
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS

Make = Callable[[str], Iterable[ContentEvent]]  # the events of one run, which names them


class Bursts:
    """Bursts of `number` text events each, all of other items.

    What the raw loop writes is what the worker would write: `pipeline` answers in this process.
    """

    def __init__(
        self, settings: Settings, worker: Served, pipeline: Pipeline, make: Make, *, number: int
    ) -> None:
        self._worker = worker
        self._pipeline = pipeline
        self._make = make
        self._number = number
        self._runs = count()
        self._raw = RawLoop(settings)
        self._topics = [
            spec.topic for name, spec in pipeline.specs.items() if name in pipeline.asked
        ]
        with Registry(settings.registry) as registry:
            ids = registry.ids_for_worker([*self._topics, CONTENT_EVENTS, REJECTIONS, RECEIPTS])
        self._records = FlightRecords(settings, ids, worker=worker_name(settings), route=LIVE)
        self._read: Mapping[int, tuple[Message, ContentEvent]] = {}
        self._moved: Moved = {}
        self.sent = 0

    def queue(self) -> None:
        """Put the next burst before the worker."""
        self._raw.begin_at_the_end()
        self._worker.queue(self._make(f"burst-{next(self._runs)}"))
        self.sent += self._number

    def read(self) -> None:
        """Put the same burst before the raw loop, and decode its events."""
        messages = self._raw.read(self._number)
        pairs = ((message, decode_event(message.value() or b"")) for message in messages)
        self._read = {id(event): (message, event) for message, event in pairs}
        self._raw.again()

    def made(self) -> None:
        """Likewise, and make what is to be written for it."""
        self.read()
        self.encode(self.score())

    def score(self) -> Sequence[Answer]:
        """The answers to what was read."""
        blocks = (
            Block(event=event, samples_T=NO_SAMPLES, end=End()) for _, event in self._read.values()
        )
        return list(self._pipeline.answer(blocks))

    def encode(self, answers: Iterable[Answer]) -> None:
        """Make the records that follow from the answers."""
        self._moved = {
            (flight.message.key() or b""): list(self._records.of(flight))
            for flight in map(self._flight, answers)
        }

    def move(self) -> None:
        """Let the raw loop move what was made."""
        self._raw.move(self._moved, self._number)

    @property
    def records_per_event(self) -> float:
        """How many are written for one, its receipt included."""
        return sum(map(len, self._moved.values())) / self._number

    def _flight(self, answer: Answer) -> Flight:
        message, event = self._read[id(answer.event)]
        flight = Flight(message=message, event=event, outcomes=answer.outcomes)
        flight.ruling = ruling(None, event, answer.outcomes, topics=self._topics)
        return flight
