"""Decoding: from the media of an event to blocks of samples, with the meters' readings at the end.

The media may be damaged, or no media at all: what is wrong ends the blocks as a `ContentError` in
`End`, and is never raised. Memory is bounded by one block and by what the meters hold.
"""

from collections.abc import Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path
from types import MappingProxyType

from earmark.processors.block import NO_SAMPLES, Block, End, Samples
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.media import audio_error, check_digest, digest, open_container, open_media
from earmark.processors.metering import Metering
from earmark.processors.native import NativeSamples, is_audible
from earmark.processors.outcome import Result
from earmark.processors.signal import Container, MeterFactory

NO_METERS: Mapping[str, MeterFactory] = MappingProxyType({})

# Damage is what these report; the others say nothing of a recording that is not whole.
_SPEAK_OF_DAMAGE = {"audio.integrity"}


def decode(
    event: ContentEvent,
    media: bytes | Path | None = None,
    *,
    meters: Mapping[str, MeterFactory] = NO_METERS,
    max_hours: float = 24.0,
) -> Iterator[Block]:
    """The audio of `event` in blocks of 16 kHz mono float32; the last block carries `End`.

    `media` are the bytes of the recording, or a file that holds them; without it, the event's own
    `audio.data`. An event without audio gives one empty block. The digest of the media is compared
    with what the event states before anything is decoded. A `Meter` sees the samples at their
    native rate, all channels, a `MonoMeter` the blocks; their readings are in `End` by name.

    `End.error` is set where the recording cannot be used: nothing in it decodes, more than 1 % of
    its packets fail, more than 2 % (and more than a second) of the duration that it declares is
    missing, or it is longer than `max_hours`. Less damage is only counted.
    """
    if event.audio is None:
        yield Block(event=event, samples_T=NO_SAMPLES, end=End())
        return
    recording = _Recording(meters=meters, longest_s=max_hours * 3600)
    audio_sha256 = error = None
    try:
        with open_media(event.audio, media) as source:
            audio_sha256 = digest(source)
            check_digest(event.audio, source, audio_sha256)
            for samples_T in recording.blocks(source):
                yield Block(event=event, samples_T=samples_T)
    except ContentError as found:
        error = found
    yield Block(event=event, samples_T=NO_SAMPLES, end=recording.end(audio_sha256, error))


class _Recording:
    """One recording on its way through decoder and meters."""

    def __init__(self, *, meters: Mapping[str, MeterFactory], longest_s: float) -> None:
        self._factories = meters
        self._longest_s = longest_s
        self._metering: Metering | None = None
        self._facts: Container | None = None

    def blocks(self, source: BufferedIOBase) -> Iterator[Samples]:
        """The recording as mono blocks. Raises ContentError when it turns out not to be usable."""
        with open_container(source) as container:
            native = NativeSamples(container, source)
            try:
                self._check_length(native.declared_s)
                yield from self._passed_on(native)
            finally:
                self._facts = native.facts()
                if is_audible(native.format):
                    self._listen(native)  # to silence, where no sample came

    def end(self, audio_sha256: str | None, error: ContentError | None) -> End:
        """What is known once the last sample has passed."""
        return End(
            audio_sha256=audio_sha256,
            duration_ms=self._facts.decoded_duration_ms if self._facts else 0,
            readings=self._readings(error),
            error=error,
        )

    def _passed_on(self, native: NativeSamples) -> Iterator[Samples]:
        for samples_CT in native:
            yield from self._listen(native).push(samples_CT)
            self._check_length(native.seconds)
        native.check_whole()
        if self._metering is not None:
            yield from self._metering.flush()

    def _listen(self, native: NativeSamples) -> Metering:
        if self._metering is None:
            self._metering = Metering(self._factories, native.format, native.channel_names)
        return self._metering

    def _check_length(self, seconds: float | None) -> None:
        if seconds is not None and seconds > self._longest_s:
            reason = f"{seconds / 3600:.1f} hours or more; the limit is {self._longest_s / 3600:g}"
            raise audio_error(RejectionClass.MEDIA_TOO_LONG, reason)

    def _readings(self, error: ContentError | None) -> Mapping[str, Result]:
        failed = {n: Result.error(error.rejection_class) for n in self._factories} if error else {}
        if self._facts is None or self._metering is None:
            return failed
        heard = {
            name: self._metering.finish(name, self._facts)
            for name in self._factories
            if error is None or name in _SPEAK_OF_DAMAGE
        }
        return {**failed, **heard}
