"""The tempo of an onset curve.

In windows of 12 s the autocorrelation, which has peaks at whole multiples of a period, is
multiplied by the Fourier magnitude, which has them at whole fractions, so that the levels of the
metre remain (Peeters, "Template-Based Estimation of Time-Varying Tempo", EURASIP 2007). The mean
over all windows is weighted by how people tap, a log-normal distribution (Ellis, "Beat Tracking by
Dynamic Programming", Journal of New Music Research 2007).

N: frames, W: windows, G: tempi of the grid
"""

from dataclasses import dataclass
from functools import cache
from math import exp, log, log2

import numpy as np
from numpy.typing import NDArray

from earmark.models.onset import FRAMES_PER_SECOND, Curve

SLOWEST_BPM, FASTEST_BPM = 40.0, 240.0
TEMPI = 400  # of the grid, 0.45 % apart
WINDOW = 12 * FRAMES_PER_SECOND
HOP = WINDOW // 2
MOST_WINDOWS = 600  # the first hour's at full overlap; longer recordings are sampled more thinly
TAPPED_BPM, TAPPED_OCTAVES = 115.0, 0.9  # mean and deviation of the weighting
SAME = 0.04  # relative difference within which two tempi are one
LEVELS = (1 / 3, 1 / 2, 1.0, 2.0, 3.0)  # of a metre, as factors of the tempo
_MULTIPLES = (1, 2, 3, 4)  # of the period, in the autocorrelation
_HARMONICS = (1, 2, 4)  # of the tempo, in the spectrum: a beat may be carried by what divides it
_TREND = FRAMES_PER_SECOND  # about 1 s
_FFT = 16_384

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """The tempo, how clear a pulse it has, and the other tempi that it may be heard at.

    `clarity` is in [0, 1]: mean autocorrelation at the first four periods times the share that the
    tempo or its harmonics have in the spectrum. `stability` is the share in [0, 1] of the
    `windows` whose own tempo is this one or another level of its metre. `local_clarity` is the
    median over windows of the clarity of their own tempo: of a pulse that need not stay the same.
    `alternatives` are the highest peaks, weights summing to one with the tempo's own, which
    stands first.
    """

    bpm: float
    clarity: float
    local_clarity: float
    stability: float
    windows: int
    alternatives: tuple[tuple[float, float], ...]


def tempo(strength_N: Curve, *, most: int = 5) -> Tempo | None:
    """The tempo of the curve; None where nothing in it changes."""
    pulse_N = accents(strength_N)
    starts = _starts(len(pulse_N))
    windows = (pulse_N[start : start + WINDOW].astype(np.float64) for start in starts)
    salience_WG = np.array([row_G for window_N in windows for row_G in _salience(window_N)])
    if not salience_WG.any():
        return None
    mean_G = salience_WG.mean(axis=0)
    tapped_G = mean_G * _tapping()
    best = int(tapped_G.argmax())
    return Tempo(
        bpm=_peak_bpm(tapped_G, best),
        clarity=float(mean_G[best]),
        local_clarity=float(np.median(salience_WG.max(axis=1))),
        stability=_stability(salience_WG, grid()[best]),
        windows=len(salience_WG),
        alternatives=_alternatives(tapped_G, most),
    )


def confidence(clarity: float, *, stability: float = 1.0, windows: int = 1) -> float:
    """The probability that there is a steady pulse of that tempo, its half or its double.

    A logistic regression over synthesised pieces, clean and in noise down to -20 dB, and sounds of
    uneven rhythm without a pulse. More than four windows (30 s) count as four.
    """
    evidence = (
        1.84 * log(max(clarity, 1e-6)) + 1.86 * log2(min(windows, 4)) + 3.33 * stability + 1.50
    )
    return 1 / (1 + exp(-evidence))


def accents(strength_N: Curve) -> Curve:
    """What of the curve stands out of its surroundings of a second, at least zero."""
    if not len(strength_N):
        return strength_N
    bell = np.hanning(_TREND + 3)[1:-1].astype(np.float32)
    trend_N = np.convolve(strength_N, bell / bell.sum(), "full")[len(bell) // 2 :]
    above_N: Curve = np.maximum(strength_N - trend_N[: len(strength_N)], 0)
    return above_N


def same(one_bpm: float, other_bpm: float) -> bool:
    """Whether the two are one tempo."""
    return abs(one_bpm / other_bpm - 1) < SAME


@cache
def grid() -> Numbers:
    """The tempi that are looked at, [G], in beats per minute, equally spaced by ratio."""
    return np.geomspace(SLOWEST_BPM, FASTEST_BPM, TEMPI)


@cache
def _tapping() -> Numbers:
    octaves_G = np.log2(grid() / TAPPED_BPM) / TAPPED_OCTAVES
    weights_G: Numbers = np.exp(-0.5 * octaves_G**2)
    return weights_G


def _starts(frames: int) -> range:
    last = max(frames - WINDOW, 0)
    return range(0, last + 1, max(HOP, last // MOST_WINDOWS))


def _salience(pulse_N: Numbers) -> list[Numbers]:
    """The salience of each tempo in one window, [G]; none where it is silent."""
    if not pulse_N.any():
        return []
    centred_N = pulse_N - pulse_N.mean()
    return [_periodicity(centred_N) * _spectrum(centred_N)] if centred_N.any() else []


def _periodicity(centred_N: Numbers) -> Numbers:
    power_F = np.abs(np.fft.rfft(centred_N, 2 * WINDOW)) ** 2
    lags_N = np.fft.irfft(power_F)[: len(centred_N)]
    lags_N = lags_N / lags_N[0] / (1 - np.arange(len(lags_N)) / len(lags_N))
    lags_N = np.maximum(lags_N[: len(lags_N) * 3 // 4], 0)  # few frames are left beyond
    period_G = 60 * FRAMES_PER_SECOND / grid()
    rows = [_at(period_G * multiple, lags_N) for multiple in _MULTIPLES]
    mean_G: Numbers = np.nanmean(np.stack(rows), axis=0)
    return mean_G


def _at(place_G: Numbers, values_N: Numbers) -> Numbers:
    return np.interp(place_G, np.arange(len(values_N)), values_N, right=np.nan)


def _spectrum(centred_N: Numbers) -> Numbers:
    tapered_N = centred_N * np.hanning(len(centred_N))
    full = np.sqrt((tapered_N**2).sum() * len(tapered_N)) / 2  # no magnitude exceeds it by far
    magnitude_F = np.abs(np.fft.rfft(tapered_N, _FFT)) / full
    bin_G = grid() / 60 / FRAMES_PER_SECOND * _FFT
    rows = [_at(bin_G * harmonic, magnitude_F) for harmonic in _HARMONICS]
    highest_G: Numbers = np.max(np.stack(rows), axis=0)
    return highest_G


def _peak_bpm(values_G: Numbers, best: int) -> float:
    """The tempo at the top of the parabola through the best one and its neighbours."""
    if not 0 < best < len(values_G) - 1:
        return float(grid()[best])
    before, top, after = values_G[best - 1 : best + 2]
    bend = before - 2 * top + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(grid()[best] * (grid()[1] / grid()[0]) ** shift)


def _stability(salience_WG: Numbers, bpm: float) -> float:
    own_W = grid()[(salience_WG * _tapping()).argmax(axis=1)]
    agreeing = [any(same(own, bpm * level) for level in LEVELS) for own in own_W]
    return float(np.mean(agreeing))


def _alternatives(values_G: Numbers, most: int) -> tuple[tuple[float, float], ...]:
    padded_G = np.pad(values_G, 1)
    tops = np.flatnonzero((values_G > padded_G[:-2]) & (values_G >= padded_G[2:]))
    ranked: list[int] = []
    for top in sorted(tops, key=lambda top: -values_G[top]):
        if not any(same(grid()[top], grid()[kept]) for kept in ranked):
            ranked.append(int(top))
    kept = ranked[:most]
    total = values_G[kept].sum()
    return tuple((_peak_bpm(values_G, top), float(values_G[top] / total)) for top in kept)
