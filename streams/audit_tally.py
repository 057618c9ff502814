"""What an audit found, counted."""

from collections import Counter
from dataclasses import dataclass, field

from earmark.streams.audit_verdict import AuditState, AuditVerdict


@dataclass(slots=True, kw_only=True)
class AuditTally:
    """Counts verdicts by state and, of what is missing, by signal."""

    states: Counter[AuditState] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    not_erased: Counter[str] = field(default_factory=Counter)
    lacking: int = 0
    oldest_ms: int | None = None  # when the oldest that lacks something arrived

    def add(self, verdict: AuditVerdict) -> None:
        """Count one."""
        erasing = verdict.state is AuditState.NOT_ERASED
        self.states[verdict.state] += 1
        if verdict.lacking:
            self.lacking += 1
            self.oldest_ms = min(self.oldest_ms or verdict.arrived_ms, verdict.arrived_ms)
        (self.not_erased if erasing else self.missing).update(verdict.missing)

    @property
    def events(self) -> int:
        """How many were audited."""
        return self.states.total()

    @property
    def completeness(self) -> float:
        """The share of events that lack nothing, in [0, 1]; 1 where there are none."""
        return 1 - self.lacking / self.events if self.events else 1.0

    def as_line(self) -> str:
        """The summary for people."""
        whole = self.events - self.lacking
        return f"{whole:,} of {self.events:,} events complete ({self.completeness:.4%})"

    def as_object(self) -> dict[str, object]:
        """The summary for programs."""
        return {
            "events": self.events,
            "complete": self.events - self.lacking,
            "completeness": self.completeness,
            "states": dict(self.states),
            "missing": dict(self.missing),
            "not_erased": dict(self.not_erased),
        }
