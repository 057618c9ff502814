"""Tempo of curves whose tempo is plain."""

import numpy as np
import pytest

from earmark.models.onset import FRAMES_PER_SECOND, Curve
from earmark.models.tempo import LEVELS, Tempo, confidence, same, tempo


def pulses(bpm: float, seconds: float = 30) -> Curve:
    """A curve that rises at each beat, every second beat less."""
    curve = np.zeros(int(seconds * FRAMES_PER_SECOND), np.float32)
    beats = np.arange(0.2, seconds - 0.1, 60 / bpm)
    for n, beat in enumerate(beats):
        at = round(beat * FRAMES_PER_SECOND)
        curve[at : at + 3] += (1 if n % 2 == 0 else 0.7) * np.array([0.5, 1, 0.5])
    return curve


def found(curve: Curve) -> Tempo:
    said = tempo(curve)
    assert said is not None
    return said


@pytest.mark.parametrize("bpm", [62, 75, 96, 120, 133.3, 158, 185])
def test_pulses_have_their_tempo_or_its_half_or_double(bpm: float) -> None:
    said = found(pulses(bpm))
    assert any(abs(said.bpm / bpm / level - 1) < 0.01 for level in (0.5, 1, 2))
    assert said.stability == 1


def test_an_unclear_level_stands_among_the_alternatives() -> None:
    listed = [bpm for bpm, _ in found(pulses(80)).alternatives]
    assert any(same(bpm, 80) for bpm in listed)
    assert any(same(bpm, 160) for bpm in listed)


def test_a_flat_or_empty_curve_has_none() -> None:
    assert tempo(np.zeros(3_000, np.float32)) is None
    assert tempo(np.zeros(0, np.float32)) is None


def test_windows_that_disagree_make_it_unstable() -> None:
    changing = np.concatenate([pulses(bpm) for bpm in (70, 83, 98, 117)])
    assert found(changing).stability < 0.6
    assert found(changing).local_clarity > 2 * found(changing).clarity


def test_long_recordings_are_sampled_more_thinly() -> None:
    hours = np.tile(pulses(120, 60), 150)
    said = found(hours)
    assert said.windows <= 601
    assert any(same(said.bpm, 120 * level) for level in LEVELS)


def test_confidence_rises_with_clarity_agreement_and_length() -> None:
    assert confidence(0.3) > confidence(0.1) > confidence(0.02)
    assert confidence(0.1) > confidence(0.1, stability=0.5)
    assert confidence(0.1, windows=4) > confidence(0.1)
    assert 0 <= confidence(0.0) < 0.1
