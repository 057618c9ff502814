"""Progress bars on the standard error, for downloads, loads, reads and sends."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
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
    TimeRemainingColumn,
)

from earmark.models.source import Progress as Report

RATE_S = 10.0  # over which a rate is taken
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


@contextmanager
def sending(total_bytes: int, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A function `report(events, done_bytes)`; the bar shows both, the rate and the time left.

    Drawn as that of `loading`.
    """
    bars = Progress(
        TextColumn("{task.fields[events]:,} events"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True, quiet=quiet or not sys.stderr.isatty()),
        transient=True,
    )
    task: TaskID | None = None
    rate = Rate()

    def report(events: int, done_bytes: int) -> None:
        nonlocal task
        per_second = rate.note(events)
        if task is None:  # what an earlier run has done is no part of this one's speed
            task = bars.add_task("", total=total_bytes, completed=done_bytes, events=0, rate=0.0)
        bars.update(task, completed=done_bytes, events=events, rate=per_second)

    with bars:
        yield report


class Rate:
    """How fast a count has risen of late."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: deque[tuple[float, int]] = deque()

    def note(self, count: int) -> float:
        """The rise a second, from about `RATE_S` ago to this count."""
        now = self._clock()
        self._noted.append((now, count))
        while len(self._noted) > 2 and now - self._noted[1][0] >= RATE_S:  # noqa: PLR2004  a pair makes a rate
            self._noted.popleft()
        then, before = self._noted[0]
        return (count - before) / (now - then) if now > then else 0.0
