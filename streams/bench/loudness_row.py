"""`loudness`: BS.1770 and R 128 on one core, samples in, a finished result out.

Ours is the meter of `audio.loudness`, fed as the decoder feeds it. The baseline is FFmpeg's
`ebur128` (C), which measures the same: integrated, momentary, short-term, range and true peak.

What bounds it: the Fourier transforms of K-weighting, half of the time, and the matrix product of
the true peak, a fifth.
"""

import time

from earmark.processors.block import Samples
from earmark.processors.native import FRAME_SAMPLES
from earmark.processors.outcome import Result
from earmark.processors.signal import AudioFormat, Container
from earmark.processors.signals.audio_loudness import audio_loudness
from earmark.streams.bench.corpus import programme
from earmark.streams.bench.ffmpeg import ebur128
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Row, row_of_turns
from earmark.streams.synthesiser import RATE_HZ

SECONDS = 240


def loudness(plan: Plan) -> Row:
    """Seconds of stereo measured per second."""
    samples_CT = programme(plan.scaled(SECONDS))
    seconds = samples_CT.shape[1] / RATE_HZ
    with torch_threads(1):
        figures = rates(
            Work(run=lambda: _measure(samples_CT), amount=seconds),
            Work(run=lambda: ebur128(samples_CT, RATE_HZ), amount=seconds),
            repetitions=plan.repetitions,
            clock=time.process_time,
        )
    return row_of_turns(
        "loudness", *figures, unit="x real time per core, stereo", against="FFmpeg's ebur128"
    )


def _measure(samples_CT: Samples) -> Result:
    channels, samples = samples_CT.shape
    meter = audio_loudness.make(AudioFormat(sample_rate_hz=RATE_HZ, channels=channels))
    for at in range(0, samples, FRAME_SAMPLES):
        meter.update(samples_CT[:, at : at + FRAME_SAMPLES])
    result: Result = meter.finish(_container(channels, round(samples * 1000 / RATE_HZ)))
    return result


def _container(channels: int, duration_ms: int) -> Container:
    return Container(
        container="wav",
        codec="pcm_f32le",
        media_type="audio/vnd.wave",
        channels=channels,
        sample_rate_hz=RATE_HZ,
        bit_rate_bps=None,
        declared_duration_ms=duration_ms,
        decoded_duration_ms=duration_ms,
        decode_errors=0,
        truncated=False,
    )
