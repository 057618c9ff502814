"""From planes at the native rate to what speech models read: 16 kHz mono, in blocks.

C: channels, T: samples
"""

from collections.abc import Iterator, Sequence

import numpy as np

from earmark.processors.block import BLOCK_SAMPLES, NO_SAMPLES, SAMPLE_RATE_HZ, Samples
from earmark.processors.chunk import Chunker

_LOW_FREQUENCY = {"LFE", "LFE2"}  # FFmpeg's names


class MonoBlocks:
    """Downmixes and resamples a recording; gives out full blocks of `BLOCK_SAMPLES`.

    Mono is the mean of all channels but those for low-frequency effects: no sum can clip, a voice
    panned anywhere is heard, and rumble stays out. (Channels in antiphase cancel: `audio.integrity`
    says so by its correlation.) Resampling is soxr's HQ as one stream; where blocks begin and end
    makes no difference to it. `channels` are FFmpeg's names, FL, FR, FC, LFE, ...
    """

    def __init__(self, *, sample_rate_hz: int, channels: Sequence[str]) -> None:
        import soxr  # here: what is heard elsewhere is scored where there is no resampler

        heard = [c for c, name in enumerate(channels) if name not in _LOW_FREQUENCY]
        self._heard = heard or list(range(len(channels)))
        self._blocks = Chunker(channels=1, length=BLOCK_SAMPLES)
        self._stream = (
            soxr.ResampleStream(sample_rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ")
            if sample_rate_hz != SAMPLE_RATE_HZ
            else None
        )

    def push(self, samples_CT: Samples) -> Iterator[Samples]:
        """Take the next samples; the blocks that became full, [T]."""
        return self._resampled(self._mono(samples_CT), last=False)

    def flush(self) -> Iterator[Samples]:
        """The last blocks; the very last is shorter, or missing where nothing is left."""
        yield from self._resampled(NO_SAMPLES, last=True)
        rest_T = self._blocks.rest()[0]
        if len(rest_T):
            yield rest_T

    def _mono(self, samples_CT: Samples) -> Samples:
        mono_T: Samples = samples_CT[self._heard[0]]
        for c in self._heard[1:]:  # twice as fast as a mean over the axis
            mono_T = mono_T + samples_CT[c]
        return mono_T * np.float32(1 / len(self._heard)) if len(self._heard) > 1 else mono_T

    def _resampled(self, mono_T: Samples, *, last: bool) -> Iterator[Samples]:
        if self._stream is not None:
            mono_T = self._stream.resample_chunk(mono_T, last=last)
        for block_CT in self._blocks.push(mono_T[np.newaxis]):
            yield block_CT[0]
