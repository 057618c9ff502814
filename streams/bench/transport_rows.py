"""`transport`: what moves through the worker where models cost nothing, beside a raw client.

A burst of text events lies in Kafka before the clock runs; it stops with the last commit. The
worker is whole but for its models (see `hollow`): it reads, plans, seals, encodes, rules by
receipts and publishes in transactions. The baseline is the shortest loop over confluent-kafka that
moves the same: it reads the very same records, looks up what the worker would write for each of
them, made before the clock runs, produces that, commits the offsets in the transaction, and does
nothing else. Both have one process, the same partitions and the same settings of their clients.
"""

import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from earmark.models.error import ServiceError
from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.codec import decode_event
from earmark.processors.outcome import Answer
from earmark.streams.assembly import LIVE, worker_name
from earmark.streams.bench.corpus import text_events
from earmark.streams.bench.hollow import hollow_pipeline
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, timed
from earmark.streams.bench.row import Goal, Row, spread
from earmark.streams.bench.served import Served, group_of, served
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.flight import Flight
from earmark.streams.kafka import BY_KEY, TRANSACTIONAL, consumer_config, producer_config
from earmark.streams.outgoing import FlightRecords, Outgoing
from earmark.streams.receipt import ruling
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS

SIGNALS = ("text.language", "text.embedding", "text.quality", "text.sentiment")
EVENTS = 8_192  # of a burst
TURNS = 5
BATCH = 256  # events that the raw loop takes at once, as the worker does
STALLED_S = 60.0
COMMAND = (sys.executable, "-m", "earmark.streams.bench.hollow_worker")

Moved = Mapping[bytes, Sequence[Outgoing]]  # what is written for a record, by its key


def transport(plan: Plan) -> Row:
    """Events moved per second, one in and its signals out."""
    settings = group_of(plan, "transport", signals=SIGNALS, protocol="classic")
    number = plan.scaled(EVENTS)
    with served(plan, settings, command=COMMAND) as worker:
        bursts = _Bursts(settings, worker, number)
        times = timed(
            Work(run=worker.finish, amount=number, prepare=bursts.queue),
            Work(run=bursts.move, amount=number, prepare=bursts.make),
            repetitions=plan.repeated(TURNS),
        )
        shared = bursts.sent / worker.transactions
    ours, raw = ([number / seconds for seconds in each] for each in times)
    return Row(
        name="transport",
        value=statistics.median(ours),
        unit="events/s",
        baseline=statistics.median(raw),
        against="a raw client that moves the same records",
        goal=Goal(on="ratio", op=">=", x=0.85),
        details=spread(ours, raw)
        | {
            "events_per_transaction": shared,
            "records_out_per_event": bursts.records_per_event,
            "value_records_per_s": statistics.median(ours) * (1 + bursts.records_per_event),
        },
    )


class _Bursts:
    """Bursts of so many events each, all of other items, before the worker and the raw loop."""

    def __init__(self, settings: Settings, worker: Served, number: int) -> None:
        self._settings = settings
        self._worker = worker
        self._number = number
        self._runs = count()
        self._maker = _Maker(settings)
        self._moved: Moved = {}
        self._raw = RawLoop(settings)
        self.sent = 0
        self.records_per_event = 0.0

    def queue(self) -> None:
        """Put the next burst before the worker."""
        self._raw.begin_at_the_end()
        self._worker.queue(text_events(self._number, run=f"transport-{next(self._runs)}"))
        self.sent += self._number

    def make(self) -> None:
        """Put the same burst before the raw loop, and make what it is to write."""
        messages = self._raw.read(self._number)
        self._moved = self._maker.moved(messages)
        self.records_per_event = sum(map(len, self._moved.values())) / self._number
        self._raw.again()

    def move(self) -> None:
        """Let the raw loop move it."""
        self._raw.move(self._moved, self._number)


class _Maker:
    """Makes what the worker would write."""

    def __init__(self, settings: Settings) -> None:
        self._pipeline = hollow_pipeline(settings)
        topics = [spec.topic for spec in self._pipeline.specs.values()]
        with Registry(settings.registry) as registry:
            from earmark.processors.schema import RECEIPTS, REJECTIONS

            ids = registry.ids_for_worker([*topics, CONTENT_EVENTS, REJECTIONS, RECEIPTS])
        self._topics = topics
        self._records = FlightRecords(settings, ids, worker=worker_name(settings), route=LIVE)

    def moved(self, messages: Sequence[Message]) -> Moved:
        """By the key of the record."""
        events = {id(e): (m, e) for m in messages for e in [decode_event(m.value() or b"")]}
        blocks = (
            Block(event=event, samples_T=NO_SAMPLES, end=End()) for _, event in events.values()
        )
        return {
            message.key() or b"": list(self._records.of(self._flight(message, answer)))
            for answer in self._pipeline.answer(blocks)
            for message, _ in [events[id(answer.event)]]
        }

    def _flight(self, message: Message, answer: Answer) -> Flight:
        flight = Flight(message=message, event=answer.event, outcomes=answer.outcomes)
        flight.ruling = ruling(None, answer.event, answer.outcomes, topics=self._topics)
        return flight


class RawLoop:
    """Consume, produce, commit: what a program without any other purpose would do."""

    def __init__(self, settings: Settings) -> None:
        kafka = settings.kafka
        group = f"{kafka.group_id}-raw"
        own = {
            "group.id": group,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
        self._settings = settings
        self._consumer = Consumer(consumer_config(kafka, own))
        self._producer = Producer(
            producer_config(kafka, {**TRANSACTIONAL, "transactional.id": group})
        )
        self._producer.init_transactions(30)
        self._starts: list[TopicPartition] = []

    def begin_at_the_end(self) -> None:
        """Begin with what comes next."""
        with CommittedReader(self._settings.kafka, CONTENT_EVENTS) as reader:
            self._starts = [
                TopicPartition(CONTENT_EVENTS, s.partition, s.end) for s in reader.spans()
            ]

    def read(self, number: int) -> list[Message]:
        """So many records, and nothing done with them."""
        self.again()
        return [message for batch in self._batches(number) for message in batch]

    def again(self) -> None:
        """Begin where it began."""
        self._consumer.assign(self._starts)

    def move(self, moved: Moved, number: int) -> None:
        """Write what belongs to each of so many records."""
        producer, consumer = self._producer, self._consumer
        for batch in self._batches(number):
            producer.begin_transaction()
            for message in batch:
                for record in moved[message.key() or b""]:
                    _produce(producer, record)
            behind = {(m.partition()): (m.offset() or 0) + 1 for m in batch}
            offsets = [TopicPartition(CONTENT_EVENTS, p or 0, o) for p, o in behind.items()]
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30)
            producer.commit_transaction(30)

    def _batches(self, number: int) -> Iterator[list[Message]]:
        until = time.monotonic() + STALLED_S
        while number > 0 and time.monotonic() < until:
            batch = self._consumer.consume(BATCH, 0.01)
            if batch:
                number -= len(batch)
                yield batch
        if number > 0:
            raise ServiceError(f"{number} records were not read in {STALLED_S:g} s")


def _produce(producer: Producer, record: Outgoing) -> None:
    while True:
        try:
            producer.produce(
                record.topic,
                record.value,
                record.key,
                BY_KEY if record.partition is None else record.partition,
                headers=record.headers,
            )
        except BufferError:
            producer.poll(0.1)
        else:
            return
