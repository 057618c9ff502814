"""`earmark up`: the local stack, started in the background or kept in the foreground."""

import json
import signal
from collections.abc import Sequence
from dataclasses import asdict

import click

from earmark.streams.local.background import start_in_background
from earmark.streams.local.extra import extras_named, require_extras
from earmark.streams.local.parts import fetch_parts
from earmark.streams.local.port import free_port
from earmark.streams.local.state import StackState, running_stack
from earmark.streams.progress import loading, working
from earmark.streams.settings import Settings, load_settings

KAFKA_PORT = 9092  # where people look first
REGISTRY_PORT = 8081


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Kafka's port; 9092 or any free one.")
@click.option(
    "--registry-port", type=click.IntRange(1, 65535), help="Registry's; 8081 or any free one."
)
@click.option("--worker/--no-worker", default=True, help="Broker and registry alone.")
@click.option(
    "--with", "extras", metavar="NAMES", help="Also these, by commas: flink, stats, agents, web."
)
@click.option("--foreground", is_flag=True, help="Stay here; Ctrl-C stops the stack.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object: addresses, processes."
)
def up(
    port: int | None,
    registry_port: int | None,
    worker: bool,
    extras: str | None,
    foreground: bool,
    as_json: bool,
) -> None:
    """Start Kafka broker, schema registry and worker on this machine and keep them running.

    They listen on 127.0.0.1 only. The other commands find them by themselves. Does nothing if
    they run already. What dies is started again, after a pause that grows from 1 to 60 seconds;
    not a worker with wrong settings or an open breaker. The stack's log says so.
    """
    settings = load_settings()
    wanted = extras_named(extras)
    ports = {"port": port, "registry_port": registry_port}
    state = running_stack(settings.home)
    if state is None:
        if foreground:
            _keep(settings, **ports, worker=worker, extras=wanted)
            return
        state = _start(settings, **ports, worker=worker, extras=wanted)
    require_extras(state.extras, wanted)
    click.echo(json.dumps(asdict(state)) if as_json else _guide(state))


def _start(
    settings: Settings,
    *,
    port: int | None,
    registry_port: int | None,
    worker: bool,
    extras: Sequence[str],
) -> StackState:
    with loading() as progress:
        fetch_parts(settings, progress)
    with working("starting the local stack") as say:
        return start_in_background(
            settings,
            port=port,
            registry_port=registry_port,
            worker=worker,
            extras=extras,
            report=say,
        )


def _keep(
    settings: Settings,
    *,
    port: int | None,
    registry_port: int | None,
    worker: bool,
    extras: Sequence[str],
) -> None:
    from earmark.streams.local.stack import Stack

    # asked to end (SIGTERM) is the same as interrupted: everything is stopped on the way out
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = Stack(
        settings,
        port=port or free_port(KAFKA_PORT),
        registry_port=registry_port or free_port(REGISTRY_PORT),
        worker=worker,
        extras=extras,
        report=click.echo,
    )
    try:
        with stack:
            click.echo(_guide(stack.state))
            stack.watch()
    except KeyboardInterrupt:
        click.echo("stopped")


def _guide(state: StackState) -> str:
    lines = [
        f"Kafka     {state.bootstrap_servers}",
        f"registry  {state.registry_url}",
        f"worker    {_worker(state)}",
        *(f"{name:<9} {url}" for name, url in state.extras.items()),
        "",
        "earmark produce FILE...      send content",
        "earmark subscribe NAME...    read signals, e.g. audio.loudness",
        "earmark down                 stop it all",
    ]
    return "\n".join(lines)


def _worker(state: StackState) -> str:
    if state.worker_url is None:
        return "none"
    return f"{state.worker_url}; reads files below {', '.join(state.media_roots) or 'no folder'}"
