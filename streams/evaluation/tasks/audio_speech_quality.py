"""The mean opinion score against that of listeners."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import quantity
from earmark.streams.evaluation.task import Task


def _mos(row: Row) -> float | None:
    stated = row.labels.get("mos")
    return None if row.path is None or stated is None else float(stated)


def _said(record: Record) -> float | None:
    return None if record["mos"] is None else float(record["mos"])


TASKS = (Task(name="mos", truth=_mos, answer=_said, measure=quantity(within=0.5), headline="mae"),)
