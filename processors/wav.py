"""Samples as a WAV file: 16 bits, one channel."""

import wave
from io import BytesIO
from typing import Any

from numpy.typing import NDArray


def wav_bytes(samples_T: NDArray[Any], rate_hz: int) -> bytes:
    """The file for samples in [-1, 1] at `rate_hz`."""
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes((samples_T * 32_767).astype("<i2").tobytes())
    return file.getvalue()
