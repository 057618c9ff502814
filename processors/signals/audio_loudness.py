"""`audio.loudness`: how loud a recording is, after ITU-R BS.1770-5 and EBU R 128.

C: channels, T: samples
"""

import torch

from earmark.models.loudness import LOWEST_RATE_HZ, Loudness, LoudnessFold
from earmark.processors.block import Samples
from earmark.processors.chunk import Chunker
from earmark.processors.outcome import Result
from earmark.processors.signal import AudioFormat, Container, Meter, Part, Takes, signal


class LoudnessMeter:
    """Measures one recording, in chunks of a second however it arrives."""

    def __init__(self, audio: AudioFormat) -> None:
        self._fold = LoudnessFold(sample_rate_hz=audio.sample_rate_hz, channels=audio.channels)
        self._seconds = Chunker(channels=audio.channels, length=audio.sample_rate_hz)

    def update(self, samples_CT: Samples) -> None:
        """Take the next samples."""
        for second_CT in self._seconds.push(samples_CT):
            self._fold.step(torch.from_numpy(second_CT)[None])

    def finish(self, container: Container) -> Result:
        """Integrated loudness, maxima, range and true peak of the whole recording.

        Abstains with TOO_SHORT below 400 ms and with SILENT where no block of 400 ms is louder
        than -70 LUFS, giving the true peak where there is one. `short_term_max_lufs` and
        `loudness_range_lu` are null below 3 s, `loudness_range_lu` also where no 3 s are louder
        than -70 LUFS. `gated_share` is the share of blocks that both gates leave out.
        """
        rest_CT = self._seconds.rest()
        if rest_CT.shape[1]:
            self._fold.step(torch.from_numpy(rest_CT)[None])
        return _result(self._fold.finish()[0])


class TooSlow:
    """Stands in where the sample rate cannot carry K-weighting."""

    def update(self, samples_CT: Samples) -> None:
        """Nothing is measured."""

    def finish(self, container: Container) -> Result:
        """Abstains with SAMPLE_RATE_TOO_LOW."""
        return Result.abstained("SAMPLE_RATE_TOO_LOW")


@signal(
    name="audio.loudness",
    takes=Takes.METER,
    reads=frozenset({Part.AUDIO}),
    method=("itu-r-bs.1770-5", "2"),
    tolerance=0.01,
    record_name="AudioLoudness",
)
def audio_loudness(audio: AudioFormat) -> Meter:
    """The meter for one recording."""
    return LoudnessMeter(audio) if audio.sample_rate_hz >= LOWEST_RATE_HZ else TooSlow()


def _result(loudness: Loudness) -> Result:
    if not loudness.blocks:
        return Result.abstained("TOO_SHORT", true_peak_dbtp=loudness.true_peak_dbtp)
    if loudness.integrated_lufs is None:
        return Result.abstained("SILENT", true_peak_dbtp=loudness.true_peak_dbtp)
    return Result.ok(
        integrated_lufs=loudness.integrated_lufs,
        momentary_max_lufs=loudness.momentary_max_lufs,
        short_term_max_lufs=loudness.short_term_max_lufs,
        loudness_range_lu=loudness.loudness_range_lu,
        true_peak_dbtp=loudness.true_peak_dbtp,
        gated_share=loudness.gated_share,
    )
