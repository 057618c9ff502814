"""The schema registry: ids for writers, schemas for readers, and the making of subjects.

Any registry serves that speaks Confluent's REST calls. Workers register nothing: they look up.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TypeVar

from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.common._httpx_compat import httpx
from confluent_kafka.schema_registry.error import SchemaRegistryError

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.schema import READ_BY_OTHERS, Definition, Schema, newest, schema_of, schemas
from earmark.streams.settings import RegistrySettings, Settings

TIMEOUT_S = 10
ATTEMPTS = 3
FIRST_WAIT_MS = 200  # doubled for each attempt
_NOT_ABOUT_THE_SCHEMA = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
}

Answer = TypeVar("Answer")


class Registry:
    """A registry, reached when it is first asked; to be closed, or used in a `with` block.

    All its methods raise ServiceError where it does not answer, or refuses us.
    """

    def __init__(
        self, settings: RegistrySettings, client: SchemaRegistryClient | None = None
    ) -> None:
        self._url = settings.url
        self._client = client or _client(settings)
        self._definitions: dict[int, Definition] = {}

    def __enter__(self) -> "Registry":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back its connections."""
        self._client.close()

    def ids_for_worker(self, topics: Iterable[str]) -> dict[str, int]:
        """The id of our schema for each topic that is written.

        Raises ConfigurationError that names the topics whose schema is not registered, and the
        command that registers them.
        """
        ids = {topic: self.id_of(schema_of(topic)) for topic in topics}
        if missing := [topic for topic, schema_id in ids.items() if schema_id is None]:
            raise ConfigurationError(
                f"the schema of {', '.join(missing)} is not registered at {self._url}: "
                "run `earmark schemas register`"
            )
        return {topic: schema_id for topic, schema_id in ids.items() if schema_id is not None}

    def id_of(self, schema: Schema) -> int | None:
        """The id under which the schema stands in its subject, None where it does not."""
        found = self._ask(
            lambda: self._client.lookup_schema(schema.subject, RegistrySchema(schema.text, "AVRO"))
        )
        return None if found is None else found.schema_id

    def schema_by_id(self, schema_id: int) -> Definition:
        """The schema that a record was written with.

        Raises ContentError RECORD_SCHEMA_UNKNOWN for an id that the registry does not have, which
        is the record's fault, and ServiceError where the registry does not answer, which is not.
        """
        if schema_id not in self._definitions:
            found = self._ask(lambda: self._client.get_schema(schema_id))
            self._definitions[schema_id] = _definition(schema_id, found)
        return self._definitions[schema_id]

    def register(self, schema: Schema) -> int:
        """Set the subject's compatibility, then enter the schema; the id it has from now on.

        Raises ConfigurationError where the registry finds it incompatible.
        """
        level = compatibility_level(schema)
        self._ask(lambda: self._client.set_compatibility(schema.subject, level))
        entered = self._ask(
            lambda: self._client.register_schema(
                schema.subject, RegistrySchema(schema.text, "AVRO")
            )
        )
        if entered is None:
            raise ServiceError(f"registry {self._url}: subject {schema.subject} cannot be made")
        return int(entered)

    def compatibility_of(self, schema: Schema) -> str | None:
        """What the registry holds new versions of the subject to; None where that is not set."""
        return self._ask(lambda: self._client.get_config(schema.subject).compatibility_level)

    def _ask(self, call: Callable[[], Answer]) -> Answer | None:
        """The registry's answer, None where what was asked for is not there."""
        try:
            return call()
        except SchemaRegistryError as error:
            if error.http_status_code == HTTPStatus.NOT_FOUND:
                return None
            reason = f"registry {self._url}: {error.error_message} ({error.http_status_code})"
            kind = ServiceError if _is_its_own(error.http_status_code) else ConfigurationError
            raise kind(reason) from error
        except (httpx.HTTPError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise ServiceError(f"registry {self._url}: {reason}") from error


def register_all(settings: Settings) -> dict[str, int]:
    """Register the newest version of every schema; the ids by topic."""
    with Registry(settings.registry) as registry:
        return {topic: registry.register(schema) for topic, schema in newest(schemas()).items()}


def compatibility_level(schema: Schema) -> str:
    """What the registry holds new versions to: both ways where others read, else old to new."""
    both_ways = schema.is_signal or schema.topic in READ_BY_OTHERS
    return "FULL_TRANSITIVE" if both_ways else "BACKWARD_TRANSITIVE"


def _definition(schema_id: int, found: RegistrySchema | None) -> Definition:
    reason = f"the registry has no schema {schema_id}"
    if found is not None:
        reason = f"schema {schema_id} is not an Avro record"
        try:
            definition = json.loads(found.schema_str or "")
        except (ValueError, RecursionError):
            definition = None
        if isinstance(definition, dict) and definition.get("type") == "record":
            return definition
    raise ContentError(RejectionClass.RECORD_SCHEMA_UNKNOWN, reason, part="record")


def _is_its_own(status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _NOT_ABOUT_THE_SCHEMA


def _client(settings: RegistrySettings) -> SchemaRegistryClient:
    config: dict[str, object] = {
        "url": settings.url,
        "timeout": TIMEOUT_S,
        "max.retries": ATTEMPTS - 1,
        "retries.wait.ms": FIRST_WAIT_MS,
        **_authentication(settings),
        **_tls(settings),
    }
    try:
        return SchemaRegistryClient(config)
    except (ValueError, TypeError, OSError) as error:
        raise ConfigurationError(f"setting registry: {error}") from error


def _authentication(settings: RegistrySettings) -> Mapping[str, object]:
    if settings.bearer_token is not None:
        return {
            "bearer.auth.credentials.source": "STATIC_TOKEN",
            "bearer.auth.token": settings.bearer_token.get_secret_value(),
            "bearer.auth.logical.cluster": "",  # asked for by the client, read by one vendor
        }
    if settings.username is not None:
        password = settings.password.get_secret_value() if settings.password else ""
        return {"basic.auth.user.info": f"{settings.username}:{password}"}
    return {}


def _tls(settings: RegistrySettings) -> Mapping[str, str]:
    locations = {
        "ssl.ca.location": settings.ca_location,
        "ssl.certificate.location": settings.certificate_location,
        "ssl.key.location": settings.key_location,
    }
    return {name: str(path) for name, path in locations.items() if path is not None}
