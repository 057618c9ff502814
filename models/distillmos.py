"""DistillMOS: how good speech would be judged to sound, as a mean opinion score.

Source: Stahl and Gamper, Distillation and Pruning for Scalable Self-Supervised
Representation-Based Speech Quality Assessment, ICASSP 2025; the package distillmos (MIT), whose
layers these are. It reads windows of 7.68 s, shorter ones with zeros behind, and hears those: it
would score a stretch without them otherwise.

What its convolutions make of zeros is the same in each window, but for their last frames, and is
kept ready: they see a stretch and a margin behind it, in batches of stretches of like length.

Its convolutions, nearly all of its work, compute in the precision of the device: in bf16 in a
little over half the time, the scores moving by 0.002. The transformer behind them stays in fp32.

Shapes. B: windows, T: samples at 16 kHz, F: frames of 10 ms, S: bins of the spectrum, C: channels,
P: positions of 20 ms, W: width
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from earmark.models.bucket import Buckets
from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.padding import note_padding
from earmark.models.shared import shared

WINDOW_SAMPLES = 122_880
WINDOW_S = WINDOW_SAMPLES / 16_000  # 7.68

FRAME_SAMPLES = 160
FRAMES = WINDOW_SAMPLES // FRAME_SAMPLES  # 768
# beyond the last frame with sound: six layers spread it by one frame each, and six more frames are
# touched by the end of what they are given
MARGIN_FRAMES = 12
EDGE_POSITIONS = 3

_SLAB_WINDOWS = {"cpu": 2, "cuda": 32}  # bounds the memory of the convolutions
_BUCKETS = Buckets(first=64, step=16)


class _InPrecision(nn.Module):
    """Layers that compute in `dtype` between others in fp32."""

    def __init__(self, layers: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self._layers = layers.to(dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub knows no such argument
        self._dtype = dtype

    def forward(self, maps_BCSF: Tensor) -> Tensor:
        ours_BCSF = maps_BCSF.to(self._dtype, memory_format=torch.channels_last)
        found_BCSF: Tensor = self._layers(ours_BCSF).float()
        return found_BCSF


class DistillMos:
    """The network with its weights; loudness is no part of the score."""

    def __init__(self, network: Any, device: Device) -> None:
        network.cnn.cnn = _InPrecision(network.cnn.cnn, device.dtype)
        self._network = network
        self._device = device.torch
        self._slab_frames = _SLAB_WINDOWS[device.kind] * FRAMES
        self._silence_WP = self._hear(torch.zeros(1, WINDOW_SAMPLES))[0]

    @torch.inference_mode()
    def scores(self, samples: Sequence[Tensor]) -> list[float]:
        """The mean opinion score, 1 to 5, of each stretch of at most `WINDOW_SAMPLES`."""
        frames = [_frames(len(samples_T)) for samples_T in samples]
        scores = [0.0] * len(samples)
        for rows in _BUCKETS.batches(frames, self._slab_frames):
            found = self._scores([samples[row] for row in rows], max(frames[row] for row in rows))
            for row, score in zip(rows, found, strict=True):
                scores[row] = score
        return scores

    def _scores(self, samples: Sequence[Tensor], frames: int) -> list[float]:
        """Those of stretches that have no sound beyond so many frames, nor in the margin there."""
        begins_BT = torch.zeros(len(samples), frames * FRAME_SAMPLES)
        for begin_T, samples_T in zip(begins_BT, samples, strict=True):
            begin_T[: len(samples_T)] = samples_T
        note_padding(used=sum(map(len, samples)), whole=begins_BT.numel())
        features_BWP = self._hear(begins_BT / (begins_BT.abs().amax(dim=1, keepdim=True) + 1e-8))
        if frames < FRAMES:
            heard_BWP = features_BWP[:, :, :-EDGE_POSITIONS]
            rest_WP = self._silence_WP[:, heard_BWP.shape[2] :]
            features_BWP = torch.cat((heard_BWP, rest_WP.expand(len(samples), -1, -1)), dim=2)
        quality_B1: Tensor = self._network.transformer_pool_attn(features_BWP.transpose(1, 2))
        return (1 + 4 * quality_B1).flatten().tolist()

    @torch.inference_mode()
    def _hear(self, begins_BT: Tensor) -> Tensor:
        """What the convolutions make of the beginnings of windows, [B, W, P]."""
        features_BWP: Tensor = self._network.cnn(begins_BT.to(self._device))
        return features_BWP


def _frames(samples: int) -> int:
    """How many frames the convolutions are to see of a stretch, an even number."""
    sounding = -(-(samples + FRAME_SAMPLES // 2) // FRAME_SAMPLES)
    return min(FRAMES, -(-(sounding + MARGIN_FRAMES) // 16) * 16)


@shared()
def load_distillmos(path: Path, device: Device) -> DistillMos:
    """The network with the weights of a safetensors file; raises ModelError for other weights."""
    from distillmos import ConvTransformerSQAModel

    network = ConvTransformerSQAModel(load_weights=False, segmenting_in_forward=False)
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ModelError(f"{path} does not hold the network of distillmos: {error}") from error
    return DistillMos(network.eval().requires_grad_(False).to(device.torch), device)
