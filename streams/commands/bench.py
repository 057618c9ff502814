"""`earmark bench`: speed and memory on this machine, each beside a baseline of the same run."""

import json
import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from earmark.streams.bench.catalogue import GROUPS, ROWS
from earmark.streams.bench.machine import confine, machine
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Row, table
from earmark.streams.log import configure_logging
from earmark.streams.progress import loading
from earmark.streams.settings import load_settings

KNOWN = ROWS | {name: row for rows in GROUPS.values() for name, row in rows.items()}


@click.command()
@click.argument("group", required=False, type=click.Choice(list(GROUPS)))
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of the table.")
@click.option(
    "--only", type=click.Choice(list(KNOWN)), multiple=True, help="This row (repeatable)."
)
@click.option("--quick", is_flag=True, help="On an eighth of the work: rough figures, soon.")
@click.option("--threads", type=click.IntRange(min=1), help="Cores to use; default: all.")
def bench(
    group: str | None, as_json: bool, only: tuple[str, ...], quick: bool, threads: int | None
) -> None:
    """Measure speed and memory on this machine.

    `earmark bench delivery` measures in their place what exactly once costs, how long live events
    wait beside a replay, and how soon work goes on after a kill. Each row is measured beside a
    baseline, in turns, and the median is taken. Other work on the machine disturbs it: the load at
    the start is reported. Starts a local stack of its own, in a folder that is removed at the end,
    and fetches weights that are missing.
    """
    configure_logging(level=logging.ERROR)
    console = Console(stderr=True)
    if threads is not None:
        confine(threads)
    names = only or (ROWS if group is None else GROUPS[group])
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
        rows = [_measured(KNOWN[name], name, plan) for name in names]
    if as_json:
        click.echo(json.dumps({"machine": here.as_object(), "rows": [r.as_object() for r in rows]}))
    else:
        out = Console()
        out.print(table(rows))
        out.print(f"\n{here}", style="dim")


def _measured(measure: Callable[[Plan], Row], name: str, plan: Plan) -> Row:
    plan.report(f"{name} ...")
    row = measure(plan)
    plan.report(f"{name}: {row}")
    return row
