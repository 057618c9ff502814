"""Onset strength follows what begins, and nothing else."""

import numpy as np

from earmark.models.onset import FRAMES_PER_SECOND, RATE_HZ, Curve, OnsetFold


def strength(samples: Curve, block: int = RATE_HZ) -> Curve:
    fold = OnsetFold()
    for start in range(0, len(samples), block):
        fold.step(samples[start : start + block])
    return fold.finish()


def tone(hz: float, seconds: float) -> Curve:
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ).astype(np.float32)


def test_there_are_a_hundred_values_a_second() -> None:
    assert len(strength(tone(440, 3))) == 3 * FRAMES_PER_SECOND + 1


def test_a_tone_begins_where_it_begins() -> None:
    late = np.concatenate((np.zeros(RATE_HZ, np.float32), tone(440, 1)))
    assert abs(int(strength(late).argmax()) - FRAMES_PER_SECOND) <= 3


def test_a_change_of_note_is_an_onset_without_a_change_of_level() -> None:
    curve = strength(np.concatenate((tone(440, 1), tone(494, 1))))
    assert abs(int(curve[20:-20].argmax()) + 20 - FRAMES_PER_SECOND) <= 5


def test_vibrato_is_less_of_an_onset_than_a_note() -> None:
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    trembling = np.sin(2 * np.pi * 440 * t + 2 * np.sin(2 * np.pi * 5 * t)).astype(np.float32)
    notes = np.concatenate((tone(440, 1), tone(494, 1)))
    assert strength(trembling)[20:-20].max() < 0.5 * strength(notes)[20:-20].max()


def test_silence_has_none() -> None:
    assert not strength(np.zeros(RATE_HZ, np.float32)).any()
