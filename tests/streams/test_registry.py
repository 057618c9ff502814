"""The registry gives ids and schemas; what it cannot give has the right culprit."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.codec import Codec, decode_event, encode_event, event_codec
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.schema import CONTENT_EVENTS, REJECTIONS, Schema, newest, schema_of, schemas
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry, compatibility_level, register_all
from earmark.streams.settings import RegistrySettings

EVENT = ContentEvent(event_id="e", content_id="c", attributes={"a": "b"})
FOUND = {"schema": schema_of(REJECTIONS).text}
NOT_FOUND = {"error_code": 40403, "message": "not found"}


@contextmanager
def asking(
    status: int, answer: object, **settings: Any
) -> Iterator[tuple[Registry, list[dict[str, str]]]]:
    """A registry behind which a server gives one answer to all; and the headers that it got."""
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            got.append(dict(self.headers))
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            with Registry(RegistrySettings(url=url, **settings)) as registry:
                yield registry, got
        finally:
            server.shutdown()
            thread.join()


def with_required_field(schema: Schema) -> Schema:
    definition = json.loads(schema.text)
    definition["fields"].append({"name": "weight", "type": "string", "doc": "Needed."})
    return replace(schema, text=json.dumps(definition))


def test_a_worker_without_registered_schemas_is_told_the_command() -> None:
    names = f"{REJECTIONS}, {CONTENT_EVENTS} is not registered .* `earmark schemas register`"
    with asking(404, NOT_FOUND) as (registry, _), pytest.raises(ConfigurationError, match=names):
        registry.ids_for_worker([REJECTIONS, CONTENT_EVENTS])


def test_an_unknown_id_is_the_records_fault() -> None:
    with asking(404, NOT_FOUND) as (registry, _), pytest.raises(ContentError) as caught:
        registry.schema_by_id(7)
    assert caught.value.rejection_class is RejectionClass.RECORD_SCHEMA_UNKNOWN


@pytest.mark.parametrize("text", ['"string"', "{", '{"type": "enum"}', "[" * 100_000])
def test_what_is_no_avro_record_is_the_records_fault(text: str) -> None:
    said = asking(200, {"schema": text})
    with said as (registry, _), pytest.raises(ContentError, match="not an Avro record"):
        registry.schema_by_id(7)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_registry_that_refuses_to_answer_is_nobodys_record(status: int) -> None:
    refused = asking(status, {"message": "no"})
    with refused as (registry, _), pytest.raises(ServiceError, match="http://127"):
        registry.schema_by_id(7)


def test_a_registry_that_is_not_there_is_a_service_error() -> None:
    settings = RegistrySettings(url="http://127.0.0.1:9")
    with Registry(settings) as registry, pytest.raises(ServiceError, match=settings.url):
        registry.ids_for_worker([REJECTIONS])


def test_a_schema_is_asked_for_once() -> None:
    with asking(200, FOUND) as (registry, got):
        assert registry.schema_by_id(7) is registry.schema_by_id(7)
    assert len(got) == 1


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ({"bearer_token": "t0ken"}, "Bearer t0ken"),
        ({"username": "ann", "password": "a:b"}, "Basic YW5uOmE6Yg=="),
    ],
)
def test_credentials_reach_the_registry(credentials: dict[str, Any], header: str) -> None:
    with asking(200, FOUND, **credentials) as (registry, got):
        registry.schema_by_id(7)
    assert got[0]["Authorization"] == header


@pytest.mark.parametrize("settings", [{"url": "ftp://x"}, {"ca_location": "/no/such/file"}])
def test_settings_that_cannot_be_used_are_the_users(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="registry"):
        Registry(RegistrySettings(**settings))


@pytest.fixture
def registry(stack: Stack) -> Iterator[Registry]:
    """The stack's registry, where everything is registered."""
    with Registry(stack.settings.registry) as registry:
        yield registry


@pytest.fixture
def payload(registry: Registry) -> bytes:
    """`EVENT` as its producer writes it."""
    return encode_event(EVENT, registry.ids_for_worker([CONTENT_EVENTS])[CONTENT_EVENTS])


@pytest.mark.kafka
def test_registering_again_gives_the_same_ids(stack: Stack, registry: Registry) -> None:
    ids = registry.ids_for_worker(newest(schemas()))
    assert register_all(stack.settings) == ids


@pytest.mark.kafka
def test_what_was_registered_reads_what_was_written(registry: Registry, payload: bytes) -> None:
    assert decode_event(payload, event_codec(registry.schema_by_id)) == EVENT


@pytest.mark.kafka
def test_a_record_of_another_topic_is_refused(registry: Registry, payload: bytes) -> None:
    codec = Codec(schema_of(REJECTIONS), writer_schema=registry.schema_by_id)
    with pytest.raises(ContentError, match=r"it is of earmark\.ContentEvent"):
        codec.decode(payload)


@pytest.mark.kafka
def test_every_subject_is_held_to_its_compatibility(registry: Registry) -> None:
    for schema in newest(schemas()).values():
        assert registry.compatibility_of(schema) == compatibility_level(schema)
        with pytest.raises(ConfigurationError, match="ncompatible"):
            registry.register(with_required_field(schema))


@pytest.mark.kafka
def test_a_schema_that_is_not_registered_has_no_id(registry: Registry) -> None:
    assert registry.id_of(with_required_field(schema_of(REJECTIONS))) is None
