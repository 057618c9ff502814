"""`earmark bench`: speed and memory on this machine, each beside a baseline of the same run."""

import json
import logging
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from earmark.streams.bench.catalogue import GROUPS, ROWS, Measure
from earmark.streams.bench.machine import confine, machine
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Row, table
from earmark.streams.log import configure_logging
from earmark.streams.progress import loading
from earmark.streams.settings import load_settings


@click.command()
@click.argument("group", type=click.Choice(list(GROUPS)), required=False, metavar="[GROUP]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of the table.")
@click.option("--only", metavar="ROW", multiple=True, help="This row (repeatable).")
@click.option("--quick", is_flag=True, help="On an eighth of the work: rough figures, soon.")
@click.option("--threads", type=click.IntRange(min=1), help="Cores to use; default: all.")
def bench(
    group: str | None, as_json: bool, only: tuple[str, ...], quick: bool, threads: int | None
) -> None:
    """Measure speed and memory on this machine.

    Each row is measured beside a baseline, in turns, and the median is taken. Other work on the
    machine disturbs it: the load at the start is reported. Starts a local stack of its own, in a
    folder that is removed at the end, and fetches weights that are missing.

    With GROUP `delivery` it measures what exactly once costs, how long live events wait beside a
    replay, and how long partitions wait after a worker was killed.
    """
    rows = _chosen(GROUPS[group] if group else ROWS, only)
    configure_logging(level=logging.ERROR)
    console = Console(stderr=True)
    if threads is not None:
        confine(threads)
    with (
        tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder,
        loading() as progress,
        ExitStack() as closing,
    ):
        plan = Plan(
            settings=load_settings(),
            folder=Path(folder),
            closing=closing,
            quick=quick,
            progress=progress,
            report=lambda line: console.print(line, style="dim"),
        )
        here = machine(plan.device)
        measured = [_measured(measure, name, plan) for name, measure in rows.items()]
    if as_json:
        objects = [row.as_object() for row in measured]
        click.echo(json.dumps({"machine": here.as_object(), "rows": objects}))
    else:
        out = Console()
        out.print(table(measured))
        out.print(f"\n{here}", style="dim")


def _chosen(rows: Mapping[str, Measure], only: tuple[str, ...]) -> Mapping[str, Measure]:
    if strange := [name for name in only if name not in rows]:
        raise click.UsageError(f"no row {strange[0]!r}; there are {', '.join(rows)}")
    return {name: rows[name] for name in only} if only else rows


def _measured(measure: Measure, name: str, plan: Plan) -> Row:
    plan.report(f"{name} ...")
    row = measure(plan)
    plan.report(f"{name}: {row}")
    return row
