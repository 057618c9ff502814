"""The registry's settings in the words of Flink's format avro-confluent."""

from collections.abc import Mapping

from earmark.models.error import ConfigurationError
from earmark.streams.settings import RegistrySettings


def registry_options(registry: RegistrySettings) -> Mapping[str, str]:
    """The registry's address and how we show who we are; may hold secrets.

    Raises ConfigurationError for a certificate of the client, which Flink takes in Java's own
    format only.
    """
    found = {"url": registry.url}
    if registry.bearer_token is not None:
        found["bearer-auth.credentials-source"] = "STATIC_TOKEN"
        found["bearer-auth.token"] = registry.bearer_token.get_secret_value()
    elif registry.username is not None:
        password = registry.password.get_secret_value() if registry.password else ""
        found["basic-auth.credentials-source"] = "USER_INFO"
        found["basic-auth.user-info"] = f"{registry.username}:{password}"
    if registry.certificate_location is not None or registry.ca_location is not None:
        raise ConfigurationError(
            "setting registry: Flink takes certificates in a Java key store only: leave "
            "ca_location and certificate_location unset, and give Java a store that holds them"
        )
    return found
