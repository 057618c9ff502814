"""Recordings and their copies: coded at 64 kbit/s, quieter, cut, at a telephone's rate.

Shapes. C: channels, T: samples
"""

from collections.abc import Iterator
from functools import partial
from io import BytesIO

import av
import numpy as np
import soxr

from earmark.streams.evaluation.construction.piece import RATE_HZ, murmur, play, recipe
from earmark.streams.evaluation.construction.recording import Recording, Samples, wav

PIECES = range(92_000, 92_030)
MURMURS = range(92_000, 92_010)
SECONDS = 20.0
CUT_S = 5.0
QUIETER = 10 ** (-12 / 20)
BIT_RATE = 64_000
TELEPHONE_HZ = 8_000


def recordings() -> Iterator[Recording]:
    """Each as it is, and its copies, by the label `recording`; `copy` says of which kind."""
    for seed in PIECES:
        yield from _with_copies(f"piece-{seed}", partial(_piece, seed))
    for seed in MURMURS:
        yield from _with_copies(f"murmur-{seed}", partial(murmur, seed, SECONDS))


def _with_copies(name: str, make: "partial[Samples]") -> Iterator[Recording]:
    yield Recording(id=name, labels={"recording": name}, data=lambda: wav(make()[None], RATE_HZ))
    for kind, suffix, data in (
        ("mp3 at 64 kbit/s, -12 dB, 5 s cut", ".mp3", partial(_coded, make)),
        ("telephone, -12 dB, 5 s cut", ".wav", partial(_by_telephone, make)),
    ):
        labels = {"recording": name, "copy": kind}
        yield Recording(
            id=f"{name}-{kind.partition(' ')[0]}", labels=labels, data=data, suffix=suffix
        )


def _piece(seed: int) -> Samples:
    return play(recipe(seed), SECONDS)


def _cut(samples_T: Samples) -> Samples:
    return QUIETER * samples_T[int(CUT_S * RATE_HZ) :]


def _by_telephone(make: "partial[Samples]") -> bytes:
    return wav(soxr.resample(_cut(make()), RATE_HZ, TELEPHONE_HZ)[None], TELEPHONE_HZ)


def _coded(make: "partial[Samples]") -> bytes:
    file = BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE_HZ)
        stream.layout, stream.bit_rate = "mono", BIT_RATE
        samples_CT = np.ascontiguousarray(_cut(make())[None], np.float32)
        frame = av.AudioFrame.from_ndarray(samples_CT, "fltp", "mono")
        frame.sample_rate = RATE_HZ
        resampler = av.AudioResampler(stream.format, stream.layout, RATE_HZ)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()
