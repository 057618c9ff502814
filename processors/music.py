"""What signals about music share: windows of 3 s through one network, and how much each counts.

B: windows, T: samples (16 kHz, mono, float32), F: frames, M: mel bands, H: hidden units, K: tags
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.models.device import Device
from earmark.models.musicnn import (
    HOP_SAMPLES,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    Musicnn,
    load_musicnn,
    log_mel,
)
from earmark.processors.block import Samples

HOP_MS = HOP_SAMPLES * 1000 // SAMPLE_RATE_HZ  # 2,992
SILENCE = 1e-3  # RMS of -60 dBFS, as `audio.integrity` has it

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MusicWindow:
    """A window as signals about music read it: `vector_H` and `tags_K` are the first network's.

    `mel_FM`, for other networks, stays on the device. `seconds` of it are real; the rest repeats
    them.
    """

    mel_FM: torch.Tensor
    vector_H: Vector
    tags_K: Vector
    seconds: float
    silent: bool

    @property
    def weight(self) -> float:
        """How much it counts among the windows of its recording: by its length, silence nothing."""
        return 0.0 if self.silent else self.seconds


class MusicTrunk:
    """Log-mel frames of windows, and what the first network makes of them; a `Trunk`.

    The last window of a recording is seldom full: what is there is repeated to fill it. Zeros would
    be heard as a piece that breaks off: with 1 s of music in the window the tags are 0.027 off on
    average where it is padded, 0.017 where it is repeated.
    """

    window_samples = WINDOW_SAMPLES
    hop_samples = HOP_SAMPLES

    def __init__(self, network: Musicnn, device: Device) -> None:
        self._network = network
        self._device = device

    def features(self, windows_BT: Samples, lengths_B: Sequence[int]) -> Sequence[MusicWindow]:
        """One `MusicWindow` for each, of which the first `length` samples are real."""
        whole = zip(windows_BT, lengths_B, strict=True)
        filled_BT = np.stack(
            [np.resize(window_T[:length], WINDOW_SAMPLES) for window_T, length in whole]
        )
        mel_BFM = log_mel(torch.from_numpy(filled_BT).to(self._device.torch))
        heard = self._network.hear(mel_BFM)
        rms_B = np.sqrt(np.square(filled_BT, dtype=np.float64).mean(axis=1))
        rows = zip(
            mel_BFM, heard.vectors_BH.cpu(), heard.tags_BK.cpu(), rms_B, lengths_B, strict=True
        )
        return [
            MusicWindow(
                mel_FM=mel_FM,
                vector_H=vector_H.numpy(),
                tags_K=tags_K.numpy(),
                seconds=length / SAMPLE_RATE_HZ,
                silent=bool(rms < SILENCE),
            )
            for mel_FM, vector_H, tags_K, rms, length in rows
        ]


@cache
def music_trunk(path: Path, device: Device) -> MusicTrunk:
    """The trunk by the network at `path`: the same object for all signals of a process."""
    return MusicTrunk(load_musicnn(path, device), device)


def weighted_mean(rows_BK: NDArray[np.float32], weights_B: Sequence[float]) -> NDArray[np.float64]:
    """The mean of the rows by weight, in float64; some weight must be above zero."""
    weights = np.asarray(weights_B, np.float64)
    mean_K: NDArray[np.float64] = weights @ rows_BK.astype(np.float64) / weights.sum()
    return mean_K
