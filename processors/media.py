"""Media bytes of unknown origin: their digest, and their container, opened by content alone.

Content must never make FFmpeg reach for anything but its own bytes. So names and extensions are
kept from it, only the containers of `FORMATS` and single images are tried (playlists, concat
scripts, session descriptions and other formats that open further files or URLs are not among
them), and no protocol is allowed.
"""

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from earmark.processors.content import Audio
from earmark.processors.error import ContentError, RejectionClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A container by its usual name, with its media type when it holds audio.

    `declares` says whether it states how long its audio is (Ogg: by the time of its last page, so
    that pages lost before it are missed); what others seem to state is a guess from the bit rate.
    """

    name: str
    media_type: str | None
    declares: bool = False


FORMATS = {  # by FFmpeg's demuxer
    "3gp": Format(name="3gp", media_type="audio/3gpp", declares=True),
    "aac": Format(name="adts", media_type="audio/aac"),
    "ac3": Format(name="ac3", media_type="audio/ac3"),
    "aiff": Format(name="aiff", media_type="audio/aiff", declares=True),
    "amr": Format(name="amr", media_type="audio/AMR"),
    "ape": Format(name="ape", media_type="audio/x-ape", declares=True),
    "asf": Format(name="asf", media_type="audio/x-ms-wma", declares=True),
    "au": Format(name="au", media_type="audio/basic"),
    "avi": Format(name="avi", media_type="video/x-msvideo", declares=True),
    "caf": Format(name="caf", media_type="audio/x-caf", declares=True),
    "dsf": Format(name="dsf", media_type="audio/x-dsf", declares=True),
    "dts": Format(name="dts", media_type="audio/vnd.dts"),
    "eac3": Format(name="eac3", media_type="audio/eac3"),
    "flac": Format(name="flac", media_type="audio/flac", declares=True),
    "flv": Format(name="flv", media_type="video/x-flv", declares=True),
    "iff": Format(name="iff", media_type=None, declares=True),
    "loas": Format(name="loas", media_type="audio/MP4A-LATM"),
    "matroska,webm": Format(name="matroska", media_type="audio/matroska", declares=True),
    "mov,mp4,m4a,3gp,3g2,mj2": Format(name="mp4", media_type="audio/mp4", declares=True),
    "mp3": Format(name="mp3", media_type="audio/mpeg", declares=True),
    "mpc": Format(name="mpc", media_type="audio/x-musepack", declares=True),
    "mpc8": Format(name="mpc", media_type="audio/x-musepack", declares=True),
    "mpeg": Format(name="mpeg", media_type="video/MP1S"),
    "mpegts": Format(name="mpegts", media_type="video/MP2T"),
    "ogg": Format(name="ogg", media_type="audio/ogg", declares=True),
    "tak": Format(name="tak", media_type="audio/x-tak", declares=True),
    "tta": Format(name="tta", media_type="audio/x-tta", declares=True),
    "w64": Format(name="w64", media_type="audio/x-w64", declares=True),
    "wav": Format(name="wav", media_type="audio/vnd.wave", declares=True),
    "wv": Format(name="wv", media_type="audio/x-wavpack", declares=True),
}
_IMAGES = ("apng", "bmp_pipe", "gif", "jpeg_pipe", "png_pipe", "tiff_pipe", "webp_pipe")
_OPTIONS = {
    "format_whitelist": ",".join((*FORMATS, *_IMAGES)),
    "protocol_whitelist": "none",  # the empty list would mean the default one
}

# What begins so and still cannot be opened is damaged, not unknown.
_BEGINNINGS = (
    *(
        b"RIFF",
        b"RF64",
        b"riff",
        b"FORM",
        b"fLaC",
        b"OggS",
        b"caff",
        b"MAC ",
        b"wvpk",
        b"TTA1",
        b"MPCK",
    ),
    *(b"MP+", b"DSD ", b"FRM8", b"\x1aE\xdf\xa3", b"0&\xb2u", b".snd", b"tBaK", b"#!AMR"),
)
_STREAMED_BYTES = 0x7FFF_0000  # from here on, RIFF sizes were written before the end was known
_MP3_FRAME_BYTES = 2_881  # longest frame of any MPEG audio layer
# the mark, flags of which the lowest bit says that a count follows, and the count
_FRAME_COUNT = re.compile(rb"(?:Xing|Info)...[\x01\x03\x05\x07\x09\x0b\x0d\x0f](....)", re.DOTALL)


def audio_error(rejection_class: RejectionClass, reason: str) -> ContentError:
    """The error about the audio of an event."""
    return ContentError(rejection_class, reason, part="audio")


@contextmanager
def open_media(audio: Audio, media: bytes | Path | None) -> Iterator[io.BufferedIOBase]:
    """The media bytes: `media`, or those in the event. Raises ContentError where there are none."""
    if media is None:
        media = audio.data
    if media is None:
        raise audio_error(RejectionClass.MEDIA_UNREACHABLE, "the media was not fetched")
    try:
        with media.open("rb") if isinstance(media, Path) else io.BytesIO(media) as source:
            yield source
    except OSError as error:
        raise audio_error(RejectionClass.MEDIA_UNREACHABLE, f"cannot be read: {error}") from error


def digest(source: io.BufferedIOBase) -> str:
    """The sha256 of the media bytes, lower-case hex; leaves `source` at its begin."""
    source.seek(0)
    sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    source.seek(0)
    return sha256


def check_digest(audio: Audio, source: io.BufferedIOBase, sha256: str) -> None:
    """Raises ContentError where the media is empty or not what the event says."""
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size == 0:
        raise audio_error(RejectionClass.MEDIA_EMPTY, "no bytes")
    if audio.size_bytes is not None and audio.size_bytes != size:
        reason = f"{size:,} bytes; the event says {audio.size_bytes:,}"
        raise audio_error(RejectionClass.MEDIA_HASH_MISMATCH, reason)
    if audio.sha256 is not None and audio.sha256.lower() != sha256:
        reason = f"sha256 {sha256}; the event says {audio.sha256}"
        raise audio_error(RejectionClass.MEDIA_HASH_MISMATCH, reason)


@contextmanager
def open_container(source: io.BufferedIOBase) -> Iterator[InputContainer]:
    """The container in the media bytes. Raises ContentError where none of `FORMATS` is found."""
    try:
        container = av.open(
            _Nameless(source), "r", container_options=_OPTIONS, metadata_errors="replace"
        )
    except av.FFmpegError as error:
        raise _unopened(source, error) from error
    with container:
        yield container


def audio_stream(container: InputContainer) -> AudioStream:
    """The audio stream to decode. Raises ContentError where there is none, or no decoder for it."""
    streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
    if not container.streams.audio:
        kind = container.format.name
        raise audio_error(RejectionClass.MEDIA_NO_AUDIO, f"{kind} without an audio stream")
    if not streams:
        raise audio_error(RejectionClass.MEDIA_UNRECOGNISED, "no decoder for its audio codec")
    return streams[0]


def declared_s(
    container: InputContainer, stream: AudioStream, source: io.BufferedIOBase
) -> float | None:
    """How many seconds of audio the container states, None where it does not.

    Call it before the first packet is read.
    """
    if not FORMATS[container.format.name].declares:
        return None
    if container.format.name == "mp3":
        return _mp3_s(source, stream.codec_context.sample_rate)
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base) + _missing_s(stream, source)
    if container.duration is not None and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def _unopened(source: io.BufferedIOBase, error: av.FFmpegError) -> ContentError:
    source.seek(0)
    head = source.read(16)
    if head.startswith(_BEGINNINGS) or head[4:8] == b"ftyp":
        reason = f"the container cannot be opened: {error.strerror}"
        return audio_error(RejectionClass.MEDIA_CORRUPT, reason)
    return audio_error(RejectionClass.MEDIA_UNRECOGNISED, "not a container of audio that we know")


def _mp3_s(source: io.BufferedIOBase, sample_rate_hz: int) -> float | None:
    """Seconds of an mp3 by the count of frames that a Xing or Info header in its first one states.

    Read here, since FFmpeg falls back to a guess from the bit rate without telling.
    """
    place = source.tell()
    source.seek(0)
    head = source.read(10)
    while head[:3] == b"ID3" and len(head) == 10:  # noqa: PLR2004  # the length of the tag's header
        size = sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        source.seek(size + (10 if head[5] & 0x10 else 0), io.SEEK_CUR)
        head = source.read(10)
    found = _FRAME_COUNT.search(head + source.read(_MP3_FRAME_BYTES))
    source.seek(place)
    if found is None:
        return None
    samples_per_frame = 1_152 if sample_rate_hz >= 32_000 else 576  # noqa: PLR2004  # MPEG-1 or -2
    return int.from_bytes(found[1], "big") * samples_per_frame / sample_rate_hz


def _missing_s(stream: AudioStream, source: io.BufferedIOBase) -> float:
    """Seconds by which a RIFF file falls short of the size in its head; FFmpeg counts the rest."""
    place = source.tell()
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    head = source.read(8)
    source.seek(place)
    stated = int.from_bytes(head[4:], "little")
    if head[:4] != b"RIFF" or stated >= _STREAMED_BYTES or not stream.bit_rate:
        return 0.0
    return max(stated + 8 - size, 0) * 8 / stream.bit_rate


class _Nameless:
    """A file without its name: FFmpeg would trust an extension over the content.

    It can be sought as far as a damaged head says, and ends where it ends. File systems refuse
    places so far away, which would look as if the media could not be read.
    """

    def __init__(self, source: io.BufferedIOBase) -> None:
        self.read = source.read
        self.tell = source.tell
        self._seek = source.seek
        self._size = source.seek(0, io.SEEK_END)
        source.seek(0)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to that place, or to the end if that comes before."""
        return self._seek(min(place, self._size), whence)
