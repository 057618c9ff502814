"""Errors of the moving parts; the whole tree stands in `earmark.models.error`."""

from earmark.models.error import EarmarkError, ServiceError


class TransactionError(ServiceError):
    """A transaction that Kafka did not take: nothing of it is visible, the worker must end."""


class TransientError(EarmarkError):
    """The store failed in a way that may pass: worth another attempt."""


class MediaGoneError(EarmarkError):
    """The media existed and are no more: there is nothing to try again."""
