"""How many records wait for a group of workers, as the brokers know it."""

import time
from collections.abc import Sequence
from threading import Lock

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not marked for checkers
    AdminClient,
    OffsetSpec,
)

from earmark.models.error import ServiceError
from earmark.streams.broker_error import kafka_error
from earmark.streams.kafka import client_config
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import CONTENT_EVENTS

ANSWER_S = 5.0
_PAUSE_S = 0.1
_SOON = {  # asked again, the brokers know
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}


class GroupLag:
    """Asks the brokers; from any thread, and seldom where `fresh_s` says for how long it holds.

    What counts is what a reader of committed records may read: not what an open transaction has
    written. A partition of which the group has committed nothing waits for it as a whole.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        group_id: str,
        topic: str = CONTENT_EVENTS,
        fresh_s: float = 0.0,
    ) -> None:
        own = {"group.id": group_id, "enable.auto.commit": False}
        self._servers = kafka.bootstrap_servers
        self._consumer = Consumer(client_config(kafka, own))
        self._admin = AdminClient(client_config(kafka))
        self._topic = topic
        self._fresh_s = fresh_s
        self._lock = Lock()
        self._known: tuple[float, int | None] = (-fresh_s, None)

    def read(self) -> int | None:
        """Records that wait; None of a group that has never committed, which nobody works for.

        Raises ServiceError where the brokers do not answer.
        """
        with self._lock:
            at, known = self._known
            if time.monotonic() - at < self._fresh_s:
                return known
            try:
                known = self._asked()
            except KafkaException as error:
                raise kafka_error(self._servers, error) from error
            except TimeoutError as error:
                raise ServiceError(f"Kafka {self._servers}: no answer in {ANSWER_S:g} s") from error
            self._known = (time.monotonic(), known)
            return known

    def close(self) -> None:
        """Leave the brokers; nothing is read after it."""
        self._consumer.close()

    def _asked(self) -> int | None:
        found = self._consumer.list_topics(self._topic, timeout=ANSWER_S).topics[self._topic]
        places = [TopicPartition(self._topic, number) for number in found.partitions]
        committed = self._committed(places)
        if all(place.offset < 0 for place in committed):
            return None
        ends = self._offsets(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # it has no annotations
        begins = self._offsets(places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # likewise
        return sum(
            max(0, ends[it.partition] - max(begins[it.partition], it.offset)) for it in committed
        )

    def _committed(self, places: list[TopicPartition]) -> list[TopicPartition]:
        """What the group has committed; its coordinator may be about to change or to begin."""
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                # the admin client cannot always read its answer to this (confluent-kafka 2.16.0)
                return self._consumer.committed(places, timeout=ANSWER_S)
            except KafkaException as error:
                if error.args[0].code() not in _SOON or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)

    def _offsets(self, places: Sequence[TopicPartition], which: OffsetSpec) -> dict[int, int]:
        futures = self._admin.list_offsets(
            dict.fromkeys(places, which),
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=ANSWER_S,
        )
        return {place.partition: it.result(ANSWER_S).offset for place, it in futures.items()}
