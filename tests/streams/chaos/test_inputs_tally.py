"""An input is answered when all is there that it must get, once, and nothing else."""

import pytest

from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.loader import load_specs
from earmark.streams.chaos.inputs_event import named
from earmark.streams.chaos.inputs_tally import InputTally

SPECS = load_specs(["audio.integrity", "audio.loudness", "text.language"])
TEXT = named("text", texts=(Text(field="title", text="a"),))
SOUND = named("sound", audio=Audio(data=b""), texts=TEXT.texts)
LANGUAGE = "signals.text.language.v1"
AUDIO = ("signals.audio.integrity.v1", "signals.audio.loudness.v1")


@pytest.fixture
def tally() -> InputTally:
    return InputTally(4, SPECS)


def receipt(tally: InputTally, event: ContentEvent, disposition: str, **answers: object) -> None:
    record = {"disposition": disposition, "content_id": event.content_id, "answers": answers}
    tally.note_receipt(0, record)


def rejected(
    tally: InputTally, part: str, name: str = "MEDIA_CORRUPT", fault: str = "PRODUCER"
) -> None:
    said = {"rejection_class": name, "part": part, "fault": fault, "reason": "because"}
    tally.note_rejection(0, said)


def broken(tally: InputTally) -> None:
    """What comes of broken audio beside a good text."""
    receipt(tally, SOUND, "REJECTED")
    tally.note_signal(0, LANGUAGE, {"outcome": "OK"})
    for topic in AUDIO:
        tally.note_signal(0, topic, {"outcome": "ERROR"})
    rejected(tally, "audio")


def offences(tally: InputTally, event: ContentEvent | None = TEXT) -> list[str]:
    return [offence.detail for offence in tally.offences(0, event)]


def test_signals_and_a_receipt_are_an_answer(tally: InputTally) -> None:
    receipt(tally, TEXT, "ANSWERED")
    tally.note_signal(0, LANGUAGE, {"outcome": "OK"})
    assert offences(tally) == []
    assert (tally.outcomes, tally.classes) == ({"OK": 1}, {})


def test_a_rejection_as_a_whole_and_a_dead_letter_are_an_answer(tally: InputTally) -> None:
    rejected(tally, "record", "RECORD_UNDECODABLE")
    tally.note_letter(0, untouched=True)
    assert offences(tally, None) == []
    assert tally.classes == {"RECORD_UNDECODABLE": 1}


def test_a_broken_part_wants_errors_a_rejection_and_a_dead_letter(tally: InputTally) -> None:
    broken(tally)
    assert offences(tally, SOUND) == ["0 dead letters instead of 1"]
    tally.note_letter(0, untouched=True)
    assert offences(tally, SOUND) == []


@pytest.mark.parametrize("disposition", ["SUPERSEDED", "DELETED", "UNCHANGED"])
def test_where_nothing_is_to_be_written_the_receipt_is_the_answer(
    tally: InputTally, disposition: str
) -> None:
    receipt(tally, TEXT, disposition)
    assert offences(tally) == []


def test_what_has_nothing_at_all_is_not_answered(tally: InputTally) -> None:
    assert offences(tally, None) == ["nothing came of it"]


def test_a_signal_that_is_missing_or_doubled_is_told(tally: InputTally) -> None:
    receipt(tally, TEXT, "ANSWERED")
    assert offences(tally) == [f"0 signals instead of 1 on {LANGUAGE}"]
    for _ in range(2):
        tally.note_signal(0, LANGUAGE, {"outcome": "OK"})
    assert offences(tally) == [f"2 signals instead of 1 on {LANGUAGE}"]


def test_an_answer_may_stand_from_another_input_with_the_same_id(tally: InputTally) -> None:
    receipt(tally, TEXT, "ANSWERED", **{LANGUAGE: {}})
    assert len(offences(tally)) == 1
    tally.note_receipt(1, {"disposition": "ANSWERED", "content_id": "text", "answers": {}})
    assert offences(tally) == []


def test_an_error_without_a_rejection_is_told(tally: InputTally) -> None:
    receipt(tally, TEXT, "ANSWERED")
    tally.note_signal(0, LANGUAGE, {"outcome": "ERROR"})
    assert offences(tally) == ["signals, rejections and receipt do not agree on what failed"]


def test_a_rejected_record_without_its_dead_letter_or_with_more_is_told(tally: InputTally) -> None:
    rejected(tally, "record")
    assert offences(tally, None) == ["it was rejected and has 0 dead letters"]
    tally.note_letter(0, untouched=True)
    tally.note_signal(0, LANGUAGE, {"outcome": "OK"})
    assert offences(tally, None) == ["it was rejected as a whole, and more was written for it"]


def test_words_that_nobody_knows_and_other_bytes_are_told(tally: InputTally) -> None:
    rejected(tally, "record", "BROKEN")
    tally.note_letter(0, untouched=False)
    assert offences(tally, None) == [
        "its rejection has the class 'BROKEN'",
        "its dead letter has other bytes than were sent",
    ]


def test_what_failed_on_our_side_is_named_apart(tally: InputTally) -> None:
    rejected(tally, "audio")
    rejected(tally, "audio", "DECODER_CRASHED", "OURS")
    assert [offence.detail for offence in tally.ours] == ["DECODER_CRASHED: because"]


def test_what_waits_for_another_attempt_is_not_answered(tally: InputTally) -> None:
    receipt(tally, TEXT, "RETRIED")
    assert offences(tally) == ["it waits to be tried again"]


def test_a_control_must_be_answered_without_any_error_and_is_not_counted() -> None:
    tally = InputTally(4, SPECS, controls=1)
    broken(tally)
    tally.note_letter(0, untouched=True)
    assert offences(tally, SOUND) == ["nothing is wrong with it, and it was rejected"]
    assert (tally.outcomes, tally.classes) == ({}, {})
