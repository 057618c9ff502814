"""The part of `earmark chaos` that feeds a worker with mutated inputs."""

import json
import tempfile
from functools import partial
from pathlib import Path
from shutil import rmtree

import click
from rich.console import Console

from earmark.models.error import ServiceError
from earmark.streams.chaos.inputs import Input
from earmark.streams.chaos.inputs_report import InputReport
from earmark.streams.chaos.inputs_run import InputCounts, InputOptions, run
from earmark.streams.progress import Told, reading
from earmark.streams.settings import load_settings

NAMED = 20  # inputs that went wrong; all are counted


def feed(options: InputOptions, *, as_json: bool) -> None:
    """Run, print the report; ServiceError unless all is as it should be."""
    console = Console(stderr=True)
    folder = Path(tempfile.mkdtemp(prefix="earmark-inputs-"))
    try:
        with reading(console=console) as tell:
            report = run(
                options,
                load_settings(),
                folder,
                watch=partial(_tell, tell, len(options.numbers)),
                say=lambda line: console.print(line, style="dim", soft_wrap=True),
                keep=lambda one: _keep(one, console),
            )
    except BaseException:
        console.print(f"data and logs are kept in {folder}", soft_wrap=True)
        raise
    _say(report, console, as_json=as_json)
    if not report.sound:
        raise ServiceError(f"{report.headline}; data and logs are kept in {folder}")
    rmtree(folder)


def _say(report: InputReport, console: Console, *, as_json: bool) -> None:
    for line in report.ours[:NAMED]:
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    for line in (*report.controls, *report.unanswered)[:NAMED]:
        console.print(line, style="red", soft_wrap=True, markup=False)
    if as_json:
        click.echo(json.dumps(report.as_object))
        return
    for name, value in report.as_object.items():
        shown = value if isinstance(value, dict) else {"": value}
        for part, figure in shown.items():
            said = str(figure).lower() if isinstance(figure, bool) else f"{figure:,}"
            click.echo(f"{f'{name} {part}'.rstrip():>36}  {said}")


def _keep(one: Input, console: Console) -> None:
    """Put the input into the working directory, for whoever is to find out about it."""
    console.print(f"{one.item}, {one.family}, {one.story}", soft_wrap=True, markup=False)
    for path in one.write(Path()):
        console.print(f"kept as {path}: {path.stat().st_size:,} bytes", soft_wrap=True)


def _tell(tell: Told, total: int, counts: InputCounts) -> None:
    deaths, held = f"{counts.deaths} workers died", f"{counts.held / 1e6:,.0f} MB held"
    tell("answered", counts.answered, total, deaths, held)
