"""The job that keeps `content.profile.v1` up, and the one that makes the same from history."""

from collections.abc import Mapping

from earmark.processors.loader import load_specs
from earmark.processors.schema import ITEMS, PROFILES, schema_of
from earmark.processors.signal import SignalSpec
from earmark.streams.flink.expected_sql import expectation
from earmark.streams.flink.job import BATCH, ONE_PHASE, STREAMING, Job
from earmark.streams.flink.profile_sql import ITEM_COLUMNS, insert_profiles
from earmark.streams.flink.signal_sql import columns_of, read_together
from earmark.streams.flink.table import Bound, key_source, keyed_sink, logged_source
from earmark.streams.route import replay_topic
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topics

NAME = "profile"
KEYS = "keys"


def profile_job(settings: Settings) -> Job:
    """The profiles of all items, kept up from all signal topics."""
    return _job(settings, NAME, to=PROFILES)


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
    return _job(
        settings,
        f"rebuild-{run}",
        to=replay_topic(run, PROFILES),
        mode=BATCH if batch else STREAMING,
        bound=Bound(to_ms=to_ms),
        from_ms=from_ms,
    )


def computed(settings: Settings) -> Mapping[str, SignalSpec]:
    """The signals that the workers publish, so that others are not expected."""
    names = settings.worker.signals
    specs = load_specs(names or None)
    return {name: spec for name, spec in specs.items() if not names or name in names}


def _job(
    settings: Settings,
    name: str,
    *,
    to: str,
    mode: Mapping[str, str] = STREAMING,
    bound: Bound | None = None,
    from_ms: int | None = None,
) -> Job:
    topics = signal_topics()
    signals = {f"signals_{number}": group for number, group in enumerate(read_together(topics))}
    read = [
        logged_source(settings, [it.topic for it in group], table, columns_of(group), bound=bound)
        for table, group in signals.items()
    ]
    read.append(logged_source(settings, [ITEMS], ITEMS, ITEM_COLUMNS, bound=bound))
    read.append(key_source(settings, [*topics, ITEMS], KEYS, bound=bound))
    prefix = f"{settings.kafka.group_id}-flink-{name}"
    sink = keyed_sink(settings, schema_of(PROFILES), PROFILES, topic=to, transactions=prefix)
    statement = insert_profiles(
        PROFILES,
        items=ITEMS,
        signals=signals,
        keys=KEYS,
        expected=expectation(computed(settings)),
        from_ms=from_ms,
    )
    return Job(
        name=name,
        tables=[*read, sink],
        statements=[statement],
        schemas=[PROFILES],
        config={**mode, **ONE_PHASE},
    )
