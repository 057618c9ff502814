"""Conditions on records."""

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.condition import parsed

RECORD = {
    "outcome": "OK",
    "reason": None,
    "integrated_lufs": -14.2,
    "truncated": False,
    "scores": {"profanity": 0.9, "hate/threatening": 0.1},
    "provenance": {"model_name": "silero-vad"},
    "labels": ["profanity", "hate"],
    "kinds": {"email": 2},
    "spans": [{"label": "hate", "score": 0.6}, {"label": "profanity", "score": 0.9}],
    "by_input": {"text": {"hate": 0.1}, "audio": {"hate": 0.7}},
}


@pytest.mark.parametrize(
    "condition",
    [
        "outcome=OK",
        "outcome != ERROR",
        "reason=null",
        "truncated=false",
        "integrated_lufs>-20",
        "integrated_lufs<=-14.2",
        "scores.profanity>=0.9",
        "scores.hate/threatening<0.5",
        "provenance.model_name=silero-vad",
        "absent!=x",
        "labels=hate",
        "labels!=violence",
        "kinds=email",
        "kinds.email>=2",
        "spans.label=hate",
        "spans.score>0.8",
        "scores.*>=0.9",
        "by_input.audio.hate>0.5",
        "by_input.*.hate>0.5",
        "by_input=audio",
    ],
)
def test_true_conditions_hold(condition: str) -> None:
    assert parsed(condition).holds(RECORD)


@pytest.mark.parametrize(
    "condition",
    [
        "outcome=ERROR",
        "outcome!=OK",
        "integrated_lufs>-14.2",
        "absent=x",
        "absent>0",
        "outcome>0",
        "truncated<1",
        "reason=None",
        "labels=violence",
        "labels!=hate",
        "labels>0",
        "spans.score>0.95",
        "scores.*>0.9",
        "by_input.*.profanity>0",
        "kinds=phone",
    ],
)
def test_false_conditions_do_not(condition: str) -> None:
    assert not parsed(condition).holds(RECORD)


@pytest.mark.parametrize("condition", ["outcome", "=OK", "", "scores.x>much"])
def test_other_forms_are_refused(condition: str) -> None:
    with pytest.raises(ConfigurationError, match="condition"):
        parsed(condition)
