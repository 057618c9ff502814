"""How far the measured loudness is from what it is by construction or by another meter."""

from collections.abc import Callable

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import quantity
from earmark.streams.evaluation.task import Task


def _label(name: str) -> Callable[[Row], float | None]:
    def truth(row: Row) -> float | None:
        value = row.labels.get(name)
        return None if row.path is None or value is None else float(value)

    return truth


def _field(name: str) -> Callable[[Record], float | None]:
    return lambda record: record[name]


def _task(name: str, field: str, *, within: float, unit: str) -> Task:
    return Task(
        name=name,
        truth=_label(field),
        answer=_field(field),
        measure=quantity(within=within, unit=unit),
        headline="mae",
    )


TASKS = (
    _task("integrated", "integrated_lufs", within=0.1, unit=" LUFS"),
    _task("short_term", "short_term_max_lufs", within=0.1, unit=" LUFS"),
    _task("momentary", "momentary_max_lufs", within=0.1, unit=" LUFS"),
    _task("range", "loudness_range_lu", within=0.1, unit=" LU"),
    _task("true_peak", "true_peak_dbtp", within=0.2, unit=" dBTP"),
)
