"""What signals, and the items that have them, are asked for by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.web.index.said import labels_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is None is not asked; `outcome` and `content_type` are in capitals, as in records.

    A language takes its regions too, `en` also `en-GB`. With `min_score` a label counts from that
    on, and without where it is over its threshold.
    """

    signal: str | None = None
    outcome: str | None = None
    label: str | None = None
    min_score: float | None = None
    language: str | None = None
    content_type: str | None = None

    def takes(self, received: ReceivedSignal) -> bool:
        """Whether the signal is one of those."""
        record = received.record
        return (
            self.signal in {None, received.name}
            and self.outcome in {None, record["outcome"]}
            and self.content_type in {None, record["content_type"]}
            and (self.language is None or _is_in(self.language, record["language"] or ""))
            and self._takes_labels(record)
        )

    def _takes_labels(self, record: Mapping[str, Any]) -> bool:
        if self.label is None and self.min_score is None:
            return True
        return any(
            self.label in {None, it.label}
            and (it.held if self.min_score is None else (it.score or 0.0) >= self.min_score)
            for it in labels_of(record)
        )


def _is_in(language: str, found: str) -> bool:
    return f"{found}-".casefold().startswith(f"{language}-".casefold())
