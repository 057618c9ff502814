"""What was measured, as the cards of models and of signals hold it: `[[evaluation]]` tables.

They are written by `earmark eval --write-card`, and read by one reader wherever they stand.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFigure:
    """A figure with its 95 % interval, None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEvaluation:
    """What `earmark eval` measured: `signal` on `n` rows of the data sets `data`.

    `limits` says plainly what the figures do not show, and where it is known to fail. `models` are
    those that answered, or the method, each with its version; `thresholds` is the version of their
    file; `config` stands for both in full, see `earmark.processors.basis`. Older and foreign
    sections may lack these.
    """

    signal: str
    data: str
    n: int
    limits: str
    metrics: Mapping[str, MeasuredFigure]
    models: tuple[str, ...] = ()
    thresholds: str = ""
    config: str = ""


def read_evaluations(tables: Sequence[Mapping[str, Any]]) -> tuple[CardEvaluation, ...]:
    """The sections as they are written; raises TypeError or KeyError for what is none."""
    return tuple(_read(table) for table in tables)


def evaluation_problems(measured: CardEvaluation) -> Iterator[str]:
    """What is wrong with the section, one line each."""
    where = f"evaluation of {measured.signal} on {measured.data}"
    if not measured.metrics or not measured.limits or measured.n < 1:
        yield f"{where}: needs metrics, limits and n"
    for name, figure in measured.metrics.items():
        numbers = (figure.value, figure.low, figure.high)
        if not all(it is None or isinstance(it, int | float) for it in numbers):
            yield f"{where}: {name} is no number"


def _read(table: Mapping[str, Any]) -> CardEvaluation:
    metrics = {name: MeasuredFigure(**figure) for name, figure in table["metrics"].items()}
    models = tuple(table.get("models", ()))
    return CardEvaluation(**{**table, "metrics": metrics, "models": models})
