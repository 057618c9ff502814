"""What a network said of audio that another signal hears as well, kept for a while."""

from collections import OrderedDict
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

KEPT = 4_096  # clips: more than any stage gathers


class Memory:
    """A number for each of the last `KEPT` stretches of samples; for one thread.

    Two stretches are the same where every sample is.
    """

    def __init__(self) -> None:
        self._numbers: OrderedDict[bytes, float] = OrderedDict()

    def keep(self, samples_T: NDArray[np.float32], number: float) -> None:
        """Keep what was said of these samples."""
        self._numbers[_digest(samples_T)] = number
        if len(self._numbers) > KEPT:
            self._numbers.popitem(last=False)

    def recall(self, samples_T: NDArray[np.float32]) -> float | None:
        """What was said of these samples; None where it is not kept."""
        return self._numbers.get(_digest(samples_T))


def _digest(samples_T: NDArray[np.float32]) -> bytes:
    return blake2b(np.ascontiguousarray(samples_T).data, digest_size=16).digest()
