"""Whether two seconds of sound hold speech, music or noise: a small convolutional network.

It reads log-mel frames that are normed to the loudest of their window, so that gain changes
nothing, and says three probabilities that do not exclude each other. The card `scene` says what the
shipped weights were fitted on and how well they do.

Shapes. B: windows, T: samples (16 kHz, mono, float32), M: mel bins, F: frames of 20 ms,
C: channels, K: bins of the spectrum, L: the classes of `CLASSES`
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from earmark.models.device import Device
from earmark.models.error import ModelError

CLASSES = ("speech", "music", "noise")

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 2 * SAMPLE_RATE_HZ
FRAME_SAMPLES = 320  # 20 ms
FRAMES = WINDOW_SAMPLES // FRAME_SAMPLES  # 100
MELS = 64
FFT_SAMPLES = 512

RANGE_DB = 80.0  # below the loudest bin of the window
FLOOR_DB = -50.0  # the loudest bin of a window that is all but silent
LEVEL_SAMPLES = SAMPLE_RATE_HZ // 10  # 100 ms
SILENT_DBFS = -120.0  # what is said of digital silence

_TIME_CHANNELS = 64


class SceneNet(nn.Module):
    """Four convolutions over mel and time, two over time, statistics over the window, one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = nn.Sequential(
            *_block(1, 16, kernel=5, stride=2),  # 32 x 50
            nn.MaxPool2d(2),  # 16 x 25
            *_block(16, 32),
            nn.MaxPool2d((2, 1)),  # 8 x 25
            *_block(32, 48),
            nn.MaxPool2d((2, 1)),  # 4 x 25
            *_block(48, 64),
            nn.MaxPool2d((2, 1)),  # 2 x 25
        )
        self.course = nn.Sequential(
            nn.Conv1d(64 * 2, _TIME_CHANNELS, 3, padding=1, bias=False),
            nn.BatchNorm1d(_TIME_CHANNELS),
            nn.ReLU(),
            nn.Conv1d(_TIME_CHANNELS, _TIME_CHANNELS, 5, padding=2, bias=False),
            nn.BatchNorm1d(_TIME_CHANNELS),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(0.2)
        self.classes = nn.Linear(3 * _TIME_CHANNELS, len(CLASSES))

    def forward(self, mel_BMF: Tensor) -> Tensor:
        """Logits [B, L]."""
        picture_BCMF = self.picture(mel_BMF[:, None])
        course_BCF = self.course(picture_BCMF.flatten(1, 2))
        spread_BC = (course_BCF.var(dim=-1, unbiased=False) + 1e-5).sqrt()
        pooled_BC = torch.cat((course_BCF.mean(dim=-1), course_BCF.amax(dim=-1), spread_BC), dim=-1)
        logits_BL: Tensor = self.classes(self.dropout(pooled_BC))
        return logits_BL

    @torch.inference_mode()
    def probabilities(self, mel_BMF: Tensor) -> Tensor:
        """Probabilities [B, L], in fp32."""
        return torch.sigmoid(self(mel_BMF.to(self.classes.weight.device)).float())

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        tensors = {name: tensor.contiguous() for name, tensor in self.state_dict().items()}
        save_file(tensors, path)


def load_scene_net(path: Path, device: Device) -> SceneNet:
    """The network with the weights of a file that `save` wrote; raises ModelError for another."""
    network = SceneNet()
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ModelError(f"{path.name} does not hold the scene network: {error}") from error
    return network.eval().requires_grad_(False).to(device.torch)


def scene_mel(windows_BT: Tensor) -> Tensor:
    """Frames [B, M, F] of windows of `WINDOW_SAMPLES`: 1 at the loudest bin, -1 at 80 dB below."""
    window_T = torch.hann_window(FFT_SAMPLES, device=windows_BT.device)
    spectrum_BKF = torch.stft(
        windows_BT,
        FFT_SAMPLES,
        FRAME_SAMPLES,
        window=window_T,
        pad_mode="constant",
        return_complex=True,
    )
    power_BKF = spectrum_BKF[..., :FRAMES].abs().square()
    level_BMF = 10 * (_mel_filters(windows_BT.device) @ power_BKF).clamp(min=1e-10).log10()
    loudest_B11 = level_BMF.amax(dim=(1, 2), keepdim=True).clamp(min=FLOOR_DB)
    return (level_BMF - loudest_B11).clamp(min=-RANGE_DB) / (RANGE_DB / 2) + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowFeatures:
    """Frames of one window, the level of each of its seconds in dBFS, how many samples are real."""

    mel_MF: Tensor
    levels: tuple[float, ...]
    length: int


class SceneTrunk:
    """Makes log-mel frames of windows of two seconds, one a second."""

    window_samples = WINDOW_SAMPLES
    hop_samples = SAMPLE_RATE_HZ

    def __init__(self, device: Device) -> None:
        self._device = device

    @torch.inference_mode()
    def features(
        self, windows_BT: NDArray[np.float32], lengths_B: Sequence[int]
    ) -> list[WindowFeatures]:
        """What the scorers read of each window, of which the first `length` samples are real."""
        moved_BT = torch.as_tensor(windows_BT, device=self._device.torch)
        rows = zip(
            scene_mel(moved_BT),
            self._levels(windows_BT, moved_BT, lengths_B),
            lengths_B,
            strict=True,
        )
        return [
            WindowFeatures(mel_MF=mel_MF, levels=found, length=length)
            for mel_MF, found, length in rows
        ]

    def _levels(
        self, windows_BT: NDArray[np.float32], moved_BT: Tensor, lengths_B: Sequence[int]
    ) -> Sequence[tuple[float, ...]]:
        """Where the windows are: window by window they stay in a CPU's cache, and a GPU idles."""
        if self._device.kind == "cuda":
            return levels_together(moved_BT, lengths_B)
        return [levels(row_T, length) for row_T, length in zip(windows_BT, lengths_B, strict=True)]


def levels(window_T: NDArray[np.float32], length: int) -> tuple[float, ...]:
    """For each second the root mean square of its loudest 100 ms, in dB re full scale.

    A sine at full scale has -3. What lies past `length` has `SILENT_DBFS`.
    """
    whole = -(-len(window_T) // SAMPLE_RATE_HZ) * SAMPLE_RATE_HZ
    padded_T = np.zeros(whole)
    padded_T[:length] = window_T[:length]
    power = np.square(padded_T).reshape(-1, SAMPLE_RATE_HZ // LEVEL_SAMPLES, LEVEL_SAMPLES)
    loudest = power.mean(axis=-1).max(axis=-1)
    return tuple((10 * np.log10(np.maximum(loudest, 10 ** (SILENT_DBFS / 10)))).tolist())


def levels_together(windows_BT: Tensor, lengths_B: Sequence[int]) -> list[tuple[float, ...]]:
    """`levels` of windows of whole seconds, all at once on their device."""
    lengths_B1 = torch.tensor(lengths_B, device=windows_BT.device)[:, None]
    real_BT = torch.arange(windows_BT.shape[1], device=windows_BT.device) < lengths_B1
    power_BT = (windows_BT * real_BT).double().square()
    parts = (len(lengths_B), -1, SAMPLE_RATE_HZ // LEVEL_SAMPLES, LEVEL_SAMPLES)
    loudest_BS = power_BT.view(parts).mean(dim=-1).amax(dim=-1)
    levels_BS = 10 * loudest_BS.clamp(min=10 ** (SILENT_DBFS / 10)).log10()
    return [tuple(row) for row in levels_BS.tolist()]


def _block(ins: int, outs: int, *, kernel: int = 3, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(ins, outs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(outs), nn.ReLU()


@cache
def _mel_filters(device: torch.device) -> Tensor:
    """Triangular filters [M, K] over 0 to 8 kHz on the HTK mel scale."""
    from torchaudio.functional import melscale_fbanks

    filters_KM: Tensor = melscale_fbanks(
        FFT_SAMPLES // 2 + 1, 0.0, SAMPLE_RATE_HZ / 2, MELS, SAMPLE_RATE_HZ
    )
    return filters_KM.T.contiguous().to(device)
