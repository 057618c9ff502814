"""Signals whose loudness is laid down: the synthetic cases of EBU Tech 3341 (2023) and 3342 (2023).

Those cases that are programme material (3341: 7 and 8, 3342: 5 and 6) are the EBU's recordings and
not made here, nor are the true peaks of 3341 from 20 on. Sines at other rates follow from ITU-R
BS.1770-5: at 997 Hz and full scale one channel reads -3.01 LUFS.

Shapes. C: channels, T: samples
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from earmark.streams.evaluation.construction.recording import Recording, Samples, wav

RATE_HZ = 48_000
SILENT = -200.0  # dBFS; nothing is left of it in 16 bits
HZ = 1_000.0
FADE_S = 0.02  # a step has peaks of its own

Parts = Sequence[tuple[float, float]]  # dBFS, seconds

_INTEGRATED: Mapping[str, tuple[Parts, float]] = {
    "1": ([(-23, 20)], -23),
    "2": ([(-33, 20)], -33),
    "3": ([(-36, 10), (-23, 60), (-36, 10)], -23),
    "4": ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
    "5": ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
}
_SURROUND = (-28.0, -28.0, -24.0, SILENT, -30.0, -30.0)  # case 6: L R C LFE Ls Rs
_TRUE_PEAK: Mapping[str, tuple[int, float, float, float]] = {
    # a fraction of the rate, degrees, amplitude, dBTP; +0.2 and -0.4 are permitted
    "15": (4, 0, 0.5, -6),
    "16": (4, 45, 0.5, -6),
    "17": (6, 60, 0.5, -6),
    "18": (8, 67.5, 0.5, -6),
}
_RANGE: Mapping[str, tuple[Parts, float]] = {
    "1": ([(-20, 20), (-30, 20)], 10),
    "2": ([(-20, 20), (-15, 20)], 5),
    "3": ([(-40, 20), (-20, 20)], 20),
    "4": ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15),
}
_RATES_HZ = (16_000, 32_000, 44_100, 48_000, 96_000)
_LEVELS_DBFS = (-6.0, -20.0, -40.0)


def recordings() -> Iterator[Recording]:
    """All of them, the same each time."""
    for case, (parts, lufs) in _INTEGRATED.items():
        yield _made(f"3341-{case}", parts, integrated_lufs=lufs)
    yield Recording(id="3341-6", labels={"integrated_lufs": -23}, data=_surround)
    yield _made("3341-9", [(-20, 1.34), (-30, 1.66)] * 5, short_term_max_lufs=-23)
    for at in range(20):
        parts = [(SILENT, at * 0.15), (-23, 3), (SILENT, 1)]
        yield _made(f"3341-10-{at + 1}", parts, short_term_max_lufs=-23)
        parts = [(SILENT, at * 0.02), (-23, 0.4), (SILENT, 1)]
        yield _made(f"3341-13-{at + 1}", parts, momentary_max_lufs=-23)
    for case, (fraction, degrees, amplitude, dbtp) in _TRUE_PEAK.items():
        data = partial(_peak, fraction, degrees, amplitude)
        yield Recording(id=f"3341-{case}", labels={"true_peak_dbtp": dbtp}, data=data)
    for case, (parts, lu) in _RANGE.items():
        yield _made(f"3342-{case}", parts, loudness_range_lu=lu)
    yield from _sines()


def _sines() -> Iterator[Recording]:
    for rate in _RATES_HZ:
        for level in _LEVELS_DBFS:
            data = partial(_mono, level, rate)
            labels = {"integrated_lufs": level + 20 * float(np.log10(np.sqrt(0.5)))}
            yield Recording(id=f"sine-{rate}-{-level:g}", labels=labels, data=data)


def _made(name: str, parts: Parts, **labels: float) -> Recording:
    return Recording(id=name, labels=labels, data=lambda: wav(_tone(parts), RATE_HZ))


def _tone(parts: Parts) -> Samples:
    """A sine in phase on two channels whose peak steps through the levels."""
    gain_T = np.concatenate([_gain(level, seconds) for level, seconds in parts])
    wave_T = np.sin(2 * np.pi * HZ * np.arange(len(gain_T)) / RATE_HZ)
    return np.tile(gain_T * wave_T, (2, 1))


def _gain(level_dbfs: float, seconds: float) -> Samples:
    return np.full(round(seconds * RATE_HZ), 10 ** (level_dbfs / 20))


def _surround() -> bytes:
    gain_C = 10 ** (np.array(_SURROUND) / 20)
    return wav(gain_C[:, None] * _tone([(0, 20)])[0], RATE_HZ)


def _peak(fraction: int, degrees: float, amplitude: float) -> bytes:
    at_T = np.arange(RATE_HZ)
    ramp_T = np.minimum(at_T / (RATE_HZ * FADE_S), 1)
    wave_T = amplitude * ramp_T * np.sin(2 * np.pi * at_T / fraction + np.radians(degrees))
    return wav(np.tile(wave_T, (2, 1)), RATE_HZ)


def _mono(level_dbfs: float, rate_hz: int) -> bytes:
    wave_T = np.sin(2 * np.pi * 997 * np.arange(10 * rate_hz) / rate_hz)
    return wav(10 ** (level_dbfs / 20) * wave_T[None], rate_hz)
