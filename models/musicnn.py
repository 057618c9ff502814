"""The musicnn networks in torch: what music sounds like, in tags of listeners, from 3 s of it.

Two trainings of one network: on the Million Song Dataset (tags of last.fm) and on MagnaTagATune.
The layer before the tags serves as an embedding.

Source: Pons and Serra, musicnn: Pre-trained convolutional neural networks for music audio tagging,
ISMIR late-breaking demo 2019; the package musicnn 0.1.0 (ISC). It reads the frames of a recording
187 at a time; so does this, with the same frames, in fp32 where the package rounds them to 16 bits.

Shapes. B: windows, T: samples at 16 kHz, F: frames of 16 ms, M: mel bands, S: bins of the spectrum,
C: channels, H: units of the last hidden layer, K: tags
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.musicnn_matrix import FrontMatrices, sign
from earmark.models.shared import shared

SAMPLE_RATE_HZ = 16_000
FFT_SAMPLES = 512
FRAME_HOP_SAMPLES = 256  # 16 ms
FRAMES = 187  # 2.992 s
MEL_BANDS = 96
HOP_SAMPLES = FRAMES * FRAME_HOP_SAMPLES  # 47,872: the next window goes on with the next frame
WINDOW_SAMPLES = HOP_SAMPLES - FRAME_HOP_SAMPLES + FFT_SAMPLES  # 48,128: all frames are whole
HIDDEN_UNITS = 200
TAGS = 50

_EPSILON = 1e-3  # of batch normalisation in TensorFlow
_TIMBRAL_CHANNELS = 204
_TEMPORAL_CHANNELS = 51
_MIDDLE_CHANNELS = 64
_FRONT_CHANNELS = 2 * _TIMBRAL_CHANNELS + 3 * _TEMPORAL_CHANNELS  # 561
_POOLED = 2 * (_FRONT_CHANNELS + 3 * _MIDDLE_CHANNELS)  # 1,506: maximum and mean
# bounds the memory of the convolutions, about 20 MB a window; more on a CPU leave its cache
_SLAB_WINDOWS = {"cpu": 2, "cuda": 32}
_NARROW_SLAB_WINDOWS = 128  # 2 GB on a GPU; more are no faster


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a network makes of windows: `vectors_BH`, the embedding, and `tags_BK` in [0, 1]."""

    vectors_BH: Tensor
    tags_BK: Tensor


class _Front(nn.Module):
    """Convolution over time and frequency; of each channel one frequency is kept, the highest.

    Rectifier and normalisation stand before the maximum, but either keeps an order or reverses it:
    turned the right way round, the maximum comes first, and they see one number in place of 96.
    """

    def __init__(self, channels: int, kernel: tuple[int, int], padding: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, channels, kernel)
        self.norm = nn.BatchNorm2d(channels, eps=_EPSILON)
        self._padding = (0, 0, *padding)  # frames before and after

    def forward(self, mel_B1FM: Tensor) -> Tensor:
        padded_B1FM = nn.functional.pad(mel_B1FM, self._padding)
        sign_C11 = sign(self.norm)[:, None, None]
        turned_BCFM = nn.functional.conv2d(padded_B1FM, self.conv.weight * sign_C11[:, None])
        return self.finished((turned_BCFM.amax(dim=3, keepdim=True) * sign_C11)[..., 0])

    def finished(self, kept_BCF: Tensor) -> Tensor:
        """What follows the maximum over the bands."""
        kept_BCF1 = kept_BCF[..., None] + self.conv.get_parameter("bias")[:, None, None]
        features_BCF1: Tensor = self.norm(kept_BCF1.relu())
        return features_BCF1[..., 0]


class _Middle(nn.Module):
    """Convolution over seven frames of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, _MIDDLE_CHANNELS, 7, padding=3)
        self.norm = nn.BatchNorm1d(_MIDDLE_CHANNELS, eps=_EPSILON)

    def forward(self, features_BCF: Tensor) -> Tensor:
        heard_BCF = self.conv(features_BCF.to(self.conv.weight.dtype)).float()
        middle_BCF: Tensor = self.norm(heard_BCF.relu())
        return middle_BCF


class Musicnn(nn.Module):
    """One network, in fp32: it is small, and its tags were published for that.

    `narrow` has its convolutions compute in another format, on a GPU; its heads stay as they are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(1, eps=_EPSILON)
        self.timbral = nn.ModuleList(
            _Front(_TIMBRAL_CHANNELS, (7, bands), (3, 3)) for bands in (38, 67)
        )
        # TensorFlow's `same`: the odd frame of padding goes behind
        self.temporal = nn.ModuleList(
            _Front(_TEMPORAL_CHANNELS, (frames, 1), (frames // 2 - 1, frames // 2))
            for frames in (128, 64, 32)
        )
        self.middle = nn.ModuleList(
            _Middle(channels) for channels in (_FRONT_CHANNELS, _MIDDLE_CHANNELS, _MIDDLE_CHANNELS)
        )
        self.pooled_norm = nn.BatchNorm1d(_POOLED, eps=_EPSILON)
        self.dense = nn.Linear(_POOLED, HIDDEN_UNITS)
        self.dense_norm = nn.BatchNorm1d(HIDDEN_UNITS, eps=_EPSILON)
        self.head = nn.Linear(HIDDEN_UNITS, TAGS)
        self._front_matrices: FrontMatrices | None = None

    @torch.inference_mode()
    def narrow(self, dtype: torch.dtype) -> None:
        """Compute the convolutions in a format of 16 bits; to be called with the weights loaded."""
        self._front_matrices = FrontMatrices(
            list(self.timbral),  # type: ignore[arg-type]
            list(self.temporal),  # type: ignore[arg-type]
            frames=FRAMES,
            bands=MEL_BANDS,
            dtype=dtype,
        )
        for middle in self.middle:
            middle.conv.to(dtype)

    @torch.inference_mode()
    def hear(self, mel_BFM: Tensor) -> Heard:
        """The embeddings and tags of windows of log-mel frames, which do not influence each other.

        A window is `FRAMES` by `MEL_BANDS`; other numbers of frames are read too.
        """
        is_narrow = self._front_matrices is not None
        slab = _NARROW_SLAB_WINDOWS if is_narrow else _SLAB_WINDOWS[mel_BFM.device.type]
        slabs = torch.split(mel_BFM, slab)
        vectors_BH = torch.cat([self._vectors(slab_BFM) for slab_BFM in slabs])
        return Heard(vectors_BH=vectors_BH, tags_BK=self.head(vectors_BH).sigmoid())

    def _vectors(self, mel_BFM: Tensor) -> Tensor:
        front_BCF = self._front(self.input_norm(mel_BFM[:, None]))
        layers = [front_BCF, self.middle[0](front_BCF)]
        for middle in self.middle[1:]:
            layers.append(layers[-1] + middle(layers[-1]))
        features_BCF = torch.cat(layers, dim=1)
        # interleaved: maximum and mean of the first channel, then of the second
        pooled_BC2 = torch.stack((features_BCF.amax(dim=2), features_BCF.mean(dim=2)), dim=2)
        hidden_BH = self.dense(self.pooled_norm(pooled_BC2.flatten(1))).relu()
        vectors_BH: Tensor = self.dense_norm(hidden_BH)
        return vectors_BH

    def _front(self, mel_B1FM: Tensor) -> Tensor:
        matrices = self._front_matrices
        if matrices is not None and mel_B1FM.shape[2] == matrices.frames:
            return matrices.features(mel_B1FM[:, 0])
        return torch.cat([part(mel_B1FM) for part in (*self.timbral, *self.temporal)], dim=1)


@shared()
def load_musicnn(path: Path, device: Device) -> Musicnn:
    """The network with the weights of a converted bundle, one object for each file and device.

    Raises ModelError where the file holds another network.
    """
    network = Musicnn()
    try:
        # strict but for the counters of batches that torch's training keeps
        missing = network.load_state_dict(load_file(path), strict=False)
    except RuntimeError as error:
        raise ModelError(f"{path} does not hold a musicnn network: {error}") from error
    lacking = [key for key in missing.missing_keys if not key.endswith("num_batches_tracked")]
    if lacking or missing.unexpected_keys:
        raise ModelError(f"{path} does not hold a musicnn network: {lacking or missing}")
    network = network.eval().requires_grad_(False).to(device.torch)
    if device.kind == "cuda" and device.precision != "fp32":
        network.narrow(torch.float16)  # five times as exact as bf16, at its speed
    return network


def log_mel(samples_BT: Tensor) -> Tensor:
    """Frames `(B, F, M)` of samples in [-1, 1]; only frames that are whole."""
    window_T = torch.hann_window(FFT_SAMPLES, device=samples_BT.device)
    spectrum_BSF = torch.stft(
        samples_BT,
        FFT_SAMPLES,
        FRAME_HOP_SAMPLES,
        window=window_T,
        center=False,
        return_complex=True,
    )
    power_BFS = spectrum_BSF.abs().square().transpose(1, 2)
    return (10_000 * (power_BFS @ _mel_filters(samples_BT.device)) + 1).log10()


@cache
def _mel_filters(device: torch.device) -> Tensor:
    """Slaney's triangular filters [S, M] over 0 to 8 kHz, each of unit area, as librosa's."""
    from torchaudio.functional import melscale_fbanks

    filters_SM: Tensor = melscale_fbanks(
        FFT_SAMPLES // 2 + 1,
        0.0,
        SAMPLE_RATE_HZ / 2,
        MEL_BANDS,
        SAMPLE_RATE_HZ,
        norm="slaney",
        mel_scale="slaney",
    )
    return filters_SM.to(device)
