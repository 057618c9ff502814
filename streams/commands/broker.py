"""`earmark broker`: the local Kafka broker alone, in the foreground."""

import signal
import time

import click

from earmark.models.error import ServiceError
from earmark.streams.commands.up import KAFKA_PORT
from earmark.streams.local.broker import Broker
from earmark.streams.local.parts import fetch_parts
from earmark.streams.local.port import free_port
from earmark.streams.local.process import tail
from earmark.streams.progress import loading
from earmark.streams.settings import load_settings

WATCH_S = 1.0


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Its port; 9092 or any free one.")
def broker(port: int | None) -> None:
    """Run the local Kafka broker until Ctrl-C. It shares its data with `earmark up`."""
    settings = load_settings()
    # asked to end (SIGTERM) is the same as interrupted
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with loading() as progress:
        parts = fetch_parts(settings, progress)
    _run(Broker(parts, settings.home, port=port or free_port(KAFKA_PORT)))


def _run(running: Broker) -> None:
    try:
        running.start()
        click.echo(f"Kafka {running.bootstrap_servers}; Ctrl-C stops it")
        while running.child.alive:
            time.sleep(WATCH_S)
        raise ServiceError(f"the broker has ended: {tail(running.child.log)}")
    except KeyboardInterrupt:
        click.echo("stopping")
    finally:
        running.stop()
