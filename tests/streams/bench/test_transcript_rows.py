"""Ours and faster-whisper hear the same clips; a setting that leaves words out is not chosen."""

import sys

import pytest

from earmark.streams.bench.mix import Mix
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Unmeasured
from earmark.streams.bench.spoken_clip import WINDOW_S, seconds_of, spoken_clips, word_error
from earmark.streams.bench.transcript_row import ours
from earmark.streams.bench.transcript_rows import Tried, faster, fastest


def test_windows_of_a_podcast_are_full_and_the_same_each_time():
    clips = spoken_clips(Mix.PODCAST, 3)
    assert all(WINDOW_S - 3 < seconds_of([clip]) <= WINDOW_S for clip in clips)
    assert [clip.words for clip in clips] == [c.words for c in spoken_clips(Mix.PODCAST, 3)]
    assert len({clip.words for clip in clips}) == 3


def test_a_setting_that_leaves_words_out_is_not_the_fastest():
    tried = {
        "hasty": Tried(rate=90, error=0.4),
        "good": Tried(rate=40, error=0.04),
        "best": Tried(rate=30, error=0.02),
    }
    assert fastest(tried) == "good"


def test_without_faster_whisper_the_row_is_skipped_and_says_why(plan: Plan, monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    monkeypatch.delitem(sys.modules, "earmark.streams.bench.faster_whisper_baseline", raising=False)
    with pytest.raises(Unmeasured, match="extra bench"):
        faster(plan, Mix.VOICE)


@pytest.mark.weights
def test_both_hear_what_is_said_in_voice_clips(plan: Plan):
    pytest.importorskip("faster_whisper")
    from earmark.streams.bench.faster_whisper_baseline import Way, faster_whisper

    clips = spoken_clips(Mix.VOICE, 3)
    samples = [clip.samples_T for clip in clips]
    for read in (ours(plan), *(faster_whisper(plan, Way(compute="int8", batch=n)) for n in (0, 2))):
        assert word_error(clips, read(samples)) < 0.2
