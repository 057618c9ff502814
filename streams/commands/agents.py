"""`earmark agents`: judges items by policies, until it is asked to stop or cannot go on."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from earmark.streams.log import configure_logging
from earmark.streams.supervisor import Supervisor

if TYPE_CHECKING:
    from earmark.streams.settings import Settings

SHADOW = r"[a-z0-9][a-z0-9-]*"


@click.command()
@click.option(
    "--policies",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the policies; those in the settings, or those that are shipped.",
)
@click.option("--shadow", metavar="NAME", help="Write to shadow.NAME.verdicts.v1, and so on.")
@click.option("--slot", help="This process's name in its group, stable across restarts.")
@click.option("--http-port", type=click.IntRange(0, 65535), help="Views and metrics; 0: any free.")
@click.option("--supervise", is_flag=True, help="Start it again whenever it ends with an error.")
@click.pass_context
def agents(
    ctx: click.Context,
    policies: Path | None,
    shadow: str | None,
    slot: str | None,
    http_port: int | None,
    supervise: bool,
) -> None:
    """Read profiles, signals and decisions; publish verdicts, and questions to people.

    Takes what it needs from the settings; the options come before them. Policies are read again
    when their files change, and all items are then judged anew. Answers by HTTP, on the loopback
    interface unless set otherwise: /verdicts/ITEM, /verdicts?effect=&policy=, /policies, /health
    and /metrics.

    With --shadow it judges as a group of its own and writes to topics of its own, so that policies
    can be tried on live traffic. Ends with 0 when it was asked to stop (SIGTERM, Ctrl-C), with
    another status when it cannot go on, or cannot finish what it has in 20 seconds, as while
    brokers are away. With --supervise it is a child of this process, which starts it again when it
    ends with an error, after a pause that grows from 1 to 60 seconds.
    """
    configure_logging()
    _check(shadow)
    if supervise:
        sys.exit(Supervisor(_without_supervision(ctx), name="agents").run())
    from earmark.streams.endpoint import endpoint

    settings = _settings(endpoint(), policies=policies, slot=slot, http_port=http_port)
    configure_logging(level=settings.log.level)
    _run(settings, shadow)


def _check(shadow: str | None) -> None:
    import re

    if shadow is not None and not re.fullmatch(SHADOW, shadow):
        raise click.UsageError(f"--shadow: small letters, digits and hyphens, not {shadow!r}")


def _without_supervision(ctx: click.Context) -> list[str]:
    """The command line for the child: what was given here, but for --supervise."""
    command = [sys.executable, "-m", "earmark", "agents"]
    for parameter in ctx.command.params:
        value = ctx.params[parameter.name or ""]
        if parameter.name != "supervise" and value is not None:
            command += [parameter.opts[0], str(value)]
    return command


def _settings(
    settings: "Settings", *, policies: Path | None, slot: str | None, http_port: int | None
) -> "Settings":
    """The settings with what was given on the command line."""
    agents = settings.agents.model_copy(update=_given(http_port=http_port))
    kafka = settings.kafka.model_copy(update=_given(slot=slot))
    own = {"agents": agents, "kafka": kafka, **_given(policies=policies)}
    return settings.model_copy(update=own)


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _run(settings: "Settings", shadow: str | None) -> None:
    """The app in this process, which ends with it; a user's mistake ends it before it begins."""
    import faust

    from earmark.streams.agents import make_app

    app = make_app(settings, shadow=shadow)
    app.host.open()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = faust.Worker(app, loop=loop, quiet=True, loglevel=logging.WARNING)
    worker.spinner = None  # it hides the cursor, wherever its output goes
    worker.execute_from_commandline()
