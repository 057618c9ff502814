"""DistillMOS: how good speech would be judged to sound, as a mean opinion score.

Source: Stahl and Gamper, Distillation and Pruning for Scalable Self-Supervised
Representation-Based Speech Quality Assessment, ICASSP 2025; the package distillmos (MIT), whose
layers these are. It reads windows of 7.68 s, shorter ones with zeros behind: it was trained on
those, hears them, and would score a window without them otherwise.

Shapes. B: windows, T: samples at 16 kHz
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


class DistillMos:
    """The network with its weights. Always fp32; loudness is no part of the score."""

    def __init__(self, network: nn.Module, device: Device) -> None:
        self._network: Any = network
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
