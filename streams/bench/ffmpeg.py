"""Baselines by FFmpeg, through PyAV: a plain decode, and its loudness meter.

C: channels, T: samples
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext

from earmark.processors.block import SAMPLE_RATE_HZ, Samples

_STEP_SAMPLES = 4_096


def decode_plainly(path: Path) -> Samples:
    """The recording in one array, 16 kHz mono, [T], as one writes it first: frame by frame."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(path)) as container:
        frames = chain(container.decode(audio=0), [None])
        parts = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
    return np.concatenate(parts)


def ebur128(samples_CT: Samples, sample_rate_hz: int) -> dict[str, float]:
    """What the filter `ebur128` says of stereo samples, by its own names.

    Among others I (integrated, LUFS), LRA (range, LU) and true_peak (full scale 1).
    """
    graph = Graph()
    source = graph.add_abuffer(sample_rate=sample_rate_hz, format="fltp", layout="stereo")
    meter = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    latest: dict[str, str] = {}
    for frame in (*_frames(samples_CT, sample_rate_hz), None):
        source.push(frame)
        for measured in _pulled(sink):
            latest = measured.metadata
    return {name.removeprefix("lavfi.r128."): float(value) for name, value in latest.items()}


def _frames(samples_CT: Samples, sample_rate_hz: int) -> Iterator[AudioFrame]:
    for at in range(0, samples_CT.shape[1], _STEP_SAMPLES):
        piece_CT = np.ascontiguousarray(samples_CT[:, at : at + _STEP_SAMPLES])
        frame = AudioFrame.from_ndarray(piece_CT, "fltp", "stereo")
        frame.sample_rate = sample_rate_hz
        frame.pts = at
        yield frame


def _pulled(sink: FilterContext) -> Iterator[AudioFrame]:
    try:
        while True:
            yield cast(AudioFrame, sink.pull())  # a sink of audio gives nothing else
    except (av.BlockingIOError, av.EOFError):
        return
