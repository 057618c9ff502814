"""The root of Earmark's errors, and those that are about models.

EarmarkError
├── ContentError            the event's fault: becomes a Rejection     (processors/error.py)
├── ConfigurationError      the user's: one line and an exit code
├── TransientError, MediaGoneError   of a media store; become a ContentError (streams/error.py)
├── ServiceError            a broker, registry or store that cannot be reached or refuses
└── ModelError              ours: the worker stops before it commits
    ├── WeightsMissingError   not in the store; the message names the command that fetches them
    └── WeightsCorruptError   bytes that do not have the hash their card states
"""


def reason_of(error: Exception) -> str:
    """What to tell of an error in a line; of the system's, the words without number and path."""
    return getattr(error, "strerror", None) or str(error)


class EarmarkError(Exception):
    """Anything that Earmark raises on purpose; the message is one line written for the user."""


class ConfigurationError(EarmarkError):
    """Settings, arguments or files given by the user that cannot be used."""


class ServiceError(EarmarkError):
    """A broker, registry or media store that cannot be reached or refuses what was asked."""


class ModelError(EarmarkError):
    """A model that cannot be loaded or that fails on known good input: ours to mend."""


class WeightsMissingError(ModelError):
    """Weights that are not in the store."""


class WeightsCorruptError(ModelError):
    """Weights whose bytes do not have the hash that their card states."""
