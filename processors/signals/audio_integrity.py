"""`audio.integrity`: what the container says, what of it could be decoded, and its plain faults.

C: channels, T: samples, W: windows of 100 ms
"""

from math import log10, sqrt

import numpy as np

from earmark.processors.block import Samples
from earmark.processors.chunk import Chunker
from earmark.processors.outcome import Result
from earmark.processors.signal import AudioFormat, Container, Meter, Part, Takes, signal

FULL_SCALE = 32767 / 32768  # the largest sample of 16 bits
CLIPPED_RUN = 3  # a band-limited wave does not stay at its top for so many samples in a row
STEEP = 4 / 32768  # a wave that is rounded at its top comes there by smaller steps than this
WINDOWS_PER_SECOND = 10
SILENCE = 1e-3  # RMS of -60 dBFS: the default of FFmpeg's silencedetect


class FlatTop:
    """Counts the samples of one channel that lie in runs cut off at the top.

    A run is at least `CLIPPED_RUN` consecutive samples at the top, entered by a step of more than
    `STEEP`. The top is full scale (and what exceeds it: lossy codecs overshoot), or the largest
    value of the whole recording where that is lower: the plateau of a recording which was turned
    down after it had been clipped.
    """

    def __init__(self) -> None:
        self._top = 0.0
        self._closed = 0
        self._open = 0  # length so far of a run that the next samples may go on
        self._last = np.inf  # a run at the very start has no step before it

    @property
    def samples(self) -> int:
        """Samples in such runs so far."""
        return self._closed + (self._open if self._open >= CLIPPED_RUN else 0)

    def update(self, samples_T: Samples, largest: float) -> None:
        """Take the next samples, of which `largest` is the maximum."""
        top = min(largest, FULL_SCALE)
        if top > self._top:  # all before was lower: no plateau
            self._top, self._closed, self._open = top, 0, 0
        if largest >= self._top:
            self._count(samples_T)
        else:
            self._close()
        self._last = samples_T[-1]

    def _count(self, samples_T: Samples) -> None:
        bounds = np.flatnonzero(np.diff(samples_T >= self._top, prepend=False, append=False))
        starts, lengths = bounds[::2], np.diff(bounds)[::2]
        before = np.where(starts > 0, samples_T[starts - 1], self._last)
        steep = before < self._top - STEEP
        if starts[0] == 0 and self._open:
            lengths[0] += self._open
            steep[0] = True
            self._open = 0
        self._close()
        if bounds[-1] == len(samples_T) and steep[-1]:
            self._open, steep[-1] = int(lengths[-1]), False
        self._closed += int(lengths[steep & (lengths >= CLIPPED_RUN)].sum())

    def _close(self) -> None:
        self._closed, self._open = self.samples, 0


class IntegrityMeter:
    """Watches one recording, in chunks of ten windows however it arrives."""

    def __init__(self, audio: AudioFormat) -> None:
        self._window = audio.sample_rate_hz // WINDOWS_PER_SECOND
        length = self._window * WINDOWS_PER_SECOND
        self._chunks = Chunker(channels=audio.channels, length=length)
        self._tops = [(FlatTop(), FlatTop()) for _ in range(audio.channels)]
        self._samples = 0
        self._silent_samples = 0
        self._peak = 0.0
        self._sum_C = np.zeros(audio.channels)
        self._stereo = np.zeros(3)  # sums of left x right, left squared, right squared

    def update(self, samples_CT: Samples) -> None:
        """Take the next samples."""
        for chunk_CT in self._chunks.push(samples_CT):
            self._take(chunk_CT)

    def finish(self, container: Container) -> Result:
        """The container's facts, and of the samples:

        - `clipped_share`: share in [0, 1] of the samples, over all channels, that are cut off at
          the top or the bottom, as `FlatTop` counts them.
        - `silence_share`: share in [0, 1] of the time in windows of 100 ms whose RMS over all
          channels is below -60 dBFS.
        - `dc_offset`: the mean of the channel where it is farthest from zero; full scale is 1.
        - `peak_dbfs`: the largest magnitude of a sample; null for digital silence.
        - `stereo_correlation`: sum of left x right over the root of the product of the sums of
          squares, as correlation meters show it: 1 mono, 0 unrelated, -1 antiphase; null unless
          there are two channels with a signal in both.

        Those of the samples are null where there is none.
        """
        rest_CT = self._chunks.rest()
        if rest_CT.shape[1]:
            self._take(rest_CT)
        return Result.ok(
            container=container.container,
            codec=container.codec,
            media_type=container.media_type,
            channels=container.channels,
            sample_rate_hz=container.sample_rate_hz,
            bit_rate_bps=container.bit_rate_bps,
            declared_duration_ms=container.declared_duration_ms,
            decoded_duration_ms=container.decoded_duration_ms,
            decode_errors=container.decode_errors,
            truncated=container.truncated,
            clipped_share=self._share(self._clipped() / len(self._tops)),
            silence_share=self._share(self._silent_samples),
            dc_offset=self._share(float(max(self._sum_C, key=abs))),
            peak_dbfs=20 * log10(self._peak) if self._peak else None,
            stereo_correlation=self._correlation(),
        )

    def _take(self, chunk_CT: Samples) -> None:
        self._samples += chunk_CT.shape[1]
        self._sum_C += chunk_CT.sum(axis=1, dtype=np.float64)
        for channel_T, (above, below) in zip(chunk_CT, self._tops, strict=True):
            highest, lowest = float(channel_T.max()), float(channel_T.min())
            above.update(channel_T, highest)
            below.update(-channel_T, -lowest)
            self._peak = max(self._peak, highest, -lowest)
        self._silent_samples += self._silent(chunk_CT)
        if len(chunk_CT) == 2:  # noqa: PLR2004  # stereo
            left_T, right_T = chunk_CT
            self._stereo += (left_T @ right_T, left_T @ left_T, right_T @ right_T)

    def _silent(self, chunk_CT: Samples) -> int:
        starts_W = np.arange(0, chunk_CT.shape[1], self._window)
        lengths_W = np.diff(starts_W, append=chunk_CT.shape[1])
        power_T = np.square(chunk_CT).mean(axis=0)
        power_W = np.add.reduceat(power_T, starts_W) / lengths_W
        return int(lengths_W[power_W < SILENCE**2].sum())

    def _clipped(self) -> int:
        return sum(above.samples + below.samples for above, below in self._tops)

    def _share(self, total: float) -> float | None:
        return total / self._samples if self._samples else None

    def _correlation(self) -> float | None:
        together, left, right = (float(value) for value in self._stereo)
        if left == 0 or right == 0:
            return None
        return min(max(together / sqrt(left * right), -1.0), 1.0)


@signal(
    name="audio.integrity",
    takes=Takes.METER,
    reads=frozenset({Part.AUDIO}),
    method=("earmark-integrity", "1"),
    tolerance=0.01,
    record_name="AudioIntegrity",
)
def audio_integrity(audio: AudioFormat) -> Meter:
    """The meter for one recording."""
    return IntegrityMeter(audio)
