"""What a replay will take: its events counted, and a sample of them run on this machine."""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from earmark.models.source import Progress as Report
from earmark.processors.block import SAMPLE_RATE_HZ, Block
from earmark.processors.codec import Codec, decode_event, event_codec
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError
from earmark.processors.pipeline import Pipeline
from earmark.processors.schema import schema_of
from earmark.streams.assembly import load_pipeline
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.fetch import Fetcher
from earmark.streams.inline_audio import InlineAudio
from earmark.streams.local_scoring import blocks_of
from earmark.streams.registry import Registry
from earmark.streams.replay.course import selected
from earmark.streams.replay.manifest import Manifest
from earmark.streams.replay.pace import CODE_POINTS_PER_TOKEN
from earmark.streams.settings import Settings

INTEGRITY = "signals.audio.integrity.v1"
HEARD = 4  # recordings of the sample
READ = 200  # events without audio
SAMPLE_S = 30.0  # no further recording is begun after it
TYPICAL_BYTES_PER_S = 16_000  # 128 kbit/s, where nothing says how long a recording is


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The size of a run; `known_share` is that of its recordings whose length was known.

    `seconds` is the time that it takes with the workers asked for, their start included, from a
    sample of `sample_events`; None where nothing of the sample could be run.
    """

    events: int
    recordings: int
    audio_hours: float
    known_share: float
    code_points: int
    undecodable: int
    sample_events: int
    audio_x_real_time: float | None
    texts_per_s: float | None
    seconds: float | None
    cost: float | None


@dataclass(slots=True)
class _Count:
    events: int = 0
    recordings: int = 0
    known: int = 0
    audio_s: float = 0.0
    code_points: int = 0
    undecodable: int = 0


def estimate(
    settings: Settings,
    manifest: Manifest,
    *,
    workers: int,
    cost_per_hour: float | None,
    report: Report,
) -> Estimate:
    """Count the events of the run, then run a sample of them here; publishes nothing.

    Each worker is taken to be as fast as this one process; on one machine they share it. Raises
    ServiceError where brokers or registry do not answer.
    """
    with Registry(settings.registry) as registry:
        codec = event_codec(registry.schema_by_id)
        count, heard, read = _counted(
            settings, manifest, codec, _lengths(settings, registry), report
        )
        report("running a sample", 0, None)
        started = time.monotonic()
        pipeline = load_pipeline(manifest.settings(settings))
        pipeline.warm_up()
        start_s = time.monotonic() - started
        inline = InlineAudio(settings.kafka, lambda payload: decode_event(payload, codec))
        with closing(Fetcher(settings.media, inline=inline)) as fetcher:
            audio_speed = _audio_speed(pipeline, fetcher, heard, settings)
        text_speed = _text_speed(pipeline, read)
    running_s = _running_s(count, audio_speed, text_speed, manifest, workers)
    seconds = None if running_s is None else start_s + running_s
    return Estimate(
        events=count.events,
        recordings=count.recordings,
        audio_hours=count.audio_s / 3600,
        known_share=count.known / count.recordings if count.recordings else 1.0,
        code_points=count.code_points,
        undecodable=count.undecodable,
        sample_events=len(heard) + len(read),
        audio_x_real_time=audio_speed,
        texts_per_s=text_speed,
        seconds=seconds,
        cost=None
        if cost_per_hour is None or seconds is None
        else cost_per_hour * workers * seconds / 3600,
    )


def _counted(
    settings: Settings,
    manifest: Manifest,
    codec: Codec,
    lengths: Mapping[str, float],
    report: Report,
) -> tuple[_Count, list[ContentEvent], list[ContentEvent]]:
    count, heard, read = _Count(), _Reservoir(HEARD), _Reservoir(READ)
    passed = 0
    with CommittedReader(settings.kafka, manifest.source) as reader:
        for number, (start, end) in manifest.bounds.items():
            for message in reader.read(Span(partition=number, start=start, end=end)):
                event = _event(message.value(), codec, count)
                if event is not None and selected(manifest, event):
                    _note(event, count, lengths)
                    (read if event.audio is None else heard).offer(event)
                done = passed + (message.offset() or 0) + 1 - start
                report("reading events", done, manifest.records)
            passed += end - start
    return count, heard.kept, read.kept


def _event(payload: bytes | None, codec: Codec, count: _Count) -> ContentEvent | None:
    if payload is None:
        return None
    try:
        return decode_event(payload, codec)
    except ContentError:
        count.undecodable += 1
        return None


def _note(event: ContentEvent, count: _Count, lengths: Mapping[str, float]) -> None:
    count.events += 1
    count.code_points += sum(len(text.text) for text in event.texts)
    if event.audio is None:
        return
    count.recordings += 1
    known_s = lengths.get(event.content_id)
    count.known += known_s is not None
    size = event.audio.size_bytes or len(event.audio.data or b"")
    count.audio_s += size / TYPICAL_BYTES_PER_S if known_s is None else known_s


def _lengths(settings: Settings, registry: Registry) -> Mapping[str, float]:
    """Seconds of each recording, as the live signals have measured them."""
    codec = Codec(schema_of(INTEGRITY), writer_schema=registry.schema_by_id)
    lengths: dict[str, float] = {}
    with CommittedReader(settings.kafka, INTEGRITY) as reader:
        if not reader.partitions():
            return lengths
        for message in (m for span in reader.spans() for m in reader.read(span)):
            if (value := message.value()) is not None:
                record = codec.decode(value)
                lengths[record["content_id"]] = (record["decoded_duration_ms"] or 0) / 1000
    return lengths


class _Reservoir:
    """A fair sample of what it is offered (Vitter's algorithm R), the same each time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen = 0
        self._random = random.Random(1)  # noqa: S311  # no secret
        self.kept: list[ContentEvent] = []

    def offer(self, event: ContentEvent) -> None:
        self._seen += 1
        if len(self.kept) < self._size:
            self.kept.append(event)
        elif (place := self._random.randrange(self._seen)) < self._size:
            self.kept[place] = event


def _audio_speed(
    pipeline: Pipeline, fetcher: Fetcher, events: list[ContentEvent], settings: Settings
) -> float | None:
    """Seconds of audio per second, one recording after the other."""
    samples = 0

    def counted(blocks: Iterator[Block]) -> Iterator[Block]:
        nonlocal samples
        for block in blocks:
            samples += len(block.samples_T)
            yield block

    spent_s = 0.0
    for event in events:
        if spent_s > SAMPLE_S:
            break
        started = time.monotonic()
        blocks = blocks_of(event, fetcher, pipeline, settings.media.max_hours)
        list(pipeline.score(counted(blocks)))
        spent_s += time.monotonic() - started
    return samples / SAMPLE_RATE_HZ / spent_s if samples else None


def _text_speed(pipeline: Pipeline, events: list[ContentEvent]) -> float | None:
    """Events without audio per second, all in one batch."""
    if not events:
        return None
    started = time.monotonic()
    pipeline.run(events)
    return len(events) / (time.monotonic() - started)


def _running_s(
    count: _Count,
    audio_speed: float | None,
    text_speed: float | None,
    manifest: Manifest,
    workers: int,
) -> float | None:
    """By the sample, and no faster than the run's limits; None where the sample says nothing."""
    texts = count.events - count.recordings
    if (count.recordings and audio_speed is None) or (texts and text_speed is None):
        return None
    computing_s = count.audio_s / (audio_speed or 1.0) + texts / (text_speed or 1.0)
    tokens = count.code_points / CODE_POINTS_PER_TOKEN
    return max(
        computing_s / workers,
        count.audio_s / manifest.audio_per_s if manifest.audio_per_s else 0.0,
        tokens / manifest.tokens_per_s if manifest.tokens_per_s else 0.0,
    )
