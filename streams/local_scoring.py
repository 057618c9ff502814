"""Scores events in this process: fetch, decode and pipeline without Kafka."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from earmark.models.device import pick_device
from earmark.models.source import Progress
from earmark.models.store import ModelStore
from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.content import ContentEvent, validated
from earmark.processors.decode import decode
from earmark.processors.error import ContentError
from earmark.processors.loader import load_specs
from earmark.processors.outcome import Outcome, Rejection
from earmark.processors.pipeline import NO_MODELS, Pipeline, interleaved
from earmark.streams.fetch import Fetcher
from earmark.streams.instruction.service import instructed
from earmark.streams.lane_threads import lane_threads
from earmark.streams.model_choice import signal_named
from earmark.streams.own_thresholds import own_thresholds
from earmark.streams.settings import Settings


def score_events(
    events: Sequence[ContentEvent],
    settings: Settings,
    *,
    signals: Collection[str] | None = None,
    models: Mapping[str, str] = NO_MODELS,
    device: str = "auto",
    precision: str = "auto",
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """All outcomes of the events. The pipeline is loaded before the first is asked for.

    Files of this machine may be read wherever they lie: whoever calls this could read them too.
    Other uris follow the settings. `models` names cards to use instead, by signal.
    Raises ConfigurationError and ModelError as `Pipeline.load`.
    """
    known = load_specs(signals)
    chosen = {signal_named(name, known): card for name, card in models.items()}
    store = ModelStore(settings.home / "models", offline=settings.offline)
    on = pick_device(device, precision)
    pipeline = Pipeline.load(
        signals,
        thresholds=own_thresholds(settings),
        models=chosen,
        services=instructed(settings, store, chosen.values()),
        store=store,
        device=on,
        progress=progress,
        executor=lane_threads(on),
    )
    return _outcomes(pipeline, events, settings)


def _outcomes(
    pipeline: Pipeline, events: Sequence[ContentEvent], settings: Settings
) -> Iterator[Outcome]:
    sound: list[ContentEvent] = []
    for event in events:
        try:
            sound.append(validated(event))
        except ContentError as error:
            yield Rejection(event=event, error=error)
    media = settings.media.model_copy(update={"roots": (*settings.media.roots, Path("/"))})
    fetcher = Fetcher(media)
    try:
        streams = (blocks_of(event, fetcher, pipeline, media.max_hours) for event in sound)
        yield from pipeline.score(interleaved(streams))
    finally:
        fetcher.close()


def blocks_of(
    event: ContentEvent, fetcher: Fetcher, pipeline: Pipeline, max_hours: float
) -> Iterator[Block]:
    """The blocks of the event, fetched and decoded in this thread."""
    if event.audio is None:
        yield Block(event=event, samples_T=NO_SAMPLES, end=End())
        return
    try:
        with fetcher.fetch(event.audio) as media:
            yield from decode(event, media.content, meters=pipeline.meters, max_hours=max_hours)
    except ContentError as error:
        yield Block(event=event, samples_T=NO_SAMPLES, end=End(error=error))
