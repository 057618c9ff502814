"""librdkafka's configuration in the words of Kafka's Java client, as Flink's connector wants it."""

from collections.abc import Mapping
from pathlib import Path

from earmark.models.error import ConfigurationError
from earmark.streams.settings import KafkaSettings

# Flink's connector carries Kafka's classes under a name of its own
_SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security"
_MODULES = {
    "PLAIN": f"{_SHADED}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_SHADED}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_SHADED}.scram.ScramLoginModule",
}
_SAME = ("client.id", "client.dns.lookup", "request.timeout.ms", "metadata.max.age.ms")


def java_properties(kafka: KafkaSettings) -> Mapping[str, str]:
    """The brokers and what of `kafka.client` says how to reach them; may hold secrets.

    Raises ConfigurationError for a SASL mechanism or a file that cannot be passed on. What tunes
    librdkafka alone is left out.
    """
    theirs = {name: value.get_secret_value() for name, value in kafka.client.items()}
    found = {"bootstrap.servers": kafka.bootstrap_servers}
    found |= {name: theirs[name] for name in _SAME if name in theirs}
    if "security.protocol" in theirs:
        found["security.protocol"] = theirs["security.protocol"].upper()
    return {**found, **_sasl(theirs), **_tls(theirs)}


def _sasl(theirs: Mapping[str, str]) -> Mapping[str, str]:
    mechanism = theirs.get("sasl.mechanism", theirs.get("sasl.mechanisms"))
    if mechanism is None:
        return {}
    if mechanism not in _MODULES:
        raise ConfigurationError(
            f"setting kafka.client: Flink's jobs cannot use sasl.mechanism {mechanism}; "
            f"known are {', '.join(_MODULES)}"
        )
    name, password = (_escaped(theirs.get(f"sasl.{part}", "")) for part in ("username", "password"))
    return {
        "sasl.mechanism": mechanism,
        "sasl.jaas.config": (
            f'{_MODULES[mechanism]} required username="{name}" password="{password}";'
        ),
    }


def _tls(theirs: Mapping[str, str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    if "ssl.ca.location" in theirs:
        found["ssl.truststore.type"] = "PEM"
        found["ssl.truststore.certificates"] = _pem(theirs, "ssl.ca.location")
    if "ssl.certificate.location" in theirs:
        found["ssl.keystore.type"] = "PEM"
        found["ssl.keystore.certificate.chain"] = _pem(theirs, "ssl.certificate.location")
    if "ssl.key.location" in theirs:
        found["ssl.keystore.key"] = _pem(theirs, "ssl.key.location")
    if "ssl.key.password" in theirs:
        found["ssl.key.password"] = theirs["ssl.key.password"]
    if theirs.get("ssl.endpoint.identification.algorithm") == "none":
        found["ssl.endpoint.identification.algorithm"] = ""
    return found


def _pem(theirs: Mapping[str, str], name: str) -> str:
    try:
        return Path(theirs[name]).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"setting kafka.client: {name}: {error}") from error


def _escaped(value: str) -> str:
    """A value between the quotation marks of a JAAS configuration."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
