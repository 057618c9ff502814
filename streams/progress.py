"""Progress bars on the standard error, for downloads and loads."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
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
    console = Console(stderr=True, quiet=quiet or not sys.stderr.isatty())
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
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
