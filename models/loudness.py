"""Loudness and true peak of recordings, after ITU-R BS.1770-5 and EBU R 128, on batches of samples.

K-weighting is a product in the frequency domain (overlap-save): each chunk of one second is
filtered together with the 100 ms before it, and what the filter's response still holds after that
lies below -150 dB. So a recording may be of any length and needs no more memory than one chunk and
80 bytes per second of it.

B: recordings, C: channels, T: samples, F: frequencies, N: points in time, S: segments
"""

from array import array
from dataclasses import dataclass
from functools import cache
from math import log10, pi, tan

import torch
from torch import Tensor

_TABULATED_HZ = 48_000
LOWEST_RATE_HZ = 8_000  # K-weighting rises up to 3 kHz: slower rates cannot carry it
SEGMENTS_PER_SECOND = 100  # 10 ms: a 400 ms tone is found wherever it begins (Tech 3341, case 13)
MOMENTARY_SEGMENTS = 40  # 400 ms
SHORT_TERM_SEGMENTS = 300  # 3 s
HOP_SEGMENTS = 10  # 100 ms: gating blocks overlap by 75 % (BS.1770-5, annex 1)

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0  # below the mean of what passes the absolute gate (BS.1770-5)
RANGE_GATE_LU = -20.0  # likewise, for the loudness range (Tech 3342)
RANGE_PERCENTILES = (0.10, 0.95)  # Tech 3342

_OFFSET_LU = -0.691  # BS.1770-5: a 997 Hz sine at full scale in one front channel reads -3.01 LUFS
_SURROUND = 1.41  # +1.5 dB for channels at the side, 60 to 120 degrees (BS.1770-5, table 4)
_WEIGHTS = {  # by number of channels, in the order of WAVE and FFmpeg; LFE counts nothing
    5: (1.0, 1.0, 1.0, _SURROUND, _SURROUND),
    6: (1.0, 1.0, 1.0, 0.0, _SURROUND, _SURROUND),
    7: (1.0, 1.0, 1.0, 0.0, 1.0, _SURROUND, _SURROUND),
    8: (1.0, 1.0, 1.0, 0.0, 1.0, 1.0, _SURROUND, _SURROUND),
}

# BS.1770-5, annex 2: the first two of four phases of a 48-tap interpolator. The other two are
# these reversed.
_PHASES = (
    (
        *(0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000),
        *(-0.0594482421875, 0.1373291015625, 0.9721679687500, -0.1022949218750),
        *(0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500),
    ),
    (
        *(-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250),
        *(-0.1665039062500, 0.4650878906250, 0.7797851562500, -0.2003173828125),
        *(0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375),
    ),
)
_TAPS = len(_PHASES[0])
_FRAME = 16  # samples interpolated by one row of a matrix product: fastest of 8 to 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """What there is to say of one recording; None where it is too short or too quiet to say it.

    LUFS for loudness, LU for the range, dBTP for the true peak. `blocks` is the number of gating
    blocks of 400 ms, `gated_share` the share of them in [0, 1] that the gates leave out.
    """

    integrated_lufs: float | None
    momentary_max_lufs: float | None
    short_term_max_lufs: float | None
    loudness_range_lu: float | None
    true_peak_dbtp: float | None
    gated_share: float
    blocks: int


class LoudnessFold:
    """Measures `batch` recordings of one length and format together, one second after the other.

    Rates from `LOWEST_RATE_HZ` up; channels in the order of WAVE (L R C LFE ...).
    """

    def __init__(
        self, *, sample_rate_hz: int, channels: int, batch: int = 1, device: str = "cpu"
    ) -> None:
        self._rate = sample_rate_hz
        self._history = sample_rate_hz // 10
        length = -(-(sample_rate_hz + self._history) // 1024) * 1024  # lengths that FFTs like
        self._response_F = k_response(sample_rate_hz, length).to(device)
        self._weights_C = channel_weights(channels).to(device)
        self._past_BCT = torch.zeros(batch, channels, self._history, device=device)
        self._recent_BN = torch.zeros(batch, 0, dtype=torch.float64, device=device)
        # not tensors: small ones that stay, among large ones that go, fragment the heap
        self._hops_B = [array("d") for _ in range(batch)]
        self._momentary_B, self._short_term_B, self._peak_B = torch.zeros(3, batch, device=device)

    def step(self, second_BCT: Tensor) -> None:
        """Take the next second, float32; only the last one may be shorter."""
        samples_BCT = torch.cat((self._past_BCT, second_BCT), dim=-1)
        self._past_BCT = samples_BCT[..., -self._history :]
        peak_B = true_peak(samples_BCT, self._history, self._rate)
        self._peak_B = torch.maximum(self._peak_B, peak_B)
        weighted_BCT = k_weighted(samples_BCT, self._response_F, self._history)
        self._fold(segment_powers(weighted_BCT, self._weights_C, self._rate))

    def finish(self) -> list[Loudness]:
        """The loudness of each recording."""
        return [
            self._loudness(b, torch.tensor(hops, dtype=torch.float64))
            for b, hops in enumerate(self._hops_B)
        ]

    def _fold(self, powers_BN: Tensor) -> None:
        whole = powers_BN.shape[-1] // HOP_SEGMENTS
        hops_BNS = powers_BN[:, : whole * HOP_SEGMENTS].reshape(len(powers_BN), whole, HOP_SEGMENTS)
        for hops, new in zip(self._hops_B, hops_BNS.mean(-1).tolist(), strict=True):
            hops.extend(new)
        recent_BN = torch.cat((self._recent_BN, powers_BN), dim=-1)
        momentary_BN = recent_BN[:, -(powers_BN.shape[-1] + MOMENTARY_SEGMENTS - 1) :]
        self._momentary_B = _running_max(self._momentary_B, momentary_BN, MOMENTARY_SEGMENTS)
        self._short_term_B = _running_max(self._short_term_B, recent_BN, SHORT_TERM_SEGMENTS)
        self._recent_BN = recent_BN[:, -(SHORT_TERM_SEGMENTS - 1) :]

    def _loudness(self, b: int, hops_N: Tensor) -> Loudness:
        blocks_N = _windows(hops_N, MOMENTARY_SEGMENTS // HOP_SEGMENTS)
        kept_N = _gated(blocks_N, RELATIVE_GATE_LU)
        return Loudness(
            integrated_lufs=_lufs(float(kept_N.mean())) if len(kept_N) else None,
            momentary_max_lufs=_lufs(float(self._momentary_B[b])),
            short_term_max_lufs=_lufs(float(self._short_term_B[b])),
            loudness_range_lu=loudness_range(_windows(hops_N, SHORT_TERM_SEGMENTS // HOP_SEGMENTS)),
            true_peak_dbtp=_decibel(float(self._peak_B[b]) ** 2),
            gated_share=1 - len(kept_N) / len(blocks_N) if len(blocks_N) else 0.0,
            blocks=len(blocks_N),
        )


def measure(samples_BCT: Tensor, sample_rate_hz: int) -> list[Loudness]:
    """The loudness of whole recordings of one length that lie in memory."""
    batch, channels, _ = samples_BCT.shape
    fold = LoudnessFold(
        sample_rate_hz=sample_rate_hz,
        channels=channels,
        batch=batch,
        device=str(samples_BCT.device),
    )
    for second_BCT in torch.split(samples_BCT, sample_rate_hz, dim=-1):
        fold.step(second_BCT)
    return fold.finish()


@cache
def k_response(sample_rate_hz: int, length: int) -> Tensor:
    """The K-weighting filter at the frequencies of a real FFT of `length` samples, complex64.

    BS.1770-5 tabulates it for 48 kHz; the two second-order sections are derived here for any rate
    from the analogue ones behind that table (De Man, "Evaluation of Implementations of the EBU
    R128 Loudness Measurement", AES 145, 2018), and agree with it to all its digits. At other rates
    the bilinear transform bends the frequencies near half the rate (by 0.2 LU at 8 kHz), so each
    is given the gain that the tabulated filter has there: the result is that of the recording
    brought to 48 kHz.
    """
    bins_F = torch.arange(length // 2 + 1, dtype=torch.float64)
    hertz_F = (bins_F * sample_rate_hz / length).clamp(max=_TABULATED_HZ / 2)
    own_F = _sections(sample_rate_hz, bins_F / length)
    gain_F = _sections(_TABULATED_HZ, hertz_F / _TABULATED_HZ).abs()
    # both are 0 at 0 Hz, where what is left of them is 1
    correction_F = torch.where(bins_F > 0, gain_F / own_F.abs().clamp(min=1e-30), 1.0)
    return (own_F * correction_F).to(torch.complex64)


def _sections(sample_rate_hz: int, cycles_F: Tensor) -> Tensor:
    """Both sections for a rate, at frequencies in cycles per sample, complex128."""
    delay_F = torch.exp(-2j * pi * cycles_F)
    powers_3F = torch.stack((torch.ones_like(delay_F), delay_F, delay_F**2))
    response_F = torch.ones_like(delay_F)
    for numerator, denominator in (_shelf(sample_rate_hz), _high_pass(sample_rate_hz)):
        above_F, below_F = torch.tensor([numerator, denominator], dtype=delay_F.dtype) @ powers_3F
        response_F = response_F * above_F / below_F
    return response_F


def k_weighted(samples_BCT: Tensor, response_F: Tensor, history: int) -> Tensor:
    """The samples after the first `history` ones, K-weighted as if nothing came before those."""
    length = (len(response_F) - 1) * 2
    spectrum_BCF = torch.fft.rfft(samples_BCT, n=length) * response_F
    weighted_BCT: Tensor = torch.fft.irfft(spectrum_BCF, n=length)
    return weighted_BCT[..., history : samples_BCT.shape[-1]]


def segment_powers(weighted_BCT: Tensor, weights_C: Tensor, sample_rate_hz: int) -> Tensor:
    """Mean square over each whole segment of 10 ms, summed over the channels by weight, float64."""
    total_BT = torch.einsum("bct,c->bt", weighted_BCT.square(), weights_C).double().cumsum(-1)
    total_BT = torch.nn.functional.pad(total_BT, (1, 0))
    whole = weighted_BCT.shape[-1] * SEGMENTS_PER_SECOND // sample_rate_hz
    borders_N = torch.arange(whole + 1, device=total_BT.device) * sample_rate_hz
    borders_N = borders_N // SEGMENTS_PER_SECOND
    return total_BT[:, borders_N].diff(dim=-1) / borders_N.diff()


def channel_weights(channels: int) -> Tensor:
    """BS.1770-5's weights for the usual layout of so many channels (5.0, 5.1, 6.1, 7.1)."""
    return torch.tensor(_WEIGHTS.get(channels, (1.0,) * channels))


def true_peak(samples_BCT: Tensor, history: int, sample_rate_hz: int) -> Tensor:
    """The largest magnitude between and on the samples after the first `history`, full scale 1.

    BS.1770-5, annex 2: four times oversampled below 96 kHz, twice below 192 kHz, then not at all.
    The first `history` samples, at least 26, are those that came before.
    """
    peak_B = samples_BCT[..., history:].flatten(1).abs().amax(-1)
    if sample_rate_hz >= 192_000:  # noqa: PLR2004  # the standard's number, as in the docstring
        return peak_B
    frames = -(-(samples_BCT.shape[-1] - history) // _FRAME)
    # whole frames reach back a little into what was measured before, which changes no maximum
    framed_BCT = samples_BCT[..., -(frames * _FRAME + _TAPS - 1) :]
    rows_BCNT = framed_BCT.unfold(-1, _FRAME + _TAPS - 1, _FRAME)
    factor = 2 if sample_rate_hz >= 96_000 else 4  # noqa: PLR2004  # likewise
    between_BT = (rows_BCNT @ _interpolator(factor).to(samples_BCT.device)).flatten(1)
    # aminmax along a dimension is ten times slower
    return torch.stack((peak_B, between_BT.amax(-1), -between_BT.amin(-1))).amax(0)


def loudness_range(short_term_N: Tensor) -> float | None:
    """EBU Tech 3342: the spread in LU of short-term loudness between its 10th and 95th percentile.

    `short_term_N` are powers over 3 s. None where none passes the gates.
    """
    kept_N = _gated(short_term_N, RANGE_GATE_LU).sort().values
    if not len(kept_N):
        return None
    low, high = (kept_N[round((len(kept_N) - 1) * share)].item() for share in RANGE_PERCENTILES)
    return 10 * log10(high / low)


def _gated(powers_N: Tensor, relative_gate_lu: float) -> Tensor:
    above_N = powers_N[powers_N > 10 ** ((ABSOLUTE_GATE_LUFS - _OFFSET_LU) / 10)]
    return above_N[above_N > above_N.mean() * 10 ** (relative_gate_lu / 10)]


def _windows(powers_N: Tensor, length: int) -> Tensor:
    if powers_N.shape[-1] < length:
        return powers_N[..., :0]
    return powers_N.unfold(-1, length, 1).mean(-1)


def _running_max(max_B: Tensor, powers_BN: Tensor, length: int) -> Tensor:
    windows_BN = _windows(powers_BN, length)
    return torch.maximum(max_B, windows_BN.amax(-1)) if windows_BN.shape[-1] else max_B


def _lufs(power: float) -> float | None:
    level = _decibel(power)
    return None if level is None else level + _OFFSET_LU


def _decibel(power: float) -> float | None:
    return 10 * log10(power) if power > 0 else None


@cache
def _interpolator(factor: int) -> Tensor:
    """[27, 16 x factor]: from 11 samples of history and a frame to all points between."""
    phases = (*_PHASES, *(taps[::-1] for taps in reversed(_PHASES)))[:: len(_PHASES) * 2 // factor]
    matrix = torch.zeros(_FRAME + _TAPS - 1, _FRAME, factor)
    for at in range(_FRAME):
        matrix[at : at + _TAPS, at] = torch.tensor(phases).flip(-1).T
    return matrix.flatten(1)


Section = tuple[tuple[float, float, float], tuple[float, float, float]]


def _shelf(sample_rate_hz: int) -> Section:
    k, q = tan(pi * 1681.974450955533 / sample_rate_hz), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    numerator = (high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k)
    return numerator, _poles(k, q)


def _high_pass(sample_rate_hz: int) -> Section:
    k, q = tan(pi * 38.13547087602444 / sample_rate_hz), 0.5003270373238773
    scale = _poles(k, q)[0]  # the table's numerator is 1, -2, 1 whatever the gain of its poles
    return (scale, -2 * scale, scale), _poles(k, q)


def _poles(k: float, q: float) -> tuple[float, float, float]:
    return 1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k
