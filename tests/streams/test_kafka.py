"""Clients are configured alike, bounded in bytes, and the user's own settings pass through."""

import time
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from pydantic import SecretStr

from earmark.streams.kafka import (
    CONSUMER,
    PRODUCER,
    client_config,
    consumer_config,
    producer_config,
)
from earmark.streams.local.stack import Stack
from earmark.streams.settings import KafkaSettings

KAFKA = KafkaSettings(
    bootstrap_servers="broker:9093",
    client={"sasl.password": SecretStr("s3cret"), "linger.ms": SecretStr("7")},
)


def test_security_settings_pass_through() -> None:
    config = client_config(KAFKA)
    assert config["bootstrap.servers"] == "broker:9093"
    assert config["sasl.password"] == "s3cret"


def test_what_a_client_needs_is_not_the_users_to_change() -> None:
    assert client_config(KAFKA, {"linger.ms": 5})["linger.ms"] == 5


def test_clients_write_no_log_of_their_own_unless_asked(capfd: pytest.CaptureFixture[str]) -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    loud = KafkaSettings(bootstrap_servers="127.0.0.1:1", client={"log_level": SecretStr("6")})
    for kafka, is_loud in ((nowhere, False), (loud, True)):
        with pytest.raises(KafkaException):
            AdminClient(client_config(kafka)).list_topics(timeout=1)
        assert ("Connection refused" in capfd.readouterr().err) is is_loud


def test_secrets_are_not_in_the_settings_words() -> None:
    assert "s3cret" not in repr(KAFKA)


def test_producers_put_keys_where_javas_do_and_compress() -> None:
    config = producer_config(KafkaSettings())
    assert config["partitioner"] == "murmur2_random"
    assert config["compression.type"] == "zstd"
    assert Producer(config) is not None


def test_how_far_consumers_read_ahead_is_the_users_to_change() -> None:
    more = KafkaSettings(client={"queued.max.messages.kbytes": SecretStr("99999")})
    assert consumer_config(KafkaSettings())["queued.max.messages.kbytes"] == 16_384
    assert consumer_config(more)["queued.max.messages.kbytes"] == "99999"


def test_a_producer_holds_so_many_bytes_and_no_more() -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    producer = Producer(producer_config(nowhere))
    most = 1024 * int(PRODUCER["queue.buffering.max.kbytes"])
    for _ in range(most // 500_000):
        producer.produce("any", bytes(500_000))
    with pytest.raises(BufferError):
        producer.produce("any", bytes(500_000))
    producer.purge()


@pytest.mark.kafka
def test_a_consumer_reads_ahead_so_many_bytes_and_no_more(stack: Stack) -> None:
    kafka, topic = stack.settings.kafka, f"ahead-{uuid4().hex[:8]}"
    admin = AdminClient(client_config(kafka))
    admin.create_topics([NewTopic(topic, 4, 1)])[topic].result(30)
    producer = Producer(client_config(kafka))
    for _ in range(60):
        producer.produce(topic, bytes(900_000))
    assert producer.flush(60) == 0
    consumer = Consumer(
        consumer_config(kafka, {"group.id": topic, "auto.offset.reset": "earliest"})
    )
    consumer.subscribe([topic])
    first = consumer.poll(30)
    assert first is not None
    time.sleep(2.0)
    ahead = consumer.consume(60, 0)
    assert (
        0
        < 900_000 * len(ahead)
        <= 1024 * CONSUMER["queued.max.messages.kbytes"] + (CONSUMER["fetch.max.bytes"])
    )
    left = 60 - 1 - len(ahead)
    assert len(consumer.consume(left, 30)) == left
    consumer.close()
