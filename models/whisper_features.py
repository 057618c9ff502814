"""Log-mel frames as Whisper reads them.

Method: Radford et al. 2022, section 2.2, with the numbers of OpenAI's code: Hann window of 25 ms,
hop of 10 ms, Slaney's mel scale, logarithm to base 10, eight decades below the loudest bin.

Shapes. T: samples, B: clips, M: mel bins, F: frames of 10 ms, K: bins of the spectrum
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 400  # 25 ms
HOP_SAMPLES = 160
FRAME_S = HOP_SAMPLES / SAMPLE_RATE_HZ
DECADES = 8.0

STEP_SAMPLES = (
    SAMPLE_RATE_HZ // 2
)  # lengths are rounded up to half seconds: few shapes, even frames
PAUSE_SAMPLES = SAMPLE_RATE_HZ // 10  # silence after the last word, so that it ends


def padded_samples(samples: int, longest: int) -> int:
    """The length that a clip of so many samples is padded to."""
    steps = -(-(samples + PAUSE_SAMPLES) // STEP_SAMPLES)
    return min(steps * STEP_SAMPLES, longest)


def log_mel(
    samples_T: NDArray[np.float32], *, mels: int, length: int, device: torch.device
) -> Tensor:
    """Frames [M, length / 160] of a clip in [-1, 1] at 16 kHz, padded with silence to `length`."""
    padded_T = torch.zeros(length, device=device)
    padded_T[: len(samples_T)] = torch.as_tensor(samples_T[:length], device=device)
    window_T = torch.hann_window(WINDOW_SAMPLES, device=device)
    spectrum_KF = torch.stft(
        padded_T, WINDOW_SAMPLES, HOP_SAMPLES, window=window_T, return_complex=True
    )
    power_KF = spectrum_KF[:, :-1].abs().square()
    mel_MF = (mel_filters(mels, device) @ power_KF).clamp(min=1e-10).log10()
    return (mel_MF.clamp(min=mel_MF.max() - DECADES) + 4.0) / 4.0


def stacked(mels: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Clips as one batch: frames [B, M, F], zero beyond each clip, and how many each has, [B]."""
    frames = [mel_MF.shape[1] for mel_MF in mels]
    mel_BMF = mels[0].new_zeros(len(mels), mels[0].shape[0], max(frames))
    for row_MF, mel_MF in zip(mel_BMF, mels, strict=True):
        row_MF[:, : mel_MF.shape[1]] = mel_MF
    return mel_BMF, torch.tensor(frames, device=mel_BMF.device)


@cache
def mel_filters(mels: int, device: torch.device) -> Tensor:
    """Slaney's triangular filters [M, K] over 0 to 8 kHz, each of unit area."""
    from torchaudio.functional import melscale_fbanks

    filters_KM: Tensor = melscale_fbanks(
        WINDOW_SAMPLES // 2 + 1,
        0.0,
        SAMPLE_RATE_HZ / 2,
        mels,
        SAMPLE_RATE_HZ,
        norm="slaney",
        mel_scale="slaney",
    )
    return filters_KM.T.contiguous().to(device)
