"""Audits again and again, and shows what each found: `earmark audit --watch`."""

import json
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path

import click
import structlog

from earmark.models.error import ServiceError
from earmark.streams.audit_metrics import AuditMetrics
from earmark.streams.audit_tally import AuditTally
from earmark.streams.audit_verdict import AuditVerdict
from earmark.streams.endpoint import endpoint
from earmark.streams.erasure import erased_by_tombstone
from earmark.streams.health import Health, HealthServer
from earmark.streams.log import configure_logging
from earmark.streams.subscription.name import name_of
from earmark.streams.topic import signal_topics

log = structlog.get_logger()

Verdicts = Callable[[int], Iterable[AuditVerdict]]  # as of a time, in milliseconds since the epoch


def watched(
    verdicts: Verdicts, *, every_s: float, textfile: Path | None, http_port: int, as_json: bool
) -> None:
    """Audit until Ctrl-C or SIGTERM, `every_s` after each; brokers that are away are asked again.

    Health and metrics are served; ready is it when something is known. Raises ConfigurationError
    for what cannot be audited or written, and for a port that is taken.
    """
    configure_logging()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    metrics, health = metrics_for_all(), Health()
    host = endpoint().worker.http_host
    with (
        closing(HealthServer(health, metrics.registry, host=host, port=http_port)) as server,
        suppress(KeyboardInterrupt),
    ):
        log.info("auditing", http_port=server.port)
        while True:
            if _audit(verdicts, metrics, as_json=as_json):
                health.ready()
            if textfile is not None:
                metrics.write(textfile)
            time.sleep(every_s)


def metrics_of(found: AuditTally, *, begun_ms: int) -> AuditMetrics:
    """The metrics of one audit, as of `begun_ms`, that has just ended."""
    metrics = metrics_for_all()
    _show(metrics, found, begun_ms)
    return metrics


def metrics_for_all() -> AuditMetrics:
    """Metrics of any signal that there is."""
    return AuditMetrics([*map(name_of, signal_topics()), *erased_by_tombstone()])


def _audit(verdicts: Verdicts, metrics: AuditMetrics, *, as_json: bool) -> bool:
    """Whether the brokers answered."""
    begun_ms = time.time_ns() // 1_000_000
    tally = AuditTally()
    try:
        for verdict in verdicts(begun_ms):
            tally.add(verdict)
    except ServiceError as error:
        metrics.failed()
        log.warning("not audited", reason=str(error))
        return False
    _show(metrics, tally, begun_ms)
    click.echo(json.dumps({"summary": tally.as_object()}) if as_json else tally.as_line())
    return True


def _show(metrics: AuditMetrics, tally: AuditTally, begun_ms: int) -> None:
    seconds = time.time() - begun_ms / 1000
    waited_ms = 0 if tally.oldest_ms is None else max(0, begun_ms - tally.oldest_ms)
    metrics.show(tally, oldest_s=waited_ms / 1000, seconds=seconds)
