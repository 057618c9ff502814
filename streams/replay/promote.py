"""Hands the answers of a finished replay to the live workers, exactly once, resumably.

The records of the run's signal topics go to `content.promotions.v1` in transactions that carry the
offsets they were read up to; the workers of live events take them up (`streams/promotion.py`).
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing

from confluent_kafka import (
    Consumer,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from earmark.processors.codec import Codec
from earmark.processors.error import ContentError
from earmark.processors.outcome import OutcomeKind
from earmark.processors.schema import schema_of
from earmark.streams.broker_error import kafka_error
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.error import TransactionError
from earmark.streams.header import headers_of
from earmark.streams.kafka import BY_KEY, TRANSACTIONAL, client_config, producer_config
from earmark.streams.promotion import PARTITION, PROMOTE_TO
from earmark.streams.registry import Registry
from earmark.streams.replay.manifest import Manifest
from earmark.streams.replay.work import topics_of
from earmark.streams.settings import Settings
from earmark.streams.topic import PROMOTIONS

BATCH = 500  # records in one transaction
COMMIT_TIMEOUT_S = 20.0
ANSWER_S = 10.0
POLL_S = 0.3

OnSent = Callable[[int, int], None]  # records passed, of how many


class Promoter:
    """Sends the answers of one run; for one thread, one at a time for each run."""

    def __init__(self, settings: Settings, manifest: Manifest) -> None:
        self._settings = settings
        self._manifest = manifest
        self._group = f"{manifest.live_group}-promote-{manifest.run}"
        self._consumer = Consumer(client_config(settings.kafka, _reading(self._group)))
        self._producer = Producer(
            producer_config(
                settings.kafka,
                {**TRANSACTIONAL, "transactional.id": self._group},
            )
        )

    def run(self, on_sent: OnSent) -> int:
        """Send what was not sent before; how many answers went now.

        Raises TransactionError when Kafka did not take them: another run of it goes on from there.
        """
        sent = passed = 0
        self._guarded(lambda: self._producer.init_transactions(COMMIT_TIMEOUT_S))
        topics = topics_of(self._manifest)
        spans = {topic: self._spans(topic) for topic in topics}
        total = sum(span.end - span.start for each in spans.values() for span in each)
        with Registry(self._settings.registry) as registry:
            for topic in topics:
                codec = Codec(schema_of(topic), writer_schema=registry.schema_by_id)
                for span in spans[topic]:
                    sent += self._send_span(topic, span, codec)
                    passed += span.end - span.start
                    on_sent(passed, total)
        self._consumer.close()
        return sent

    def _spans(self, topic: str) -> list[Span]:
        """What the topic of the run holds, behind what was sent before."""
        name = self._manifest.route.written(topic)
        with CommittedReader(self._settings.kafka, name) as reader:
            spans = reader.spans()
        wanted = [TopicPartition(name, span.partition) for span in spans]
        try:
            found = self._consumer.committed(wanted, timeout=ANSWER_S)
        except KafkaException as error:
            raise kafka_error(self._settings.kafka.bootstrap_servers, error) from error
        sent = {partition.partition: partition.offset for partition in found}
        return [
            Span(partition=s.partition, start=max(s.start, sent[s.partition]), end=s.end)
            for s in spans
        ]

    def _send_span(self, topic: str, span: Span, codec: Codec) -> int:
        name, sent = self._manifest.route.written(topic), 0
        batch: list[Message] = []
        with CommittedReader(self._settings.kafka, name) as reader:
            for message in reader.read(span):
                batch.append(message)
                if len(batch) == BATCH:
                    sent += self._send(topic, batch, codec)
                    batch = []
        return sent + (self._send(topic, batch, codec) if batch else 0)

    def _send(self, topic: str, batch: Sequence[Message], codec: Codec) -> int:
        answers = [message for message in batch if _is_answer(message, codec)]
        last = batch[-1]
        behind = TopicPartition(last.topic() or "", last.partition() or 0, (last.offset() or 0) + 1)
        self._guarded(lambda: self._transact(topic, answers, behind))
        return len(answers)

    def _transact(self, topic: str, answers: Sequence[Message], behind: TopicPartition) -> None:
        self._producer.begin_transaction()
        for message in answers:
            headers = headers_of(message)
            self._producer.produce(
                PROMOTIONS,
                message.value(),
                message.key(),
                _partition(headers),
                headers=[*headers, (PROMOTE_TO, topic.encode())],
            )
        metadata = self._consumer.consumer_group_metadata()
        self._producer.send_offsets_to_transaction([behind], metadata, COMMIT_TIMEOUT_S)
        self._producer.commit_transaction(COMMIT_TIMEOUT_S)

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            action()
        except KafkaException as error:
            raise TransactionError(f"Kafka transaction failed: {error.args[0].str()}") from error


def wait_until_taken(settings: Settings, manifest: Manifest, *, limit_s: float) -> bool:
    """Whether the live workers have taken up all promotions that are there now, in time."""
    with CommittedReader(settings.kafka, PROMOTIONS) as reader:
        last = {s.partition: _last_offset(reader, s) for s in reader.spans() if s.end > s.start}
    wanted = [TopicPartition(PROMOTIONS, number) for number in last]
    own = {"group.id": manifest.live_group, "enable.auto.commit": False}
    deadline = time.monotonic() + limit_s
    with closing(Consumer(client_config(settings.kafka, own))) as consumer:
        while wanted:
            found = consumer.committed(wanted, timeout=ANSWER_S)
            wanted = [p for p in found if p.offset <= last[p.partition]]
            if wanted and time.monotonic() > deadline:
                return False
            time.sleep(POLL_S if wanted else 0)
    return True


def _last_offset(reader: CommittedReader, span: Span) -> int:
    """Of the last record: behind it lie the marks of transactions."""
    start = max(span.start, span.end - BATCH)
    offsets = [
        m.offset() or 0
        for m in reader.read(Span(partition=span.partition, start=start, end=span.end))
    ]
    return max(offsets, default=-1)


def _is_answer(message: Message, codec: Codec) -> bool:
    """Not a tombstone (the live workers erase by themselves), and not a failure."""
    value = message.value()
    if value is None:
        return False
    try:
        return bool(codec.decode(value)["outcome"] != OutcomeKind.ERROR)
    except ContentError:
        return False


def _partition(headers: Sequence[tuple[str, object]]) -> int:
    named = next((value for name, value in headers if name == PARTITION), None)
    return int(named) if isinstance(named, bytes) and named.isdigit() else BY_KEY


def _reading(group: str) -> dict[str, object]:
    return {
        "group.id": group,
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    }
