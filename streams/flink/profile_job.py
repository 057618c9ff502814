"""The job that keeps `content.profile.v1` up, and the one that makes the same from history."""

from collections.abc import Mapping

from earmark.processors.loader import load_specs
from earmark.processors.schema import ITEMS, PROFILES, schema_of
from earmark.processors.signal import SignalSpec
from earmark.streams.flink.expected_sql import expectation
from earmark.streams.flink.job import Job
from earmark.streams.flink.profile_sql import ITEM_COLUMNS, insert_profiles
from earmark.streams.flink.signal_sql import SignalTopic, source_columns
from earmark.streams.flink.table import Bound, Table, keyed_sink, keyed_source
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics

NAME = "profile"


def profile_job(
    settings: Settings,
    *,
    name: str = NAME,
    to_topic: str = PROFILES,
    bound: Bound | None = None,
) -> Job:
    """The profiles of all items from all signal topics, to `to_topic`; for ever without a bound."""
    signals = signal_tables()
    sources = [
        keyed_source(
            settings, signal.topic, table, source_columns(signal.schema.definition), bound=bound
        )
        for table, signal in signals.items()
    ]
    items = keyed_source(settings, ITEMS, ITEMS, ITEM_COLUMNS, bound=bound)
    sink = keyed_sink(
        settings,
        schema_of(PROFILES),
        PROFILES,
        topic=to_topic,
        transactions=f"{settings.kafka.group_id}-flink-{name}",
    )
    statement = insert_profiles(PROFILES, ITEMS, signals, expectation(computed(settings)))
    tables: list[Table] = [*sources, items, sink]
    return Job(name=name, tables=tables, statements=[statement], schemas=[PROFILES])


def signal_tables() -> Mapping[str, SignalTopic]:
    """Every signal topic that there is a schema for, by the name of its table."""
    return {topic: SignalTopic(schema=schema_of(topic), topic=topic) for topic in signal_topics()}


def computed(settings: Settings) -> Mapping[str, SignalSpec]:
    """The signals that the workers publish, so that others are not expected."""
    names = settings.worker.signals
    specs = load_specs(names or None)
    return {name: spec for name, spec in specs.items() if not names or name in names}
