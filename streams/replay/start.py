"""The beginning of a replay: what was asked becomes a manifest, topics and a starting point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from earmark.models.error import ConfigurationError, reason_of
from earmark.models.store import ModelStore
from earmark.processors.loader import load_specs, with_models
from earmark.processors.signal import SignalSpec
from earmark.streams.model_choice import signal_named
from earmark.streams.replay.bounds import BEGINNING, END, frozen_bounds
from earmark.streams.replay.manifest import Manifest, checked_name, now_ms, write_run
from earmark.streams.replay.progress import commit_start
from earmark.streams.route import Route
from earmark.streams.settings import Settings
from earmark.streams.topic import (
    COMMON,
    COMPACTED,
    CONTENT_EVENTS,
    DAY_MS,
    RECEIPTS,
    REJECTIONS,
    WHOLE_EVENTS,
    Topic,
    make_topics,
)

KEPT = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * DAY_MS),
    "segment.ms": str(DAY_MS),  # a record may outlive its retention by as much
}
# what a run has answered of items that are erased meanwhile is to end too
KEPT_RECEIPTS = COMPACTED | KEPT | {"cleanup.policy": "compact,delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a user asks of a replay; see the options of `earmark replay`."""

    topic: str = CONTENT_EVENTS
    start: str = BEGINNING
    end: str = END
    signals: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    content_types: tuple[str, ...] = ()
    content_ids: frozenset[str] | None = None
    audio_per_s: float = 0.0
    tokens_per_s: float = 0.0
    live_lag: int = 100


def planned(settings: Settings, run: str, asked: Asked) -> Manifest:
    """The manifest of a new run, its bounds frozen now; nothing is written.

    A run with other models and no signals named answers those signals that the models change.
    Raises ConfigurationError for what cannot be replayed.
    """
    specs = load_specs(settings.worker.signals or None)
    models = {signal_named(name, specs): card for name, card in asked.models.items()}
    store = ModelStore(settings.home / "models", offline=True)
    for card in models.values():
        store.card(card)  # known, or ConfigurationError
    signals = tuple(signal_named(name, specs) for name in asked.signals)
    with_models(load_specs(signals or tuple(specs)), models)
    bounds = frozen_bounds(
        settings.kafka, asked.topic, start=asked.start, end=asked.end, now=datetime.now(UTC)
    )
    return Manifest(
        run=checked_name(run),
        source=asked.topic,
        bounds=bounds,
        created_ms=now_ms(),
        signals=signals or changed_by(models, specs) or settings.worker.signals,
        models=models,
        content_types=asked.content_types,
        content_ids=asked.content_ids,
        audio_per_s=asked.audio_per_s,
        tokens_per_s=asked.tokens_per_s,
        live_lag=asked.live_lag,
        live_group=settings.kafka.group_id,
    )


def check_weights(settings: Settings, manifest: Manifest) -> None:
    """See that a worker on this machine could load its models; raises ModelError.

    A worker that finds this out by itself would be started again and again.
    """
    store = ModelStore(settings.home / "models", offline=True)
    own = manifest.settings(settings).worker
    specs = with_models(load_specs(own.signals or None), own.models)
    for card in {card for spec in specs.values() for card in spec.models}:
        store.verify(card)


def begin(settings: Settings, manifest: Manifest) -> None:
    """Make the run's topics and its starting point; from here on workers can be started.

    A kill on the way leaves no run, and beginning again is harmless.
    """
    make_topics(settings.kafka, run_topics(manifest), partitions=len(manifest.bounds))
    commit_start(settings.kafka, manifest)
    write_run(settings.kafka, manifest)


def run_topics(manifest: Manifest) -> Sequence[Topic]:
    """All topics that the run writes."""
    route: Route = manifest.route
    specs = load_specs(manifest.signals or None)
    signals = [route.written(spec.topic) for spec in specs.values()]
    events = [route.retry, route.dead_letters]
    return (
        *(Topic(name=name, config=COMMON | KEPT | WHOLE_EVENTS) for name in events),
        *(Topic(name=name, config=COMMON | KEPT) for name in (*signals, route.written(REJECTIONS))),
        Topic(name=route.written(RECEIPTS), config=COMMON | KEPT_RECEIPTS),
    )


def changed_by(models: Mapping[str, str], specs: Mapping[str, SignalSpec]) -> tuple[str, ...]:
    """The signals whose answers depend on these models, needs before needers."""
    changed: list[str] = []
    for name, spec in specs.items():
        if name in models or any(need in changed for need in spec.needs):
            changed.append(name)
    return tuple(changed)


def ids_from(path: Path) -> frozenset[str]:
    """The content ids in a file, one on each line; raises ConfigurationError if there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {reason_of(error)}") from error
    ids = frozenset(filter(None, map(str.strip, lines)))
    if not ids:
        raise ConfigurationError(f"{path}: no content ids in it")
    return ids
