"""Avro types become the SQL types under which Flink reads and writes them."""

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.schema import newest, schemas
from earmark.streams.flink.signal_sql import source_columns
from earmark.streams.flink.sql_type import columns, quoted, sql_type, string, text


@pytest.mark.parametrize(
    ("avro", "sql"),
    [
        ("string", "STRING NOT NULL"),
        (["null", "double"], "DOUBLE"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "TIMESTAMP(3) NOT NULL"),
        ({"type": "array", "items": "string"}, "ARRAY<STRING NOT NULL> NOT NULL"),
        ({"type": "map", "values": "float"}, "MAP<STRING NOT NULL, FLOAT NOT NULL> NOT NULL"),
        (
            ["null", {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}],
            "ROW<`a` INT NOT NULL>",
        ),
    ],
)
def test_a_type_takes_null_only_where_avro_does(avro: object, sql: str):
    assert sql_type(avro) == sql


@pytest.mark.parametrize(
    "avro", [["int", "string"], {"type": "enum", "name": "E", "symbols": ["A"]}, "null"]
)
def test_what_flink_does_not_read_is_refused_by_name(avro: object):
    with pytest.raises(ConfigurationError, match="Flink SQL has no type"):
        sql_type(avro)


def test_names_and_texts_cannot_end_their_quotation():
    assert quoted("a`b") == "`a``b`"
    assert text("it's") == "'it''s'"
    assert string("x") == "CAST('x' AS STRING)"
    assert columns([{"name": "order", "type": "int"}]) == "`order` INT NOT NULL"


def test_every_signal_has_columns_and_no_long_field_is_read():
    for schema in newest(schemas()).values():
        if schema.is_signal:
            read = source_columns(schema.definition)
            assert "`provenance` ROW<" in read
            assert not {"`segments`", "`spans`", "`vectors`", "`text`"} & set(read.split())
