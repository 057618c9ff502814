"""How a run ended, in numbers."""

from dataclasses import dataclass

from earmark.streams.chaos.tally import Fault, Offence


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a run; times in seconds, from the broker's own clock (see `timing`).

    `kills` are those of workers, `restarts` what workers did by themselves, for want of a broker.
    """

    faults: dict[Fault, int]
    offences: tuple[Offence, ...]
    events: int
    kills: int
    broker_kills: int
    rebalances: int
    restarts: int
    longest_gap_s: float
    recovery_s: float
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether everything came back once, in order, and as it should be."""
        return not any(self.faults.values())

    @property
    def as_object(self) -> dict[str, object]:
        """The numbers for JSON."""
        return {
            **{str(fault): count for fault, count in self.faults.items()},
            "events": self.events,
            "kills": self.kills,
            "broker_kills": self.broker_kills,
            "rebalances": self.rebalances,
            "restarts": self.restarts,
            "longest_gap_s": round(self.longest_gap_s, 3),
            "recovery_s": round(self.recovery_s, 3),
            "seconds": round(self.seconds, 3),
            "events_per_s": round(self.events / self.seconds, 1) if self.seconds else 0.0,
        }

    @property
    def headline(self) -> str:
        """The faults in a few words."""
        return ", ".join(f"{count} {fault}" for fault, count in self.faults.items())
