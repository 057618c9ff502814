"""Same input and configuration, same id; and what counts as the same answer."""

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.identity import config_hash, input_digest, same, signal_id, word_error
from earmark.processors.signal import Part, SignalSpec, Takes
from earmark.processors.threshold import Thresholds

SPEC = SignalSpec(name="text.x", takes=Takes.PASSAGES, reads=frozenset({Part.TEXTS}), make=list)
AUDIO = replace(SPEC, name="audio.x", reads=frozenset({Part.AUDIO}))
EVENT = ContentEvent(
    event_id="e",
    content_id="c",
    language="en",
    audio=Audio(uri="s3://a"),
    texts=(Text(field="title", text="Hello", language="en"),),
)
THRESHOLDS = Thresholds(version="1", values={"profanity_probability": 0.7})


def configured(spec: SignalSpec = SPEC, **changes: Any) -> str:
    options = {"thresholds": THRESHOLDS, "model_hashes": {"m": "1"}, "needs_hashes": {"n": "2"}}
    return config_hash(spec, **{**options, **changes})


def differences(a: object, b: object, **options: Any) -> list[str]:
    return same({"x": a}, {"x": b}, replace(SPEC, **options), thresholds=THRESHOLDS)


def test_a_signal_id_is_the_one_that_the_contract_defines() -> None:
    # b2sum -l 128 of the five parts joined by 0x1F
    assert signal_id("c", "audio.x", 1, "d", "h") == "9a304d3e88cacb22bd8ec10cff4f0364"


def test_the_digest_of_audio_is_that_of_its_bytes_alone() -> None:
    moved = replace(EVENT, audio=Audio(uri="s3://b"), texts=(), event_id="f", language="de")
    assert input_digest(AUDIO, EVENT, "9f") == input_digest(AUDIO, moved, "9f")
    assert input_digest(AUDIO, EVENT, "9f") != input_digest(AUDIO, EVENT, "8e")


def test_the_digest_of_texts_is_that_of_their_words_alone() -> None:
    assert input_digest(SPEC, EVENT, "9f") == input_digest(SPEC, replace(EVENT, revision=9), None)
    for text in (Text(field="title", text="Hullo"), Text(field="lyrics", text="Hello")):
        assert input_digest(SPEC, EVENT, None) != input_digest(
            SPEC, replace(EVENT, texts=(text,)), None
        )


@pytest.mark.parametrize("spec", [SPEC, AUDIO])
def test_the_declared_language_counts_for_signals_that_read_it(spec: SignalSpec) -> None:
    german = replace(EVENT, language="de")
    assert input_digest(spec, EVENT, None) == input_digest(spec, german, None)
    reader = replace(spec, reads_language=True)
    assert input_digest(reader, EVENT, None) != input_digest(reader, german, None)


def test_attributes_count_for_signals_that_read_them_and_only_those() -> None:
    marked = replace(EVENT, attributes={"explicit": "true", "mood": "calm"})
    assert input_digest(SPEC, EVENT, None) == input_digest(SPEC, marked, None)
    reader = replace(SPEC, reads_attributes=("explicit",))
    assert input_digest(reader, EVENT, None) != input_digest(reader, marked, None)
    calm = replace(EVENT, attributes={"mood": "calm"})
    assert input_digest(reader, EVENT, None) == input_digest(reader, calm, None)
    assert input_digest(reader, EVENT, None) != input_digest(SPEC, EVENT, None)


def test_the_digest_of_a_signal_that_reads_no_attributes_is_what_it_was() -> None:
    # sha256sum of [["texts",[["title","Hello"]]]]
    assert input_digest(SPEC, EVENT, None) == (
        "1da4cf8d1850e9f0db8cfba16608fd80ef708483c70bc785adbfaa6a5f5aa92e"
    )


@given(a=st.lists(st.text(), max_size=3), b=st.lists(st.text(), max_size=3))
def test_texts_have_one_digest_only_if_they_are_equal(a: list[str], b: list[str]) -> None:
    one, other = (
        replace(EVENT, texts=tuple(Text(field=str(i), text=t) for i, t in enumerate(texts)))
        for texts in (a, b)
    )
    assert (input_digest(SPEC, one, None) == input_digest(SPEC, other, None)) == (a == b)


def test_a_text_that_is_no_unicode_has_a_digest() -> None:
    broken = replace(EVENT, texts=(Text(field="title", text="\ud800"),))
    assert len(input_digest(SPEC, broken, None)) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": replace(SPEC, preprocessing_version="2")},
        {"spec": replace(SPEC, method=("m", "2"))},
        {"spec": replace(SPEC, taxonomy=("harm", "2"))},
        {"spec": replace(SPEC, major=2)},
        {"thresholds": Thresholds(version="1", values={"profanity_probability": 0.8})},
        {"model_hashes": {"m": "9"}},
        {"needs_hashes": {"n": "9"}},
    ],
)
def test_all_that_decides_the_answer_is_in_the_config_hash(changes: dict[str, Any]) -> None:
    assert configured(**changes) != configured()


def test_what_does_not_decide_the_answer_is_not_in_the_config_hash() -> None:
    assert configured(replace(SPEC, tolerance=0.5)) == configured()
    assert configured(thresholds=replace(THRESHOLDS, version="2")) == configured()


def made_by(pipeline: str, *, config: str = "h", replay: str | None = None) -> dict[str, Any]:
    computed = {"device": pipeline, "precision": pipeline, "pipeline_version": pipeline}
    return {"replay_id": replay, "provenance": {**computed, "config_hash": config}}


def test_a_record_is_the_same_on_another_machine_and_in_a_replay() -> None:
    assert same(made_by("a"), made_by("b", replay="r"), SPEC) == []
    found = same(made_by("a"), made_by("a", config="i"), SPEC)
    assert found == ["provenance.config_hash: 'h' against 'i'"]


def test_fractions_may_differ_by_the_tolerance() -> None:
    assert differences({"profanity": 0.5}, {"profanity": 0.5009}) == []
    assert differences(0.5, 0.502) == ["x: 0.5 against 0.502"]
    assert differences(0.5, 0.502, tolerances={"x": 0.01}) == []
    assert differences(0.5, None) == ["x: 0.5 against None"]


def test_whole_numbers_are_exact_unless_the_spec_says_otherwise() -> None:
    assert differences([{"start_ms": 20}], [{"start_ms": 40}]) == ["x.0.start_ms: 20 against 40"]
    assert differences([{"start_ms": 20}], [{"start_ms": 40}], tolerances={"start_ms": 20}) == []
    assert differences(True, 1.0001) != []


def test_lists_differ_by_their_length() -> None:
    assert differences([1], [1, 2]) == ["x: 1 entries against 2"]


def test_vectors_are_compared_number_by_number() -> None:
    a, b, c = (struct.pack("<2f", 0.5, value) for value in (0.25, 0.2505, 0.26))
    assert differences(a, b) == []
    assert differences(a, c) != []
    assert differences(a, a[:4]) != []


def test_a_label_may_flip_only_within_the_tolerance_of_its_threshold() -> None:
    def record(score: float) -> dict[str, Any]:
        labels = ["profanity"] if score >= 0.7 else []
        spans = [{"label": label, "score": score} for label in labels]
        return {"scores": {"profanity": score}, "labels": labels, "spans": spans}

    assert same(record(0.7004), record(0.6996), SPEC, thresholds=THRESHOLDS) == []
    found = same(record(0.75), record(0.65), SPEC, thresholds=THRESHOLDS)
    assert [line.partition(":")[0] for line in found] == ["labels", "scores.profanity", "spans"]


def test_transcripts_are_compared_by_word_error_where_the_spec_says_so() -> None:
    a, b = "and so my fellow Americans ask not", "And so, my fellow Americans. Ask what"
    assert differences(a, b) != []
    assert differences(a, b, tolerances={"x": 0.15}) == []
    assert differences(a, b, tolerances={"x": 0.1}) != []


def test_segments_may_be_cut_elsewhere_if_their_words_agree() -> None:
    one = [{"text": "and so my fellow Americans"}]
    two = [{"text": "and so my"}, {"text": "fellow Americans"}]
    assert differences(one, two, tolerances={"x": 0.05}) == []
    assert differences(one, two[:1], tolerances={"x": 0.05}) != []


def test_word_error_counts_words_to_insert_delete_and_replace() -> None:
    assert word_error("a b c d", "A, b c d.") == 0
    assert word_error("a b c d", "a x c") == 0.5
    assert word_error("", "a b") == 2


WORDS = st.lists(st.sampled_from("abcd"), max_size=9)


@given(wanted=WORDS, given_words=WORDS)
def test_word_error_is_the_least_number_of_edits(wanted: list[str], given_words: list[str]) -> None:
    def least(a: list[str], b: list[str]) -> int:
        row = list(range(len(b) + 1))
        for i, x in enumerate(a, start=1):
            last, row[0] = row[0], i
            for j, y in enumerate(b, start=1):
                last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
        return row[-1]

    found = word_error(" ".join(wanted), " ".join(given_words))
    assert found == least(wanted, given_words) / max(len(wanted), 1)
