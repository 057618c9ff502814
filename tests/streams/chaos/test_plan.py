"""A run follows from its options and its seed."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from earmark.processors.codec import decode_event
from earmark.processors.content import INLINE_AUDIO_BYTES, validated
from earmark.processors.outcome import Rejection
from earmark.processors.pipeline import Pipeline
from earmark.streams.chaos.events import REJECTED, UNREADABLE, Content, Kind
from earmark.streams.chaos.plan import Options, Trouble, bursts, schedule

OPTIONS = Options(
    events=600, kills=4, broker_kills=2, rebalances=3, cuts=2, cut_s=5, freezes=1, poison=0.1
)


def test_everything_happens_while_events_are_sent() -> None:
    happens = schedule(OPTIONS)
    assert Counter(one.trouble for one in happens) == {
        Trouble.KILL: 4,
        Trouble.BROKER_KILL: 2,
        Trouble.REBALANCE: 3,
        Trouble.CUT: 2,
        Trouble.FREEZE: 1,
    }
    assert [one.burst for one in happens] == sorted(one.burst for one in happens)
    assert happens[-1].burst < len(bursts(OPTIONS))
    assert [number for burst in bursts(OPTIONS) for number in burst] == list(range(600))


def test_a_run_is_as_long_as_what_happens_takes() -> None:
    quiet = Options(events=600, kills=0, broker_kills=0, rebalances=0)
    assert len(bursts(quiet)) == 3  # at 200 events in a second
    assert len(bursts(replace(quiet, cuts=1))) > quiet.cut_s
    assert len(bursts(replace(quiet, events=100_000))) == 500


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    other = replace(OPTIONS, seed=2)
    assert schedule(OPTIONS) == schedule(OPTIONS) != schedule(other)
    payloads = [Content(options).payload(17, 1) for options in (OPTIONS, OPTIONS, other)]
    assert payloads[0] == payloads[1] != payloads[2]


def test_revisions_rise_and_change_the_texts() -> None:
    content = Content(OPTIONS)
    newest: Counter[int] = Counter()
    for number, entry in enumerate(content):
        newest[entry.item] += 1
        assert entry.revision == newest[entry.item]
        assert content.find(entry.content_id, entry.revision) == number
        if entry.revision > 1:
            before = content.find(entry.content_id, entry.revision - 1)
            assert before is not None
            assert content.event(before).texts != content.event(number).texts
            assert content.event(before).audio == content.event(number).audio
    assert Counter(newest.values()) == {1: 450, 3: 50}


def test_ids_that_were_never_sent_are_not_found() -> None:
    content = Content(OPTIONS)
    for content_id in ("", "chaos-", "chaos-9999999", "other-0000001", "chaos-x"):
        assert content.find(content_id) is None
    assert content.find("chaos-0000001", 4) is None


def test_records_are_readable_or_broken_as_their_kind_says() -> None:
    content = Content(OPTIONS)
    assert set(content.kinds.tolist()) == set(Kind)
    assert int(np.isin(content.kinds, list(REJECTED)).sum()) == 50
    for number, entry in enumerate(content):
        if entry.kind in UNREADABLE:
            continue
        event = content.event(number)
        assert validated(decode_event(content.payload(number, 1))) == event
        assert event.audio is None or len(event.audio.data or b"") <= INLINE_AUDIO_BYTES


@pytest.mark.weights
def test_the_pipeline_rejects_what_is_broken_as_the_table_says() -> None:
    content = Content(OPTIONS)
    pipeline = Pipeline.load(["audio.integrity", "text.language"])
    for kind in (Kind.TEXT, Kind.SOUND, Kind.CUT, Kind.SURROGATE):
        event = content.event(int(np.argmax(content.kinds == kind)))
        said = [
            (outcome.error.rejection_class, outcome.error.part)
            for outcome in pipeline.run([event])
            if isinstance(outcome, Rejection)
        ]
        assert said == ([REJECTED[kind]] if kind in REJECTED else [])
