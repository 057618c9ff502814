"""Decisions of one item come to one record, whatever their order, and one of them holds."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.models.error import ConfigurationError
from earmark.processors.codec import Codec
from earmark.processors.release import golden_record
from earmark.processors.review.decision import (
    MOST_DECISIONS,
    DecidedEffect,
    Decision,
    Decisions,
    Kind,
    checked,
    decision_id,
    decisions_of,
)
from earmark.processors.schema import avro_folder, schema_of

PATIENT = settings(deadline=None, max_examples=50)  # a busy machine is no failure
SAFETY = ("text.safety", "labels", "2" * 64)
NONE = Decisions(content_id="comment-7")


def value(who: str, when: int, *labels: str, kind: str = Kind.VALUE, name: str = "") -> Decision:
    signal, field, digest = SAFETY
    return Decision(
        decision_id=name or decision_id(who, str(when)),
        annotator=who,
        decided_at=when,
        kind=kind,
        signal=signal,
        field=field,
        input_digest=digest,
        values=labels,
    )


def verdict(when: int, *effects: str, revision: int = 3, kind: str = Kind.VERDICT) -> Decision:
    return Decision(
        decision_id=decision_id("verdict", str(when)),
        annotator="a",
        decided_at=when,
        kind=kind,
        revision=revision,
        effects=tuple(DecidedEffect(effect=effect) for effect in effects),
    )


def folded(*decisions: Decision) -> Decisions:
    record = NONE
    for decision in decisions:
        record = record.added(decision)
    return record


some = st.builds(
    value,
    st.sampled_from("abc"),
    st.integers(0, 3),
    st.sampled_from(["hate", "spam"]),
    kind=st.sampled_from([Kind.VALUE, Kind.AGREE, Kind.WITHDRAWN]),
    name=st.sampled_from(["1" * 32, "2" * 32, "3" * 32]),
)


@PATIENT
@given(st.lists(some, max_size=6), st.randoms())
def test_order_and_repetition_change_nothing(decisions: list[Decision], random: Any) -> None:
    other = [*decisions, *decisions]
    random.shuffle(other)
    assert folded(*decisions) == folded(*other)


def test_the_majority_holds_and_of_a_tie_the_newest() -> None:
    one, two, other = value("a", 1, "hate"), value("b", 2, "hate"), value("c", 3)
    for order in permutations([one, two, other]):
        assert folded(*order).value(*SAFETY) == two
    assert folded(one, other).value(*SAFETY) == other


def test_an_annotator_has_one_vote_his_newest() -> None:
    record = folded(value("a", 1, "hate"), value("a", 2, "hate"), value("b", 3))
    assert record.value(*SAFETY) == value("b", 3)
    assert record.votes(*SAFETY) == (value("a", 2, "hate"), value("b", 3))
    assert folded(value("a", 1, "hate"), value("a", 4)).value(*SAFETY) == value("a", 4)


def test_agreement_with_what_was_said_is_a_vote_for_it() -> None:
    agrees = value("a", 1, "hate", kind=Kind.AGREE)
    assert folded(agrees, value("b", 2, "hate"), value("c", 3)).value(*SAFETY) == value(
        "b", 2, "hate"
    )


def test_what_was_said_of_another_input_holds_no_longer() -> None:
    record = folded(value("a", 1, "hate"))
    assert record.settles(*SAFETY)
    assert not record.settles("text.safety", "labels", "3" * 64)


def test_the_newest_verdict_on_a_revision_holds_and_agreement_leaves_it() -> None:
    first, second = verdict(1, "limit"), verdict(2)
    record = folded(second, first, verdict(3, "limit", kind=Kind.AGREE), value("a", 9, "hate"))
    assert record.verdict(3) == second
    assert record.verdict(4) is None
    assert record.settles_verdict(3)
    assert not record.settles_verdict(4)
    assert record.in_force == (second, value("a", 9, "hate"))


def test_what_was_withdrawn_does_not_come_back() -> None:
    given = value("a", 1, "hate")
    gone = replace(given, decided_at=2, kind=Kind.WITHDRAWN)
    record = folded(given, gone, given)
    assert record.value(*SAFETY) is None
    assert not record.in_force


def test_a_record_reads_back_and_fits_its_schema() -> None:
    schema = schema_of("review.decisions.v1")
    golden = golden_record(avro_folder(), schema)
    assert decisions_of(golden).record() == golden
    record = folded(value("a", 1, "hate"), verdict(2, "limit"))
    codec = Codec(schema)
    assert decisions_of(codec.decode(codec.encode(record.record(), 1))) == record


def test_fields_of_a_later_schema_are_passed_over() -> None:
    record = folded(verdict(1)).record()
    record["decisions"][0]["mood"] = "good"
    assert decisions_of(record) == folded(verdict(1))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"annotator": "someone@example.org"}, "by a name, not by an address"),
        ({"annotator": ""}, "by a name, not by an address"),
        ({"input_digest": None}, "names signal, field and input_digest"),
        ({"kind": "MAYBE"}, "kind 'MAYBE' is none of VERDICT, VALUE, AGREE, WITHDRAWN"),
        ({"kind": "VERDICT"}, "and no signal"),
        ({"field": "language", "values": ("en", "de")}, "language has one value"),
        ({"note": "x" * 2001}, "its note has more than 2,000 characters"),
        ({"values": ("x" * 301,)}, "longer than 300"),
        ({"values": tuple(map(str, range(101)))}, "more than 100 values"),
        ({"decided_at": -1}, "before 1970"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        checked(replace(value("a", 1, "hate"), **wrong))
    assert problem in str(raised.value)


def test_labels_are_written_once_each_in_order() -> None:
    assert checked(value("a", 1, "spam", "hate", "spam")).values == ("hate", "spam")


def test_an_item_has_no_more_decisions_than_a_record_holds() -> None:
    record = folded(*(value("a", when) for when in range(MOST_DECISIONS)))
    with pytest.raises(ConfigurationError, match="as many as an item may have"):
        record.added(value("b", 0))
