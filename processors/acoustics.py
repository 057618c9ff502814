"""What the waveform of speech says of how it was recorded: noise under it, width of its band.

T: samples (16 kHz, mono, float32), F: frames, S: bins of the spectrum
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from earmark.processors.block import SAMPLE_RATE_HZ, Samples

NOISE_PERCENTILE = 10  # of frames: pauses between syllables, and the closures of stops
BAND_DB = 50  # below the level of the telephone band a frequency counts as empty

_FRAME_SAMPLES = 320  # 20 ms
_FFT_SAMPLES = 512
_HOP_SAMPLES = 256
_LOUD_PERCENTILE = 95  # of frames: consonants, not pauses, say how far the band goes
_BIN_HZ = SAMPLE_RATE_HZ / _FFT_SAMPLES
_TELEPHONE_S = slice(round(300 / _BIN_HZ), round(3_400 / _BIN_HZ))
_LEAST_FRAMES = 5
_LEAST_SHARE = 0.9  # of a frame that is not zero; silence put between spans is
_TINY = 1e-12


def snr_db(speech_T: Samples) -> float | None:
    """Speech against the noise under it, in dB; None for less than 0.1 s.

    Mean power of frames of 20 ms against that of the quietest tenth, which is noise nearly alone
    (as NIST's STNR measures it, with a percentile for its histogram). On average white, pink and
    babble noise come out right to 2 dB at 10 and 20 dB; speech without noise gives 20 to 30, for
    even its pauses are not silent.
    """
    frames_FT = _frames(speech_T, _FRAME_SAMPLES, _FRAME_SAMPLES // 2)
    if len(frames_FT) < _LEAST_FRAMES:
        return None
    power_F = np.square(frames_FT, dtype=np.float64).mean(axis=1)
    noise = max(float(np.percentile(power_F, NOISE_PERCENTILE)), _TINY)
    return float(10 * np.log10(max(power_F.mean() - noise, _TINY) / noise))


def highest_hz(speech_T: Samples) -> float | None:
    """The highest frequency at which there is anything, at most 8,000; None for less than 0.1 s.

    Anything: not 50 dB below the mean of 300 to 3,400 Hz, in the loudest twentieth of frames.
    """
    frames_FT = _frames(speech_T, _FFT_SAMPLES, _HOP_SAMPLES)
    if len(frames_FT) < _LEAST_FRAMES:
        return None
    power_FS = np.abs(np.fft.rfft(frames_FT * np.hanning(_FFT_SAMPLES))) ** 2
    loud_S = np.percentile(power_FS, _LOUD_PERCENTILE, axis=0)
    filled = np.flatnonzero(loud_S > loud_S[_TELEPHONE_S].mean() * 10 ** (-BAND_DB / 10))
    return float(filled[-1] * _BIN_HZ) if len(filled) else None


def _frames(speech_T: Samples, length: int, hop: int) -> NDArray[np.float32]:
    """The frames that are not silence put between spans."""
    if len(speech_T) < length:
        return np.zeros((0, length), np.float32)
    frames_FT = sliding_window_view(speech_T, length)[::hop]
    return np.asarray(frames_FT[(frames_FT != 0).mean(axis=1) > _LEAST_SHARE])
