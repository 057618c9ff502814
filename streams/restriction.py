"""Which signals go whole to topics of their own, and as redacted twins to the ordinary ones."""

from earmark.models.error import ConfigurationError
from earmark.processors.twin import is_twinned, twinned_signals
from earmark.streams.settings import Settings
from earmark.streams.topic import signal_topic


def restricted_by(settings: Settings) -> frozenset[str]:
    """The ordinary topics of the signals in `worker.restricted`.

    Raises ConfigurationError for a signal of which it is not known what is for everyone.
    """
    for name in settings.worker.restricted:
        if not is_twinned(name):
            known = ", ".join(twinned_signals())
            raise ConfigurationError(f"{name!r} has no redacted twin; {known} have")
    return frozenset(map(signal_topic, settings.worker.restricted))
