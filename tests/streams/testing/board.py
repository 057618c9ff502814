"""A pretend subscriber, as another team would write it: what each item's texts are harmful in."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Board:
    """Harms by item, and why there is nothing to say of the others."""

    harms: dict[str, list[str]] = field(default_factory=dict)
    unsaid: dict[str, str] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    last_ms: int = 0

    def follow(self, signals: Iterable[Any]) -> None:
        """Take what a subscription gives until it ends."""
        for signal in signals:
            self.last_ms = signal.timestamp
            self.harms.pop(signal.key, None)
            self.unsaid.pop(signal.key, None)
            outcome = "DELETED" if signal.deleted else signal.record["outcome"]
            self.seen[outcome] += 1
            if outcome == "OK":
                self.harms[signal.key] = sorted(signal.record["labels"])
            elif outcome != "DELETED":
                self.unsaid[signal.key] = signal.record["reason"]
