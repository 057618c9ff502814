"""How a run ended, in numbers."""

from dataclasses import dataclass

from earmark.streams.chaos.tally import Fault, Offence


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a run; times in seconds, from the broker's own clock (see `timing`).

    `kills` are those of workers, `restarts` what workers did by themselves, for want of a broker.
    `recovery_s` is the longest time from the kill or freeze of a worker until each partition that
    had work went on, `broker_recovery_s` from when the broker served again; neither counts time in
    which the broker was away. `longest_gap_s` counts all.
    """

    faults: dict[Fault, int]
    offences: tuple[Offence, ...]
    events: int
    kills: int
    broker_kills: int
    rebalances: int
    cuts: int
    freezes: int
    restarts: int
    longest_gap_s: float
    recovery_s: float
    broker_recovery_s: float
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
            "cuts": self.cuts,
            "freezes": self.freezes,
            "restarts": self.restarts,
            "longest_gap_s": round(self.longest_gap_s, 3),
            "recovery_s": round(self.recovery_s, 3),
            "broker_recovery_s": round(self.broker_recovery_s, 3),
            "seconds": round(self.seconds, 3),
            "events_per_s": round(self.events / self.seconds, 1) if self.seconds else 0.0,
        }

    @property
    def headline(self) -> str:
        """The faults in a few words."""
        return ", ".join(f"{count} {fault}" for fault, count in self.faults.items())
