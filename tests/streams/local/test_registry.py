import json
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from earmark.streams.local.parts import Parts
from earmark.streams.local.registry import Registry

pytestmark = pytest.mark.java

SCHEMA = Schema(json.dumps({"type": "record", "name": "R", "fields": []}), "AVRO")


def test_a_schema_registered_just_before_a_kill_is_kept_under_its_id(parts: Parts, tmp_path: Path):
    registry = Registry(parts, tmp_path)
    try:
        registry.start()
        with SchemaRegistryClient({"url": registry.url}) as client:
            schema_id = client.register_schema("a-value", SCHEMA)
        registry.kill()
        registry.start()
        with SchemaRegistryClient({"url": registry.url}) as client:
            assert client.lookup_schema("a-value", SCHEMA).schema_id == schema_id
    finally:
        registry.stop()
