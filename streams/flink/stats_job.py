"""The job that counts signals in windows of a minute and of an hour, on `signal.stats.v1`."""

from collections.abc import Mapping

from earmark.processors.schema import STATS, schema_of
from earmark.streams.flink.job import STREAMING, Job
from earmark.streams.flink.signal_sql import columns_of, read_together
from earmark.streams.flink.stats_sql import KEY, insert_stats, views
from earmark.streams.flink.table import Bound, appended_sink, heartbeat, timed_source
from earmark.streams.route import replay_topic
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics

NAME = "stats"
HEARTBEAT = "heartbeat"
HOUR_MS = 3_600_000
CONFIG: Mapping[str, str] = {
    **STREAMING,
    "table.exec.mini-batch.enabled": "false",  # windows gather by themselves
    "table.local-time-zone": "UTC",  # hours begin where those of UTC do
}
# a topic without news does not hold the others' time. While it catches up a reader takes the
# partitions in turn, so that one can wait for its turn for long: its records are not late by that
IDLE_S = 60.0


def stats_job(
    settings: Settings,
    *,
    run: str | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    idle_s: float = IDLE_S,
) -> Job:
    """The windows of all signals that arrive from `from_ms` on, or of all that are there.

    With a `run` it ends with what is there, or arrived before `to_ms`, and writes to the run's
    topic. Without one it stays, and begins with the hour in which `from_ms` lies: a part of a
    window must not take the place of the whole that an earlier job has counted. Times are those of
    arrival, in milliseconds since the epoch. A topic without news for `idle_s` does not hold up
    the windows of the others.
    """
    if run is None and from_ms is not None:
        from_ms = hour_of(from_ms)
    bound = None if run is None else Bound(to_ms=to_ms)
    together = enumerate(read_together(signal_topics()))
    groups = {f"signals_{number}": group for number, group in together}
    sources = [
        timed_source(
            settings,
            [signal.topic for signal in group],
            name,
            columns_of(group),
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
        config=CONFIG if run else {**CONFIG, "table.exec.source.idle-timeout": f"{idle_s:g} s"},
    )


def hour_of(moment_ms: int) -> int:
    """When the hour of a moment began, in UTC as the windows have it; milliseconds."""
    return moment_ms // HOUR_MS * HOUR_MS
