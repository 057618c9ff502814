"""The job that keeps `content.profile.v1` up, and the one that makes the same from history."""

from collections.abc import Callable, Mapping

from earmark.processors.loader import load_specs
from earmark.processors.schema import ITEMS, PROFILES, schema_of
from earmark.processors.signal import SignalSpec
from earmark.streams.flink.expected_sql import expectation
from earmark.streams.flink.job import BATCH, ONE_PHASE, STREAMING, Job
from earmark.streams.flink.profile_sql import ITEM_COLUMNS, insert_profiles
from earmark.streams.flink.signal_sql import SignalTopic, source_columns
from earmark.streams.flink.sql_type import quoted
from earmark.streams.flink.table import (
    Bound,
    Table,
    keyed_sink,
    keyed_source,
    logged_sources,
    newest,
)
from earmark.streams.route import replay_topic
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics

NAME = "profile"
Relation = Callable[[str], str]  # from a table's name to what is read of it


def profile_job(settings: Settings) -> Job:
    """The profiles of all items, kept up from all signal topics."""
    tables = [keyed_source(settings, name, name, columns) for name, columns in _sources().items()]
    return _job(settings, NAME, tables, quoted, to=PROFILES)


def rebuild_job(
    settings: Settings,
    *,
    run: str,
    from_ms: int | None = None,
    to_ms: int | None = None,
    batch: bool = False,
) -> Job:
    """The profiles from what the topics hold now, or held at `to_ms`, to a topic of the run.

    `from_ms` leaves out signals and items that arrived before. Both are times of arrival in
    milliseconds since the epoch. `batch` gives the same in batch mode.
    """
    bound = Bound(to_ms=to_ms)
    tables: list[Table] = []
    for name, columns in _sources().items():
        if batch:
            tables += logged_sources(settings, name, name, columns, bound=bound)
        else:
            tables.append(keyed_source(settings, name, name, columns, bound=bound))

    def relation(name: str) -> str:
        whole = newest(name) if batch else quoted(name)
        if from_ms is None:
            return whole
        return f"(SELECT * FROM {whole} WHERE `arrived` >= TO_TIMESTAMP_LTZ({from_ms:d}, 3))"

    to = replay_topic(run, PROFILES)
    mode = BATCH if batch else STREAMING
    return _job(settings, f"rebuild-{run}", tables, relation, to=to, config={**mode, **ONE_PHASE})


def computed(settings: Settings) -> Mapping[str, SignalSpec]:
    """The signals that the workers publish, so that others are not expected."""
    names = settings.worker.signals
    specs = load_specs(names or None)
    return {name: spec for name, spec in specs.items() if not names or name in names}


def _job(
    settings: Settings,
    name: str,
    tables: list[Table],
    relation: Relation,
    *,
    to: str,
    config: Mapping[str, str] | None = None,
) -> Job:
    schema = schema_of(PROFILES)
    prefix = f"{settings.kafka.group_id}-flink-{name}"
    sink = keyed_sink(settings, schema, PROFILES, topic=to, transactions=prefix)
    signals = {relation(topic): signal for topic, signal in _signals().items()}
    statement = insert_profiles(PROFILES, relation(ITEMS), signals, expectation(computed(settings)))
    return Job(
        name=name,
        tables=[*tables, sink],
        statements=[statement],
        schemas=[PROFILES],
        config=config or {**STREAMING, **ONE_PHASE},
    )


def _signals() -> Mapping[str, SignalTopic]:
    """Every signal topic that there is a schema for."""
    return {topic: SignalTopic(schema=schema_of(topic), topic=topic) for topic in signal_topics()}


def _sources() -> Mapping[str, str]:
    """The columns that are read, by topic, which is the name of its table too."""
    of_signals = {
        topic: source_columns(signal.schema.definition) for topic, signal in _signals().items()
    }
    return {**of_signals, ITEMS: ITEM_COLUMNS}
