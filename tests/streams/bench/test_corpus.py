"""What the benchmark measures on."""

import numpy as np

from earmark.processors.content import validated
from earmark.processors.decode import decode
from earmark.processors.loader import load_specs
from earmark.streams.bench.codec_rows import sample_signals
from earmark.streams.bench.corpus import (
    CLIP_S,
    audio_events,
    clip_events,
    long_recording,
    recordings,
    text_events,
    utterances,
)


def test_utterances_are_the_same_each_time():
    for first, second in zip(utterances(3), utterances(3), strict=True):
        np.testing.assert_array_equal(first, second)


def test_long_recording_is_as_long_as_asked(tmp_path):
    path = tmp_path / "long.mp3"
    long_recording(path, minutes=3)
    (event,) = audio_events([path], run="x")
    seconds = sum(len(block.samples_T) for block in decode(event, path)) / 16_000
    assert abs(seconds - 180) < 1


def test_events_of_two_runs_are_different_items():
    ids = [event.content_id for run in ("a", "b") for event in text_events(2, run=run)]
    assert len(set(ids)) == 4


def test_text_events_are_valid():
    for event in text_events(3, run="x"):
        assert validated(event).texts


def test_no_two_clips_are_the_same_recording_also_of_two_runs():
    clips = [event for run in ("a", "b") for event in clip_events(20, run=run)]
    assert len({event.audio.data for event in clips}) == len(clips)
    samples = sum(len(block.samples_T) for block in decode(clips[0], clips[0].audio.data))
    assert samples == CLIP_S * 16_000


def test_there_is_a_sample_signal_of_each_kind():
    assert {signal.name for signal in sample_signals()} == set(load_specs())


def test_utterances_differ_and_fit_a_window_of_a_speech_model():
    lengths = [len(samples_T) for samples_T in utterances(8)]
    assert len(set(lengths)) == 8
    assert max(lengths) <= 30 * 16_000


def test_recordings_last_as_long_as_their_utterances(tmp_path):
    paths = recordings(tmp_path, 2)
    for event, path, samples_T in zip(
        audio_events(paths, run="x"), paths, utterances(2), strict=True
    ):
        decoded = sum(len(block.samples_T) for block in decode(event, path))
        assert abs(decoded - len(samples_T)) < 1_600  # mp3 pads to whole frames
