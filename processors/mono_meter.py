"""A meter that hears a recording as 16 kHz mono, in blocks that do not depend on how it came.

C: channels, T: samples
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from earmark.processors.block import Samples
from earmark.processors.outcome import Result
from earmark.processors.resample import MonoBlocks
from earmark.processors.signal import AudioFormat, Container

_WITH_EFFECTS = range(6, 9)  # 5.1, 6.1 and 7.1 have the low-frequency effects fourth


class Fold(Protocol):
    """What follows a recording block by block."""

    def step(self, samples_T: Samples) -> None:
        """Take the next samples."""


F = TypeVar("F", bound=Fold)


class MonoMeter(Generic[F]):
    """Hands the recording to `fold`; `conclude` makes the result of it when all has passed."""

    def __init__(self, audio: AudioFormat, fold: F, conclude: Callable[[F], Result]) -> None:
        names = channel_names(audio.channels)
        self._mono = MonoBlocks(sample_rate_hz=audio.sample_rate_hz, channels=names)
        self._fold = fold
        self._conclude = conclude

    def update(self, samples_CT: Samples) -> None:
        """Take the next samples."""
        for block_T in self._mono.push(samples_CT):
            self._fold.step(block_T)

    def finish(self, container: Container) -> Result:
        """What is said of the whole recording."""
        for block_T in self._mono.flush():
            self._fold.step(block_T)
        return self._conclude(self._fold)


def channel_names(channels: int) -> list[str]:
    """Names for so many channels in the order of WAVE and FFmpeg, as `MonoBlocks` wants them."""
    names = [f"C{number}" for number in range(channels)]
    if channels in _WITH_EFFECTS:
        names[3] = "LFE"
    return names
