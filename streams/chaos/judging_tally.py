"""What agents have written in a run, what they should have, and how far they are."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition

from earmark.processors.codec import Codec
from earmark.processors.policy.policy import Policy
from earmark.processors.policy.verdict import Verdict, verdict_of
from earmark.processors.schema import schema_of
from earmark.streams.chaos.judging_load import Load, Message
from earmark.streams.judging.item import item_of
from earmark.streams.judging.record import Records
from earmark.streams.judging.state import Held
from earmark.streams.kafka import client_config
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import VERDICTS
from earmark.streams.topic_records import read_topic

ANSWER_S = 10.0

Place = tuple[str, int]  # topic and partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """The newest verdict of each item that has one, and how many records were written."""

    standing: Mapping[str, Verdict]
    written: int


class Writer:
    """Encodes messages as their producers do."""

    def __init__(self, registry: Registry, topics: Iterable[str]) -> None:
        self._ids = registry.ids_for_worker(topics)
        self._codecs = {topic: Codec(schema_of(topic)) for topic in self._ids}

    def write(self, message: Message) -> bytes | None:
        """The payload; None for a tombstone."""
        if message.record is None:
            return None
        return self._codecs[message.topic].encode(message.record, self._ids[message.topic])


class GroupOffsets:
    """Asks how far a group is, without a part in it."""

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        own = {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
        self._consumer = Consumer(client_config(kafka, own))
        self._partitions = range(kafka.partitions)

    def behind(self, topics: Collection[str]) -> int:
        """How many records of the topics the group has not acknowledged."""
        wanted = [TopicPartition(topic, number) for topic in topics for number in self._partitions]
        try:
            found = self._consumer.committed(wanted, timeout=ANSWER_S)
            left = {_place(each): count for each in found if (count := self._left(each))}
            return sum(left[place] for place in self._with_records(left, found))
        except KafkaException:
            return 1  # the broker is away; the wait has an end

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _with_records(
        self, left: Collection[Place], committed: Collection[TopicPartition]
    ) -> set[Place]:
        """Those that have records yet to come: the rest may be the marks of transactions."""
        self._consumer.assign([each for each in committed if _place(each) in left])
        unknown, found = set(left), set[Place]()
        while unknown:
            message = self._consumer.poll(ANSWER_S)
            if message is None:
                return found | unknown
            place = message.topic() or "", message.partition() or 0
            if message.error() is None:
                found.add(place)
            unknown.discard(place)
        self._consumer.unassign()
        return found

    def _left(self, partition: TopicPartition) -> int:
        first, end = self._consumer.get_watermark_offsets(partition, timeout=ANSWER_S)
        partition.offset = max(int(first), int(partition.offset))
        return int(end) - int(partition.offset)


def _place(partition: TopicPartition) -> Place:
    return partition.topic, partition.partition


def read_verdicts(kafka: KafkaSettings, topic: str, records: Records, prefix: str) -> Verdicts:
    """The verdicts on the topic about items whose ids begin with `prefix`."""
    standing: dict[str, Verdict] = {}
    written = 0
    for message in read_topic(kafka, topic, silent):
        content_id, payload = (message.key() or b"").decode(), message.value()
        if not content_id.startswith(prefix):
            continue
        written += 1
        if payload is None:
            standing.pop(content_id, None)
        else:
            standing[content_id] = verdict_of(records.read(VERDICTS, payload))
    return Verdicts(standing=standing, written=written)


def expected_verdicts(
    load: Load, writer: Writer, records: Records, policies: Collection[Policy]
) -> dict[str, Verdict]:
    """What the policies make of the newest records of each item."""
    found = {}
    for content_id, messages in load.final().items():
        payloads = {message.topic: writer.write(message) for message in messages}
        held = {topic: Held(0, 0, payload) for topic, payload in payloads.items() if payload}
        verdict = item_of(content_id, held, records).judge(policies)
        if verdict is not None:
            found[content_id] = verdict
    return found
