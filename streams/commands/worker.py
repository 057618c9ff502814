"""`earmark worker`: the worker, until it is asked to stop or cannot go on."""

import signal
from contextlib import closing

import click
import structlog

from earmark.streams.allocator import return_large_blocks
from earmark.streams.assembly import assemble
from earmark.streams.health import Health, HealthServer
from earmark.streams.local.state import resolve_settings
from earmark.streams.log import configure_logging
from earmark.streams.metrics import Metrics
from earmark.streams.registry import Registry
from earmark.streams.settings import load_settings, with_worker

log = structlog.get_logger()


@click.command()
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default=None)
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), default=None)
@click.option("--signals", help="Only these, separated by commas.")
@click.option("--slot", help="This worker's name in its group, stable across restarts.")
@click.option("--http-port", type=click.IntRange(0, 65535), help="Health and metrics; 0: any free.")
def worker(
    device: str | None,
    precision: str | None,
    signals: str | None,
    slot: str | None,
    http_port: int | None,
) -> None:
    """Read content events, publish signals.

    Takes what it needs from the settings; the options come before them. Ends with 0 when it was
    asked to stop (SIGTERM, Ctrl-C) and with 1 and a reason when it cannot go on.
    """
    configure_logging()
    return_large_blocks()
    settings = with_worker(
        resolve_settings(load_settings()),
        device=device,
        precision=precision,
        signals=tuple(signals.split(",")) if signals else None,
        slot=slot,
        http_port=http_port,
    )
    metrics, health = Metrics(), Health()
    server = HealthServer(
        health, metrics.registry, host=settings.worker.http_host, port=settings.worker.http_port
    )
    with closing(server), Registry(settings.registry) as registry:
        running = assemble(settings, registry=registry, health=health, metrics=metrics)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: running.stop())
        log.info("starting", http_port=server.port, brokers=settings.kafka.bootstrap_servers)
        running.run()
    log.info("stopped")
