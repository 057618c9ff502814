"""A recording that is made, and what is true of it.

Shapes. C: channels, T: samples
"""

import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.floating[Any]]
LARGEST = 32_767  # of 16 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One row: `data` makes the bytes of its file, whose name ends in `suffix`."""

    id: str
    labels: Mapping[str, Any]
    data: Callable[[], bytes]
    suffix: str = ".wav"


Construct = Callable[[], Iterator[Recording]]


def wav(samples_CT: Samples, rate_hz: int) -> bytes:
    """A WAV file of 16 bits with so many channels; what is over full scale is cut off."""
    samples_TC = np.clip(np.round(samples_CT.T * LARGEST), -LARGEST - 1, LARGEST)
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(len(samples_CT))
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(samples_TC.astype("<i2").tobytes())
    return file.getvalue()
