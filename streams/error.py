"""Errors of the moving parts; the whole tree stands in `earmark.models.error`."""

from earmark.models.error import ServiceError


class TransactionError(ServiceError):
    """A transaction that Kafka did not take: nothing of it is visible, the worker must end."""
