"""How far a worker is behind, partition by partition: in records, and in seconds."""

import time
from collections.abc import Collection

from confluent_kafka import Consumer, TopicPartition

from earmark.streams.flight import FlightLedger, Partition
from earmark.streams.metrics import Metrics

LOOK_S = 1.0  # from one look to the next


class LagMeter:
    """Sets `lag_records` and `lag_seconds`; for the thread that polls `consumer`.

    Asks no broker: ends are those that came with the latest records, and a partition of which
    nothing was read yet is not shown.
    """

    def __init__(self, consumer: Consumer, ledger: FlightLedger, metrics: Metrics) -> None:
        self._consumer = consumer
        self._ledger = ledger
        self._metrics = metrics
        self._looked_at = 0.0

    def look(self) -> None:
        """Look, if it is time again."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        for place in self._consumer.position(self._consumer.assignment()):
            self._note(place, now_s=time.time())

    def forget(self, partitions: Collection[Partition]) -> None:
        """These belong to another worker now, which shows them."""
        for topic, number in partitions:
            for gauge in (self._metrics.lag_records, self._metrics.lag_seconds):
                gauge.remove_by_labels({"topic": topic, "partition": str(number)})

    def _note(self, place: TopicPartition, *, now_s: float) -> None:
        oldest = self._ledger.oldest((place.topic, place.partition))
        _, end = self._consumer.get_watermark_offsets(place, cached=True)
        labels = (place.topic, str(place.partition))
        waited_s = 0.0 if oldest is None else now_s - oldest.message.timestamp()[1] / 1000
        self._metrics.lag_seconds.labels(*labels).set(max(0.0, waited_s))
        next_offset = place.offset if oldest is None else oldest.message.offset() or 0
        if end >= 0 and next_offset >= 0:
            self._metrics.lag_records.labels(*labels).set(max(0, end - next_offset))
