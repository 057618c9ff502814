"""Tensors on their way from the host to the device that computes.

To CUDA they go through page-locked buffers, which are used again, on a stream of their own: what is
sent before it is needed crosses while the device computes. Elsewhere there is nothing to cross.
"""

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

BUFFERS = 4  # on their way at once
LEAST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A tensor that is on its way, and the mark behind it; None where there is no way to go."""

    tensor: Tensor
    mark: torch.cuda.Event | None = None

    def arrived(self) -> Tensor:
        """The tensor on the device; what that is then asked to compute waits for it."""
        if self.mark is not None:
            here = torch.cuda.current_stream(self.tensor.device)
            here.wait_event(self.mark)
            self.tensor.record_stream(here)
        return self.tensor


class Transfer:
    """The way to one device, for one thread."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        is_cuda = device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if is_cuda else None  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        self._buffers: deque[_Buffer] = deque()

    def send(self, tensor: Tensor) -> Sent:
        """Begin to move a tensor, which may be changed afterwards where it had a way to go."""
        if self._stream is None or tensor.device.type != "cpu" or not tensor.numel():
            return Sent(tensor=tensor.to(self._device))
        return self._free_buffer(tensor.nbytes).send(tensor, self._device, self._stream)

    def _free_buffer(self, size: int) -> "_Buffer":
        """The buffer that was sent the longest ago, or a new one; large enough."""
        buffer = _Buffer() if len(self._buffers) < BUFFERS else self._buffers.popleft()
        buffer.make_room(size)
        self._buffers.append(buffer)
        return buffer


class _Buffer:
    """Page-locked memory, and the mark in the stream behind what was last sent from it."""

    def __init__(self) -> None:
        self._bytes = torch.empty(0, dtype=torch.uint8)
        self._mark: torch.cuda.Event | None = None

    def make_room(self, size: int) -> None:
        """Wait until what was sent has arrived; then there is room for so many bytes."""
        if self._mark is not None:
            self._mark.synchronize()
        if len(self._bytes) < size:
            room = max(size, LEAST_BYTES)
            self._bytes = torch.empty(room, dtype=torch.uint8, pin_memory=True)

    def send(self, tensor: Tensor, device: torch.device, stream: torch.cuda.Stream) -> Sent:
        """Copy the tensor into the buffer, and have the stream move it from there."""
        staged = self._bytes[: tensor.nbytes].view(tensor.dtype).view(tensor.shape)
        staged.copy_(tensor)
        self._mark = torch.cuda.Event()  # type: ignore[no-untyped-call]  # likewise
        with torch.cuda.stream(stream):
            moved = staged.to(device, non_blocking=True)
            self._mark.record(stream)
        return Sent(tensor=moved, mark=self._mark)
