"""The part of `earmark chaos` that feeds a worker with mutated inputs."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from earmark.models.error import ServiceError
from earmark.streams.chaos.inputs import Input
from earmark.streams.chaos.inputs_report import InputReport
from earmark.streams.chaos.inputs_run import InputCounts, InputOptions, Watch, run
from earmark.streams.settings import load_settings

NAMED = 20  # inputs that went wrong; all are counted
LINE_S = 20.0  # between two lines about how far it is


def feed(options: InputOptions, *, as_json: bool) -> None:
    """Run, print the report; ServiceError unless all is as it should be."""
    console = Console(stderr=True)
    folder = Path(tempfile.mkdtemp(prefix="earmark-inputs-"))
    try:
        with _progress(console, options) as watch:
            report = run(
                options,
                load_settings(),
                folder,
                watch=watch,
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


@contextmanager
def _progress(console: Console, options: InputOptions) -> Iterator[Watch]:
    """A bar of what was answered; a line now and then where the standard error is no terminal."""
    total = len(options.numbers)
    if not sys.stderr.isatty():
        yield _Lines(console, total)
        return
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[says]}"),
        console=console,
        transient=True,
    )
    answered = bars.add_task("answered", total=total, says="")

    def watch(counts: InputCounts) -> None:
        bars.update(answered, completed=counts.answered, says=_said(counts))

    with bars:
        yield watch


class _Lines:
    """Says how far it is each `LINE_S` seconds."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._next_at = time.monotonic() + LINE_S

    def __call__(self, counts: InputCounts) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + LINE_S
            said = f"{counts.answered:,} of {self._total:,} answered, {_said(counts)}"
            self._console.print(said, style="dim", soft_wrap=True)


def _said(counts: InputCounts) -> str:
    return f"{counts.deaths} workers died, {counts.held / 1e6:,.0f} MB held"
