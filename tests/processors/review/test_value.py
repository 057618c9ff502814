"""What people decide has a field, labels and effects that there are; others are named with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.policy.vocabulary import signal_names
from earmark.processors.profile import ProfileSignal
from earmark.processors.review.answer import answer, unasked_value, unasked_verdict
from earmark.processors.review.decision import DecidedEffect, Decision, Kind, decisions_of
from earmark.processors.review.question import Question, Reason, Subject
from earmark.processors.review.value import decided_fields
from tests.processors.policy.sample import said

HARMS = "harassment, hate, illicit, profanity, self_harm, sexual, spam, violence"
BY: dict[str, Any] = {"annotator": "ann", "decided_at": 1}


def decide(signal: ProfileSignal, field: str, *values: str) -> Decision:
    return unasked_value("comment-7", signal, field, values, **BY)


def of_another_package() -> ProfileSignal:
    """A signal whose schema is not here."""
    return replace(said("text.safety"), signal="text.irony")


def question(signal: str = "text.safety", model: str = "text-harm 1", **own: Any) -> Question:
    subject = Subject(
        signal=signal,
        signal_id="1" * 32,
        input_digest="2" * 64,
        model=model,
        field="scores.hate",
        value="0.55",
    )
    made = {"asks": "labels", "said": ("hate",), "subjects": (subject,), **own}
    return Question(
        content_id="comment-7",
        request_id="3" * 32,
        tenant="demo",
        content_type="COMMENT",
        revision=3,
        event_time=0,
        reason=Reason.UNCERTAIN,
        queue="safety",
        stratum="COMMENT/en/hate",
        priority=0.5,
        chance=0.25,
        day="2026-11-26",
        **made,
    )


@pytest.mark.parametrize(
    ("signal", "field", "value", "problem"),
    [
        (
            "text.safety",
            "labels",
            "harrasment",
            f"label of text.safety 'harrasment'; known: {HARMS}",
        ),
        (
            "text.safety",
            "nofield",
            "harassment",
            "field 'nofield' of text.safety; known: labels, language, scores.*, severity",
        ),
        ("text.safety", "scores", "0.5", "field 'scores' of text.safety"),
        ("text.safety", "outcome", "OK", "field 'outcome' of text.safety"),
        ("text.safety", "scores.haet", "0.5", "label of text.safety 'haet'"),
        ("text.safety", "severity", "grave", "severity: 'grave' is no number"),
        ("text.safety", "severity", "nan", "severity: 'nan' is no number"),
        ("audio.loudness", "labels", "loud", "field 'labels' of audio.loudness"),
        ("audio.integrity", "truncated", "maybe", "truncated: 'maybe' is none of true, false"),
        ("audio.music", "voice", "vocals", "voice of audio.music 'vocals'; known: instrumental,"),
        ("text.topics", "labels", "Sport", "label of text.topics 'Sport'; known: "),
        ("text.language", "language", "a language", "'a language' is no language; BCP-47"),
    ],
)
def test_a_typo_is_told_with_what_is_known(
    signal: str, field: str, value: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        decide(said(signal), field, value)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("signal", "field", "values"),
    [
        ("text.safety", "labels", ("harassment", "hate")),
        ("text.safety", "labels", ()),
        ("text.safety", "scores.hate", ("0.5",)),
        ("audio.integrity", "truncated", ("yes",)),
        ("text.sentiment", "label", ("neutral",)),
        ("text.sentiment", "probabilities.neutral", ("1",)),
        ("audio.key", "key", ("C#",)),
        ("text.language", "language", ("pt-BR",)),
        ("content.explicit", "parental_warning", ("NotExplicit",)),
    ],
)
def test_what_is_known_is_taken(signal: str, field: str, values: tuple[str, ...]) -> None:
    assert decide(said(signal), field, *values).values == values


@pytest.mark.parametrize("name", signal_names())
def test_all_that_a_signal_says_can_be_agreed_with_and_decided(name: str) -> None:
    signal = said(name)
    for field in (*signal.numbers, *signal.words, *(["labels"] if signal.labels else [])):
        agreed = unasked_value("comment-7", signal, field, None, **BY)
        assert decide(signal, field, *agreed.values).kind == Kind.AGREE
    assert "language" in decided_fields(name)


def test_the_labels_of_a_model_of_ones_own_are_not_known() -> None:
    own = replace(said("text.topics"), model="my-topics 1")
    assert decide(own, "labels", "Beekeeping").values == ("Beekeeping",)
    with pytest.raises(ConfigurationError, match=r"unknown field 'label' of text\.topics"):
        decide(own, "label", "Beekeeping")


def test_what_a_signal_itself_has_named_is_known() -> None:
    newer = replace(said("text.safety"), labels=("grooming",), numbers={"scores.scam": 0.4})
    assert decide(newer, "labels", "grooming", "scam").values == ("grooming", "scam")
    asked = question(said=("grooming",))
    assert answer(asked, values=("grooming", "hate"), **BY).values == ("grooming", "hate")


def test_of_a_signal_whose_package_is_not_here_anything_goes() -> None:
    assert decide(of_another_package(), "labels", "irony").values == ("irony",)
    assert answer(question("text.irony"), values=("irony",), **BY).values == ("irony",)


def test_the_answer_to_a_question_is_looked_at_likewise() -> None:
    with pytest.raises(ConfigurationError, match=f"'harrasment'; known: {HARMS}"):
        answer(question(), values=("harrasment",), **BY)
    with pytest.raises(ConfigurationError, match=r"unknown field 'nofield' of text\.safety"):
        answer(question(asks="nofield"), values=("hate",), **BY)
    assert answer(question(said=("old-label",)), agrees=True, **BY).values == ("old-label",)


@pytest.mark.parametrize(
    ("effects", "problem"),
    [
        ([DecidedEffect(effect="limt")], "unknown effect 'limt'; known: age-rate, label, limit,"),
        ([DecidedEffect(effect="limit", value="demot")], "limit: no value 'demot'; did you mean"),
        ([DecidedEffect(effect="age-rate", value="old")], "age-rate: 'old' is no age; as 16 or 18"),
    ],
)
def test_an_effect_that_there_is_not_is_told(
    effects: Sequence[DecidedEffect], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        unasked_verdict("comment-7", 3, effects, **BY)
    assert problem in str(raised.value)
    with pytest.raises(ConfigurationError):
        answer(question(asks=None, said=(), subjects=()), effects=effects, **BY)


def test_effects_of_the_verdict_that_is_asked_about_are_known() -> None:
    older = DecidedEffect(effect="mute")
    asked = question(asks=None, said=(), subjects=(), effects=(older,))
    wanted = (DecidedEffect(effect="limit"), older)
    assert answer(asked, effects=wanted, **BY).effects == wanted


def test_what_was_decided_before_is_read_whatever_its_labels() -> None:
    signal = said("text.safety")
    old = replace(decide(signal, "labels", "hate"), field="nofield", values=("harrasment",))
    record = {"content_id": "comment-7", "decisions": []}
    kept = decisions_of(record).added(old)
    assert decisions_of(kept.record()).in_force == (old,)
