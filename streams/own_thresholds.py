"""The thresholds that a user's settings name in place of shipped ones."""

from collections.abc import Mapping

from earmark.models.error import ConfigurationError
from earmark.processors.loader import load_specs
from earmark.processors.threshold import Thresholds, read_thresholds
from earmark.streams.settings import Settings


def own_thresholds(settings: Settings) -> Mapping[str, Thresholds]:
    """Those of `worker.thresholds`, by signal; raises ConfigurationError for what is none."""
    known = load_specs()
    for name in settings.worker.thresholds:
        if name not in known:
            raise ConfigurationError(f"thresholds for {name!r}, which is no signal")
    return {name: read_thresholds(path, name) for name, path in settings.worker.thresholds.items()}
