"""How many content events wait for the groups of workers."""

import time
from threading import Lock

from confluent_kafka import Consumer, KafkaException, TopicPartition

from earmark.models.error import ServiceError
from earmark.streams.kafka import client_config
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import CONTENT_EVENTS

ANSWER_S = 5.0
FRESH_S = 1.5  # for so long an answer is given again
_SILENT = 0


class LagReader:
    """Asks the brokers, seldom, however many want to know; from any thread."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._lock = Lock()
        self._known: tuple[float, dict[str, int]] = (-FRESH_S, {})

    def read(self) -> dict[str, int]:
        """Records behind, by group; raises ServiceError where the brokers do not answer."""
        with self._lock:
            at, known = self._known
            if time.monotonic() - at < FRESH_S:
                return known
            try:
                known = {self._kafka.group_id: self._behind()}
            except KafkaException as error:
                raise ServiceError(f"Kafka: {error.args[0].str()}") from error
            self._known = (time.monotonic(), known)
            return known

    def _behind(self) -> int:
        own = {"group.id": self._kafka.group_id, "enable.auto.commit": False, "log_level": _SILENT}
        consumer = Consumer(client_config(self._kafka, own))
        try:
            found = consumer.list_topics(CONTENT_EVENTS, timeout=ANSWER_S).topics[CONTENT_EVENTS]
            places = [TopicPartition(CONTENT_EVENTS, number) for number in found.partitions]
            behind = 0
            for place in consumer.committed(places, timeout=ANSWER_S):
                first, end = consumer.get_watermark_offsets(place, timeout=ANSWER_S)
                behind += max(0, end - max(first, place.offset))
            return behind
        finally:
            consumer.close()
