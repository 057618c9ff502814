"""The schemas say what the code means."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.content import Audio, Change, ContentEvent, Text
from earmark.processors.error import Fault
from earmark.processors.loader import load_specs
from earmark.processors.outcome import OutcomeKind, Provenance
from earmark.processors.schema import (
    CONTENT_EVENTS,
    Schema,
    fields_of,
    full_name,
    logical_types,
    newest,
    plain,
    read_schemas,
    schema_of,
    schemas,
)

SIGNALS = [schema for schema in newest(schemas()).values() if schema.is_signal]


def field(topic: str, path: str) -> Mapping[str, object]:
    return dict(fields_of(schema_of(topic).definition))[path]


def test_every_shipped_schema_has_a_topic_and_a_subject() -> None:
    assert {schema.topic for schema in SIGNALS} == {spec.topic for spec in load_specs().values()}
    assert schema_of("rejections.v1").subject == "rejections.v1-value"


@pytest.mark.parametrize("schema", SIGNALS, ids=lambda schema: schema.name)
def test_a_signals_record_is_named_after_the_signal(schema: Schema) -> None:
    words = re.split(r"[._]", schema.name.removeprefix("signals."))
    assert full_name(schema.definition) == "earmark.signals." + "".join(map(str.title, words))


@pytest.mark.parametrize(
    ("part", "prefix"), [(ContentEvent, ""), (Audio, "audio."), (Text, "texts.")]
)
def test_content_events_mirror_the_dataclasses(part: Any, prefix: str) -> None:
    paths = [path for path, _ in fields_of(schema_of(CONTENT_EVENTS).definition)]
    inner = [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
    assert [name for name in inner if "." not in name] == [field.name for field in fields(part)]


def test_provenance_mirrors_the_dataclass() -> None:
    paths = [path for path, _ in fields_of(SIGNALS[0].definition) if path.startswith("provenance.")]
    assert paths == [f"provenance.{f.name}" for f in fields(Provenance)]


def test_documented_values_are_those_of_the_code() -> None:
    assert field("signals.text.safety.v1", "outcome")["values"] == list(OutcomeKind)
    assert field("rejections.v1", "fault")["values"] == list(Fault)
    assert field(CONTENT_EVENTS, "change")["values"] == list(Change)


OF_TIME = re.compile(r"(.*\.)?(event_time|decided_at|expires_at|(window|reference)_(start|end))")


def test_times_are_timestamps_in_milliseconds_on_the_wire() -> None:
    found = {
        (schema.topic, path): logical_types(kind)
        for schema in newest(schemas()).values()
        for path, kind in fields_of(schema.definition)
        if OF_TIME.fullmatch(path)
    }
    assert set(found.values()) == {("timestamp-millis",)}
    assert {topic for topic, _ in found} == set(newest(schemas()))


def test_plain_schemas_have_no_logical_types() -> None:
    assert "logicalType" not in json.dumps(plain(schema_of(CONTENT_EVENTS).definition))


def test_a_later_version_of_a_topic_is_what_records_are_written_with(tmp_path: Path) -> None:
    for name in ("note.v1.avsc", "note.v1.2.avsc", "note.v1.10.avsc", "note.v2.avsc"):
        (tmp_path / name).write_text('{"type": "record", "name": "Note", "fields": []}')
    last = newest(read_schemas(tmp_path))
    assert (last["note.v1"].minor, last["note.v2"].minor) == (10, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [("note.avsc", "{}"), ("note.v1.avsc", "{"), ("note.v1.avsc", '{"type": "string"}')],
)
def test_a_file_that_is_no_schema_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=name):
        [schema.definition for schema in read_schemas(tmp_path)]


def test_a_topic_without_schema_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"signals\.audio\.smell\.v1"):
        schema_of("signals.audio.smell.v1")
