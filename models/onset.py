"""Onset strength: how much begins in a recording at each moment, 100 values a second.

Spectral flux, after Dixon, "Onset Detection Revisited" (DAFx 2006), of a mel spectrogram whose
bands are narrow enough for a change of note to be one of band. The rise is taken over the maximum
of neighbouring bands, as Böck and Widmer do against vibrato ("Maximum Filter Vibrato Suppression
for Onset Detection", DAFx 2013). Magnitudes are compressed by a square root, not by a logarithm
with an offset: then gain is a factor of the whole curve and changes no answer.

T: samples, F: frequencies, M: mel bands, N: frames
"""

from array import array
from functools import cache

import numpy as np
from numpy.typing import NDArray

from earmark.models.spectrum import magnitudes

RATE_HZ = 16_000
HOP = 160
FRAMES_PER_SECOND = RATE_HZ // HOP  # 100: 1.4 MB of float32 an hour
WINDOW = 2_048  # 128 ms
BANDS = 120
LOWEST_HZ, HIGHEST_HZ = 30.0, 7_600.0
LAG = 6  # frames over which the rise is taken: half a window

Curve = NDArray[np.float32]


class OnsetFold:
    """Follows one recording, 16 kHz mono, through blocks of any length.

    Memory: the block with its spectrogram (16 MB for 10 s), and 1.4 MB an hour.
    """

    def __init__(self) -> None:
        self._held_T = np.zeros(WINDOW // 2, np.float32)  # so that frame n is centred on n x HOP
        self._past_NM: Curve | None = None
        self._strength = array("f")

    def step(self, samples_T: Curve) -> None:
        """Take the next samples, float32."""
        held_T = np.concatenate((self._held_T, samples_T))
        frames = max((len(held_T) - WINDOW) // HOP + 1, 0)
        self._held_T = held_T[frames * HOP :]
        if frames:
            self._strength.extend(self._flux(_bands(held_T, frames)).tolist())

    def finish(self) -> Curve:
        """The onset strength of the whole recording, [N], of no particular scale."""
        self.step(np.zeros(WINDOW // 2, np.float32))
        return np.array(self._strength, np.float32)

    def _flux(self, bands_NM: Curve) -> Curve:
        if self._past_NM is None:  # what sounds from the start has no onset there
            self._past_NM = np.repeat(bands_NM[:1], LAG, axis=0)
        known_NM = np.concatenate((self._past_NM, bands_NM))
        self._past_NM = known_NM[-LAG:]
        before_NM = known_NM[:-LAG]
        widest_NM = before_NM.copy()
        np.maximum(widest_NM[:, 1:], before_NM[:, :-1], out=widest_NM[:, 1:])
        np.maximum(widest_NM[:, :-1], before_NM[:, 1:], out=widest_NM[:, :-1])
        flux_N: Curve = np.maximum(bands_NM - widest_NM, 0).mean(axis=1)
        return flux_N


def _bands(samples_T: Curve, frames: int) -> Curve:
    bands_NM: Curve = np.sqrt(magnitudes(samples_T, _window(), HOP, frames) @ _mel_filters())
    return bands_NM


@cache
def _window() -> Curve:
    window_T: Curve = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    return window_T


@cache
def _mel_filters() -> Curve:
    """Triangles on the mel scale, each of sum one, [F, M]."""
    mels = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2)
    edges_hz = 700 * (10 ** (mels / 2595) - 1)
    bins_hz = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)[:, None]
    low, top, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rise, fall = (bins_hz - low) / (top - low), (high - bins_hz) / (high - top)
    filters_FM = np.maximum(np.minimum(rise, fall), 0)
    even_FM: Curve = (filters_FM / filters_FM.sum(axis=0)).astype(np.float32)
    return even_FM


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))
