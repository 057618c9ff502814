"""What a signal is measured by: how labels become truth, what a record answers, and the measure.

A signal's tasks stand in `tasks/<signal>.py` as `TASKS`. Other packages add those of their signals
by an entry point of the group `earmark.evaluations` under the signal's name (`module:TASKS`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.streams.evaluation.case import Case, Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import Measured

ENTRY_POINT_GROUP = "earmark.evaluations"


class Languages(StrEnum):
    """Which rows a task is about, by the languages that the model's card names."""

    ANY = "ANY"
    KNOWN = "KNOWN"  # those that the card names; all where it names none
    UNKNOWN = "UNKNOWN"  # all others; none where it names none


Measure = Callable[[Sequence[Case]], Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One question about a signal.

    `truth` gives what is true of a row, None where the row is not for this task. `answer` gives
    what an OK record says, None where it does not say; with `reads_all`, of every record, whatever
    its outcome. The first task of a signal names its metrics bare, the others as `<name>.<metric>`.
    `is_probability`: the score is published as a probability, so its calibration is looked at.
    `limits` is one plain sentence on what the figure does not show.
    """

    name: str
    truth: Callable[[Row], Any]
    answer: Callable[[Record], Any]
    measure: Measure
    headline: str
    languages: Languages = Languages.ANY
    reads_all: bool = False
    is_probability: bool = False
    limits: str = ""


def tasks_of(signal: str) -> Sequence[Task]:
    """The tasks of the signal; raises ConfigurationError where nobody wrote any."""
    module = f"earmark.streams.evaluation.tasks.{signal.replace('.', '_')}"
    if signal.replace(".", "_").isidentifier() and find_spec(module):
        return tuple(import_module(module).TASKS)
    for entry in entry_points(group=ENTRY_POINT_GROUP, name=signal):
        return tuple(entry.load())
    known = ", ".join(_evaluated())
    raise ConfigurationError(f"nothing says how {signal!r} is evaluated; known: {known}")


def _evaluated() -> Sequence[str]:
    """The signals that have tasks."""
    tasks = import_module("earmark.streams.evaluation.tasks")
    own = (module.name.replace("_", ".", 1) for module in iter_modules(tasks.__path__))
    return sorted({*own, *(entry.name for entry in entry_points(group=ENTRY_POINT_GROUP))})


def used_rows(rows: Sequence[Row], tasks: Sequence[Task]) -> Sequence[Row]:
    """The rows that any task has a truth for."""
    return [row for row in rows if any(task.truth(row) is not None for task in tasks)]
