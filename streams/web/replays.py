"""Replays as the inspector shows them: how far each is, what it changes, and its promotion."""

from contextlib import closing
from threading import Lock
from typing import Any

from earmark.streams.replay.manifest import Manifest, State, moved_to, read_runs
from earmark.streams.replay.progress import ProgressReader
from earmark.streams.replay.promote import Promoter
from earmark.streams.settings import Settings
from earmark.streams.web.access import RefusedError

_one = Lock()  # is promoted, or compared, at a time: either reads whole topics


def runs(settings: Settings) -> dict[str, Any]:
    """All replays, the newest first."""
    found = reversed(read_runs(settings.kafka).values())
    return {"runs": [_run(settings, manifest) for manifest in found]}


def difference(settings: Settings, name: str, most: int) -> dict[str, object]:
    """As `earmark replay diff --json`, with at most so many items of each signal."""
    from earmark.streams.replay.diff import diff  # torch comes along

    _manifest(settings, name)
    with _one:
        return diff(settings, name, most=most).as_object


def promoted(settings: Settings, name: str) -> int:
    """How many answers were sent to the live workers; raises RefusedError for a run unfinished."""
    manifest = _manifest(settings, name)
    if manifest.state not in {State.FINISHED, State.PROMOTED}:
        raise RefusedError(409, f"replay {name} is {manifest.state}, not finished")
    with _one:
        sent = Promoter(settings, manifest).run(lambda done, of: None)
        if manifest.state == State.FINISHED:
            moved_to(settings.kafka, manifest, State.PROMOTED)
    return sent


def _manifest(settings: Settings, name: str) -> Manifest:
    manifest = read_runs(settings.kafka).get(name)
    if manifest is None:
        raise RefusedError(404, f"there is no replay {name[:200]!r}")
    return manifest


def _run(settings: Settings, manifest: Manifest) -> dict[str, Any]:
    passed: int | None = None
    if manifest.state != State.ABORTED:
        with closing(ProgressReader(settings.kafka, manifest)) as reader:
            passed = reader.read().passed
    total = manifest.records
    return {
        "name": manifest.run,
        "signals": list(manifest.signals),
        "models": dict(manifest.models),
        "thresholds": sorted(manifest.thresholds),
        "state": str(manifest.state),
        "source": manifest.source,
        "created_ms": manifest.created_ms,
        "progress": None if passed is None else (passed / total if total else 1.0),
        "items": total,
        "changed": None,
    }
