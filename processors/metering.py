"""All meters of one recording, which is downmixed and resampled once for those that hear mono.

C: channels, T: samples
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from earmark.processors.block import Samples
from earmark.processors.outcome import Result
from earmark.processors.resample import MonoBlocks
from earmark.processors.signal import AudioFormat, Container, Meter, MeterFactory, MonoMeter

_WITH_EFFECTS = range(6, 9)  # 5.1, 6.1 and 7.1 have the low-frequency effects fourth


class Metering:
    """Tells every meter of a recording that passes, and gives it on as mono blocks.

    `channels` are FFmpeg's names of them; by default those of the usual layout for so many.
    """

    def __init__(
        self,
        factories: Mapping[str, MeterFactory],
        audio: AudioFormat,
        channels: Sequence[str] = (),
    ) -> None:
        names = channels or channel_names(audio.channels)
        self._mono = MonoBlocks(sample_rate_hz=audio.sample_rate_hz, channels=names)
        self._meters = {name: make(audio) for name, make in factories.items()}
        self._of_mono = [m for m in self._meters.values() if isinstance(m, MonoMeter)]
        self._of_all: list[Meter] = [
            m for m in self._meters.values() if not isinstance(m, MonoMeter)
        ]

    def push(self, samples_CT: Samples) -> Iterator[Samples]:
        """Take the next samples; the mono blocks that became full, [T] at 16 kHz."""
        for meter in self._of_all:
            meter.update(samples_CT)
        yield from self._heard(self._mono.push(samples_CT))

    def flush(self) -> Iterator[Samples]:
        """The last mono blocks: the recording has passed."""
        yield from self._heard(self._mono.flush())

    def finish(self, name: str, container: Container) -> Result:
        """What the meter of this name says of the whole recording."""
        return self._meters[name].finish(container)

    def _heard(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        for block_T in blocks:
            for meter in self._of_mono:
                meter.step(block_T)
            yield block_T


def channel_names(channels: int) -> list[str]:
    """Names for so many channels in the order of WAVE and FFmpeg, as `MonoBlocks` wants them."""
    names = [f"C{number}" for number in range(channels)]
    if channels in _WITH_EFFECTS:
        names[3] = "LFE"
    return names
