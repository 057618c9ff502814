"""`audio.fingerprint`: landmarks by which a recording and its copies find each other.

Pairs of spectral peaks after Wang 2003 ("An Industrial-Strength Audio Search Algorithm", ISMIR);
see `earmark.models.fingerprint`. `earmark match` looks them up. They stand codecs, gain,
resampling, a telephone's band and cuts anywhere. They do not stand a change of speed or pitch (1 %
is too much), nor a mix in which the recording is not the louder part; a cover or another take of
the same sentence has landmarks of its own. Channels in antiphase cancel in the downmix.

`pcm_digest` is equal for recordings that decode to the same samples: a WAV and its FLAC, a file
with other tags. Lossy codecs may decode otherwise in another version of the decoder.

C: channels, T: samples
"""

from hashlib import blake2b

import numpy as np

from earmark.models.fingerprint import CHUNK, RATE_HZ, LandmarkFold
from earmark.processors.block import NO_SAMPLES, Samples
from earmark.processors.chunk import Chunker
from earmark.processors.outcome import Result
from earmark.processors.signal import AudioFormat, Container, Meter, Part, Takes, signal

ALGORITHM, VERSION = "earmark-landmarks", "1"
SHORTEST_MS = 2_000
FEWEST = 20  # landmarks; with fewer nothing could be told from chance


class FingerprintMeter:
    """Finds the landmarks of one recording, whatever the blocks it comes in."""

    def __init__(self, audio: AudioFormat) -> None:
        import soxr  # here: all signals are known where nothing is decoded, and soxr is not

        self._rate = audio.sample_rate_hz
        self._samples = 0
        self._fold = LandmarkFold()
        self._chunks = Chunker(channels=1, length=CHUNK)
        self._digest = blake2b(f"{audio.sample_rate_hz}/{audio.channels}".encode(), digest_size=16)
        self._resampler = (
            soxr.ResampleStream(audio.sample_rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
            if audio.sample_rate_hz != RATE_HZ
            else None
        )

    def update(self, samples_CT: Samples) -> None:
        """Take the next samples."""
        self._samples += samples_CT.shape[1]
        self._digest.update(np.ascontiguousarray(samples_CT.T).data)
        self._take(_mono(samples_CT), last=False)

    def finish(self, container: Container) -> Result:
        """The landmarks of the whole recording.

        Abstains with TOO_SHORT below 2 s, with SILENT where no frequency is louder than -100 dBFS,
        and with FEATURELESS where fewer than 20 landmarks are found, as in a steady tone.
        """
        self._take(NO_SAMPLES, last=True)
        rest_T = self._chunks.rest()[0]
        if len(rest_T):
            self._fold.step(rest_T)
        found = self._fold.finish()
        duration_ms = self._samples * 1000 // self._rate
        facts = {
            "algorithm": ALGORITHM,
            "version": VERSION,
            "duration_ms": duration_ms,
            "pcm_digest": self._digest.hexdigest(),
        }
        if duration_ms < SHORTEST_MS:
            return Result.abstained("TOO_SHORT", **facts)
        if not self._fold.heard:
            return Result.abstained("SILENT", **facts)
        if len(found) < FEWEST:
            return Result.abstained("FEATURELESS", **facts)
        return Result.ok(
            **facts,
            hashes=found.packed(),
            count=len(found),
            kept_share=found.share,
            covered_ms=min(found.covered_ms, duration_ms),
        )

    def _take(self, mono_T: Samples, *, last: bool) -> None:
        if self._resampler is not None:
            mono_T = self._resampler.resample_chunk(mono_T, last=last)
        for chunk_CT in self._chunks.push(mono_T[np.newaxis]):
            self._fold.step(chunk_CT[0])


@signal(
    name="audio.fingerprint",
    takes=Takes.METER,
    reads=frozenset({Part.AUDIO}),
    method=(ALGORITHM, VERSION),
    tolerances={"hashes": 0.0},  # they are no vector: every bit counts
    record_name="AudioFingerprint",
)
def audio_fingerprint(audio: AudioFormat) -> Meter:
    """The meter for one recording."""
    return FingerprintMeter(audio)


def _mono(samples_CT: Samples) -> Samples:
    """The mean of all channels."""
    mono_T: Samples = samples_CT[0]
    for channel_T in samples_CT[1:]:  # twice as fast as a mean over the axis
        mono_T = mono_T + channel_T
    return mono_T * np.float32(1 / len(samples_CT)) if len(samples_CT) > 1 else mono_T
