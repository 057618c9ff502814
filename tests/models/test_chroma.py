"""Pitch classes of tones whose pitch is known."""

from collections.abc import Sequence

import numpy as np
import pytest

from earmark.models.chroma import OCTAVE, RATE_HZ, ChromaFold, Pitches


def pitches(parts: Sequence[Sequence[float]], seconds: float = 2.0) -> Pitches:
    """What is folded of chords of sines, one after the other."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    fold = ChromaFold()
    for part in parts:
        chord = sum((np.sin(2 * np.pi * hz * t) for hz in part), np.zeros(len(t)))
        fold.step(chord.astype(np.float32))
    return fold.finish()


@pytest.mark.parametrize("cents", [-40, 0, 13, 350, 1_100])
@pytest.mark.parametrize("octave", [-1, 0, 2])
def test_a_tone_is_found_to_the_cent_in_any_octave(cents: int, octave: int) -> None:
    hz = 440 * 2 ** (octave + cents / OCTAVE)
    strongest = int(pitches([[hz]]).harmony_S.argmax())
    assert abs((strongest - cents + OCTAVE // 2) % OCTAVE - OCTAVE // 2) <= 2


def test_low_tones_are_bass_and_high_ones_are_not() -> None:
    assert pitches([[60]]).bass_S.any()
    assert not pitches([[60]]).harmony_S.any()
    assert not pitches([[440]]).bass_S.any()


def test_what_never_changes_has_no_change_and_other_notes_do() -> None:
    assert pitches([[440, 550]] * 3).change < 0.02
    assert pitches([[440], [330], [262], [294]]).change > 0.4


def test_time_is_told_with_and_without_pitch() -> None:
    said = pitches([[440], []])
    assert said.seconds == pytest.approx(4, abs=0.01)
    assert said.pitched_s == pytest.approx(2, abs=0.6)


def test_white_noise_has_few_peaks() -> None:
    fold = ChromaFold()
    noise = np.random.default_rng(0).standard_normal(10 * RATE_HZ).astype(np.float32)
    fold.step(noise)
    alone = fold.finish().harmony_S
    turns = np.exp(2j * np.pi * np.arange(OCTAVE) / 100)
    assert abs((alone * turns).sum()) < 0.1 * max(alone.sum(), 1e-9)
