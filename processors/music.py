"""What signals about music share: windows of 3 s through one network, and how much each counts.

B: windows, T: samples (16 kHz, mono, float32), F: frames, M: mel bands, H: hidden units, K: tags
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
from earmark.models.shared import shared
from earmark.processors.block import Samples

HOP_MS = HOP_SAMPLES * 1000 // SAMPLE_RATE_HZ  # 2,992
SILENCE = 1e-3  # RMS of -60 dBFS, as `audio.integrity` has it

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MusicWindow:
    """A window as signals about music read it: `vector_H` and `tags_K` are the first network's.

    `mels_BFM`, for other networks, are those of its batch, on the device; its own are at `row`.
    `seconds` of it are real; the rest repeats them.
    """

    mels_BFM: torch.Tensor
    row: int
    vector_H: Vector
    tags_K: Vector
    seconds: float
    silent: bool

    @property
    def weight(self) -> float:
        """How much it counts among the windows of its recording: by its length, silence nothing."""
        return 0.0 if self.silent else self.seconds


def mels(windows: Sequence[MusicWindow]) -> torch.Tensor:
    """The log-mel frames [B, F, M] of windows; those of one whole batch as they lie there."""
    whole_BFM = windows[0].mels_BFM
    rows = [window.row for window in windows]
    if any(window.mels_BFM is not whole_BFM for window in windows):
        return torch.stack([window.mels_BFM[window.row] for window in windows])
    return whole_BFM if rows == list(range(len(whole_BFM))) else whole_BFM[rows]


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
        filled_BT = _filled(
            torch.from_numpy(windows_BT).to(self._device.torch, non_blocking=True), lengths_B
        )
        mels_BFM = log_mel(filled_BT)
        heard = self._network.hear(mels_BFM)
        rms_B = torch.linalg.vector_norm(filled_BT, dim=1, dtype=torch.float64)
        rms_B /= WINDOW_SAMPLES**0.5
        rows = zip(
            heard.vectors_BH.cpu().numpy(),
            heard.tags_BK.cpu().numpy(),
            (rms_B < SILENCE).tolist(),
            lengths_B,
            strict=True,
        )
        return [
            MusicWindow(
                mels_BFM=mels_BFM,
                row=row,
                vector_H=vector_H,
                tags_K=tags_K,
                seconds=length / SAMPLE_RATE_HZ,
                silent=silent,
            )
            for row, (vector_H, tags_K, silent, length) in enumerate(rows)
        ]


def _filled(windows_BT: torch.Tensor, lengths_B: Sequence[int]) -> torch.Tensor:
    """The windows, what is real in those that are not full repeated; a copy where there are any."""
    short = [row for row, length in enumerate(lengths_B) if 0 < length < WINDOW_SAMPLES]
    if short:
        windows_BT = windows_BT.clone()
    for row in short:
        real_T = windows_BT[row, : lengths_B[row]]
        windows_BT[row] = real_T.repeat(-(-WINDOW_SAMPLES // len(real_T)))[:WINDOW_SAMPLES]
    return windows_BT


@shared()
def music_trunk(path: Path, device: Device) -> MusicTrunk:
    """The trunk by the network at `path`: the same object for all signals of a process."""
    return MusicTrunk(load_musicnn(path, device), device)


def weighted_mean(rows_BK: NDArray[np.float32], weights_B: Sequence[float]) -> NDArray[np.float64]:
    """The mean of the rows by weight, in float64; some weight must be above zero."""
    weights = np.asarray(weights_B, np.float64)
    mean_K: NDArray[np.float64] = weights @ rows_BK.astype(np.float64) / weights.sum()
    return mean_K
