"""What every Kafka client of Earmark is configured with."""

from collections.abc import Mapping
from typing import Any

from earmark.streams.settings import KafkaSettings

# librdkafka's own default puts most keys elsewhere than Java's, and with them the order per item
PRODUCER = {"partitioner": "murmur2_random", "compression.type": "zstd"}
TRANSACTIONAL = {
    "transaction.timeout.ms": 15_000,
    # the default of 100 ms is what back-to-back transactions would wait each
    "retry.backoff.ms": 1,
    "retry.backoff.max.ms": 20,
    "linger.ms": 5,
    # A copy is as large as its record before either is compressed, which is when librdkafka looks:
    # the most that can be set. Whether it is too large is for the broker to say.
    "message.max.bytes": 1_000_000_000,
}
BY_KEY = -1  # in place of a partition: librdkafka's partitioner says
NOTHING: Mapping[str, object] = {}


def client_config(kafka: KafkaSettings, own: Mapping[str, object] = NOTHING) -> dict[str, Any]:
    """librdkafka's configuration: the brokers, the user's `kafka.client`, and over them `own`.

    It may hold secrets: never log it.
    """
    theirs = {name: value.get_secret_value() for name, value in kafka.client.items()}
    return {"bootstrap.servers": kafka.bootstrap_servers, **theirs, **own}


def producer_config(kafka: KafkaSettings, own: Mapping[str, object] = NOTHING) -> dict[str, Any]:
    """That of a producer: keys go where Java's producers put them, batches are compressed."""
    return client_config(kafka, {**PRODUCER, **own})
