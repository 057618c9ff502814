"""What every Kafka client of Earmark is configured with."""

from collections.abc import Mapping
from typing import Any

from earmark.streams.settings import KafkaSettings

PRODUCER = {
    # librdkafka's default puts most keys elsewhere than Java's, and with them the order per item
    "partitioner": "murmur2_random",
    "compression.type": "zstd",
    "queue.buffering.max.kbytes": 32_768,  # that is to be sent; by default it holds up to 1 GB
}
CONSUMER = {
    "queued.max.messages.kbytes": 16_384,  # read ahead; by default 64 MB
    "fetch.max.bytes": 8_388_608,  # of one answer of a broker
}
TRANSACTION_S = 15.0  # then the broker aborts it
TRANSACTIONAL = {
    "transaction.timeout.ms": int(TRANSACTION_S * 1000),
    # the default of 100 ms is what back-to-back transactions would wait each
    "retry.backoff.ms": 1,
    "retry.backoff.max.ms": 20,
    "linger.ms": 5,
    # A copy is as large as its record before either is compressed, which is when librdkafka looks:
    # the most that can be set. Whether it is too large is for the broker to say.
    "message.max.bytes": 1_000_000_000,
}
SILENT = 0  # librdkafka writes a line per attempt to connect; what failed says so once
BY_KEY = -1  # in place of a partition: librdkafka's partitioner says
NOTHING: Mapping[str, object] = {}


def worker_id(kafka: KafkaSettings) -> str:
    """What a worker is called: its transactional id, its name in its group and in its commits."""
    return f"{kafka.group_id}-{kafka.slot}"


def client_config(kafka: KafkaSettings, own: Mapping[str, object] = NOTHING) -> dict[str, Any]:
    """librdkafka's configuration: the brokers, the user's `kafka.client`, and over them `own`.

    It writes no log of its own unless `kafka.client` has a `log_level`. It may hold secrets: never
    log it.
    """
    theirs = {name: value.get_secret_value() for name, value in kafka.client.items()}
    ours = {"bootstrap.servers": kafka.bootstrap_servers, "log_level": SILENT}
    return {**ours, **theirs, **own}


def consumer_config(kafka: KafkaSettings, own: Mapping[str, object] = NOTHING) -> dict[str, Any]:
    """That of a consumer: it reads ahead 16 MB, and one answer of each broker."""
    return {**CONSUMER, **client_config(kafka, own)}


def producer_config(kafka: KafkaSettings, own: Mapping[str, object] = NOTHING) -> dict[str, Any]:
    """That of a producer: keys go where Java's producers put them, batches are compressed."""
    return client_config(kafka, {**PRODUCER, **own})
