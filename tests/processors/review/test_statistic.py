"""Agreement is told by signal and field, of annotators and of the model, over all items."""

from dataclasses import replace

import pytest

from earmark.processors.review.decision import Decision, Decisions
from earmark.processors.review.statistic import field_statistics, verdict_statistic
from tests.processors.review.test_decision import value, verdict


def record(number: int, *decisions: Decision) -> Decisions:
    return Decisions(content_id=f"item-{number}", decisions=decisions)


def drawn(decision: Decision, chance: float) -> Decision:
    return replace(decision, reason="AUDIT", chance=chance, request_id="1" * 32)


def test_annotators_and_labels_have_their_alpha() -> None:
    records = [
        record(1, value("a", 1, "hate"), value("b", 2, "hate")),
        record(2, value("a", 1), value("b", 2)),
        record(3, value("a", 1, "hate", "spam"), value("b", 2, "hate")),
    ]
    (found,) = field_statistics(records)
    assert (found.signal, found.asks, found.items, found.annotators) == (
        "text.safety",
        "labels",
        3,
        2,
    )
    assert found.by_label["hate"].value == 1.0
    assert found.by_label["spam"].value == 0.0
    assert found.alpha.value is not None
    assert 0.0 < found.alpha.value < 1.0


def test_the_model_is_measured_on_what_was_drawn_by_its_chance() -> None:
    agrees = [record(n, drawn(value("a", 1, kind="AGREE"), 0.1)) for n in range(5)]
    differs = [record(n, drawn(value("a", 1, "hate"), 1.0)) for n in range(5, 10)]
    unasked = record(10, value("a", 1, "hate"))
    (found,) = field_statistics([*agrees, *differs, unasked])
    assert found.agreement.value == pytest.approx(50 / 55)
    assert found.asked.value == 0.5
    assert found.agreement.answers == found.asked.answers == 10


def test_numbers_are_compared_as_numbers() -> None:
    records = [
        record(n, *(replace(value(who, 1, word), field="mos") for who, word in zip("ab", pair)))  # noqa: B905  pairs
        for n, pair in enumerate([("1", "1.1"), ("5", "4.9"), ("3", "3.0")])
    ]
    (found,) = field_statistics(records)
    assert found.alpha.value is not None
    assert found.alpha.value > 0.99


def test_verdicts_that_were_asked_about_are_counted() -> None:
    left = replace(verdict(1, "limit", kind="AGREE"), request_id="1" * 32)
    changed = replace(verdict(2), request_id="2" * 32)
    found = verdict_statistic([record(1, left), record(2, changed), record(3, verdict(3))])
    assert (found.decisions, found.agreement.value) == (2, 0.5)
