"""Faust reaches the brokers as librdkafka's clients do."""

import pytest
from pydantic import SecretStr

from earmark.models.error import ConfigurationError
from earmark.streams.judging.access import access
from earmark.streams.settings import KafkaSettings


def reached(**client: str) -> dict[str, object]:
    secrets = {name.replace("_", "."): SecretStr(value) for name, value in client.items()}
    return access(KafkaSettings(bootstrap_servers="a:1, b:2", client=secrets))


def test_plain_brokers_need_nothing() -> None:
    assert reached() == {"broker": "kafka://a:1;kafka://b:2", "broker_credentials": None}


def test_a_password_is_handed_on() -> None:
    found = reached(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="me",
        sasl_password="word",
    )
    credentials = found["broker_credentials"]
    assert (credentials.username, credentials.password) == ("me", "word")  # type: ignore[attr-defined]
    assert credentials.ssl_context is not None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "client",
    [
        {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "GSSAPI"},
        {"plugin_library_paths": "x"},
    ],
)
def test_what_has_no_counterpart_is_refused(client: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"kafka\.client"):
        reached(**client)
