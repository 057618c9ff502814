"""Every signal can be asked about by the names in its schema, and by the labels that it gives."""

import pytest

from earmark.processors.pii.finding import Kind as PiiKind
from earmark.processors.policy.vocabulary import (
    Kind,
    UnknownName,
    field_of,
    labels_of,
    signal_names,
)
from earmark.processors.signals.text_quality import LABELS
from tests.processors.policy.sample import said


@pytest.mark.parametrize("signal", signal_names())
def test_all_that_a_profile_says_can_be_asked_about(signal: str) -> None:
    found = said(signal)
    for name in (*found.numbers, *found.words, "outcome", "reason", "language", "model"):
        assert field_of(signal, name)


def test_numbers_and_truths_and_words_and_lists_are_told_apart() -> None:
    assert field_of("audio.integrity", "truncated").kind is Kind.TRUTH
    assert field_of("audio.integrity", "channels").kind is Kind.NUMBER
    assert field_of("audio.music", "voice").values == {"vocal", "instrumental"}
    assert field_of("text.pii", "labels").kind is Kind.LIST
    assert field_of("item", "language").kind is Kind.LANGUAGE


def test_labels_are_those_that_the_signals_give() -> None:
    assert labels_of("text.quality") == set(LABELS)
    assert labels_of("text.pii") == {str(kind) for kind in PiiKind}
    assert labels_of("audio.speech") is None


@pytest.mark.parametrize(
    ("signal", "name", "hint"),
    [
        ("text.pii", "kinds.emial", "email"),
        ("text.topics", "topics.Sport", "Sports"),
        ("audio.music", "scores.hiphop", "hip-hop"),
        ("audio.loudness", "integrated_luf", "integrated_lufs"),
        ("item", "regoins", "regions"),
        ("audio.loudnes", "integrated_lufs", "audio.loudness"),
    ],
)
def test_a_name_that_is_not_known_brings_the_nearest(signal: str, name: str, hint: str) -> None:
    with pytest.raises(UnknownName) as raised:
        field_of(signal, name)
    assert raised.value.hint == f"did you mean {hint}?"
