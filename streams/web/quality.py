"""How right each signal is: what stands in its card, and evaluations that somebody kept as JSON."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from earmark.streams.catalogue import Entry, Report, catalogue
from earmark.streams.settings import Settings

log = structlog.get_logger()

LONGEST_BYTES = 20_000_000  # of one kept evaluation


def quality(settings: Settings) -> dict[str, Any]:
    """All signals with their evaluations, the latest first.

    `stale` are those of the signal as it was once; of kept ones it is not known where the models
    and thresholds agree.
    """
    kept: dict[str, list[dict[str, Any]]] = {}
    for each in _kept(settings.web.evaluations):
        kept.setdefault(str(each["signal"]), []).append(each)
    entries = catalogue(settings)
    return {"signals": [_signal(entry, kept.get(entry.signal, [])) for entry in entries]}


def _signal(entry: Entry, kept: list[dict[str, Any]]) -> dict[str, Any]:
    table = entry.as_json()
    table.pop("evaluation")
    own = [_of_kept(each, entry) for each in kept]
    return {
        "name": entry.signal,
        "card": table,
        "evaluations": [*own, *map(_of_card, reversed(entry.reports))],
    }


def _of_card(report: Report) -> dict[str, Any]:
    measured = report.measured
    figures = {
        name: {"value": it.value, "low": it.low, "high": it.high}
        for name, it in measured.metrics.items()
    }
    return {
        "data": measured.data,
        "rows": measured.n,
        "basis": ", ".join(measured.models) or None,
        "thresholds": measured.thresholds or None,
        "limits": measured.limits,
        "figures": figures,
        "calibration": None,
        "roc": None,
        "stale": not report.is_current,
        "kept_as": None,
    }


def _of_kept(found: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    basis = f"{found.get('model')} {found.get('version')}"
    models = [f"{it.name} {it.version}" for it in entry.models] or [entry.method or ""]
    return {
        "data": ", ".join(found.get("data") or ()),
        "rows": found.get("n"),
        "basis": basis,
        "thresholds": found.get("thresholds"),
        "limits": " ".join(task.get("limits", "") for task in found.get("tasks", ())),
        "figures": found.get("metrics") or {},
        "calibration": _calibration(found),
        "roc": None,
        "stale": basis not in models or found.get("thresholds") != entry.thresholds,
        "kept_as": found["kept_as"],
    }


def _calibration(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """That of the first task that has one."""
    for task in found.get("tasks", ()):
        if (measured := task.get("calibration")) is not None:
            bins = [
                {"predicted": it["probability"], "observed": it["share"], "count": it["count"]}
                for it in measured["bins"]
            ]
            return {"bins": bins, "error": measured["error"], "task": task["name"]}
    return None


def _kept(folder: Path | None) -> Iterator[dict[str, Any]]:
    """The files of `earmark eval --json` in the folder, the newest first."""
    if folder is None or not folder.is_dir():
        return
    for file in sorted(folder.glob("*.json"), key=lambda it: -it.stat().st_mtime):
        if file.stat().st_size > LONGEST_BYTES:
            continue
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            log.warning("evaluation", file=file.name, problem=str(error))
            continue
        if isinstance(found, dict) and "signal" in found and isinstance(found.get("tasks"), list):
            yield {**found, "kept_as": file.name}
