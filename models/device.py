"""Where models compute and in which number format."""

from dataclasses import dataclass
from typing import Literal

import torch

from earmark.models.error import ConfigurationError

Kind = Literal["cpu", "cuda"]
Precision = Literal["fp32", "bf16", "fp16"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A place to compute. `precision` is for the layers that allow it; heads stay in fp32."""

    kind: Kind = "cpu"
    precision: Precision = "fp32"

    @property
    def dtype(self) -> torch.dtype:
        """The number format by torch's name."""
        return _DTYPES[self.precision]

    @property
    def torch(self) -> torch.device:
        """The device by torch's name."""
        return torch.device(self.kind)


def pick_device(kind: str = "auto", precision: str = "auto") -> Device:
    """The device asked for; `auto` takes CUDA where there is one, and bf16 where it is fast.

    Raises ConfigurationError for a device that this machine does not have.
    """
    if kind not in {"auto", "cpu", "cuda"} or precision not in {"auto", *_DTYPES}:
        raise ConfigurationError(
            f"device {kind!r} with precision {precision!r}: choose auto, cpu or cuda, "
            "and auto, fp32, bf16 or fp16"
        )
    if kind == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError(
            "device cuda: no CUDA device is visible to torch; use --device cpu"
        )
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        precision = "bf16" if _bf16_is_fast(kind) else "fp32"
    return Device(kind="cuda" if kind == "cuda" else "cpu", precision=_precision(precision))


def _precision(name: str) -> Precision:
    return "bf16" if name == "bf16" else "fp16" if name == "fp16" else "fp32"


def _bf16_is_fast(kind: str) -> bool:
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())  # no public name for it in torch 2.11
