"""The evaluation of one signal: its records against the truth, as one value that can be printed."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.processors.codec import jsonable
from earmark.processors.outcome import OutcomeKind
from earmark.streams.evaluation.bootstrap import grouping, intervals
from earmark.streams.evaluation.calibration import Calibration, calibration
from earmark.streams.evaluation.case import REJECTED, Case
from earmark.streams.evaluation.language import canonical
from earmark.streams.evaluation.manifest import Row, row_key
from earmark.streams.evaluation.measure import Measured
from earmark.streams.evaluation.run import Scored, readable
from earmark.streams.evaluation.slice import Slice, slice_value, slices
from earmark.streams.evaluation.task import Languages, Task

WORST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure with its 95 % interval; None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One of the rows that went worst."""

    id: str
    loss: float
    truth: str
    answer: str
    outcome: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What came of one question. `outcomes` are counts; `reasons` those of what was not OK.

    `drawn` says what intervals resample: rows, or the sources that they come from. `loss` says
    what slices and items are compared by.
    """

    name: str
    n: int
    answered: int
    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]
    headline: str
    metrics: Mapping[str, Metric]
    drawn: str
    loss: str
    slices: Sequence[Slice]
    worst: Sequence[Item]
    calibration: Calibration | None
    roc: Sequence[tuple[float, float]]  # as `Measured` has it
    limits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the run took on this machine as it was, decoding included, loading apart."""

    seconds_per_item: float
    seconds_per_audio_second: float | None
    load_seconds: float
    device: str
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that was found of a signal. `n` rows were scored, `unused` had no truth for it.

    `metrics` are those of the first task by their names, then `<task>.<metric>` of the others.
    """

    signal: str
    data: Sequence[str]
    model: str
    version: str
    thresholds: str
    n: int
    unused: int
    rejected: Mapping[str, int]
    metrics: Mapping[str, Metric]
    tasks: Sequence[TaskResult]
    cost: Cost

    def as_json(self) -> dict[str, Any]:
        """For JSON; numbers that are none become null."""
        table: dict[str, Any] = jsonable(_plain(self))
        table["slices"] = [
            {"task": task["name"], **each} for task in table["tasks"] for each in task.pop("slices")
        ]
        return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One task's cases and what they measure; `prefix` stands before its metrics' names."""

    task: Task
    prefix: str
    cases: Sequence[Case]
    measured: Measured


def measurements(
    rows: Sequence[Row], tasks: Sequence[Task], scored: Scored
) -> Sequence[Measurement]:
    """What each task that has cases measures; raises ConfigurationError where none has any."""
    found = []
    for number, task in enumerate(tasks):
        cases = cases_of(task, rows, scored)
        if cases:
            prefix = f"{task.name}." if number else ""
            measured = task.measure(cases)
            found.append(Measurement(task=task, prefix=prefix, cases=cases, measured=measured))
    if not found:
        raise ConfigurationError(f"no row has labels that {scored.spec.name} is measured by")
    return found


def cases_of(task: Task, rows: Sequence[Row], scored: Scored) -> Sequence[Case]:
    """The rows that the task is about, with what the signal said."""
    known = {canonical(it) for it in scored.card.languages} if scored.card else set[str]()
    return [
        _case(task, row, truth, scored)
        for row in rows
        if readable(row, scored.spec)
        and (truth := task.truth(row)) is not None
        and _is_meant(task.languages, row, known)
    ]


def evaluated(
    found: Sequence[Measurement],
    scored: Scored,
    *,
    data: Sequence[str],
    rows: Sequence[Row],
    unused: int = 0,
    by: Collection[str] = (),
) -> Evaluation:
    """The evaluation, with intervals, slices by the names in `by`, and calibration."""
    results = tuple(_result(each, scored, by) for each in found)
    metrics = {
        f"{each.prefix}{metric}": value
        for each, result in zip(found, results, strict=True)
        for metric, value in result.metrics.items()
    }
    name, version = scored.model
    some = next(iter(scored.records.values()), None)
    return Evaluation(
        signal=scored.spec.name,
        data=tuple(data),
        model=name,
        version=version,
        thresholds=str(some["provenance"]["thresholds_version"] or "") if some else "",
        n=len(rows),
        unused=unused,
        rejected=_rejected(rows, scored),
        metrics=metrics,
        tasks=results,
        cost=_cost(scored),
    )


def figures(found: Sequence[Measurement]) -> Mapping[str, float]:
    """The metrics alone, as `Evaluation` names them."""
    return {
        f"{each.prefix}{metric}": value
        for each in found
        for metric, value in each.measured.values.items()
    }


def _is_meant(languages: Languages, row: Row, known: set[str]) -> bool:
    if languages is Languages.ANY:
        return True
    stated = row.labels.get("language")
    is_known = not known or stated is None or canonical(stated) in known
    return is_known == (languages is Languages.KNOWN)


def _case(task: Task, row: Row, truth: object, scored: Scored) -> Case:
    record = scored.records.get(row_key(row))
    answer = None
    try:
        if record is not None and (task.reads_all or record["outcome"] == OutcomeKind.OK):
            answer = task.answer(record)
    except KeyError as error:
        name = scored.spec.name
        raise ConfigurationError(
            f"{name}: the task {task.name!r} reads a field {error} that it does not have"
        ) from error
    refused = scored.rejections.get(row_key(row), ())
    return Case(
        row=row,
        truth=truth,
        answer=answer,
        outcome=str(record["outcome"]) if record else REJECTED,
        reason=record["reason"] if record else next(iter(refused), None),
    )


def _result(each: Measurement, scored: Scored, by: Collection[str]) -> TaskResult:
    task, cases, measured = each.task, each.cases, each.measured
    sources = [case.row.source or row_key(case.row) for case in cases]
    groups = grouping(sources)
    found = intervals(measured, groups, name=f"{scored.spec.name}/{task.name}")
    values = {
        name: [slice_value(case.row, name, _seconds(case.row, scored)) for case in cases]
        for name in by
    }
    is_stated = task.is_probability and measured.confidence is not None
    return TaskResult(
        name=task.name,
        n=len(cases),
        answered=sum(case.answer is not None for case in cases),
        outcomes=dict(sorted(Counter(case.outcome for case in cases).items())),
        reasons=dict(Counter(str(c.reason) for c in cases if c.reason is not None).most_common()),
        headline=task.headline,
        metrics={
            name: Metric(
                value=value,
                low=interval.low if (interval := found[name]) else None,
                high=interval.high if interval else None,
            )
            for name, value in measured.values.items()
        },
        drawn=groups.drawn,
        loss=measured.loss,
        slices=slices(measured, values, sources, headline=task.headline),
        worst=_worst(each),
        calibration=calibration(measured.confidence, sources)
        if is_stated and measured.confidence
        else None,
        roc=measured.roc,
        limits=task.limits,
    )


def _seconds(row: Row, scored: Scored) -> float | None:
    return scored.audio_s.get(row_key(row)) or row.labels.get("duration_s")


def _worst(each: Measurement) -> Sequence[Item]:
    """The items with the largest loss; where that is equal, those that were surest of it."""
    measured = each.measured
    lost = [at for at, loss in enumerate(measured.loss_N) if loss > 0]

    def rank(at: int) -> tuple[float, float, str]:
        loss = measured.loss_N[at] / max(measured.size_N[at], 1e-12)
        return (-loss, -measured.order_N[at], row_key(each.cases[at].row))

    return tuple(_item(each, at) for at in sorted(lost, key=rank)[:WORST])


def _item(each: Measurement, at: int) -> Item:
    case, measured = each.cases[at], each.measured
    truth, answer = measured.lines[at]
    text = case.row.text
    return Item(
        id=row_key(case.row),
        loss=float(measured.loss_N[at] / max(measured.size_N[at], 1e-12)),
        truth=truth,
        answer=answer,
        outcome=case.outcome,
        text=None if text is None else " ".join(text.split())[:200],
    )


def _rejected(rows: Sequence[Row], scored: Scored) -> Mapping[str, int]:
    """How many rows were rejected, by what was said of them first; no row is ever dropped."""
    reasons = (scored.rejections.get(row_key(row)) for row in rows)
    counts = Counter(said[0].partition(":")[0] for said in reasons if said)
    if silent := sum(
        row_key(row) not in scored.records and row_key(row) not in scored.rejections
        for row in rows
        if readable(row, scored.spec)
    ):
        counts["NO_RECORD"] += silent
    if unreadable := sum(not readable(row, scored.spec) for row in rows):
        counts["NOTHING_TO_READ"] += unreadable
    return dict(sorted(counts.items()))


def _cost(scored: Scored) -> Cost:
    audio_s = math.fsum(scored.audio_s.values())
    return Cost(
        seconds_per_item=scored.seconds / max(1, scored.items),
        seconds_per_audio_second=scored.seconds / audio_s if audio_s else None,
        load_seconds=scored.load_seconds,
        device=scored.device,
        precision=scored.precision,
    )


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
