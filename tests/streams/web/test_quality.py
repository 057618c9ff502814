"""How right the signals are is told without any setting, and with what somebody kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from earmark.streams.settings import Settings, load_settings
from earmark.streams.web.quality import quality

SAFETY = "text.safety"


@pytest.fixture
def settings() -> Settings:
    return load_settings()


def evaluations(settings: Settings, signal: str) -> list[dict[str, Any]]:
    (found,) = [it for it in quality(settings)["signals"] if it["name"] == signal]
    return found["evaluations"]  # type: ignore[no-any-return]


def test_the_cards_of_signals_and_of_their_models_are_told(settings: Settings) -> None:
    told = [(it["data"], it["basis"]) for it in evaluations(settings, SAFETY)]
    assert told[0][1].startswith("text-harm 1")
    assert ("text_safety (sources held out)", "text-harm 1, by its card") in told
    assert not any(it["stale"] for it in evaluations(settings, SAFETY))


def test_every_signal_was_measured(settings: Settings) -> None:
    without = [it["name"] for it in quality(settings)["signals"] if not it["evaluations"]]
    assert without == []


def test_calibration_and_curves_of_every_question_of_a_kept_report_are_told(
    settings: Settings, tmp_path: Path
) -> None:
    bins = [{"probability": 0.2, "share": 0.1, "count": 50}]
    asked = {"name": "harm", "calibration": {"error": 0.1, "bins": bins}, "roc": [[0, 0], [1, 1]]}
    tasks = [asked, {**asked, "name": "hate"}, {"name": "older", "calibration": None}]
    report = {"signal": SAFETY, "model": "text-harm", "version": "1", "tasks": tasks}
    (tmp_path / "a.json").write_text(json.dumps(report))
    (tmp_path / "b.json").write_text("[]")
    own = settings.model_copy(
        update={"web": settings.web.model_copy(update={"evaluations": tmp_path})}
    )
    kept = evaluations(own, SAFETY)[0]
    assert kept["kept_as"] == "a.json"
    assert [(it["task"], it["points"]) for it in kept["roc"]] == [
        ("harm", [[0, 0], [1, 1]]),
        ("hate", [[0, 0], [1, 1]]),
    ]
    assert [it["task"] for it in kept["calibration"]] == ["harm", "hate"]
    assert kept["calibration"][0]["bins"] == [{"predicted": 0.2, "observed": 0.1, "count": 50}]
