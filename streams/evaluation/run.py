"""Puts labelled rows through the product's own pipeline and keeps what it says of each."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from earmark.models.card import ModelCard
from earmark.models.device import pick_device
from earmark.models.source import Progress
from earmark.models.store import ModelStore
from earmark.processors.block import Block
from earmark.processors.codec import signal_record
from earmark.processors.content import validated
from earmark.processors.error import ContentError
from earmark.processors.outcome import Outcome, Rejection, Signal
from earmark.processors.pipeline import Pipeline, interleaved
from earmark.processors.signal import Part, SignalSpec
from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.how import How
from earmark.streams.evaluation.manifest import Row, event_of
from earmark.streams.fetch import Fetcher
from earmark.streams.local_scoring import blocks_of
from earmark.streams.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What the signal said of each row, by the row's key, and what it took.

    `rejections` are the reasons, by key. `seconds` is the whole run without loading, decoding
    included; `audio_s` what was decoded of each recording.
    """

    spec: SignalSpec
    card: ModelCard | None
    records: Mapping[str, Record]
    rejections: Mapping[str, Sequence[str]]
    audio_s: Mapping[str, float]
    seconds: float
    load_seconds: float
    items: int
    device: str
    precision: str

    @property
    def model(self) -> tuple[str, str]:
        """Name and version of the model, or of the method."""
        if self.card is not None:
            return self.card.name, self.card.version
        return self.spec.method or (self.spec.name, "")


def readable(row: Row, spec: SignalSpec) -> bool:
    """Whether the row has a part that the signal reads."""
    has_audio, has_text = row.path is not None, row.text is not None
    return (has_audio and Part.AUDIO in spec.reads) or (has_text and Part.TEXTS in spec.reads)


def score_rows(
    signal: str,
    rows: Sequence[Row],
    settings: Settings,
    how: How,
    *,
    progress: Progress | None = None,
) -> Scored:
    """All rows in one run of one pipeline. Raises as `Pipeline.load` does."""
    begun = time.perf_counter()
    store = ModelStore(settings.home / "models", offline=settings.offline)
    pipeline = Pipeline.load(
        [signal],
        models={signal: how.model} if how.model else {},
        store=store,
        device=pick_device(how.device, how.precision),
    )
    spec = pipeline.specs[signal]
    read = [row for row in rows if readable(row, spec)]
    pipeline.warm_up()
    loaded = time.perf_counter()
    audio_s: dict[str, float] = {}
    records: dict[str, Record] = {}
    rejections: defaultdict[str, list[str]] = defaultdict(list)
    for outcome in _outcomes(pipeline, read, settings, how, audio_s):
        key = outcome.event.content_id if outcome.event else ""
        if isinstance(outcome, Rejection):
            error = outcome.error
            rejections[key].append(f"{error.rejection_class}: {error.reason}")
        elif isinstance(outcome, Signal) and outcome.name == signal:
            records[key] = signal_record(outcome)
        if progress:
            progress(f"score {signal}", len(records), len(read))
    return Scored(
        spec=spec,
        card=store.card(spec.models[0]) if spec.models else None,
        records=records,
        rejections=rejections,
        audio_s=audio_s,
        seconds=time.perf_counter() - loaded,
        load_seconds=loaded - begun,
        items=len(read),
        device=pipeline.device.kind,
        precision=pipeline.device.precision,
    )


def _outcomes(
    pipeline: Pipeline,
    rows: Sequence[Row],
    settings: Settings,
    how: How,
    audio_s: dict[str, float],
) -> Iterator[Outcome]:
    """Files may be read wherever they lie: whoever evaluates could read them too."""
    media = settings.media.model_copy(update={"roots": (*settings.media.roots, Path("/"))})
    fetcher = Fetcher(media)
    rejected: list[Rejection] = []

    def streams() -> Iterator[Iterator[Block]]:
        for row in rows:
            event = event_of(row, declares_language=how.declares_language)
            try:
                yield blocks_of(validated(event), fetcher, pipeline, media.max_hours)
            except ContentError as error:
                rejected.append(Rejection(event=event, error=error))

    try:
        yield from pipeline.score(_counted(interleaved(streams()), audio_s))
    finally:
        fetcher.close()
    yield from rejected


def _counted(blocks: Iterator[Block], audio_s: dict[str, float]) -> Iterator[Block]:
    """The blocks as they are; how long each recording turned out to be is noted."""
    for block in blocks:
        if block.end is not None and block.end.duration_ms:
            audio_s[block.event.content_id] = block.end.duration_ms / 1000
        yield block
