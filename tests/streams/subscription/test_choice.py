"""Which records a subscriber wants."""

from typing import Any

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.condition import all_hold
from earmark.streams.subscription.choice import chosen

SAFETY = {"content_type": "TRACK", "labels": ["hate"], "scores": {"hate": 0.7, "sexual": 0.2}}
SENTIMENT = {"content_type": "COMMENT", "label": "hate", "probabilities": {"hate": 0.9}}
DELETION: dict[str, Any] = {}


def wants(record: dict[str, Any], **asked: Any) -> bool:
    return all_hold(chosen(**asked), record)


def test_an_item_is_of_one_of_the_types() -> None:
    assert wants(SAFETY, content_type="track")
    assert wants(SAFETY, content_type=["EPISODE", "TRACK"])
    assert not wants(SAFETY, content_type=["EPISODE", "CLIP"])


def test_a_label_is_one_that_the_record_has_however_its_signal_writes_them() -> None:
    assert wants(SAFETY, label="hate")
    assert wants(SENTIMENT, label=["sexual", "hate"])
    assert not wants(SAFETY, label="sexual")


def test_with_a_score_it_is_the_score_of_the_label_that_decides() -> None:
    assert wants(SAFETY, label="sexual", min_score=0.2)
    assert not wants(SAFETY, label="sexual", min_score=0.3)
    assert wants(SENTIMENT, label="hate", min_score=0.9)


def test_without_a_label_any_score_will_do() -> None:
    assert wants(SAFETY, min_score=0.7)
    assert not wants(SAFETY, min_score=0.71)


def test_all_that_is_asked_must_hold() -> None:
    assert not wants(SAFETY, where="labels!=hate", content_type="TRACK")
    assert not wants(DELETION, label="hate")


def test_a_score_above_1_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        chosen(min_score=80)
