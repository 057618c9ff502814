"""`earmark flink`: profiles of items, kept up by a Flink job and rebuilt from history."""

import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column

from earmark.models.error import ServiceError
from earmark.streams.commands.flink_backfill import backfill
from earmark.streams.commands.flink_place import order_at, place_options
from earmark.streams.dead_letter import moment_ms
from earmark.streams.fitting import Fitting, last_below
from earmark.streams.flink.host import (
    JobState,
    command_of,
    job_states,
    prepare,
    stop_job,
)
from earmark.streams.flink.order import Order
from earmark.streams.flink.runtime import HEAP_MB
from earmark.streams.local.state import resolve_settings
from earmark.streams.log import configure_logging
from earmark.streams.progress import loading, working
from earmark.streams.settings import load_settings
from earmark.streams.supervisor import Supervisor

JOB_LETTERS = 40  # of a job's name in the line of its row


@click.group()
def flink() -> None:
    """Keep profiles of items with Flink, and rebuild them from history.

    A job runs on a Flink inside this process unless --cluster names another.
    """


flink.add_command(backfill)


@flink.command()
@place_options
def profile(**where: Any) -> None:
    """Keep content.profile.v1 up: all signals of an item in one record.

    Stays until Ctrl-C, which ends the job with a savepoint; whatever else ends the job, it is
    started again from its newest checkpoint. With --cluster it is submitted, no more.
    """
    sys.exit(_keep(order_at(kind="profile", **where)))


@flink.command()
@click.option(
    "--from",
    "start",
    metavar="WHEN",
    help="Begin with what arrived then; none: with this hour, and a --run with all that is there. "
    "A job that goes on from its state does not ask.",
)
@click.option("--run", help="Count what is there, for once, to the topics of this run.")
@click.option("--to", "end", metavar="WHEN", help="With --run: what had arrived by then.")
@click.option("--json", "as_json", is_flag=True, help="With --run: one JSON object.")
@place_options
def stats(start: str | None, run: str | None, end: str | None, as_json: bool, **where: Any) -> None:
    """Count signals in windows of a minute and of an hour, on signal.stats.v1.

    By signal, model, language and content type: outcomes, reasons, labels and words, and of each
    number mean, deviation, quantiles and histogram. `earmark drift` compares them. Windows are of
    the time of arrival; what comes too late for its window is counted as late. Stays until Ctrl-C,
    as `profile` does, and begins with a whole hour: no part of a window takes the whole's place.
    With --run it ends with what is there, on replay.RUN.signal.stats.v1. WHEN is in ISO 8601 or how
    long ago (2h, 7d).
    """
    now = datetime.now(UTC)
    from_ms = moment_ms(start, now=now) if start else None
    if run is None:
        if end is not None:
            raise click.UsageError("--to is for a --run, which has an end")
        begin = int(now.timestamp() * 1000) if from_ms is None else from_ms
        sys.exit(_keep(order_at(kind="stats", options={"from_ms": begin}, **where)))
    from earmark.streams.flink.stats import count_to_end

    with loading(quiet=as_json) as progress:
        topic = count_to_end(
            resolve_settings(load_settings()),
            run,
            from_ms=from_ms,
            to_ms=moment_ms(end, now=now) if end else None,
            order=partial(order_at, **where),
            progress=progress,
        )
    click.echo(json.dumps({"run": run, "topic": topic}) if as_json else f"counted on {topic}")


@flink.command()
@click.option("--run", help="A name for it; none: one with the time in it.")
@click.option("--from", "start", metavar="WHEN", help="Leave out what arrived before.")
@click.option("--to", "end", metavar="WHEN", help="Read what had arrived by then; none: by now.")
@click.option("--batch", is_flag=True, help="In Flink's batch mode.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: how it went.")
@place_options
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
            order=partial(order_at, **where),
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
@click.option("--running", metavar="JOB", help="End with 1 unless that job runs: for probes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per job.")
def status(running: str | None, as_json: bool) -> None:
    """Show the jobs that were started from here: state, checkpoints, where they run.

    Counts completed checkpoints, and those that have failed since the last completed one.
    """
    states = job_states(load_settings().state_folder)
    if running is not None and (running, "RUNNING") not in {(it.name, it.state) for it in states}:
        raise ServiceError(f"no {running} job runs here")
    if as_json:
        for state in states:
            click.echo(json.dumps(asdict(state)))
        return
    Console().print(job_table(states))


def job_table(states: Sequence[JobState]) -> Fitting:
    """A line for each job; where it is narrow, the address of its Flink stands below."""
    names = ("job", "state", "checkpoints", "failed since")
    columns = [Column(it, justify="right" if it in names[2:] else "left") for it in names]
    rows = [((it.name, it.state, str(it.checkpoints), str(it.failed)), it.url) for it in states]
    return last_below(columns, Column("where"), rows, longest=JOB_LETTERS)


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


@flink.group()
def cluster() -> None:
    """A standalone Flink on this machine: `--cluster local` runs jobs on it."""


@cluster.command()
@click.option("--slots", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--heap-mb", type=click.IntRange(min=256), default=HEAP_MB, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object: address, processes.")
def up(slots: int, heap_mb: int, as_json: bool) -> None:
    """Start a job manager and a task manager; does nothing if they run."""
    from earmark.streams.flink.cluster import start_cluster
    from earmark.streams.flink.runtime import MANAGED_MB, find_runtime

    settings = load_settings()
    with loading() as progress:
        runtime = find_runtime(settings, progress)
    with working("starting Flink"):
        found = start_cluster(
            runtime,
            settings.state_folder,
            slots=slots,
            heap_mb=heap_mb,
            managed_mb=MANAGED_MB * slots,
        )
    click.echo(json.dumps(asdict(found)) if as_json else f"Flink {found.url}, {found.slots} slots")


@cluster.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: what was stopped.")
def down(as_json: bool) -> None:
    """Stop them; what their jobs have in checkpoints stays."""
    from earmark.streams.flink.cluster import stop_cluster

    found = stop_cluster(load_settings().state_folder)
    if as_json:
        click.echo(json.dumps(asdict(found) if found else None))
    else:
        click.echo(f"Flink {found.url} stopped" if found else "no Flink cluster runs here")


@flink.command()
@click.option("--signals", type=click.IntRange(min=100), default=100_000, show_default=True)
@click.option(
    "--kills",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How often each job gets SIGKILL; with 0 all is sent before it starts, for its rate.",
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, on the last line.")
@place_options
def proof(signals: int, kills: int, seed: int, as_json: bool, **where: Any) -> None:
    """Kill Flink's jobs amid work; prove that nothing is lost or doubled.

    On a broker and registry of its own, with made signals. Compares every profile with what the
    reference in Python makes of the same records, and with profiles rebuilt in streaming and in
    batch mode, and what the windows hold with what the reference counts. Each job is killed so
    often; readers are read_committed. Ends with 0 only if all agree.
    """
    from earmark.streams.flink.proof import prove
    from earmark.streams.local.stack import Stack

    configure_logging(level=logging.ERROR)
    console = Console(stderr=True)
    with (
        loading() as progress,
        tempfile.TemporaryDirectory(prefix="earmark-proof-") as home,
        Stack(load_settings(), home=Path(home), worker=False, progress=progress) as stack,
    ):
        found = prove(
            stack.settings,
            signals=signals,
            kills=kills,
            seed=seed,
            order=partial(order_at, **where),
            report=lambda line: console.print(line, style="dim"),
        )
    click.echo(json.dumps(asdict(found)) if as_json else _told(found))
    if not found.holds:
        raise ServiceError("profiles or windows are not what they should be")


def _told(found: Any) -> str:
    lines = [
        f"{found.signals:,} signals, {found.kills} kills: {found.profiles:,} profiles, "
        f"lost {found.lost}, doubled {found.doubled} (read_committed)"
    ]
    lines += [
        f"{name}, {it.kills} kills: lost {it.lost}, doubled {it.doubled}"
        for name, it in found.ended.items()
    ]
    if (rate := found.rate) is not None:
        lines.append(
            f"{rate.seconds:,} s, {rate.signals_per_s:,} signals/s with the start, "
            f"{rate.cpu_us_per_signal:,} us of processor time each; a first profile is seen "
            f"after {rate.first_s} s, at most {rate.first_longest_s} s"
        )
    return "\n".join(lines)


def _keep(order: Order) -> int:
    configure_logging()
    settings = resolve_settings(load_settings())
    with loading() as progress:
        prepare(settings, order, progress)
    return Supervisor(command_of(order), name=f"{order.kind} job").run()
