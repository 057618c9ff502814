"""Loads what scores: on a CPU several at a time, since each waits for its file and for one core."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from earmark.models.device import Device, available_cores
from earmark.models.source import Progress
from earmark.models.store import ModelStore
from earmark.processors.error import ConfigurationError, EarmarkError
from earmark.processors.signal import SignalSpec, Takes
from earmark.processors.threshold import Thresholds, shipped_thresholds


def load_scorers(
    specs: Mapping[str, SignalSpec],
    *,
    store: ModelStore,
    device: Device,
    thresholds: Mapping[str, Thresholds],
    services: Mapping[str, Any],
    chosen: Collection[str],
    progress: Progress | None = None,
) -> dict[str, object]:
    """The scorers of all signals but meters, by name, in the order of `specs`.

    Those of the signals in `chosen` have a model that a user named. `progress(label, done, total)`
    is told of each in that order. Raises ConfigurationError for a card that does not serve its
    signal, and what else the first that cannot be loaded raises.
    """

    def load(name: str) -> object:
        own = thresholds.get(name) or shipped_thresholds(name)
        return _scorer(specs[name], store, device, own, services, chosen=name in chosen)

    names = [name for name, spec in specs.items() if spec.takes is not Takes.METER]
    # a GPU computes for the thread that will score, so that one loads
    at_once = available_cores() if device.kind == "cpu" else 1
    scorers: dict[str, object] = {}
    with ThreadPoolExecutor(at_once, thread_name_prefix="load") as threads:
        loaded = threads.map(load, names) if at_once > 1 else map(load, names)
        for done, name in enumerate(names):
            if progress:
                progress(f"load {name}", done, len(names))
            scorers[name] = next(loaded)
    if progress:
        progress("loaded", len(names), len(names))
    return scorers


def _scorer(
    spec: SignalSpec,
    store: ModelStore,
    device: Device,
    thresholds: Thresholds,
    services: Mapping[str, Any],
    *,
    chosen: bool,
) -> object:
    try:
        scorer: object = spec.load(
            store=store, device=device, thresholds=thresholds, services=services
        )
    except EarmarkError:
        raise
    except Exception as error:
        if not chosen:
            raise
        reason = f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            f"{spec.models[0]} does not serve {spec.name}: {reason}"
        ) from error
    return scorer
