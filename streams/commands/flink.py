"""`earmark flink`: profiles of items, kept up by a Flink job and rebuilt from history."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from earmark.models.error import ServiceError
from earmark.streams.dead_letter import moment_ms
from earmark.streams.flink.host import (
    command_of,
    job_states,
    prepare,
    stop_job,
)
from earmark.streams.flink.order import Order
from earmark.streams.flink.runtime import HEAP_MB
from earmark.streams.local.state import resolve_settings
from earmark.streams.log import configure_logging
from earmark.streams.progress import loading
from earmark.streams.settings import load_settings
from earmark.streams.supervisor import Supervisor


@click.group()
def flink() -> None:
    """Keep profiles of items with Flink, and rebuild them from history.

    A job runs on a Flink inside this process unless --cluster names another.
    """


def _where(command: Any) -> Any:
    """The options that say on which Flink a job runs."""
    for option in (
        click.option("--cluster", metavar="URL", help="REST address of a Flink to run it on."),
        click.option("--checkpoints", metavar="URI", help="Where that Flink keeps checkpoints."),
        click.option(
            "--parallelism",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="Tasks of each kind.",
        ),
        click.option(
            "--heap-mb",
            type=click.IntRange(min=256),
            default=HEAP_MB,
            show_default=True,
            help="Largest heap of a Flink inside this process.",
        ),
    ):
        command = option(command)
    return command


@flink.command()
@_where
def profile(**where: Any) -> None:
    """Keep content.profile.v1 up: all signals of an item in one record.

    Stays until Ctrl-C, which ends the job with a savepoint; whatever else ends the job, it is
    started again from its newest checkpoint. With --cluster it is submitted, no more.
    """
    sys.exit(_keep(Order(kind="profile", **where)))


@flink.command()
@click.option("--run", help="A name for it; none: one with the time in it.")
@click.option("--from", "start", metavar="WHEN", help="Leave out what arrived before.")
@click.option("--to", "end", metavar="WHEN", help="Read what had arrived by then; none: by now.")
@click.option("--batch", is_flag=True, help="In Flink's batch mode.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: how it went.")
@_where
def rebuild(
    run: str | None,
    start: str | None,
    end: str | None,
    batch: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Make the profiles again from the signal topics, and compare them with the live ones.

    They go to replay.RUN.content.profile.v1. WHEN is a time of arrival, in ISO 8601 or how long
    ago (2h, 7d); where one is given there is nothing to compare. Ends with 1 where profiles
    differ, which they do where signals arrive meanwhile.
    """
    from earmark.streams.flink.rebuild import rebuild as made

    now = datetime.now(UTC)
    settings = resolve_settings(load_settings())
    with loading() as progress:
        done = made(
            settings,
            run or f"profile-{now:%Y%m%d-%H%M%S}",
            from_ms=moment_ms(start, now=now) if start else None,
            to_ms=moment_ms(end, now=now) if end else None,
            batch=batch,
            order=partial(Order, **where),
            progress=progress,
        )
    found = done.agreement
    if as_json:
        click.echo(json.dumps({**asdict(done), "equal": found.equal if found else None}))
    else:
        click.echo(f"{done.profiles:,} profiles on {done.topic} in {done.seconds:.1f} s")
        click.echo("" if found is None else f"{found.differing:,} differ from {found.live:,} live")
    if found is not None and not found.equal:
        raise ServiceError(f"profiles differ, such as those of {', '.join(found.examples)}")


@flink.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per job.")
def status(as_json: bool) -> None:
    """Show the jobs that were started from here: state, checkpoints, where they run."""
    states = job_states(load_settings().state_folder)
    if as_json:
        for state in states:
            click.echo(json.dumps(asdict(state)))
        return
    table = Table("job", "state", "checkpoints", "failed", "where", box=None)
    for state in states:
        table.add_row(state.name, state.state, str(state.checkpoints), str(state.failed), state.url)
    Console().print(table)


@flink.command()
@click.argument("name", default="profile")
@click.option(
    "--savepoint/--no-savepoint",
    default=True,
    show_default=True,
    help="Keep its state, however long it stands still; without, it goes on from its last "
    "checkpoint if it is started again within ten minutes, and reads all again after.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object: job, savepoint.")
def stop(name: str, savepoint: bool, as_json: bool) -> None:
    """End the job NAME; started again, it goes on where it was."""
    where = stop_job(load_settings().state_folder, name, savepoint=savepoint)
    if as_json:
        click.echo(json.dumps({"job": name, "savepoint": where}))
    else:
        click.echo(f"{name} stopped" + (f"; state in {where}" if where else ""))


def _keep(order: Order) -> int:
    configure_logging()
    settings = resolve_settings(load_settings())
    with loading() as progress:
        prepare(settings, order, progress)
    return Supervisor(command_of(order), name=f"{order.kind} job").run()
