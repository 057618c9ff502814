"""How far the workers are, by the offsets that they have committed; and when nothing is open."""

import time
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from earmark.processors.error import ServiceError
from earmark.streams.kafka import client_config
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import CONTENT_EVENTS

ANSWER_S = 2.0  # a broker that is down is asked again soon
SETTLED_S = 60.0  # a transaction that was left open is aborted after 15 s, looked for each 10 s
POLL_S = 0.2


class Offsets:
    """Asks for offsets, without a part in the group; for one thread."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._partitions = range(kafka.partitions)
        self._committed = dict.fromkeys(self._partitions, 0)
        own = {"group.id": kafka.group_id, "enable.auto.commit": False}
        # "committed" ends where a transaction is open, "uncommitted" where the topic does
        self._readers = [
            Consumer(client_config(kafka, {**own, "isolation.level": f"read_{level}"}))
            for level in ("committed", "uncommitted")
        ]

    def answered(self) -> Mapping[int, int]:
        """The offset that is committed in each partition, as last heard."""
        wanted = [TopicPartition(CONTENT_EVENTS, number) for number in self._partitions]
        try:
            for found in self._readers[0].committed(wanted, timeout=ANSWER_S):
                if found.error is None and found.offset >= 0:
                    self._committed[found.partition] = found.offset
        except KafkaException:
            pass  # the broker is away; it will come back, or the wait has an end
        return self._committed

    def wait_until_settled(self, topics: list[str]) -> None:
        """Wait until no transaction is open in the topics; ServiceError if that takes too long."""
        deadline = time.monotonic() + SETTLED_S
        while not all(self._settled(topic) for topic in topics):
            if time.monotonic() > deadline:
                raise ServiceError(f"what was written was not committed in {SETTLED_S:g} s")
            time.sleep(POLL_S)

    def close(self) -> None:
        """Leave the brokers."""
        for reader in self._readers:
            reader.close()

    def _settled(self, topic: str) -> bool:
        try:
            return all(self._is_closed(TopicPartition(topic, n)) for n in self._partitions)
        except KafkaException:
            return False  # the partition has no leader yet; the wait has an end

    def _is_closed(self, partition: TopicPartition) -> bool:
        """Whether what is committed reaches to the end."""
        ends = [
            reader.get_watermark_offsets(partition, timeout=ANSWER_S)[1] for reader in self._readers
        ]
        return ends[0] == ends[1]
