"""Why content could not be used, whose fault that is, and what to do now.

The tree of all errors stands in `earmark.models.error`. A `ContentError` is about one part of one
event: it becomes a `Rejection`, and the stream goes on.
"""

from enum import StrEnum

from earmark.models.error import ConfigurationError, EarmarkError, ModelError, ServiceError

__all__ = [
    "ConfigurationError",
    "ContentError",
    "EarmarkError",
    "Fault",
    "ModelError",
    "RejectionClass",
    "ServiceError",
]


class Fault(StrEnum):
    """Who can mend it."""

    PRODUCER = "PRODUCER"  # the event, or the media it names, is not what it says
    STORE = "STORE"  # the media store did not give what the event names
    OURS = "OURS"  # we failed on content that may well be good: redrive later


class RejectionClass(StrEnum):
    """What is wrong; the vocabulary of `rejection_class` in `rejections.v1`."""

    RECORD_UNDECODABLE = "RECORD_UNDECODABLE"  # not Avro, truncated, or with bytes left over
    RECORD_SCHEMA_UNKNOWN = "RECORD_SCHEMA_UNKNOWN"  # the registry has no such id for this topic
    RECORD_INVALID = "RECORD_INVALID"  # readable, but a field is missing or out of range
    RECORD_TOO_LARGE = "RECORD_TOO_LARGE"
    URI_REFUSED = "URI_REFUSED"  # scheme, host, private address or folder that is not allowed
    MEDIA_GONE = "MEDIA_GONE"  # the store says that there is no such object
    MEDIA_UNREACHABLE = "MEDIA_UNREACHABLE"  # the store does not answer, or not in time
    MEDIA_TOO_LARGE = "MEDIA_TOO_LARGE"
    MEDIA_TOO_LONG = "MEDIA_TOO_LONG"  # more hours than the limit
    MEDIA_HASH_MISMATCH = "MEDIA_HASH_MISMATCH"
    MEDIA_EMPTY = "MEDIA_EMPTY"  # no bytes, or no sample in them
    MEDIA_UNRECOGNISED = "MEDIA_UNRECOGNISED"  # no container or codec that we know
    MEDIA_NO_AUDIO = "MEDIA_NO_AUDIO"  # a good file without an audio stream
    MEDIA_CORRUPT = "MEDIA_CORRUPT"  # damaged beyond what is tolerated
    MEDIA_TRUNCATED = "MEDIA_TRUNCATED"  # ends well before the length it declares
    DECODER_CRASHED = "DECODER_CRASHED"
    DECODER_STALLED = "DECODER_STALLED"  # made no progress until its deadline
    TEXT_INVALID = "TEXT_INVALID"  # lone surrogates: no Unicode text
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    WORKER_CRASHED = "WORKER_CRASHED"  # the worker died over it, again and again
    SCORER_FAILED = "SCORER_FAILED"  # this event alone makes a model fail


_FAULTS = {
    RejectionClass.MEDIA_GONE: Fault.STORE,
    RejectionClass.MEDIA_UNREACHABLE: Fault.STORE,
    RejectionClass.DECODER_CRASHED: Fault.OURS,
    RejectionClass.DECODER_STALLED: Fault.OURS,
    RejectionClass.WORKER_CRASHED: Fault.OURS,
    RejectionClass.SCORER_FAILED: Fault.OURS,
}


class ContentError(EarmarkError):
    """One part of one event cannot be used.

    `part` is `record`, `audio` or `texts.<field>`; `fault` follows from the class.
    """

    def __init__(self, rejection_class: RejectionClass, reason: str, *, part: str) -> None:
        super().__init__(f"{part}: {reason}")
        self.rejection_class = rejection_class
        self.reason = reason
        self.part = part

    @property
    def fault(self) -> Fault:
        """Who can mend it."""
        return _FAULTS.get(self.rejection_class, Fault.PRODUCER)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross the border of the decode process whole."""
        return (_rebuild, (self.rejection_class, self.reason, self.part))


def _rebuild(rejection_class: RejectionClass, reason: str, part: str) -> ContentError:
    return ContentError(rejection_class, reason, part=part)
