"""How brokers are reached is said again in the words of Kafka's Java client."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from earmark.models.error import ConfigurationError
from earmark.streams.flink.kafka_client import java_properties
from earmark.streams.flink.table import logged_source
from earmark.streams.settings import KafkaSettings, Settings

SASL = {
    "security.protocol": "sasl_ssl",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": "me",
    "sasl.password": 's3c"ret\\',
}


def kafka(**client: str) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers="broker:9093",
        client={name.replace("_", "."): SecretStr(value) for name, value in client.items()},
    )


def test_a_password_is_passed_on_as_java_reads_it():
    found = java_properties(kafka(**SASL))
    assert found["security.protocol"] == "SASL_SSL"
    assert found["sasl.mechanism"] == "SCRAM-SHA-512"
    assert found["sasl.jaas.config"].endswith(
        'ScramLoginModule required username="me" password="s3c\\"ret\\\\";'
    )


def test_a_mechanism_that_java_is_not_told_of_is_refused():
    with pytest.raises(ConfigurationError, match=r"cannot use sasl\.mechanism GSSAPI"):
        java_properties(kafka(sasl_mechanism="GSSAPI"))


def test_certificates_are_read_from_their_files(tmp_path: Path):
    file = tmp_path / "ca.pem"
    file.write_text("a certificate")
    found = java_properties(kafka(**{"ssl.ca.location": str(file)}))
    assert found["ssl.truststore.certificates"] == "a certificate"
    with pytest.raises(ConfigurationError, match=r"ssl\.ca\.location"):
        java_properties(kafka(**{"ssl.ca.location": str(tmp_path / "none")}))


def test_what_tunes_librdkafka_alone_is_left_out():
    assert java_properties(kafka(linger_ms="7")) == {"bootstrap.servers": "broker:9093"}


def test_a_table_does_not_print_its_secrets():
    settings = Settings(kafka=kafka(**SASL))
    table = logged_source(settings, ["topic"], "name", "`content_id` STRING NOT NULL")
    assert "s3c" in table.ddl
    assert "s3c" not in repr(table)
