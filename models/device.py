"""Where models compute, in which number format, and what to do when memory runs out there."""

import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from earmark.models.error import ConfigurationError

Kind = Literal["cpu", "cuda"]
Precision = Literal["fp32", "bf16", "fp16"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# What torch says where it raises a plain RuntimeError: its CPU allocator, CUDA itself, cuBLAS and
# cuDNN, and C++ underneath.
_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "Cannot allocate memory",
    "STATUS_ALLOC_FAILED",
    "ALLOCATION_FAILED",
    "std::bad_alloc",
)


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


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the device or beside it; also where that led to the error."""
    return any(
        isinstance(each, MemoryError | torch.OutOfMemoryError)
        or (isinstance(each, RuntimeError) and any(word in str(each) for word in _OUT_OF_MEMORY))
        for each in _chain(error)
    )


def free_memory(error: BaseException) -> None:
    """Let go of what the computation that failed with `error` held, tensors above all.

    They live on in the frames of the traceback; and CUDA's allocator keeps what is let go, in
    pieces that may be of no use to a batch of another shape.
    """
    for each in _chain(error):
        traceback.clear_frames(each.__traceback__)
    torch.cuda.empty_cache()  # does nothing where CUDA is not in use


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from or in the handling of, and so on."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _precision(name: str) -> Precision:
    return "bf16" if name == "bf16" else "fp16" if name == "fp16" else "fp32"


def _bf16_is_fast(kind: str) -> bool:
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())  # no public name for it in torch 2.11
