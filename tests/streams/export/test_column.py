"""Records as columns of Arrow."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.release import golden_record
from earmark.processors.schema import avro_folder, newest, schema_of, schemas
from earmark.streams.export.column import arrow_schema, columns
from earmark.streams.subscription.received import ReceivedSignal


def received(topic: str, **fields: Any) -> ReceivedSignal:
    record = {**golden_record(avro_folder(), schema_of(topic)), **fields}
    return ReceivedSignal(
        name="x", topic=topic, key="k", record=record, partition=1, offset=2, timestamp=3
    )


def plain(value: Any, kind: pa.DataType) -> Any:
    """What Arrow gives back, as it was in the record."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {name: plain(part, kind.item_type) for name, part in value}
    if pa.types.is_list(kind):
        return [plain(part, kind.value_type) for part in value]
    if pa.types.is_struct(kind):
        return {field.name: plain(value[field.name], field.type) for field in kind}
    return round(value.timestamp() * 1000) if pa.types.is_timestamp(kind) else value


@pytest.mark.parametrize("topic", newest(schemas()))
def test_the_records_of_every_topic_come_back_as_they_were(topic: str) -> None:
    signal = received(topic)
    batch = columns(topic, [signal])
    (row,) = batch.to_pylist()
    assert {name: plain(row[name], batch.schema.field(name).type) for name in signal.record} == (
        signal.record
    )


def test_types_are_those_of_the_schema() -> None:
    schema = arrow_schema("signals.text.safety.v1")
    assert schema.field("event_time").type == pa.timestamp("ms", tz="UTC")
    assert pa.types.is_map(schema.field("scores").type)
    assert schema.field("severity").type == pa.int32()
    assert arrow_schema("signals.audio.embedding.v1").field("vector").type == pa.binary()


def test_a_deletion_is_a_row_without_fields() -> None:
    topic = "signals.text.safety.v1"
    deletion = replace(received(topic), record={}, deleted=True)
    (row,) = columns(topic, [deletion]).to_pylist()
    assert (row["kafka_key"], row["kafka_deleted"], row["provenance"]) == ("k", True, None)


def test_what_is_no_unicode_does_not_stop_an_export() -> None:
    topic = "signals.text.safety.v1"
    (row,) = columns(topic, [received(topic, labels=["half \ud800 of a pair"])]).to_pylist()
    assert row["labels"] == ["half ? of a pair"]


def test_dead_letters_have_no_columns() -> None:
    with pytest.raises(ConfigurationError, match="any bytes"):
        arrow_schema("content.events.v1.dlq")
