"""Records with the schemas of a registry in memory, and golden ones about an item of one's own."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from earmark.processors.codec import Codec
from earmark.processors.release import golden_record
from earmark.processors.schema import avro_folder, schema_of
from earmark.streams.judging.record import Records
from earmark.streams.registry import Registry
from earmark.streams.settings import RegistrySettings
from earmark.streams.topic import PROFILES, REVIEW_DECISIONS, REVIEW_REQUESTS, VERDICTS

SAFETY = "signals.text.safety.v1"
TOPICS = (PROFILES, REVIEW_DECISIONS, REVIEW_REQUESTS, VERDICTS, SAFETY)


@pytest.fixture(scope="session")
def registry() -> Iterator[Registry]:
    client = SchemaRegistryClient.new_client({"url": "mock://judging"})
    for topic in TOPICS:
        schema = schema_of(topic)
        client.register_schema(schema.subject, Schema(schema.text, "AVRO"))
    with Registry(RegistrySettings(), client) as registry:
        yield registry


@pytest.fixture(scope="session")
def records(registry: Registry) -> Records:
    return Records(registry, TOPICS)


@pytest.fixture
def payload(registry: Registry) -> Callable[..., bytes]:
    """The golden record of a topic with changes, as bytes."""

    def make(topic: str, **changes: object) -> bytes:
        schema = schema_of(topic)
        golden: Mapping[str, Any] = golden_record(avro_folder(), schema)
        (schema_id,) = registry.ids_for_worker([topic]).values()
        return Codec(schema).encode({**golden, **changes}, schema_id)

    return make
