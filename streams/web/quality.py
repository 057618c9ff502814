"""How right each signal is: by its card, those of its models, and evaluations kept as JSON."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from earmark.models.card import ModelCard
from earmark.models.card_evaluation import CardEvaluation
from earmark.models.store import ModelStore
from earmark.streams.catalogue import Entry, Report, catalogue
from earmark.streams.settings import Settings

log = structlog.get_logger()

LONGEST_BYTES = 20_000_000  # of one kept evaluation


def quality(settings: Settings) -> dict[str, Any]:
    """All signals with their evaluations: those kept, the latest first, then those of the cards.

    `stale` are those of the signal as it was once; of kept ones it is not known where the models
    and thresholds agree.
    """
    kept: dict[str, list[dict[str, Any]]] = {}
    for each in _kept(settings.web.evaluations):
        kept.setdefault(str(each["signal"]), []).append(each)
    store = ModelStore(settings.home / "models", offline=settings.offline)
    entries = catalogue(settings)
    return {"signals": [_signal(entry, kept.get(entry.signal, []), store) for entry in entries]}


def _signal(entry: Entry, kept: list[dict[str, Any]], store: ModelStore) -> dict[str, Any]:
    table = entry.as_json()
    table.pop("evaluation")
    own = [_of_kept(each, entry) for each in kept]
    return {
        "name": entry.signal,
        "card": table,
        "evaluations": [
            *own,
            *map(_of_card, reversed(entry.reports)),
            *(each for model in entry.models for each in _of_model(store.card(model.name), entry)),
        ],
    }


def _of_card(report: Report) -> dict[str, Any]:
    basis = ", ".join(report.measured.models)
    return _table(report.measured, basis=basis, stale=not report.is_current)


def _of_model(card: ModelCard, entry: Entry) -> Iterator[dict[str, Any]]:
    """What was measured before the signal was, such as on rows held out from training."""
    for measured in card.evaluation:
        if measured.signal == entry.signal:
            stale = measured.thresholds not in {"", entry.thresholds}
            yield _table(measured, basis=f"{card.name} {card.version}, by its card", stale=stale)


def _table(measured: CardEvaluation, *, basis: str, stale: bool) -> dict[str, Any]:
    figures = {
        name: {"value": it.value, "low": it.low, "high": it.high}
        for name, it in measured.metrics.items()
    }
    return {
        "data": measured.data,
        "rows": measured.n,
        "basis": basis or None,
        "thresholds": measured.thresholds or None,
        "limits": measured.limits,
        "figures": figures,
        "calibration": [],
        "roc": [],
        "stale": stale,
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
        "limits": " ".join(task.get("limits", "") for task in found["tasks"]),
        "figures": found.get("metrics") or {},
        "calibration": list(_calibrations(found)),
        "roc": [
            {"task": task["name"], "points": task["roc"]}
            for task in found["tasks"]
            if task.get("roc")
        ],
        "stale": basis not in models or found.get("thresholds") != entry.thresholds,
        "kept_as": found["kept_as"],
    }


def _calibrations(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for task in found["tasks"]:
        if (measured := task.get("calibration")) is not None:
            bins = [
                {"predicted": it["probability"], "observed": it["share"], "count": it["count"]}
                for it in measured["bins"]
            ]
            yield {"task": task["name"], "error": measured["error"], "bins": bins}


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
