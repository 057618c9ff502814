"""How far a replay is, as its workers have committed."""

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition

from earmark.streams.broker_error import kafka_error
from earmark.streams.kafka import client_config
from earmark.streams.publisher import THROUGH
from earmark.streams.replay.manifest import Manifest
from earmark.streams.settings import KafkaSettings

ANSWER_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Offsets passed of all, and partitions that are through of all."""

    passed: int
    records: int
    partitions_through: int
    partitions: int

    @property
    def is_through(self) -> bool:
        """Whether every event is answered."""
        return self.partitions_through == self.partitions


class ProgressReader:
    """Asks for the progress of a run, without a part in its group; for one thread."""

    def __init__(self, kafka: KafkaSettings, manifest: Manifest) -> None:
        self._manifest = manifest
        self._consumer = Consumer(client_config(kafka, _own(manifest)))
        self._servers = kafka.bootstrap_servers

    def read(self) -> Progress:
        """The progress now; raises ServiceError where the brokers do not answer."""
        bounds = self._manifest.bounds
        passed = through = 0
        for found in self._committed(bounds):
            start, end = bounds[found.partition]
            if found.metadata == THROUGH:
                through += 1
                passed += end - start
            elif found.offset >= 0:
                passed += min(found.offset, end) - start
        return Progress(
            passed=passed,
            records=self._manifest.records,
            partitions_through=through,
            partitions=len(bounds),
        )

    def retries_end(self, number: int) -> int:
        """The offset behind all that partition `number` of the retry topic holds.

        Also behind what is being committed; raises ServiceError where the brokers do not answer.
        """
        partition = TopicPartition(self._manifest.route.retry, number)
        try:
            _, end = self._consumer.get_watermark_offsets(partition, timeout=ANSWER_S)
        except KafkaException as error:
            raise kafka_error(self._servers, error) from error
        return end

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _committed(self, numbers: Iterable[int]) -> list[TopicPartition]:
        wanted = [TopicPartition(self._manifest.source, number) for number in numbers]
        try:
            return self._consumer.committed(wanted, timeout=ANSWER_S)
        except KafkaException as error:
            raise kafka_error(self._servers, error) from error


def commit_start(kafka: KafkaSettings, manifest: Manifest) -> None:
    """Let the run's group begin where its bounds do; raises ServiceError."""
    starts = [
        TopicPartition(manifest.source, number, start)
        for number, (start, _) in manifest.bounds.items()
    ]
    _commit(kafka, manifest, starts)


def commit_end(kafka: KafkaSettings, manifest: Manifest) -> None:
    """Say of the run that all its partitions are through; raises ServiceError."""
    ends = [
        TopicPartition(manifest.source, number, end, THROUGH)
        for number, (_, end) in manifest.bounds.items()
    ]
    _commit(kafka, manifest, ends)


def _commit(kafka: KafkaSettings, manifest: Manifest, offsets: list[TopicPartition]) -> None:
    consumer = Consumer(client_config(kafka, _own(manifest)))
    try:
        consumer.commit(offsets=offsets, asynchronous=False)
    except KafkaException as error:
        raise kafka_error(kafka.bootstrap_servers, error) from error
    finally:
        consumer.close()


def _own(manifest: Manifest) -> dict[str, object]:
    return {
        "group.id": manifest.group_id,
        "enable.auto.commit": False,
        "isolation.level": "read_uncommitted",  # else what is being committed lies behind the end
    }
