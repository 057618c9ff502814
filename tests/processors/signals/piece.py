"""Pieces as signals hear them; what they are made of is `earmark.streams.evaluation.construction`.

T: samples at `RATE_HZ`, C: channels
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
import soxr

from earmark.processors.block import Samples
from earmark.processors.metering import Metering
from earmark.processors.outcome import Result
from earmark.processors.signal import AudioFormat, Container, SignalSpec
from earmark.streams.evaluation.construction.piece import (
    RATE_HZ,
    Recipe,
    murmur,
    pieces,
    play,
    recipe,
)

__all__ = ["FACTS", "RATE_HZ", "Recipe", "at_rate", "heard", "murmur", "pieces", "play", "recipe"]

FACTS = Container(
    container="wav",
    codec="pcm_f32le",
    media_type="audio/vnd.wave",
    channels=1,
    sample_rate_hz=RATE_HZ,
    bit_rate_bps=None,
    declared_duration_ms=None,
    decoded_duration_ms=0,
    decode_errors=0,
    truncated=False,
)


def heard(
    spec: SignalSpec, samples_CT: Samples, rate: int = RATE_HZ, cuts: Sequence[int] = ()
) -> Result:
    """What the signal says of the samples, given in pieces that end at `cuts`."""
    audio = AudioFormat(sample_rate_hz=rate, channels=len(samples_CT))
    metering = Metering({spec.name: spec.make}, audio)
    for piece_CT in np.split(samples_CT.astype(np.float32), sorted(cuts), axis=1):
        deque(metering.push(piece_CT), maxlen=0)
    deque(metering.flush(), maxlen=0)
    return metering.finish(spec.name, FACTS)


def at_rate(samples_CT: Samples, rate: int) -> Samples:
    """The samples resampled from `RATE_HZ`."""
    resampled: Samples = soxr.resample(samples_CT.T, RATE_HZ, rate).T
    return resampled
