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


TASKS = (
    Task(
        name="integrated",
        truth=_label("integrated_lufs"),
        answer=_field("integrated_lufs"),
        measure=quantity(within=0.1, unit=" LUFS"),
        headline="mae",
    ),
    Task(
        name="short_term",
        truth=_label("short_term_max_lufs"),
        answer=_field("short_term_max_lufs"),
        measure=quantity(within=0.1, unit=" LUFS"),
        headline="mae",
    ),
    Task(
        name="momentary",
        truth=_label("momentary_max_lufs"),
        answer=_field("momentary_max_lufs"),
        measure=quantity(within=0.1, unit=" LUFS"),
        headline="mae",
    ),
    Task(
        name="range",
        truth=_label("loudness_range_lu"),
        answer=_field("loudness_range_lu"),
        measure=quantity(within=0.1, unit=" LU"),
        headline="mae",
    ),
    Task(
        name="true_peak",
        truth=_label("true_peak_dbtp"),
        answer=_field("true_peak_dbtp"),
        measure=quantity(within=0.2, unit=" dBTP"),
        headline="mae",
    ),
)
