"""What is mutated: recordings that are made here, in many formats, and files of one's own.

C: channels, T: samples
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import cast

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream

from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.error import ConfigurationError
from earmark.streams.bench.shipped_speech import speech
from earmark.streams.synthesiser import RATE_HZ, tune

SECONDS = 2.5  # of most recordings: so much that what is cut in half is missed
LONG_S = 13 * SECONDS  # of the one that workers are to take for long
SPOKEN_AT_S = 0.2  # in the shipped speech
BIT_RATE_BPS = 96_000
FILE_BYTES = 1_000_000  # larger files are passed over
MOST_FILES = 2_000
_STRICT = {"strict": "experimental"}  # FFmpeg's own Vorbis encoder wants to be asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Bytes to begin with, and what they are called."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A format that FFmpeg writes: its muxer and encoder by their names there."""

    name: str
    muxer: str
    encoder: str
    rate_hz: int = 44_100
    layout: str = "stereo"
    seconds: float = SECONDS


RECORDINGS = (
    Recording(name="wav", muxer="wav", encoder="pcm_s16le", rate_hz=16_000, layout="mono"),
    Recording(name="wav float", muxer="wav", encoder="pcm_f32le", rate_hz=22_050),
    Recording(name="wav adpcm", muxer="wav", encoder="adpcm_ima_wav", rate_hz=22_050),
    Recording(name="wav ms adpcm", muxer="wav", encoder="adpcm_ms", rate_hz=22_050),
    Recording(name="w64", muxer="w64", encoder="pcm_s24le", rate_hz=16_000, layout="mono"),
    Recording(name="aiff", muxer="aiff", encoder="pcm_s16be", rate_hz=22_050, layout="mono"),
    Recording(name="au", muxer="au", encoder="pcm_mulaw", rate_hz=8_000, layout="mono"),
    Recording(name="caf", muxer="caf", encoder="alac", rate_hz=16_000, layout="mono"),
    Recording(name="flac", muxer="flac", encoder="flac", rate_hz=22_050, layout="mono"),
    Recording(name="tta", muxer="tta", encoder="tta", rate_hz=22_050, layout="mono"),
    Recording(name="wavpack", muxer="wv", encoder="wavpack", rate_hz=22_050, layout="mono"),
    Recording(name="mp3", muxer="mp3", encoder="libmp3lame"),
    Recording(name="aac", muxer="adts", encoder="aac"),
    Recording(name="latm", muxer="latm", encoder="aac"),
    Recording(name="m4a", muxer="ipod", encoder="aac"),
    Recording(name="m4a alac", muxer="ipod", encoder="alac", rate_hz=16_000, layout="mono"),
    Recording(name="mp4 5.1", muxer="mp4", encoder="aac", rate_hz=48_000, layout="5.1"),
    Recording(name="mov adpcm", muxer="mov", encoder="adpcm_ima_qt", rate_hz=22_050),
    Recording(name="3gp", muxer="3gp", encoder="aac", rate_hz=22_050, layout="mono"),
    Recording(name="amr", muxer="amr", encoder="libopencore_amrnb", rate_hz=8_000, layout="mono"),
    Recording(name="opus", muxer="ogg", encoder="libopus", rate_hz=48_000),
    Recording(name="vorbis", muxer="ogg", encoder="vorbis"),
    Recording(name="webm opus", muxer="webm", encoder="libopus", rate_hz=48_000, layout="mono"),
    Recording(name="webm vorbis", muxer="webm", encoder="vorbis"),
    Recording(name="matroska 5.1", muxer="matroska", encoder="ac3", rate_hz=48_000, layout="5.1"),
    Recording(name="matroska alac", muxer="matroska", encoder="alac", rate_hz=16_000),
    Recording(name="avi", muxer="avi", encoder="libmp3lame"),
    Recording(name="flv", muxer="flv", encoder="aac"),
    Recording(name="flv nelly", muxer="flv", encoder="nellymoser", rate_hz=22_050, layout="mono"),
    Recording(name="wma", muxer="asf", encoder="wmav2"),
    Recording(name="mpegts", muxer="mpegts", encoder="aac"),
    Recording(name="mpeg", muxer="mpeg", encoder="mp2"),
    Recording(name="ac3", muxer="ac3", encoder="ac3", rate_hz=48_000),
    Recording(name="eac3", muxer="eac3", encoder="eac3", rate_hz=48_000),
    Recording(
        name="long wav",
        muxer="wav",
        encoder="pcm_s16le",
        rate_hz=2_000,
        layout="mono",
        seconds=LONG_S,
    ),
)


@cache
def recordings() -> tuple[Seed, ...]:
    """A recording in every format, the same bytes each time with the same FFmpeg."""
    samples_CT = _content()
    return tuple(Seed(name=kind.name, data=_encoded(kind, samples_CT)) for kind in RECORDINGS)


def files(folders: Iterable[Path]) -> tuple[Seed, ...]:
    """The files below these folders, in the order of their paths.

    Raises ConfigurationError where a folder has none, or cannot be read.
    """
    return tuple(seed for folder in folders for seed in _files(folder))


def _files(folder: Path) -> Iterator[Seed]:
    try:
        found = [path for path in sorted(folder.rglob("*")) if _is_seed(path)]
        if not found:
            raise ConfigurationError(f"{folder}: no file of up to {FILE_BYTES:,} bytes in it")
        for path in found[:MOST_FILES]:
            yield Seed(name=str(path.relative_to(folder)), data=path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{folder}: {error.strerror}") from error


def _is_seed(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= FILE_BYTES


def _content() -> Samples:
    """Someone speaks over music, [C, T] at `RATE_HZ`."""
    music_CT = tune(seed=1, seconds=SECONDS)
    spoken_T = speech()[int(SPOKEN_AT_S * SAMPLE_RATE_HZ) :]
    spoken_T = soxr.resample(spoken_T, SAMPLE_RATE_HZ, RATE_HZ)[: music_CT.shape[1]]
    mixed_CT: Samples = 0.2 * music_CT + 0.7 * spoken_T
    return np.ascontiguousarray(mixed_CT, np.float32)


def _encoded(kind: Recording, samples_CT: Samples) -> bytes:
    """The samples as a file of that format, without times and random ids."""
    out = BytesIO()
    with av.open(out, "w", format=kind.muxer, options={"fflags": "+bitexact"}) as container:
        stream = cast(
            AudioStream,
            container.add_stream(kind.encoder, rate=kind.rate_hz, layout=kind.layout),
        )
        codec = stream.codec_context
        codec.bit_rate = BIT_RATE_BPS if "amr" not in kind.encoder else 12_200
        codec.options = _STRICT if kind.encoder == "vorbis" else {}
        times = round(kind.seconds / SECONDS)
        for frame in _frames(codec, np.tile(samples_CT, times), kind):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _frames(
    codec: av.AudioCodecContext, samples_CT: Samples, kind: Recording
) -> Iterator[av.AudioFrame]:
    """The samples in the shape that the encoder takes."""
    whole = av.AudioFrame.from_ndarray(samples_CT, "fltp", "stereo")
    whole.sample_rate = RATE_HZ
    resampler = av.AudioResampler(
        format=codec.format,
        layout=kind.layout,
        rate=kind.rate_hz,
        frame_size=codec.frame_size or 1024,
    )
    yield from resampler.resample(whole)
    yield from resampler.resample(None)
