"""Windows of a batch side by side, on their way to the device.

B: windows, T: samples (16 kHz, mono, float32)
"""

from collections.abc import Sequence

import numpy as np
import torch

from earmark.processors.block import NO_SAMPLES, Samples


class WindowStack:
    """The place where windows are put side by side, for one thread.

    Where this process computes on a GPU it is page-locked and used again: fresh memory costs more
    than what is written there, and from page-locked memory the device takes it by itself.
    """

    def __init__(self) -> None:
        self._room_T = NO_SAMPLES

    def stacked(self, windows: Sequence[Samples]) -> Samples:
        """[B, T]; on a GPU machine they stand there until the next are put in their place."""
        if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch has no types for it
            return np.stack(windows)
        needed = sum(map(len, windows))
        if len(self._room_T) < needed:
            self._room_T = torch.empty(needed, pin_memory=True).numpy()
        room_BT = self._room_T[:needed].reshape(len(windows), -1)
        return np.stack(windows, out=room_BT)
