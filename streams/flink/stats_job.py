"""The job that counts signals in windows of a minute and of an hour, on `signal.stats.v1`."""

from collections.abc import Mapping, Sequence

from earmark.processors.schema import STATS, schema_of
from earmark.streams.flink.job import STREAMING, Job
from earmark.streams.flink.signal_sql import SignalTopic, common_columns
from earmark.streams.flink.stats_sql import KEY, insert_stats, views
from earmark.streams.flink.table import Bound, appended_sink, heartbeat, timed_source
from earmark.streams.route import replay_topic
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics

NAME = "stats"
HEARTBEAT = "heartbeat"
CONFIG: Mapping[str, str] = {
    **STREAMING,
    "table.exec.mini-batch.enabled": "false",  # windows gather by themselves
    "table.local-time-zone": "UTC",  # hours begin where those of UTC do
}
# a topic without news does not hold the others' time. While it catches up a reader takes the
# partitions in turn, so that one can wait for its turn for long: its records are not late by that
LIVE = {"table.exec.source.idle-timeout": "60 s"}


def stats_job(
    settings: Settings,
    *,
    run: str | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
) -> Job:
    """The windows of all signals that arrive from `from_ms` on, or of all that are there.

    With a `run` it ends with what is there, or arrived before `to_ms`, and writes to the run's
    topic. Times are those of arrival, in milliseconds since the epoch.
    """
    bound = None if run is None else Bound(to_ms=to_ms)
    groups = {f"signals_{number}": group for number, group in enumerate(_read_together())}
    sources = [
        timed_source(
            settings,
            [signal.topic for signal in group],
            name,
            _columns(group) or "",
            from_ms=from_ms,
            bound=bound,
        )
        for name, group in groups.items()
    ]
    beats = [heartbeat(HEARTBEAT)] if run is None else []
    name = NAME if run is None else f"{NAME}-{run}"
    sink = appended_sink(
        settings,
        schema_of(STATS),
        STATS,
        key=KEY,
        topic=STATS if run is None else replay_topic(run, STATS),
        transactions=f"{settings.kafka.group_id}-flink-{name}",
    )
    return Job(
        name=name,
        tables=[*sources, *beats, sink],
        views=views(groups, HEARTBEAT if beats else None),
        statements=[insert_stats(STATS)],
        schemas=[STATS],
        config=CONFIG if run else {**CONFIG, **LIVE},
    )


def _read_together() -> Sequence[Sequence[SignalTopic]]:
    """The signals in as few groups as their fields' types allow: few tables keep the plan small."""
    groups: list[list[SignalTopic]] = []
    for topic in signal_topics():
        signal = SignalTopic(schema=schema_of(topic), topic=topic)
        group = next((group for group in groups if _columns([*group, signal])), None)
        if group is None:
            groups.append([signal])
        else:
            group.append(signal)
    return groups


def _columns(signals: Sequence[SignalTopic]) -> str | None:
    return common_columns([signal.schema.definition for signal in signals])
