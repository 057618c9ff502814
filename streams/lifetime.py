"""How long Kafka keeps a record, from the configuration of its topic.

A segment is dropped whole when its last record is older than `retention.ms`, and takes records for
up to `segment.ms`: a record may outlive its retention by as much. Compaction drops a record that a
later one of its key covers, from segments that are closed. A segment is closed by the next record
that comes to its partition after `segment.ms`: where none comes, nothing is compacted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FOREVER = 2**63 - 1
# brokers look for what is over every 5 min and remove files a minute later, unless told otherwise
HOUSEKEEPING_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """What decides it; times in milliseconds, FOREVER where there is no limit.

    `timed` says whether the brokers stamp records on arrival: with the producers' own times no end
    can be known.
    """

    compacts: bool
    deletes: bool
    timed: bool
    segment_ms: int
    retention_ms: int
    min_lag_ms: int
    max_lag_ms: int

    @classmethod
    def of(cls, config: Mapping[str, str]) -> "Lifetime":
        """The lifetime on a topic of this configuration."""
        policies = config["cleanup.policy"].split(",")
        return cls(
            compacts="compact" in policies,
            deletes="delete" in policies,
            timed=config["message.timestamp.type"] == "LogAppendTime",
            segment_ms=_limit(config["segment.ms"]),
            retention_ms=_limit(config["retention.ms"]),
            min_lag_ms=_limit(config["min.compaction.lag.ms"]),
            max_lag_ms=_limit(config["max.compaction.lag.ms"]),
        )

    def kept_until_ms(self, arrived_ms: int) -> int | None:
        """When a record is gone at the latest, whatever comes after it; None: not for sure."""
        limits = (self.segment_ms, self.retention_ms)
        if not (self.timed and self.deletes) or FOREVER in limits:
            return None
        return arrived_ms + sum(limits) + HOUSEKEEPING_MS

    def covered_until_ms(self, covered_ms: int) -> int | None:
        """When what a later record covers, which came at `covered_ms`, is gone at the latest.

        None: not for sure. It takes one more record in the partition, `segment.ms` after the later
        one.
        """
        if not (self.timed and self.compacts) or self.max_lag_ms == FOREVER:
            return None
        closed_ms = min(self.segment_ms, self.max_lag_ms)
        return covered_ms + max(self.max_lag_ms, closed_ms + self.min_lag_ms) + HOUSEKEEPING_MS


def _limit(text: str) -> int:
    number = int(text)
    return FOREVER if number < 0 else number
