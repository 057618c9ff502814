"""Two models on the same rows: what lies between their figures, and whether that is real."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from earmark.processors.codec import jsonable
from earmark.streams.evaluation.bootstrap import Difference, differences, grouping, sign_flip
from earmark.streams.evaluation.evaluation import cases_of
from earmark.streams.evaluation.manifest import Row, row_key
from earmark.streams.evaluation.run import Scored
from earmark.streams.evaluation.task import Task

LEVEL = 0.05
# the same for both models where only what both answered is looked at
_OF_ANSWERING = ("coverage", "_of_all")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComparison:
    """Two models at one task, over the `n` cases that both answered.

    `p` is of the paired permutation test on the loss, `differing` how many cases' losses differ,
    `better` the model with the smaller loss where the difference is real, else None. A metric's
    difference is `a` minus `b`.
    """

    name: str
    n: int
    only_a: int
    only_b: int
    differing: int
    loss: str
    loss_a: float
    loss_b: float
    p: float
    better: str | None
    metrics: Mapping[str, Difference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Model `a` against model `b`, task by task."""

    signal: str
    a: str
    b: str
    tasks: Sequence[TaskComparison]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        table: dict[str, Any] = jsonable(asdict(self))
        return table

    def sentence(self, task: TaskComparison) -> str:
        """The verdict on one task."""
        if task.better is None:
            return (
                f"{task.name}: no real difference between {self.a} and {self.b} "
                f"over {task.n:,} cases (p = {task.p:.3g})."
            )
        return f"{task.name}: {task.better} is better over {task.n:,} cases (p = {task.p:.3g})."


def compare(rows: Sequence[Row], tasks: Sequence[Task], a: Scored, b: Scored) -> Comparison:
    """The comparison on the rows that both runs scored."""
    names = [scored.model[0] for scored in (a, b)]
    found = (_task(task, rows, a, b, names) for task in tasks)
    return Comparison(
        signal=a.spec.name, a=names[0], b=names[1], tasks=tuple(it for it in found if it)
    )


def _task(
    task: Task, rows: Sequence[Row], a: Scored, b: Scored, names: Sequence[str]
) -> TaskComparison | None:
    of_a = {row_key(case.row): case for case in cases_of(task, rows, a)}
    of_b = {row_key(case.row): case for case in cases_of(task, rows, b)}
    given_a = {key for key, case in of_a.items() if case.answer is not None}
    given_b = {key for key, case in of_b.items() if case.answer is not None}
    both = [key for key in of_a if key in given_a and key in given_b]
    if not both:
        return None
    one = task.measure([of_a[key] for key in both])
    two = task.measure([of_b[key] for key in both])
    rows_of_both = [of_a[key].row for key in both]
    groups = grouping([row.source or row_key(row) for row in rows_of_both])
    name = f"{a.spec.name}/{task.name}"
    figures = differences(one, two, groups, name=name)
    size_N = np.maximum(one.size_N, 1e-12)
    apart_N = one.loss_N - two.loss_N
    p = sign_flip(apart_N, groups, name=name)
    loss_a, loss_b = (float(it.loss_N.sum() / size_N.sum()) for it in (one, two))
    return TaskComparison(
        name=task.name,
        n=len(both),
        only_a=len(given_a - given_b),
        only_b=len(given_b - given_a),
        differing=int(np.sum(apart_N != 0)),
        loss=one.loss,
        loss_a=loss_a,
        loss_b=loss_b,
        p=p,
        better=names[0 if loss_a < loss_b else 1] if p < LEVEL else None,
        metrics={it: figures[it] for it in figures if not it.endswith(_OF_ANSWERING)},
    )
