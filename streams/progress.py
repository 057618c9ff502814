"""Progress bars on the standard error, for downloads, loads and long reads."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from earmark.models.source import Progress as Report

MANY_BYTES = 100_000  # totals above it are bytes, below it are pieces


@contextmanager
def loading(*, quiet: bool = False) -> Iterator[Report]:
    """A function `report(label, done, total)`; each label gets a bar of its own.

    Nothing is drawn when `quiet`, or where the standard error is not a terminal.
    """
    with _reporting(TaskProgressColumn(), DownloadColumn(), quiet=quiet) as report:
        yield report


@contextmanager
def reading(*, quiet: bool = False) -> Iterator[Report]:
    """The same for what is counted in records."""
    with _reporting(MofNCompleteColumn(), quiet=quiet) as report:
        yield report


@contextmanager
def _reporting(*amounts: ProgressColumn, quiet: bool) -> Iterator[Report]:
    console = Console(stderr=True, quiet=quiet or not sys.stderr.isatty())
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *amounts,
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def report(label: str, done: int, total: int | None) -> None:
        task = tasks.get(label)
        if task is None:
            task = tasks[label] = bars.add_task(label, total=total)
        bars.update(task, completed=done, total=total)

    with bars:
        yield report
