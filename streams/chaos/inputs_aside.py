"""Records that the worker has set apart, on topics of its own, and not answered yet."""

from confluent_kafka import Consumer, KafkaException, TopicPartition

from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.kafka import client_config
from earmark.streams.settings import KafkaSettings

ANSWER_S = 5.0


class Aside:
    """Looks at one such topic, without a part in the group; for one thread."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        own = {"group.id": kafka.group_id, "enable.auto.commit": False}
        self._kafka = kafka
        self._topic = topic
        self._group = Consumer(client_config(kafka, own))

    def left(self) -> int:
        """How many records the group has not committed.

        They are counted one by one: offsets are also taken by the marks of transactions. Raises
        ServiceError where the brokers do not give them.
        """
        with CommittedReader(self._kafka, self._topic) as reader:
            spans = [self._open(span) for span in reader.spans()]
            return sum(1 for span in spans for _ in reader.read(span))

    def close(self) -> None:
        """Leave the brokers."""
        self._group.close()

    def _open(self, span: Span) -> Span:
        """What is not committed of it."""
        wanted = [TopicPartition(self._topic, span.partition)]
        try:
            (found,) = self._group.committed(wanted, timeout=ANSWER_S)
        except KafkaException:
            return span  # it is asked again
        start = min(max(span.start, found.offset), span.end)
        return Span(partition=span.partition, start=start, end=span.end)
