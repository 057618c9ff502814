"""Kafka topics as tables of Flink SQL: keyed by item, Avro behind a registry's id."""

from collections.abc import Iterator, Mapping
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
    def ddl(self) -> str:
        """The statement that makes it known to Flink."""
        options = ", ".join(f"{text(key)} = {text(value)}" for key, value in self.options.items())
        return f"CREATE TEMPORARY TABLE {quoted(self.name)} ({self.columns}) WITH ({options})"


def keyed_source(
    settings: Settings, topic: str, name: str, columns: str, *, bound: Bound | None = None
) -> Table:
    """The newest record of each item on `topic`; a tombstone takes the item away again.

    `columns` may be any of the schema's, in any order, `content_id` among them.
    """
    key = f"PRIMARY KEY ({quoted(KEY)}) NOT ENFORCED"
    options = {
        **_common(settings, topic),
        "connector": "upsert-kafka",
        "properties.isolation.level": "read_committed",
        "properties.group.id": f"{settings.kafka.group_id}-flink",
        **(bound.options() if bound else {}),
    }
    return Table(name=name, columns=f"{columns}, {key}", options=options)


def keyed_sink(
    settings: Settings, schema: Schema, name: str, *, topic: str, transactions: str
) -> Table:
    """One record for each item on `topic`, exactly once, under the schema's own id.

    `transactions` begins the names of its transactions: one that runs, one prefix.
    """
    key = f"PRIMARY KEY ({quoted(KEY)}) NOT ENFORCED"
    options = {
        **_common(settings, topic),
        "connector": "upsert-kafka",
        "value.avro-confluent.subject": schema.subject,
        "value.avro-confluent.schema": schema.text,
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": transactions,
        "properties.transaction.timeout.ms": str(TRANSACTION_MS),
        "properties.compression.type": "zstd",
    }
    return Table(
        name=name, columns=f"{columns(schema.definition['fields'])}, {key}", options=options
    )


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
