"""How Faust reaches the brokers, from what librdkafka's clients are told."""

import ssl
from collections.abc import Mapping
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.streams.settings import KafkaSettings

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_NO_MATTER = ("client.id", "log_level", "debug")  # whatever they say, Faust connects the same


def access(kafka: KafkaSettings) -> dict[str, Any]:
    """Faust's `broker` and `broker_credentials`.

    Raises ConfigurationError for what is set in `kafka.client` and has no counterpart here.
    """
    given = {name: value.get_secret_value() for name, value in kafka.client.items()}
    known = {name: given.pop(name, None) for name in _NAMES}
    if strange := sorted(set(given) - set(_NO_MATTER)):
        raise ConfigurationError(f"setting kafka.client: agents do not know {strange[0]!r}")
    broker = ";".join(f"kafka://{each.strip()}" for each in kafka.bootstrap_servers.split(","))
    return {"broker": broker, "broker_credentials": _credentials(known)}


_NAMES = (
    "security.protocol",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
)


def _credentials(given: Mapping[str, str | None]) -> Any:
    import faust

    protocol = (given["security.protocol"] or "PLAINTEXT").upper()
    context = _context(given) if protocol.endswith("SSL") else None
    if protocol.startswith("SASL_"):
        return faust.SASLCredentials(
            username=given["sasl.username"],
            password=given["sasl.password"],
            mechanism=_mechanism(given["sasl.mechanism"] or given["sasl.mechanisms"]),
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)


def _mechanism(name: str | None) -> str:
    if (mechanism := (name or "").upper()) not in _MECHANISMS:
        known = ", ".join(_MECHANISMS)
        raise ConfigurationError(f"setting kafka.client: sasl.mechanism for agents: {known}")
    return mechanism


def _context(given: Mapping[str, str | None]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=given["ssl.ca.location"])
        if (certificate := given["ssl.certificate.location"]) is not None:
            context.load_cert_chain(
                certificate, given["ssl.key.location"], given["ssl.key.password"]
            )
    except OSError as error:
        raise ConfigurationError(f"setting kafka.client: ssl: {error}") from error
    return context
