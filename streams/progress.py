"""Progress on the standard error, for downloads, loads, reads and sends.

Bars where it is a terminal; else lines, of what takes longer than `LINE_S`.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import click
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
LINE_S = 10.0  # from one line to the next
MANY_BYTES = 100_000  # totals above it are bytes, below it are pieces

_say = partial(click.echo, err=True)


class Told(Protocol):
    """What a command tells of itself while it works."""

    def __call__(self, label: str, done: int, total: int | None, *more: str) -> None:
        """How far the label has come, and in words what else is to be told of it."""


@contextmanager
def loading(*, quiet: bool = False) -> Iterator[Report]:
    """A function `report(label, done, total)`; each label gets a bar of its own.

    Nothing is said when `quiet`.
    """
    with _reporting(TaskProgressColumn(), DownloadColumn(), quiet=quiet) as report:
        yield report


@contextmanager
def reading(*, quiet: bool = False, console: Console | None = None) -> Iterator[Told]:
    """The same for what is counted in records; what `console` prints stands above the bars."""
    with _reporting(MofNCompleteColumn(), quiet=quiet, console=console) as report:
        yield report


def told_in_lines(*, quiet: bool) -> bool:
    """Whether what a bar would show is to be told by `Lines`: nobody sees a bar."""
    return not quiet and not sys.stderr.isatty()


@contextmanager
def _reporting(
    *amounts: ProgressColumn, quiet: bool, console: Console | None = None
) -> Iterator[Told]:
    if told_in_lines(quiet=quiet):
        yield Lines().report
        return
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *amounts,
        TimeElapsedColumn(),
        TextColumn("{task.fields[more]}"),
        console=console or Console(stderr=True, quiet=quiet),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def report(label: str, done: int, total: int | None, *more: str) -> None:
        task = tasks.get(label)
        if task is None:
            task = tasks[label] = bars.add_task(label, total=total, more="")
        bars.update(task, completed=done, total=total, more=", ".join(more))

    with bars:
        yield report


@contextmanager
def sending(total_bytes: int, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A function `report(events, done_bytes)`; the bar shows both, the rate and the time left.

    Said as that of `loading`.
    """
    if told_in_lines(quiet=quiet):
        lines = Lines()
        yield lambda events, _: lines.report("events sent", events, None)
        return
    bars = Progress(
        TextColumn("{task.fields[events]:,} events"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True, quiet=quiet),
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


@contextmanager
def working(words: str) -> Iterator[Callable[[str], None]]:
    """A function `say(words)` of what is done now, at first these; else a line for each."""
    if told_in_lines(quiet=False):
        _say(words)
        yield _say
        return
    with Console(stderr=True).status(words) as status:
        yield status.update


class Lines:
    """In place of bars: `report` says from time to time how far each label has come."""

    def __init__(
        self,
        *,
        say: Callable[[str], None] = _say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._clock = clock
        self._due: dict[str, float] = {}

    def report(self, label: str, done: int, total: int | None, *more: str) -> None:
        """As that of `loading`; the line ends with the words that are given besides."""
        now = self._clock()
        if now < self._due.setdefault(label, now + LINE_S):
            return
        self._due[label] = now + LINE_S
        self._say(", ".join((f"{label}: {done:,}" + (f" of {total:,}" if total else ""), *more)))


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
