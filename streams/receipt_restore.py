"""Reads the receipts of a partition from their topic, before any of its events is answered."""

import time

import structlog

from earmark.streams.catch_up import CatchUp
from earmark.streams.receipt_store import PartitionReceipts
from earmark.streams.settings import KafkaSettings

log = structlog.get_logger()


class ReceiptRestorer:
    """Fills the stores of partitions from the receipts' topic; for one thread."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._topic = kafka.receipts_topic
        self._topics = CatchUp(kafka, f"{kafka.group_id}-receipts")

    @property
    def cluster_id(self) -> str:
        """Names the cluster; raises ServiceError where it does not answer."""
        return self._topics.cluster_id

    def restore(self, number: int, receipts: PartitionReceipts) -> None:
        """Bring `receipts` up to the end of partition `number` of the topic.

        Raises ServiceError where the brokers do not give it, and ConfigurationError where the
        receipts are those of another group of workers.
        """
        started = time.monotonic()
        count = self._restore(number, receipts)
        seconds = round(time.monotonic() - started, 3)
        log.info("receipts restored", partition=number, read=count, seconds=seconds)

    def close(self) -> None:
        """Leave the brokers."""
        self._topics.close()

    def _restore(self, number: int, receipts: PartitionReceipts) -> int:
        first, end = self._topics.bounds(self._topic, number)
        position = receipts.restored_offset
        if position > end:  # the topic was made anew
            receipts.clear()
            position = 0
        count = 0
        starts = {self._topic: max(position, first)}
        for messages, positions in self._topics.read(number, starts, {self._topic: end}):
            payloads = {(record.key() or b"").decode(): record.value() for record in messages}
            if payloads:
                receipts.restore(payloads, offset=positions[self._topic])
            count += len(payloads)
        return count
