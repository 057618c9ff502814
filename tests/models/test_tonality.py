"""Keys of profiles that are written down."""

from collections.abc import Sequence

import numpy as np
import pytest

from earmark.models.chroma import OCTAVE, Numbers, Pitches
from earmark.models.tonality import TONICS, Tonality, chroma, tonality, tuning

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
ACCENTS = (4, 1, 2, 2, 3, 1, 1)  # by degree: the common chords of a key


def profile(scale: Sequence[int], tonic: int, cents: int = 0) -> Numbers:
    """A profile by cents from A with the scale on a tonic, C = 0."""
    profile_S = np.zeros(OCTAVE)
    for step, accent in zip(scale, ACCENTS, strict=True):
        profile_S[(100 * (tonic + step - 9) + cents) % OCTAVE] += accent
    return profile_S


def said(scale: Sequence[int], tonic: int, cents: int = 0) -> Tonality:
    found = tonality(
        Pitches(
            harmony_S=profile(scale, tonic, cents),
            bass_S=profile((0, 0, 5, 5, 7, 7, 0), tonic, cents),
            change=0.5,
            seconds=10.0,
            pitched_s=10.0,
        )
    )
    assert found is not None
    return found


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("mode", "scale"), [("major", MAJOR), ("minor", MINOR)])
def test_a_scale_has_its_key(tonic: int, mode: str, scale: tuple[int, ...]) -> None:
    assert said(scale, tonic).keys[0][:2] == (TONICS[mode][tonic], mode)


def test_probabilities_are_of_all_keys_and_fall() -> None:
    probabilities = [probability for _, _, probability in said(MAJOR, 0).keys]
    assert len(probabilities) == 24
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)


def test_c_stands_first_in_the_chroma() -> None:
    assert int(said(MAJOR, 0).chroma_P.argmax()) == 0


@pytest.mark.parametrize("cents", [-45, -10, 0, 30])
def test_tuning_is_taken_out(cents: int) -> None:
    found = said(MAJOR, 4, cents)
    assert found.tuning_cents == pytest.approx(cents, abs=1)
    assert found.concentration == pytest.approx(1, abs=0.01)
    assert found.keys[0][:2] == ("E", "major")


def test_what_keeps_to_no_semitones_has_no_concentration() -> None:
    assert tuning(np.ones(OCTAVE))[1] < 0.01


def test_a_pitch_between_two_classes_counts_for_both() -> None:
    between = np.zeros(OCTAVE)
    between[350] = 1  # between C and C sharp
    shared = chroma(between, 0.0)
    assert shared[0] == pytest.approx(shared[1])
    assert shared[0] > 0
    assert shared[2:].max() == pytest.approx(0)


def test_silence_has_no_tonality() -> None:
    empty = np.zeros(OCTAVE)
    assert (
        tonality(Pitches(harmony_S=empty, bass_S=empty, change=0, seconds=9, pitched_s=0)) is None
    )
