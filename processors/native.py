"""The samples of a recording at their native rate, and what was met on the way to its end.

C: channels, T: samples
"""

from collections.abc import Iterator
from io import BufferedIOBase

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from earmark.processors.block import Samples
from earmark.processors.error import RejectionClass
from earmark.processors.media import FORMATS, audio_error, audio_stream, declared_s
from earmark.processors.signal import AudioFormat, Container

FRAME_SAMPLES = 16_384  # given out at a time: fewer calls than with codec frames of a thousand
TOLERATED_MISSING = 0.02  # share of the declared duration that may be missing,
TOLERATED_MISSING_S = 1.0  # or so much, whichever is more
TOLERATED_ERRORS = 0.01  # share of packets that may fail; a single one always may, at a cut
LARGEST_SAMPLE = 1_000.0  # 60 dB over full scale is no audio, nor is what is not a number
SAMPLE_RATES_HZ = range(1_000, 3_000_001)  # from telephones of old to DSD
MOST_CHANNELS = 64  # as many as FFmpeg converts
LARGEST_SECOND = 16_000_000  # samples of all channels: 64 MB


class NativeSamples:
    """Iterates over the audio of a container, planar float32 [C, T], at most `FRAME_SAMPLES` each.

    All have the rate and the channels of the first frame; frames of another kind further on (files
    pasted together) are converted by FFmpeg. Packets that fail are counted and passed over.
    Raises ContentError where there is no audio stream to decode.
    """

    def __init__(self, container: InputContainer, source: BufferedIOBase) -> None:
        self._container = container
        self._stream = audio_stream(container)
        self._stream.codec_context.thread_count = 1  # hosts decode in processes of their own
        if self._stream.codec_context.name == "flac":  # every frame has a checksum: heed it
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._first: AudioFrame | None = None
        self._latest: AudioFrame | None = None
        self._resampler: AudioResampler | None = None
        self._ended = False
        self.declared_s = declared_s(container, self._stream, source)
        self.format = _format(self._stream.codec_context)
        self.channel_names: tuple[str, ...] = ()
        self.packets = 0
        self.errors = 0
        self.samples = 0

    @property
    def seconds(self) -> float:
        """How much was decoded so far."""
        return self.samples / self.format.sample_rate_hz if self.samples else 0.0

    @property
    def truncated(self) -> bool:
        """Whether the recording ended well before the duration that it declares."""
        if self.declared_s is None or not self._ended:
            return False
        tolerated_s = max(TOLERATED_MISSING_S, TOLERATED_MISSING * self.declared_s)
        return self.declared_s - self.seconds > tolerated_s

    def __iter__(self) -> Iterator[Samples]:
        for frame in self._frames():
            yield from self._planar(frame)
        yield from self._converted(None)
        self._ended = True

    def check_whole(self) -> None:
        """Raises ContentError where too much of the recording is damaged or missing."""
        if not self.samples:
            if self.errors:
                raise audio_error(RejectionClass.MEDIA_CORRUPT, "nothing in it can be decoded")
            raise audio_error(RejectionClass.MEDIA_EMPTY, "no sample in it")
        if self.errors > max(1, TOLERATED_ERRORS * self.packets):
            reason = f"{self.errors:,} of {self.packets:,} packets cannot be decoded"
            raise audio_error(RejectionClass.MEDIA_CORRUPT, reason)
        if self.truncated:
            reason = f"{self.seconds:.1f} s of the {self.declared_s:.1f} s that it declares"
            raise audio_error(RejectionClass.MEDIA_TRUNCATED, reason)

    def facts(self) -> Container:
        """What container and decoder say of the recording, as far as it was read."""
        kind = FORMATS[self._container.format.name]
        return Container(
            container=kind.name,
            codec=self._stream.codec_context.codec.canonical_name,
            media_type=kind.media_type,
            channels=self.format.channels,
            sample_rate_hz=self.format.sample_rate_hz,
            bit_rate_bps=self._stream.bit_rate or self._container.bit_rate or None,
            declared_duration_ms=None if self.declared_s is None else round(self.declared_s * 1000),
            decoded_duration_ms=round(self.seconds * 1000),
            decode_errors=self.errors,
            truncated=self.truncated,
        )

    def _packets(self) -> Iterator["Packet[AudioStream] | None"]:
        try:
            yield from self._container.demux(self._stream)
        except av.FFmpegError:  # no packet comes after this
            self.errors += 1
            yield None  # what the decoder still holds
        except IndexError:
            # PyAV 18.1 at the end, over streams that it met on the way: ours has ended before
            return

    def _frames(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            self.packets += 1
            try:
                frames = self._stream.decode(packet)
            except av.FFmpegError:
                self.errors += 1
                continue
            self.errors += packet is not None and packet.is_corrupt
            yield from frames

    def _planar(self, frame: AudioFrame) -> Iterator[Samples]:
        if self._latest is None or not _alike(frame, self._latest):
            yield from self._converted(None)
            self._begin(frame)
        self._latest = frame
        yield from self._converted(frame)

    def _begin(self, frame: AudioFrame) -> None:
        if self._first is None:
            self._first = frame
            self.format = _format(frame)
            self._check_format()
            self.channel_names = tuple(channel.name for channel in frame.layout.channels)
        self._resampler = AudioResampler(
            format="flt",  # packed: PyAV 18.1 crashes on eight planes and more
            layout=self._first.layout,
            rate=self._first.sample_rate,
            frame_size=FRAME_SAMPLES,
        )

    def _check_format(self) -> None:
        if not is_audible(self.format):
            reason = f"{self.format.channels} channels at {self.format.sample_rate_hz:,} Hz"
            raise audio_error(RejectionClass.MEDIA_CORRUPT, reason)

    def _converted(self, frame: AudioFrame | None) -> Iterator[Samples]:
        for packed in self._packed(frame):
            samples_TC = packed.to_ndarray().reshape(-1, self.format.channels)
            samples_CT = np.ascontiguousarray(samples_TC.T, np.float32)
            self.samples += samples_CT.shape[1]
            yield self._bounded(samples_CT)

    def _packed(self, frame: AudioFrame | None) -> list[AudioFrame]:
        if self._resampler is None:
            return []
        try:
            return self._resampler.resample(frame)
        except av.FFmpegError as error:
            reason = f"its samples cannot be converted: {error.strerror}"
            raise audio_error(RejectionClass.MEDIA_CORRUPT, reason) from error

    def _bounded(self, samples_CT: Samples) -> Samples:
        if np.abs(samples_CT).max(initial=0) <= LARGEST_SAMPLE:  # false for NaN
            return samples_CT
        self.errors += 1
        finite_CT = np.nan_to_num(samples_CT, nan=0, posinf=0, neginf=0)
        return np.clip(finite_CT, -LARGEST_SAMPLE, LARGEST_SAMPLE)


def is_audible(shape: AudioFormat) -> bool:
    """Whether audio can have this format; only damage explains any other."""
    rate, channels = shape.sample_rate_hz, shape.channels
    known = rate in SAMPLE_RATES_HZ and 0 < channels <= MOST_CHANNELS
    return known and channels * rate <= LARGEST_SECOND


def _format(shape: AudioFrame | av.AudioCodecContext) -> AudioFormat:
    return AudioFormat(sample_rate_hz=shape.sample_rate or 0, channels=shape.layout.nb_channels)


def _alike(one: AudioFrame, other: AudioFrame) -> bool:
    return (
        one.sample_rate == other.sample_rate
        and one.format.name == other.format.name
        and one.layout.name == other.layout.name
    )
