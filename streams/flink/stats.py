"""Windows counted again from what the signal topics hold."""

from collections.abc import Callable

from earmark.models.source import Progress
from earmark.streams.flink.host import prepare
from earmark.streams.flink.order import Order
from earmark.streams.flink.rebuild import make_topic, run_to_end
from earmark.streams.local.report import silent
from earmark.streams.replay.manifest import checked_name
from earmark.streams.route import replay_topic
from earmark.streams.settings import Settings
from earmark.streams.topic import STATS


def count_to_end(
    settings: Settings,
    run: str,
    *,
    from_ms: int | None = None,
    to_ms: int | None = None,
    order: Callable[..., Order] = Order,
    progress: Progress = silent,
) -> str:
    """Count what is there, or arrived in these bounds, to `replay.<run>.signal.stats.v1`; its name.

    Bounds are in milliseconds since the epoch. Raises ServiceError where the job fails.
    """
    topic = replay_topic(checked_name(run), STATS)
    wanted = order(kind="stats", options={"run": run, "from_ms": from_ms, "to_ms": to_ms})
    make_topic(settings, topic)
    prepare(settings, wanted, progress)
    run_to_end(settings, wanted, f"stats-{run}", progress)
    return topic
