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
    ],
)
def test_false_conditions_do_not(condition: str) -> None:
    assert not parsed(condition).holds(RECORD)


@pytest.mark.parametrize("condition", ["outcome", "=OK", "", "scores.x>much"])
def test_other_forms_are_refused(condition: str) -> None:
    with pytest.raises(ConfigurationError, match="condition"):
        parsed(condition)
