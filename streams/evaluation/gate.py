"""Gates: figures that an evaluation must not fall short of, from a TOML file.

    [[gate]]
    signal = "text.language"
    data = "data/languages"      # relative to the file's folder; or a list of such
    metric = "accuracy"          # or "<task>.<metric>"
    at_least = 0.95              # or at_most, or both
    model = "py3langid"          # optional: another card than the shipped one

Entries whose data is not there are passed over, and that is said. Each signal is loaded once.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from earmark.models.error import ConfigurationError, reason_of
from earmark.models.source import Progress
from earmark.streams.evaluation.evaluation import figures, measurements
from earmark.streams.evaluation.how import How
from earmark.streams.evaluation.manifest import Row, datasets
from earmark.streams.evaluation.run import Scored, score_rows
from earmark.streams.evaluation.task import tasks_of, used_rows
from earmark.streams.settings import Settings

_KEYS = frozenset({"signal", "data", "metric", "at_least", "at_most", "model"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One figure that must hold."""

    signal: str
    data: tuple[Path, ...]
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    model: str | None = None

    def holds(self, value: float) -> bool:
        """Whether the figure is within the bounds; one that is none never is."""
        low = self.at_least if self.at_least is not None else -math.inf
        high = self.at_most if self.at_most is not None else math.inf
        return low <= value <= high

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        named = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {bound:g}" for word, bound in named if bound is not None)

    @property
    def question(self) -> str:
        """What is asked, without the answer."""
        return f"{self.signal} on {', '.join(path.name for path in self.data)}: {self.metric}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What became of a gate; `value` is None where its data is not there."""

    gate: Gate
    value: float | None
    passed: bool

    @property
    def line(self) -> str:
        """One line that says it."""
        if self.value is None:
            absent = next(path for path in self.gate.data if not path.exists())
            return f"skipped: {self.gate.question}: no {absent}"
        said = f"{self.gate.question} is {self.value:.4g}"
        return f"{said}, {'as asked' if self.passed else 'not'} {self.gate.bounds}"

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        table = asdict(self.gate) | {"data": [str(path) for path in self.gate.data]}
        value = self.value if self.value is not None and math.isfinite(self.value) else None
        return table | {"value": value, "passed": self.passed, "skipped": self.value is None}


def read_gates(file: Path) -> Sequence[Gate]:
    """The gates of a file; raises ConfigurationError that names what cannot be meant."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{file}: {reason_of(error)}") from error
    entries = table.get("gate")
    if not isinstance(entries, list) or not entries or table.keys() != {"gate"}:
        raise ConfigurationError(f"{file}: a gate file holds [[gate]] tables and nothing else")
    return tuple(_gate(entry, file, number) for number, entry in enumerate(entries, start=1))


def pass_gates(
    gates: Sequence[Gate], settings: Settings, how: How, *, progress: Progress | None = None
) -> Sequence[Passage]:
    """What became of each gate, in their order; one run of one pipeline for each signal."""
    values: dict[Gate, float] = {}
    there = [gate for gate in gates if all(path.exists() for path in gate.data)]
    for signal, model in dict.fromkeys((gate.signal, gate.model) for gate in there):
        mine = [gate for gate in there if (gate.signal, gate.model) == (signal, model)]
        values |= _values(signal, model, mine, settings, how, progress)
    return tuple(
        Passage(
            gate=gate,
            value=values.get(gate),
            passed=gate not in values or gate.holds(values[gate]),
        )
        for gate in gates
    )


def _values(
    signal: str,
    model: str | None,
    gates: Sequence[Gate],
    settings: Settings,
    how: How,
    progress: Progress | None,
) -> Mapping[Gate, float]:
    tasks = tasks_of(signal)
    paths = dict.fromkeys(path for gate in gates for path in gate.data)
    rows = {path: datasets([path])[0].rows for path in paths}
    datasets(list(paths))  # their names must differ, since rows go by them
    used = used_rows([row for each in rows.values() for row in each], tasks)
    asked = How(
        model=model,
        device=how.device,
        precision=how.precision,
        declares_language=how.declares_language,
    )
    scored = score_rows(signal, used, settings, asked, progress=progress)
    return {
        gate: _value(gate, [r for path in gate.data for r in rows[path]], scored) for gate in gates
    }


def _value(gate: Gate, rows: Sequence[Row], scored: Scored) -> float:
    found = figures(measurements(rows, tasks_of(gate.signal), scored))
    if gate.metric not in found:
        known = ", ".join(found)
        raise ConfigurationError(f"{gate.question}: no such figure; there are {known}")
    return found[gate.metric]


def _gate(entry: object, file: Path, number: int) -> Gate:
    where = f"{file}, gate {number}"
    if not isinstance(entry, dict) or not {"signal", "data", "metric"} <= entry.keys():
        raise ConfigurationError(f"{where}: needs signal, data and metric")
    if unknown := sorted(entry.keys() - _KEYS):
        raise ConfigurationError(f"{where}: {unknown[0]!r} is not known")
    if not entry.keys() & {"at_least", "at_most"}:
        raise ConfigurationError(f"{where}: needs at_least or at_most")
    bounds = {name: entry[name] for name in ("at_least", "at_most") if name in entry}
    for name, bound in bounds.items():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise ConfigurationError(f"{where}: {name} must be a number")
    data = entry["data"] if isinstance(entry["data"], list) else [entry["data"]]
    return Gate(
        signal=str(entry["signal"]),
        data=tuple(file.parent / str(path) for path in data),
        metric=str(entry["metric"]),
        model=None if entry.get("model") is None else str(entry["model"]),
        **bounds,
    )
