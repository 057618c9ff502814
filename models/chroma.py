"""How much sounds at each pitch, octaves folded: a pitch-class profile of one bin a cent.

After Gómez, "Tonal Description of Polyphonic Audio for Music Content Processing" (INFORMS Journal
on Computing, 2006): the peaks of the spectrum, interpolated. The profile keeps cents, so that the
tuning is decided when all was heard, and not before.

T: samples, F: frequencies, N: frames, S: cents of an octave from A, K: peaks, P: pitch classes
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from earmark.models.spectrum import magnitudes

RATE_HZ = 16_000
WINDOW = 8_192  # 512 ms: semitones are 6 Hz apart at 100 Hz
HOP = WINDOW // 2
A4_HZ = 440.0
OCTAVE = 1_200  # cents
SEMITONE = 100
LOWEST_HZ, HIGHEST_HZ = 50.0, 5_000.0
HARMONY_HZ = 100.0  # from here on up is harmony (Gómez's range) ...
BASS_HZ = 250.0  # ... and up to here is bass
FAINT = 1e-3  # peaks of less than this share of the frame's highest are left out
PROMINENCE = 2.5  # likewise, of less than so many times the mean of their surroundings: noise
AROUND = 64  # bins on either side: 125 Hz
LOUDNESS = 0.25  # exponent of a frame's energy in its weight: tails count less, gain is a factor

Wave = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pitches:
    """What sounded in a recording. No particular scale.

    `harmony_S` and `bass_S` are profiles by cents above A; `change` is in [0, 1]: 0 where every
    frame has the same pitch classes, 1 where no two frames share one. `seconds` is how long it was,
    `pitched_s` for how long of it there were peaks.
    """

    harmony_S: Numbers
    bass_S: Numbers
    change: float
    seconds: float
    pitched_s: float


@dataclass(slots=True)
class ChromaFold:
    """Follows one recording, 16 kHz mono, through blocks of any length, in constant memory."""

    _held_T: Wave = field(default_factory=lambda: np.zeros(0, np.float32))
    _last_F: Wave | None = None
    _harmony_S: Numbers = field(default_factory=lambda: np.zeros(OCTAVE))
    _bass_S: Numbers = field(default_factory=lambda: np.zeros(OCTAVE))
    _direction_P: Numbers = field(default_factory=lambda: np.zeros(12))
    _frames: int = 0
    _pitched: int = 0  # frames with a peak

    def step(self, samples_T: Wave) -> None:
        """Take the next samples, float32."""
        held_T = np.concatenate((self._held_T, samples_T))
        frames = max((len(held_T) - WINDOW) // HOP + 1, 0)
        self._held_T = held_T[frames * HOP :]
        self._frames += frames
        if frames:
            self._fold(self._steady(magnitudes(held_T, _window(), HOP, frames)))

    def finish(self) -> Pitches:
        """What sounded in the whole recording."""
        mean_P = self._direction_P / max(self._pitched, 1)
        return Pitches(
            harmony_S=self._harmony_S,
            bass_S=self._bass_S,
            change=max(1 - float(mean_P @ mean_P), 0.0) if self._pitched else 0.0,
            seconds=(self._frames * HOP + len(self._held_T)) / RATE_HZ,
            pitched_s=self._pitched * HOP / RATE_HZ,
        )

    def _steady(self, magnitude_NF: Wave) -> Wave:
        """What lasts from one frame into the next: notes, and little of drums."""
        last_F = magnitude_NF[0] if self._last_F is None else self._last_F
        self._last_F = magnitude_NF[-1]
        before_NF = np.concatenate((last_F[None], magnitude_NF[:-1]))
        return np.minimum(magnitude_NF, before_NF)

    def _fold(self, magnitude_NF: Wave) -> None:
        frame_K, hz_K, height_K = _peaks(magnitude_NF)
        if not len(frame_K):
            return
        cents_K = np.round(OCTAVE * np.log2(hz_K / A4_HZ)).astype(np.int64) % OCTAVE
        harmony_K, bass_K = hz_K >= HARMONY_HZ, hz_K < BASS_HZ
        self._harmony_S += _weighed(frame_K[harmony_K], cents_K[harmony_K], height_K[harmony_K])
        self._bass_S += _weighed(frame_K[bass_K], cents_K[bass_K], height_K[bass_K])
        directions_NP = _directions(frame_K, cents_K, height_K, len(magnitude_NF))
        self._direction_P += directions_NP.sum(axis=0)
        self._pitched += int(directions_NP.any(axis=1).sum())


def _peaks(magnitude_NF: Wave) -> tuple[NDArray[np.int64], Numbers, Numbers]:
    """Frame, frequency and height of each peak, by the parabola through three logarithms."""
    low, high = (round(hz * WINDOW / RATE_HZ) for hz in (LOWEST_HZ, HIGHEST_HZ))
    band_NF = magnitude_NF[:, low - 1 : high + 2]
    middle_NF = band_NF[:, 1:-1]
    top_NF = (middle_NF > band_NF[:, :-2]) & (middle_NF >= band_NF[:, 2:])
    top_NF &= middle_NF > FAINT * middle_NF.max(axis=1, keepdims=True)
    top_NF &= middle_NF > PROMINENCE * _surroundings(middle_NF)
    frame_K, at_K = np.nonzero(top_NF)
    left_K, peak_K, right_K = (
        np.log(np.maximum(band_NF[frame_K, at_K + side], 1e-30).astype(np.float64))
        for side in (0, 1, 2)
    )
    shift_K = 0.5 * (left_K - right_K) / np.minimum(left_K - 2 * peak_K + right_K, -1e-9)
    shift_K = np.clip(shift_K, -0.5, 0.5)
    hz_K = (at_K + low + shift_K) * RATE_HZ / WINDOW
    return frame_K, hz_K, np.exp(peak_K - 0.25 * (left_K - right_K) * shift_K)


def _surroundings(band_NF: Wave) -> Numbers:
    """The mean of the magnitudes around each."""
    sums_NF = np.pad(np.cumsum(band_NF, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    at_F = np.arange(band_NF.shape[1])
    low_F, high_F = np.maximum(at_F - AROUND, 0), np.minimum(at_F + AROUND + 1, len(at_F))
    means_NF: Numbers = (sums_NF[:, high_F] - sums_NF[:, low_F]) / (high_F - low_F)
    return means_NF


def _weighed(frame_K: NDArray[np.int64], cents_K: NDArray[np.int64], height_K: Numbers) -> Numbers:
    """The profile of the peaks, in which each frame has the weight of its loudness, [S]."""
    if not len(frame_K):
        return np.zeros(OCTAVE)
    share_N = np.bincount(frame_K, height_K)
    energy_N = np.bincount(frame_K, height_K**2)
    weight_K = height_K / share_N[frame_K] * energy_N[frame_K] ** LOUDNESS
    return np.bincount(cents_K, weight_K, OCTAVE).astype(np.float64)


def _directions(
    frame_K: NDArray[np.int64], cents_K: NDArray[np.int64], height_K: Numbers, frames: int
) -> Numbers:
    """Each frame's pitch classes as a vector of length one, [N, P]; of zero for silence."""
    class_K = (cents_K + SEMITONE // 2) // SEMITONE % 12
    chroma_NP = np.bincount(frame_K * 12 + class_K, height_K, frames * 12).reshape(frames, 12)
    length_N = np.linalg.norm(chroma_NP, axis=1, keepdims=True)
    directions_NP: Numbers = chroma_NP / np.where(length_N > 0, length_N, 1)
    return directions_NP


@cache
def _window() -> Wave:
    window_T: Wave = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    return window_T
