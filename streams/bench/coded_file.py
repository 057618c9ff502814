"""Recordings as files: parts that are coded once and come as often, and in such an order, as asked.

A file of hours takes the time and the memory of its few different parts. The bytes are the same
each time, on one machine with one FFmpeg: no times, no random ids.

C: channels, T: samples
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from earmark.processors.block import Samples
from earmark.streams.synthesiser import RATE_HZ

_BITEXACT = {"fflags": "+bitexact"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A container and a codec as FFmpeg names them; `suffix` of the file, with its dot."""

    media_type: str
    suffix: str
    muxer: str
    encoder: str
    rate_hz: int
    bit_rate_bps: int
    muxing: dict[str, str] = field(default_factory=dict)
    coding: dict[str, str] = field(default_factory=dict)


def mp3(bit_rate_bps: int) -> Form:
    """MP3 whose frames stand alone, so that parts can follow each other in any order."""
    return Form(
        media_type="audio/mpeg",
        suffix=".mp3",
        muxer="mp3",
        encoder="libmp3lame",
        rate_hz=RATE_HZ,
        bit_rate_bps=bit_rate_bps,
        muxing={"id3v2_version": "0"},
        coding={"reservoir": "0", "compression_level": "7"},  # the fastest that is still joint
    )


def m4a(bit_rate_bps: int) -> Form:
    """AAC in MP4, its index at the front as music shops deliver it."""
    return _aac("audio/mp4", ".m4a", "mp4", bit_rate_bps, {"movflags": "+faststart"})


def adts(bit_rate_bps: int) -> Form:
    """AAC as a bare stream."""
    return _aac("audio/aac", ".aac", "adts", bit_rate_bps, {})


def opus(bit_rate_bps: int, *, webm: bool = False) -> Form:
    """Opus in Ogg, or in WebM as browsers record it."""
    return Form(
        media_type="audio/webm" if webm else "audio/ogg",
        suffix=".webm" if webm else ".ogg",
        muxer="webm" if webm else "ogg",
        encoder="libopus",
        rate_hz=48_000,
        bit_rate_bps=bit_rate_bps,
    )


def _aac(
    media_type: str, suffix: str, muxer: str, bit_rate_bps: int, muxing: dict[str, str]
) -> Form:
    return Form(
        media_type=media_type,
        suffix=suffix,
        muxer=muxer,
        encoder="aac",
        rate_hz=RATE_HZ,
        bit_rate_bps=bit_rate_bps,
        muxing=muxing,
        coding={"aac_coder": "fast"},
    )


def write(
    path: Path, form: Form, parts_CT: Sequence[Samples], order: Sequence[int], seconds: float
) -> float:
    """Write the parts in this order, cut after `seconds`; the seconds that the file lasts.

    Parts are samples at `RATE_HZ`, all mono or all stereo; each is coded once.
    """
    layout = "stereo" if len(parts_CT[0]) == 2 else "mono"  # noqa: PLR2004  # two channels
    with av.open(path, "w", format=form.muxer, options=_BITEXACT | form.muxing) as container:
        stream = cast(
            "av.AudioStream",
            container.add_stream(form.encoder, rate=form.rate_hz, layout=layout),
        )
        stream.bit_rate = form.bit_rate_bps
        stream.codec_context.options = form.coding
        coded = [_coded(stream, part_CT, layout) for part_CT in parts_CT]
        frame = stream.codec_context.frame_size
        number = round(seconds * form.rate_hz / frame)
        for at, data in enumerate(_ordered(coded, order, number)):
            container.mux(_packet(stream, data, at * frame, frame, form.rate_hz))
    return number * frame / form.rate_hz


def _coded(stream: "av.AudioStream", part_CT: Samples, layout: str) -> list[bytes]:
    """The packets of one part; the encoder goes on, so that its end is not padded."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part_CT, np.float32), "fltp", layout)
    frame.sample_rate = RATE_HZ
    return [bytes(packet) for packet in stream.encode(frame)]


def _ordered(
    coded: Sequence[Sequence[bytes]], order: Sequence[int], number: int
) -> Iterator[bytes]:
    """So many packets: the parts in their order, again from the first where they end too soon."""
    left = number
    while left:
        for part in order:
            yield from coded[part][:left]
            left -= len(coded[part][:left])


def _packet(
    stream: "av.AudioStream", data: bytes, at: int, frame: int, rate_hz: int
) -> "av.Packet[av.stream.Stream]":
    packet = av.Packet(data)
    packet.stream = stream
    packet.time_base = Fraction(1, rate_hz)
    packet.pts = packet.dts = at
    packet.duration = frame
    packet.is_keyframe = True
    return packet
