"""The front of musicnn as two matrix products, for a GPU that multiplies matrices of 16 bits fast.

A convolution of one input channel leaves most of such a GPU idle. Here every place that a kernel
can have among the mel bands, or the frames, has columns of its own in one matrix, which is zero
where the kernel does not reach: it multiplies two to seven times as much, and takes a small part of
the time. What stands before and after it is in fp32. Tags are off by 0.001 in fp16 and by 0.006 in
bf16; numbers are as large as the normalised input allows, so that fp16 holds them.

Shapes. B: windows, F: frames of a window, M: mel bands, L: bands, or frames, where a kernel can
lie, C: channels, P: frames with those of padding, N: columns
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

ALIGNED = 64  # numbers: rows that begin anywhere else are multiplied at a quarter of the speed


class Front(Protocol):
    """A convolution over time and frequency, as `earmark.models.musicnn` has them."""

    conv: nn.Conv2d
    norm: nn.BatchNorm2d

    def finished(self, kept_BCF: Tensor) -> Tensor:
        """What follows the maximum over the bands."""
        ...


class FrontMatrices:
    """All fronts of one network, for windows of so many frames and bands."""

    def __init__(
        self,
        timbral: Sequence[Front],
        temporal: Sequence[Front],
        *,
        frames: int,
        bands: int,
        dtype: torch.dtype,
    ) -> None:
        self.frames = frames
        self._bands = bands
        self._dtype = dtype
        self._timbral, self._temporal = timbral, temporal
        self._by_band_KN = _aligned(
            torch.cat([_by_band(part, bands) for part in timbral], 1), dtype
        )
        self._before, self._after = _reach(temporal)
        padded = frames + self._before + self._after
        self._after += -padded % ALIGNED
        padded += -padded % ALIGNED
        self._by_frame_PN = _aligned(
            torch.cat([_by_frame(part, frames, padded, self._before) for part in temporal], 1),
            dtype,
        )

    def features(self, mel_BFM: Tensor) -> Tensor:
        """[B, C, F] of all fronts in their order, as their convolutions make them."""
        narrow_BFM = mel_BFM.to(self._dtype)
        parts = [*self._over_bands(narrow_BFM), *self._over_frames(narrow_BFM)]
        return torch.cat(parts, dim=1)

    def _over_bands(self, mel_BFM: Tensor) -> list[Tensor]:
        """Of kernels that are narrower than all bands: a row for each frame and its neighbours."""
        reach = self._timbral[0].conv.kernel_size[0]
        padded_BPM = functional.pad(mel_BFM, (0, 0, reach // 2, reach // 2))
        rows_BFK = padded_BPM.unfold(1, reach, 1).transpose(2, 3).flatten(2)
        places = [self._bands - part.conv.kernel_size[1] + 1 for part in self._timbral]
        columns = _columns(rows_BFK, self._by_band_KN, self._timbral, places)
        pairs = zip(self._timbral, columns, strict=True)
        return [part.finished(_loudest(part, each_BFLC, 2)) for part, each_BFLC in pairs]

    def _over_frames(self, mel_BFM: Tensor) -> list[Tensor]:
        """Of kernels of one band: a row for each band, with all frames."""
        rows_BMP = functional.pad(mel_BFM.transpose(1, 2), (self._before, self._after))
        places = [self.frames] * len(self._temporal)
        columns = _columns(rows_BMP, self._by_frame_PN, self._temporal, places)
        pairs = zip(self._temporal, columns, strict=True)
        return [part.finished(_loudest(part, each_BMFC, 1)) for part, each_BMFC in pairs]


def _columns(
    rows: Tensor, matrix: Tensor, parts: Sequence[Front], places: Sequence[int]
) -> list[Tensor]:
    """Of each part [B, rows, L, C]: its kernel at all places."""
    product = (rows.reshape(-1, rows.shape[2]) @ matrix).view(*rows.shape[:2], -1)
    channels = [part.conv.out_channels for part in parts]
    widths = [number * each for number, each in zip(places, channels, strict=True)]
    pieces = product[..., : sum(widths)].split(widths, dim=2)  # type: ignore[no-untyped-call]  # torch has no types for it
    return [
        piece.reshape(*rows.shape[:2], -1, each)
        for piece, each in zip(pieces, channels, strict=True)
    ]


def _aligned(matrix_KN: Tensor, dtype: torch.dtype) -> Tensor:
    """With columns of zeros at the end, so that each row begins where it is fast to read."""
    return functional.pad(matrix_KN, (0, -matrix_KN.shape[1] % ALIGNED)).to(dtype)


def _loudest(part: Front, turned: Tensor, dim: int) -> Tensor:
    """[B, C, F] of [B, F, L, C] or [B, M, F, C]: the maximum over bands, turned back, in fp32."""
    return (turned.amax(dim=dim).float() * sign(part.norm)).transpose(1, 2)


def sign(norm: nn.BatchNorm2d) -> Tensor:
    """-1 for each channel whose order the normalisation reverses, else 1."""
    return torch.where(norm.weight < 0, -1.0, 1.0)


def _turned(part: Front) -> Tensor:
    """The kernel [C, F, M] for which the maximum comes first."""
    kernel: Tensor = part.conv.weight[:, 0] * sign(part.norm)[:, None, None]
    return kernel


def _by_band(part: Front, bands: int) -> Tensor:
    """[F x M, L x C]: the kernel at each place among the bands."""
    kernel_CFM = _turned(part)
    channels, frames, width = kernel_CFM.shape
    places = bands - width + 1
    matrix_FMLC = kernel_CFM.new_zeros(frames, bands, places, channels)
    for place in range(places):
        matrix_FMLC[:, place : place + width, place] = kernel_CFM.permute(1, 2, 0)
    return matrix_FMLC.flatten(2).flatten(0, 1)


def _by_frame(part: Front, frames: int, padded: int, before: int) -> Tensor:
    """[P, L x C]: the kernel, one band wide, at each frame."""
    kernel_CF = _turned(part)[:, :, 0]
    channels, length = kernel_CF.shape
    first = before - _before(part)
    matrix_PLC = kernel_CF.new_zeros(padded, frames, channels)
    for frame in range(frames):
        matrix_PLC[first + frame : first + frame + length, frame] = kernel_CF.T
    return matrix_PLC.flatten(1)


def _before(part: Front) -> int:
    """Frames of padding before a window; the odd one goes behind."""
    return (part.conv.kernel_size[0] - 1) // 2


def _reach(parts: Sequence[Front]) -> tuple[int, int]:
    """Frames of padding before and after a window, of the longest kernel."""
    return (
        max(_before(part) for part in parts),
        max(part.conv.kernel_size[0] - 1 - _before(part) for part in parts),
    )
