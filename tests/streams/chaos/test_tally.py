"""The tally finds what is lost, doubled, out of order or wrong, and nothing else."""

from collections.abc import Mapping

import numpy as np
import pytest

from earmark.processors.loader import load_specs
from earmark.streams.chaos.events import REJECTED, Content, Kind
from earmark.streams.chaos.plan import FAST_SIGNALS, Options
from earmark.streams.chaos.tally import DEAD_LETTERS, Fault, Tally
from earmark.streams.topic import REJECTIONS

TOPIC = "signals.text.language.v1"
LOUDNESS = "signals.audio.loudness.v1"
SENT = b"as it was sent"


@pytest.fixture(scope="module")
def content() -> Content:
    return Content(Options(events=240, poison=0.1))


@pytest.fixture
def tally(content: Content) -> Tally:
    return Tally(content, load_specs(FAST_SIGNALS))


def record(content: Content, number: int) -> Mapping[str, object]:
    entry = content.entry(number)
    return {
        "content_id": entry.content_id,
        "event_id": entry.event_id,
        "revision": entry.revision,
    }


def answer_all(content: Content, tally: Tally, *, leaving_out: int | None = None) -> None:
    """What a good worker writes, but for one signal of `TOPIC`."""
    for number, entry in enumerate(content):
        if entry.kind in REJECTED:
            rejection_class, part = REJECTED[entry.kind]
            said = {"rejection_class": rejection_class, "part": part}
            tally.note_rejection(entry.content_id, said)
            tally.note_dead_letter(entry.content_id, SENT, SENT)
        if entry.kind in (Kind.GARBAGE, Kind.INCOMPLETE):
            continue
        topics = ["signals.text.language.v1", "signals.text.embedding.v1"]
        if entry.kind in (Kind.SOUND, Kind.CUT) and entry.revision == 1:
            topics += ["signals.audio.integrity.v1", LOUDNESS]
        for topic in topics:
            if (topic, number) != (TOPIC, leaving_out):
                tally.note_signal(topic, entry.content_id, record(content, number))


def first(content: Content, kind: Kind, revision: int = 1) -> int:
    found = (content.kinds == kind) & (content.revisions == revision)
    return int(np.argmax(found))


def faults(tally: Tally) -> dict[Fault, int]:
    tally.close()
    return {fault: count for fault, count in tally.counts.items() if count}


def test_a_good_run_has_no_faults_though_unchanged_signals_are_left_out(
    content: Content, tally: Tally
) -> None:
    answer_all(content, tally)
    assert faults(tally) == {}


def test_an_unchanged_signal_may_be_written_again(content: Content, tally: Tally) -> None:
    answer_all(content, tally)
    later = first(content, Kind.SOUND, revision=3)
    tally.note_signal(LOUDNESS, content.entry(later).content_id, record(content, later))
    assert faults(tally) == {}


def test_a_signal_that_never_came_is_lost_and_named(content: Content, tally: Tally) -> None:
    number = first(content, Kind.TEXT, revision=2)
    answer_all(content, tally, leaving_out=number)
    assert faults(tally) == {Fault.LOST: 1}
    (offence,) = tally.named
    assert (offence.topic, offence.content_id) == (TOPIC, content.entry(number).content_id)


def test_each_broken_record_wants_its_rejection_and_its_dead_letter(
    content: Content, tally: Tally
) -> None:
    broken = int(np.isin(content.kinds, list(REJECTED)).sum())
    assert len(tally.missing(REJECTIONS)) == len(tally.missing(DEAD_LETTERS)) == broken > 0


def test_a_signal_that_came_twice_is_doubled(content: Content, tally: Tally) -> None:
    answer_all(content, tally)
    number = first(content, Kind.SURROGATE)
    tally.note_signal(TOPIC, content.entry(number).content_id, record(content, number))
    assert faults(tally) == {Fault.DUPLICATED: 1}


def test_a_dead_letter_that_came_twice_is_doubled(content: Content, tally: Tally) -> None:
    answer_all(content, tally)
    tally.note_dead_letter(content.entry(first(content, Kind.GARBAGE)).content_id, SENT, SENT)
    assert faults(tally) == {Fault.DUPLICATED: 1}


def test_an_older_revision_after_a_newer_one_is_out_of_order(
    content: Content, tally: Tally
) -> None:
    number = first(content, Kind.TEXT, revision=2)
    answer_all(content, tally, leaving_out=number)
    tally.note_signal(TOPIC, content.entry(number).content_id, record(content, number))
    assert faults(tally) == {Fault.OUT_OF_ORDER: 1}


def test_what_nobody_asked_for_is_wrong(content: Content, tally: Tally) -> None:
    answer_all(content, tally)
    text = first(content, Kind.TEXT)
    garbage = first(content, Kind.GARBAGE)
    tally.note_signal(LOUDNESS, content.entry(text).content_id, record(content, text))
    tally.note_signal(TOPIC, content.entry(garbage).content_id, record(content, garbage))
    tally.note_signal(TOPIC, "someone-else", record(content, text))
    tally.note_signal(TOPIC, content.entry(text).content_id, {})  # a tombstone
    tally.note_rejection(content.entry(text).content_id, {})
    assert faults(tally) == {Fault.WRONG: 5}


def test_a_rejection_of_another_class_and_a_dead_letter_of_other_bytes_are_wrong(
    content: Content, tally: Tally
) -> None:
    cut = content.entry(first(content, Kind.CUT)).content_id
    tally.note_rejection(cut, {"rejection_class": "MEDIA_EMPTY", "part": "audio"})
    tally.note_dead_letter(cut, SENT[:-1], SENT)
    assert tally.counts[Fault.WRONG] == 2


def test_a_signal_under_the_ids_of_another_event_is_wrong(content: Content, tally: Tally) -> None:
    number = first(content, Kind.TEXT)
    stolen = {**record(content, number), "event_id": "another"}
    assert tally.note_signal(TOPIC, content.entry(number).content_id, stolen) is None
    assert tally.counts[Fault.WRONG] == 1


def test_all_faults_are_counted_and_the_first_few_named(content: Content, tally: Tally) -> None:
    tally.close()
    assert tally.counts[Fault.LOST] > len(tally.named) == 5
