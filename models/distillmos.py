"""DistillMOS: how good speech would be judged to sound, as a mean opinion score.

Source: Stahl and Gamper, Distillation and Pruning for Scalable Self-Supervised
Representation-Based Speech Quality Assessment, ICASSP 2025; the package distillmos (MIT), whose
layers these are. It reads windows of 7.68 s, shorter ones with zeros behind.

Its convolutions, nearly all of its work, compute in the precision of the device: in bf16 in a
little over half the time, the scores moving by 0.002. The transformer behind them stays in fp32.

Shapes. B: windows, T: samples at 16 kHz, F: frames of 10 ms, S: bins of the spectrum, W: width
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

WINDOW_SAMPLES = 122_880
WINDOW_S = WINDOW_SAMPLES / 16_000  # 7.68

_SILENCE = 1e-8  # so that nothing is divided by zero
_SLAB_WINDOWS = {"cpu": 2, "cuda": 32}  # bounds the memory of the convolutions


class DistillMos:
    """The network with its weights; loudness is no part of the score."""

    def __init__(self, network: nn.Module, device: Device) -> None:
        self._network: Any = network
        self._device = device.torch
        self._dtype = device.dtype
        self._network.cnn.cnn.to(device.dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def scores(self, samples: Sequence[Tensor]) -> list[float]:
        """The mean opinion score, 1 to 5, of each stretch of at most `WINDOW_SAMPLES`."""
        windows_BT = torch.zeros(len(samples), WINDOW_SAMPLES)
        for window_T, samples_T in zip(windows_BT, samples, strict=True):
            window_T[: len(samples_T)] = samples_T
        slabs = torch.split(windows_BT, _SLAB_WINDOWS[self._device.type])
        return [score for slab_BT in slabs for score in self._slab_scores(slab_BT)]

    def _slab_scores(self, windows_BT: Tensor) -> list[float]:
        """As the network's own `forward`, with a change of precision in the middle."""
        from distillmos.sqa import _complex_compressed

        windows_BT = windows_BT.to(self._device)
        windows_BT = windows_BT / (windows_BT.abs().amax(dim=1, keepdim=True) + _SILENCE)
        front = self._network.cnn
        spectrum_BSF2 = _complex_compressed(windows_BT, front.hop_length, front.win_length)
        spectrum_B2SF = spectrum_BSF2.permute(0, 3, 1, 2)
        maps_BWSF = front.cnn(spectrum_B2SF.to(self._dtype, memory_format=torch.channels_last))
        features_BFW = maps_BWSF.float().flatten(1, -2).transpose(1, 2)
        scores: list[float] = (
            (1 + 4 * self._network.transformer_pool_attn(features_BFW)).flatten().tolist()
        )
        return scores


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
