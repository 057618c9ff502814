"""Music from nothing: a small tune with chords, bass, a plucked melody and drums.

Everything follows from the seed. C: channels, T: samples, float32 in [-1, 1]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 44_100
BEATS_PER_BAR = 4
PEAK = 0.891  # -1 dBFS
HARMONICS = 12  # most of them in a tone
MELODY_DENSITY = 0.7  # share of the half beats on which the melody has a note

TONES_KEPT = 64  # more than a tune has; a tone takes a megabyte

Wave = NDArray[np.float64]
Stereo = NDArray[np.float32]

_MAJOR = (0, 2, 4, 5, 7, 9, 11)  # semitones of the scale's degrees
_PROGRESSIONS = ((0, 4, 5, 3), (5, 3, 0, 4), (0, 3, 1, 4), (0, 5, 3, 4))  # degrees of the chords
_A4 = 69  # MIDI note number of 440 Hz


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sound that begins `at` seconds; `pan` from -1 (left) to 1 (right)."""

    at: float
    wave: Wave
    gain: float
    pan: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Who plays: None for `bpm` and `key`, a MIDI note number, leaves them to the seed.

    A tone's n-th harmonic has amplitude n^-fall, of held ones by `pad_fall`; `decay` is that of
    plucked ones, per second; `drums` and `melody` are gains.
    """

    bpm: float | None = None
    key: int | None = None
    pad_fall: float = 1.6
    pluck_fall: float = 1.3
    decay: float = 5.0
    drums: float = 1.0
    melody: float = 1.0


TRIO = Band()


def tune(*, seed: int = 1, seconds: float = 12.0, band: Band = TRIO) -> Stereo:
    """A stereo tune, samples_CT at `RATE_HZ`, peak at -1 dBFS, the same for the same seed."""
    random = np.random.default_rng(seed)
    bpm, key = random.integers(92, 124), 57 + int(random.integers(0, 8))  # A3 to E4
    beat_s, key = 60 / (band.bpm or bpm), band.key or key
    progression = _PROGRESSIONS[int(random.integers(len(_PROGRESSIONS)))]
    bars = int(np.ceil(seconds / (BEATS_PER_BAR * beat_s)))
    mix_CT = np.zeros((2, int(seconds * RATE_HZ)))
    for bar in range(bars):
        degree = progression[bar % len(progression)]
        for note in _bar(random, band, key, degree, beat_s):
            _lay(mix_CT, note, bar * BEATS_PER_BAR * beat_s)
    return _mastered(mix_CT)


def _bar(
    random: np.random.Generator, band: Band, key: int, degree: int, beat_s: float
) -> Iterator[Note]:
    yield from _chord(band, key, degree, beat_s)
    yield from _bass(band, key, degree, beat_s)
    yield from _melody(random, band, key, degree, beat_s)
    yield from _drums(random, band, beat_s)


def _chord(band: Band, key: int, degree: int, beat_s: float) -> Iterator[Note]:
    for third, pan in ((0, -0.6), (2, 0.0), (4, 0.6)):
        wave = _pad(_pitch(key, degree + third), BEATS_PER_BAR * beat_s, band.pad_fall)
        yield Note(at=0.0, wave=wave, gain=0.12, pan=pan)


def _bass(band: Band, key: int, degree: int, beat_s: float) -> Iterator[Note]:
    wave = _pluck(_pitch(key - 24, degree), beat_s, band.pluck_fall, band.decay)
    for beat in (0.0, 1.5, 2.0, 3.5):
        yield Note(at=beat * beat_s, wave=wave, gain=0.45)


def _melody(
    random: np.random.Generator, band: Band, key: int, degree: int, beat_s: float
) -> Iterator[Note]:
    for step in range(8):
        if random.random() < MELODY_DENSITY:
            leap = int(random.choice((0, 2, 4, 7)))
            pitch = _pitch(key + 12, degree + leap)
            wave = _pluck(pitch, beat_s, band.pluck_fall, band.decay)
            yield Note(at=step * beat_s / 2, wave=wave, gain=0.25 * band.melody, pan=0.3)


def _drums(random: np.random.Generator, band: Band, beat_s: float) -> Iterator[Note]:
    for beat in range(BEATS_PER_BAR):
        drum = _kick() if beat % 2 == 0 else _snare(random)
        yield Note(at=beat * beat_s, wave=drum, gain=0.7 * band.drums)
        for half in (0.0, 0.5):
            at_s, gain = (beat + half) * beat_s, 0.12 * band.drums
            yield Note(at=at_s, wave=_hat(random), gain=gain, pan=-0.3)


def _pitch(key: int, degree: int) -> float:
    """The frequency in Hz of a degree of the major scale on `key`."""
    octave, step = divmod(degree, len(_MAJOR))
    return float(440 * 2 ** ((key + 12 * octave + _MAJOR[step] - _A4) / 12))


def _seconds(length_s: float) -> Wave:
    return np.arange(int(length_s * RATE_HZ)) / RATE_HZ


def _harmonics(pitch_hz: float, t: Wave, *, fall: float) -> Wave:
    """A tone whose n-th harmonic has amplitude n^-fall."""
    wave = np.zeros_like(t)
    for number in range(1, HARMONICS + 1):
        wave += number**-fall * np.sin(2 * np.pi * pitch_hz * number * t)
    return wave


@lru_cache(TONES_KEPT)
def _pad(pitch_hz: float, length_s: float, fall: float) -> Wave:
    t = _seconds(length_s)
    swell = np.minimum(t / 0.1, 1) * np.minimum((length_s - t) / 0.1, 1)
    detuned = _harmonics(pitch_hz, t, fall=fall) + _harmonics(pitch_hz * 1.003, t, fall=fall)
    wave: Wave = detuned * swell
    return wave


@lru_cache(TONES_KEPT)
def _pluck(pitch_hz: float, length_s: float, fall: float, decay: float) -> Wave:
    t = _seconds(length_s)
    attack: Wave = np.minimum(t / 0.003, 1)
    return _harmonics(pitch_hz, t, fall=fall) * attack * _decay(t, decay)


def _kick() -> Wave:
    t = _seconds(0.25)
    falling: Wave = np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-30 * t))))
    return falling * _decay(t, 14)


def _snare(random: np.random.Generator) -> Wave:
    t = _seconds(0.2)
    body: Wave = np.sin(2 * np.pi * 190 * t) * _decay(t, 25)
    return 0.6 * body + 0.4 * random.standard_normal(len(t)) * _decay(t, 20)


def _hat(random: np.random.Generator) -> Wave:
    t = _seconds(0.05)
    return np.diff(random.standard_normal(len(t) + 1)) * _decay(t, 80)


def _decay(t: Wave, per_second: float) -> Wave:
    envelope: Wave = np.exp(-per_second * t)
    return envelope


def _lay(mix_CT: Wave, note: Note, bar_s: float) -> None:
    """Add the note to the mix, by the constant-power pan law; what runs past the end is cut."""
    start = int((bar_s + note.at) * RATE_HZ)
    wave = note.wave[: max(mix_CT.shape[1] - start, 0)]
    angle = (note.pan + 1) * np.pi / 4
    gains = note.gain * np.array([np.cos(angle), np.sin(angle)])
    mix_CT[:, start : start + len(wave)] += np.outer(gains, wave)


def _mastered(mix_CT: Wave) -> Stereo:
    soft_CT = np.tanh(mix_CT)
    mastered_CT: Stereo = (soft_CT * PEAK / np.abs(soft_CT).max()).astype(np.float32)
    return mastered_CT
