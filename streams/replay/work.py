"""One worker of a replay: that of live events, on the run's course and topics, and behind them."""

from contextlib import ExitStack, closing
from functools import partial

import structlog

from earmark.models.error import ServiceError
from earmark.streams.assembly import assemble
from earmark.streams.erased_item import ErasedItems
from earmark.streams.health import Health, HealthServer
from earmark.streams.local.report import silent
from earmark.streams.metrics import Metrics
from earmark.streams.registry import Registry
from earmark.streams.replay.course import ReplayCourse
from earmark.streams.replay.courtesy import stand_behind
from earmark.streams.replay.manifest import Manifest, read_run
from earmark.streams.replay.metrics import ReplayMetrics
from earmark.streams.replay.pace import LiveLag, Pace
from earmark.streams.replay.progress import ProgressReader
from earmark.streams.settings import Settings
from earmark.streams.worker import Worker

log = structlog.get_logger()


def replay_worker(
    settings: Settings,
    run: str,
    *,
    slot: str,
    workers: int,
    undo: ExitStack,
    http_port: int = 0,
) -> Worker:
    """A worker for the run, ready to run to its end; `undo` closes what it stands on.

    Its health and metrics are at `http_port`, 0 for any that is free.

    Raises ConfigurationError where there is no such run or it was aborted, and for a port that is
    taken.
    """
    manifest = read_run(settings.kafka, run)
    manifest.check_goes_on()
    own = manifest.settings(settings)
    kafka = own.kafka.model_copy(update={"slot": slot})
    own = own.model_copy(update={"kafka": kafka})
    stand_behind()
    lag = LiveLag(settings.kafka, group_id=manifest.live_group)
    lag.start()
    undo.callback(lag.close)
    reader = undo.enter_context(closing(ProgressReader(own.kafka, manifest)))
    registry = undo.enter_context(Registry(own.registry))
    pace = Pace(manifest, lag, workers=workers)
    course = ReplayCourse(
        manifest,
        pace,
        lambda: _is_through(reader),
        partial(_retries_end, reader),
        erased=ErasedItems(settings.kafka, registry, silent),
    )
    metrics, health = Metrics(), Health()
    shown = undo.enter_context(closing(ProgressReader(own.kafka, manifest)))
    ReplayMetrics(shown, metrics.made)
    host = settings.worker.http_host
    server = HealthServer(health, metrics.registry, host=host, port=http_port)
    undo.enter_context(closing(server))
    log.info("replaying", run=run, http_port=server.port)
    return assemble(
        own,
        registry=registry,
        health=health,
        metrics=metrics,
        route=manifest.route,
        course=course,
    )


def _is_through(reader: ProgressReader) -> bool:
    try:
        return reader.read().is_through
    except ServiceError:
        return False  # asked again soon


def _retries_end(reader: ProgressReader, number: int) -> int | None:
    try:
        return reader.retries_end(number)
    except ServiceError:
        return None  # likewise


def topics_of(manifest: Manifest) -> tuple[str, ...]:
    """The signals that the run answers, by topic."""
    from earmark.processors.loader import load_specs

    names = manifest.signals or tuple(load_specs())
    return tuple(load_specs(names)[name].topic for name in names)
