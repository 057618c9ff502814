"""Clients are configured alike, and the user's own settings pass through."""

from confluent_kafka import Producer
from pydantic import SecretStr

from earmark.streams.kafka import client_config, producer_config
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


def test_secrets_are_not_in_the_settings_words() -> None:
    assert "s3cret" not in repr(KAFKA)


def test_producers_put_keys_where_javas_do_and_compress() -> None:
    config = producer_config(KafkaSettings())
    assert config["partitioner"] == "murmur2_random"
    assert config["compression.type"] == "zstd"
    assert Producer(config) is not None
