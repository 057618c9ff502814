"""`earmark serve`: signals over HTTP, for those who have no Kafka."""

import asyncio
import json
import logging
import signal
from contextlib import nullcontext
from pathlib import Path

import click

from earmark.streams.endpoint import endpoint
from earmark.streams.log import configure_logging
from earmark.streams.serving.event_stream import Patience
from earmark.streams.serving.item import ItemTable
from earmark.streams.serving.server import Server, Serving
from earmark.streams.topic import signal_topics


@click.command()
@click.option("--host", default="127.0.0.1", help="The address to listen on; the loopback's.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Its port; any free one.")
@click.option(
    "--items/--no-items",
    default=True,
    help="Keep the latest record of each item, for /items; all signals are read for it.",
)
@click.option(
    "--table",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep these in FILE from one run to the next; else they go with the process.",
)
@click.option("--most-streams", type=click.IntRange(min=1), default=64, help="At once.")
@click.option(
    "--heartbeat",
    type=click.FloatRange(min=0, min_open=True),
    default=15.0,
    metavar="SECONDS",
    help="From one sign of life on a quiet stream to the next.",
)
@click.option(
    "--slow",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    metavar="SECONDS",
    help="After which a client that takes nothing is dropped.",
)
@click.option("--json", "as_json", is_flag=True, help="Say where it serves as a JSON object.")
def serve(
    host: str,
    port: int,
    items: bool,
    table: Path | None,
    most_streams: int,
    heartbeat: float,
    slow: float,
    as_json: bool,
) -> None:
    """Serve signals over HTTP until Ctrl-C.

    \b
    GET /signals/text.safety?where=outcome=OK&from_beginning=1
        server-sent events: `signal` and `deletion` as they come. Their ids are
        places in the topic: a client that comes back with Last-Event-ID gets
        what it has missed. Also since=2h, content_type, label, min_score.
    GET /items/ep-1      the latest record of each signal of an item
    GET /signals         the names of all signals
    GET /healthz, /metrics

    There is no authentication: beyond the loopback put a proxy before it that has one. Each stream
    is a consumer of its own on the brokers.
    """
    configure_logging(level=logging.WARNING)
    settings = endpoint()
    kept = ItemTable(settings, signal_topics(), table) if items else None
    serving = Serving(
        settings=settings,
        items=kept,
        host=host,
        port=port,
        most_streams=most_streams,
        patience=Patience(heartbeat_s=heartbeat, slow_s=slow),
    )
    with kept or nullcontext():
        asyncio.run(_serve(serving, as_json=as_json))


async def _serve(serving: Serving, *, as_json: bool) -> None:
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    async with Server(serving) as server:
        told = json.dumps({"url": server.url}) if as_json else f"{server.url}; Ctrl-C stops it"
        click.echo(told)
        await asked_to_stop.wait()
