"""`earmark web`: the inspector."""

import asyncio
import json
import signal
import webbrowser
from typing import TYPE_CHECKING

import click

from earmark.streams.endpoint import endpoint
from earmark.streams.local.state import reading_as_stack
from earmark.streams.log import configure_logging

if TYPE_CHECKING:
    from earmark.streams.web.server import WebServer


@click.command()
@click.option("--host", help="The address to listen on; web.http_host, the loopback's.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Its port; web.http_port, or any free one."
)
@click.option("--operator", is_flag=True, help="Everybody on this machine may redrive and promote.")
@click.option("--open", "opens", is_flag=True, help="Open it in a browser.")
@click.option("--json", "as_json", is_flag=True, help="Say where it serves as a JSON object.")
def web(host: str | None, port: int | None, operator: bool, opens: bool, as_json: bool) -> None:
    """Serve the inspector until Ctrl-C: items, signals, rejections, quality, try-outs.

    Pages at /, the same as JSON under /api/v1, described at /api. It follows the topics into an
    index on this machine, one file below the state's folder: what was read once is not read again.

    Without settings everybody on this machine may look, and nobody may change anything. For others
    set EARMARK_WEB__TOKENS (users with tokens and the roles viewer and operator), or a proxy that
    asks who they are: EARMARK_WEB__USER_HEADER, EARMARK_WEB__ROLE_HEADER and
    EARMARK_WEB__TRUSTED_PROXIES.
    """
    from earmark.streams.web.server import WebServer

    configure_logging()
    settings = reading_as_stack(endpoint())
    given = {"http_host": host, "http_port": port}
    own = settings.web.model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    server = WebServer(settings.model_copy(update={"web": own}), operator=operator)
    asyncio.run(_serve(server, opens=opens, as_json=as_json))


async def _serve(server: "WebServer", *, opens: bool, as_json: bool) -> None:
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    async with server:
        told = json.dumps({"url": server.url}) if as_json else f"{server.url}; Ctrl-C stops it"
        click.echo(told)
        if opens:
            await asyncio.to_thread(webbrowser.open, server.url)
        await asked_to_stop.wait()
