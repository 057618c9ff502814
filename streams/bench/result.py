"""What one run of the benchmark found, as a file: machine, versions, settings, rows, what was left.

    {"machine": {..., "versions": {...}, "settings": {...}},
     "rows": [as `earmark bench --json` prints them],
     "baselines": {row: what it was measured beside},
     "skipped": [{"name", "reason"}], "failed": [{"name", "reason"}]}

`skipped` are rows that cannot be measured here, `failed` those in which something broke.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earmark.models.error import ConfigurationError, EarmarkError
from earmark.streams.bench.catalogue import Measure
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Row, Unmeasured, restored

IDENTITY = ("cpu", "cores", "memory_gb", "device", "precision", "system")


@dataclass(slots=True, kw_only=True)
class Result:
    """Grows row by row; `skipped` and `failed` are reasons by the names of rows."""

    machine: Mapping[str, Any]
    rows: list[Row] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def here(self) -> str:
        """The machine in a line."""
        of = self.machine
        return (
            f"{of['cpu']}, {of['cores']} cores, {of['memory_gb']:g} GB, {of['device']} "
            f"{of['precision']}, {of['system']}, Python {of['python']}, torch {of['torch']}, "
            f"load {of['load']:g} at the start"
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What must agree for figures to be compared as they are and not as ratios alone."""
        return {name: self.machine.get(name) for name in IDENTITY}

    def row(self, name: str) -> Row | None:
        """The row of that name."""
        return next((row for row in self.rows if row.name == name), None)

    def as_object(self) -> dict[str, Any]:
        """What `--json` prints: nothing but machine and rows where all were measured."""
        left = {"skipped": _reasons(self.skipped), "failed": _reasons(self.failed)}
        return {
            "machine": dict(self.machine),
            "rows": [row.as_object() for row in self.rows],
            **{name: reasons for name, reasons in left.items() if reasons},
        }

    def write(self, path: Path) -> None:
        """Put the result into a file, whole or not at all."""
        written = self.as_object() | {"baselines": {row.name: row.against for row in self.rows}}
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(path)


def read(path: Path) -> Result:
    """The result in a file; ConfigurationError where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        baselines = found.get("baselines", {})
        return Result(
            machine=found["machine"],
            rows=[restored(row, against=baselines.get(row["name"], "")) for row in found["rows"]],
            skipped={each["name"]: each["reason"] for each in found.get("skipped", ())},
            failed={each["name"]: each["reason"] for each in found.get("failed", ())},
        )
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path} is no result of earmark bench") from error


def measure_all(rows: Mapping[str, Measure], plan: Plan, result: Result) -> Iterator[None]:
    """Add row after row to the result; after each there is something new in it."""
    for name, measure in rows.items():
        plan.report(f"{name} ...")
        try:
            row = measure(plan)
        except Unmeasured as reason:
            result.skipped[name] = str(reason)
            plan.report(f"{name} skipped: {reason}")
        except EarmarkError as error:
            result.failed[name] = str(error)
            plan.report(f"{name} failed: {error}")
        else:
            result.rows.append(row)
            plan.report(f"{name}: {row}")
        yield


def _reasons(by_name: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "reason": reason} for name, reason in by_name.items()]
