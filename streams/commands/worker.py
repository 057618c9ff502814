"""`earmark worker`: the worker, until it is asked to stop or cannot go on; or what keeps one alive.

A supervisor lives as long as its machine and should stay small: what only a worker needs is
imported where a worker is made.
"""

import signal
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click
import structlog

from earmark.streams.log import configure_logging
from earmark.streams.supervisor import Supervisor

if TYPE_CHECKING:
    from earmark.streams.settings import Settings

log = structlog.get_logger()

# Each call into torch lets go of the interpreter, and may wait so long to get it back from the
# thread that talks to Kafka; Python's 5 ms are many of the small calls by which texts are read.
SWITCH_S = 0.000_5


@click.command()
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default=None)
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16", "fp16"]), default=None)
@click.option("--signals", help="Only these, separated by commas.")
@click.option("--slot", help="This worker's name in its group, stable across restarts.")
@click.option("--http-port", type=click.IntRange(0, 65535), help="Health and metrics; 0: any free.")
@click.option("--supervise", is_flag=True, help="Start it again whenever it ends with an error.")
@click.pass_context
def worker(
    ctx: click.Context,
    device: str | None,
    precision: str | None,
    signals: str | None,
    slot: str | None,
    http_port: int | None,
    supervise: bool,
) -> None:
    """Read content events, publish signals.

    Takes what it needs from the settings; the options come before them. Ends with 0 when it was
    asked to stop (SIGTERM, Ctrl-C), with 1 and a reason when it cannot go on, and with 75 when it
    hangs. With --supervise the worker is a child of this process, which starts it again when it
    ends with an error, after a pause that grows from 1 to 60 seconds; not when it was asked
    wrongly (2) or its breaker has opened (78). Health and metrics are the child's.
    """
    configure_logging()
    if supervise:
        sys.exit(Supervisor(_without_supervision(ctx)).run())

    from earmark.streams.local.state import check_slot, resolve_settings
    from earmark.streams.settings import load_settings, with_worker

    settings = load_settings()
    check_slot(settings, slot)
    _work(
        with_worker(
            resolve_settings(settings),
            device=device,
            precision=precision,
            signals=tuple(signals.split(",")) if signals else None,
            slot=slot,
            http_port=http_port,
        )
    )


def _without_supervision(ctx: click.Context) -> list[str]:
    """The command line for the child: what was given here, but for --supervise."""
    command = [sys.executable, "-m", "earmark", "worker"]
    for parameter in ctx.command.params:
        value = ctx.params[parameter.name or ""]
        if parameter.name != "supervise" and value is not None:
            command += [parameter.opts[0], str(value)]
    return command


def _work(settings: "Settings") -> None:
    from earmark.streams.assembly import assemble
    from earmark.streams.health import Health, HealthServer
    from earmark.streams.metrics import Metrics
    from earmark.streams.registry import Registry

    configure_logging(level=settings.log.level)
    sys.setswitchinterval(SWITCH_S)
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
