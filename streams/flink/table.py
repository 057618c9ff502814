"""Kafka topics as tables of Flink SQL: keyed by item, Avro behind a registry's id."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from earmark.processors.schema import Schema
from earmark.streams.flink.kafka_client import java_properties
from earmark.streams.flink.registry_client import registry_options
from earmark.streams.flink.sql_type import columns, quoted, text
from earmark.streams.settings import Settings

KEY = "content_id"
# what a checkpoint has handed to Kafka must still be there to be committed after a restart; a
# broker allows no more by default
TRANSACTION_MS = 900_000
LARGEST_BYTES = 16_000_000  # of a record before it is compressed; topics allow what they allow
ARRIVED = "`arrived` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL"
_TIMED = f"{ARRIVED}, WATERMARK FOR `arrived` AS `arrived` - INTERVAL '1' SECOND"
_TOPIC = "`topic` STRING METADATA VIRTUAL"
_OFFSET = "`offset` BIGINT METADATA VIRTUAL"
_KEYED = f"PRIMARY KEY ({quoted(KEY)}) NOT ENFORCED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Where a bounded read ends: at what is there now, or before `to_ms`, a time of arrival."""

    to_ms: int | None = None

    def options(self) -> Mapping[str, str]:
        """The connector's."""
        if self.to_ms is None:
            return {"scan.bounded.mode": "latest-offset"}
        return {
            "scan.bounded.mode": "timestamp",
            "scan.bounded.timestamp-millis": str(self.to_ms),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table over one topic: its DDL; the options may hold secrets, so it does not print."""

    name: str
    columns: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def topics(self) -> Sequence[str]:
        """What it is over; nothing where it is not of Kafka."""
        return self.options["topic"].split(";") if "topic" in self.options else ()

    @property
    def bounds(self) -> Sequence[str]:
        """From where to where it is read; nothing where that has no end."""
        if "scan.bounded.mode" not in self.options:
            return ()
        scan = {key: value for key, value in self.options.items() if key.startswith("scan.")}
        return [f"{key}={value}" for key, value in sorted(scan.items())]

    @property
    def ddl(self) -> str:
        """The statement that makes it known to Flink."""
        options = ", ".join(f"{text(key)} = {text(value)}" for key, value in self.options.items())
        return f"CREATE TEMPORARY TABLE {quoted(self.name)} ({self.columns}) WITH ({options})"


def timed_source(
    settings: Settings,
    topics: Sequence[str],
    name: str,
    columns: str,
    *,
    from_ms: int | None = None,
    bound: Bound | None = None,
) -> Table:
    """All records of the topics as they were written, by their time of `arrived`; no tombstones.

    Which `topic` each is of is a column too.
    """
    start = {"scan.startup.mode": "earliest-offset"}
    if from_ms is not None:
        start = {
            "scan.startup.mode": "timestamp",
            "scan.startup.timestamp-millis": str(from_ms),
        }
    options = {
        **_common(settings, ";".join(topics)),
        **_reading(settings, bound),
        **start,
        "connector": "kafka",
        "key.fields": KEY,
    }
    return Table(name=name, columns=f"{columns}, {_TOPIC}, {_TIMED}", options=options)


def heartbeat(name: str) -> Table:
    """A row a second with the time in `arrived`, so that time goes on where nothing comes.

    Its time is behind by more than a transaction can stay open: a record counts by when the broker
    took it, and is seen when it is committed.
    """
    columns = (
        "`beat` BIGINT, `arrived` AS CAST(CURRENT_TIMESTAMP AS TIMESTAMP_LTZ(3)), "
        "WATERMARK FOR `arrived` AS `arrived` - INTERVAL '30' SECOND"
    )
    options = {
        "connector": "datagen",
        "rows-per-second": "1",
        "fields.beat.min": "0",
        "fields.beat.max": "1",
    }
    return Table(name=name, columns=columns, options=options)


def logged_source(
    settings: Settings,
    topics: Sequence[str],
    name: str,
    columns: str,
    *,
    bound: Bound | None = None,
) -> Table:
    """All records of the topics as they were written, but tombstones: those are in `key_source`.

    Beside the `columns` it has `topic`, `offset` and when the record `arrived`.
    """
    options = _log_of(settings, topics, bound)
    return Table(name=name, columns=f"{columns}, {_TOPIC}, {_OFFSET}, {ARRIVED}", options=options)


def key_source(
    settings: Settings, topics: Sequence[str], name: str, *, bound: Bound | None = None
) -> Table:
    """The key of every record of the topics, its `topic` and `offset`, its `payload` undecoded.

    No payload is a tombstone: a table of decoded records has none of them.
    """
    options = _log_of(settings, topics, bound)
    bare = {key: value for key, value in options.items() if "avro-confluent." not in key}
    raw = {"value.format": "raw", "value.fields-include": "EXCEPT_KEY"}
    columns = f"{quoted(KEY)} STRING NOT NULL, `payload` BYTES, {_TOPIC}, {_OFFSET}"
    return Table(name=name, columns=columns, options=bare | raw)


def _log_of(settings: Settings, topics: Sequence[str], bound: Bound | None) -> dict[str, str]:
    return {
        **_common(settings, ";".join(topics)),
        **_reading(settings, bound),
        "connector": "kafka",
        "key.fields": KEY,
        "scan.startup.mode": "earliest-offset",
    }


def appended_sink(
    settings: Settings, schema: Schema, name: str, *, key: str, topic: str, transactions: str
) -> Table:
    """Records on `topic`, exactly once, under the column `key`, which is in front of the schema's.

    `transactions` begins the names of its transactions: one that runs, one prefix.
    """
    options = {
        **_written(settings, schema, topic, transactions),
        "connector": "kafka",
        "key.fields": key,
        "value.fields-include": "EXCEPT_KEY",
    }
    own = columns(schema.definition["fields"])
    return Table(name=name, columns=f"{quoted(key)} STRING NOT NULL, {own}", options=options)


def keyed_sink(
    settings: Settings, schema: Schema, name: str, *, topic: str, transactions: str
) -> Table:
    """One record for each item on `topic`, exactly once, under the schema's own id.

    `transactions` begins the names of its transactions: one that runs, one prefix.
    """
    options = {
        **_written(settings, schema, topic, transactions),
        "connector": "upsert-kafka",
    }
    return Table(
        name=name, columns=f"{columns(schema.definition['fields'])}, {_KEYED}", options=options
    )


def raw_source(settings: Settings, topic: str, name: str, column: str) -> Table:
    """The values of what `topic` holds now, as bytes in `column`."""
    options = {
        **_bare(settings, topic),
        **_reading(settings, Bound()),
        "scan.startup.mode": "earliest-offset",
    }
    return Table(name=name, columns=f"{quoted(column)} BYTES", options=options)


def raw_sink(settings: Settings, topics: Sequence[str], name: str, *, transactions: str) -> Table:
    """Whole records, each on the one of `topics` that it names, exactly once.

    `transactions` begins the names of its transactions: one that runs, one prefix.
    """
    options = {
        **_bare(settings, ";".join(topics)),
        **_sending(transactions),
        "properties.max.request.size": str(LARGEST_BYTES),
        "key.format": "raw",
        "key.fields": "key",
        "value.fields-include": "EXCEPT_KEY",
    }
    columns = (
        "`topic` STRING NOT NULL METADATA, `key` BYTES, `value` BYTES, "
        "`headers` MAP<STRING NOT NULL, BYTES> METADATA"
    )
    return Table(name=name, columns=columns, options=options)


def _bare(settings: Settings, topic: str) -> dict[str, str]:
    own = {"connector": "kafka", "topic": topic, "value.format": "raw"}
    kafka = java_properties(settings.kafka)
    return own | {f"properties.{name}": value for name, value in kafka.items()}


def _sending(transactions: str) -> Mapping[str, str]:
    return {
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": transactions,
        "properties.transaction.timeout.ms": str(TRANSACTION_MS),
        "properties.compression.type": "zstd",
    }


def _written(
    settings: Settings, schema: Schema, topic: str, transactions: str
) -> Mapping[str, str]:
    return {
        **_common(settings, topic),
        "value.avro-confluent.subject": schema.subject,
        "value.avro-confluent.schema": schema.text,
        **_sending(transactions),
    }


def _reading(settings: Settings, bound: Bound | None) -> Mapping[str, str]:
    return {
        "properties.isolation.level": "read_committed",
        "properties.group.id": f"{settings.kafka.group_id}-flink",
        **(bound.options() if bound else {}),
    }


def _common(settings: Settings, topic: str) -> dict[str, str]:
    return dict(
        _entries(
            settings,
            {
                "topic": topic,
                "key.format": "raw",
                "value.format": "avro-confluent",
                "value.fields-include": "ALL",
            },
        )
    )


def _entries(settings: Settings, own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from own.items()
    for name, value in java_properties(settings.kafka).items():
        yield f"properties.{name}", value
    for name, value in registry_options(settings.registry).items():
        yield f"value.avro-confluent.{name}", value
