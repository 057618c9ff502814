"""DistillMOS: how good speech would be judged to sound, as a mean opinion score.

Source: Stahl and Gamper, Distillation and Pruning for Scalable Self-Supervised
Representation-Based Speech Quality Assessment, ICASSP 2025; the package distillmos (MIT), whose
layers these are. It reads windows of 7.68 s, shorter ones with zeros behind: it was trained on
those, hears them, and would score a window without them otherwise.

Its convolutions, nearly all of its work, compute in the precision of the device: in bf16 in a
little over half the time, the scores moving by 0.002. The transformer behind them stays in fp32.

Shapes. B: windows, T: samples at 16 kHz, F: frames of 10 ms, S: bins of the spectrum, C: channels
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.padding import note_padding

WINDOW_SAMPLES = 122_880
WINDOW_S = WINDOW_SAMPLES / 16_000  # 7.68

_SLAB_WINDOWS = {"cpu": 2, "cuda": 32}  # bounds the memory of the convolutions


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

    @torch.inference_mode()
    def scores(self, samples: Sequence[Tensor]) -> list[float]:
        """The mean opinion score, 1 to 5, of each stretch of at most `WINDOW_SAMPLES`."""
        windows_BT = torch.zeros(len(samples), WINDOW_SAMPLES)
        for window_T, samples_T in zip(windows_BT, samples, strict=True):
            window_T[: len(samples_T)] = samples_T
        note_padding(used=sum(map(len, samples)), whole=windows_BT.numel())
        slabs = torch.split(windows_BT, _SLAB_WINDOWS[self._device.type])
        scores = [self._network(slab_BT.to(self._device)).flatten().tolist() for slab_BT in slabs]
        return [score for slab in scores for score in slab]


@cache
def load_distillmos(path: Path, device: Device) -> DistillMos:
    """The network with the weights of a safetensors file; raises ModelError for other weights."""
    from distillmos import ConvTransformerSQAModel

    network = ConvTransformerSQAModel(load_weights=False, segmenting_in_forward=False)
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ModelError(f"{path} does not hold the network of distillmos: {error}") from error
    return DistillMos(network.eval().requires_grad_(False).to(device.torch), device)
