"""What came of a run over mutated inputs, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from earmark.processors.error import RejectionClass
from earmark.streams.chaos.inputs_memory import Memory

HANG_S = 30.0  # without any answer, while inputs wait


@dataclass(frozen=True, slots=True, kw_only=True)
class InputReport:
    """The outcome of a run. `signals` are by outcome, `rejections` by class.

    `unanswered` has a line for each input that was not answered as it should be, `controls`
    likewise for the recordings that nothing was done to, and `ours` for inputs that were rejected
    since something of ours failed on them. Times in seconds.
    """

    inputs: int
    unanswered: Sequence[str]
    controls: Sequence[str]
    ours: Sequence[str]
    signals: Mapping[str, int]
    rejections: Mapping[str, int]
    worker_deaths: int
    longest_gap_s: float
    memory: Memory
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether every input was answered, no worker died or hung, and memory was bounded."""
        return not (
            self.unanswered
            or self.controls
            or self.worker_deaths
            or self.longest_gap_s > HANG_S
            or not self.memory.bounded
        )

    @property
    def as_object(self) -> dict[str, object]:
        """The numbers for JSON."""
        return {
            "inputs": self.inputs,
            "answered": self.inputs - len(self.unanswered),
            "unanswered": len(self.unanswered),
            "signals": dict(sorted(self.signals.items())),
            "rejections": dict(sorted(self.rejections.items())),
            "decoder_crashes": self.rejections.get(RejectionClass.DECODER_CRASHED, 0),
            "decoder_stalls": self.rejections.get(RejectionClass.DECODER_STALLED, 0),
            "worker_deaths": self.worker_deaths,
            "longest_gap_s": round(self.longest_gap_s, 3),
            "memory_mb": self.memory.as_object,
            "memory_bounded": self.memory.bounded,
            "seconds": round(self.seconds, 3),
            "inputs_per_s": round(self.inputs / self.seconds, 1) if self.seconds else 0.0,
        }

    @property
    def headline(self) -> str:
        """What is wrong, in a few words."""
        said = [
            f"{len(self.unanswered)} of {self.inputs} inputs not answered",
            f"{self.worker_deaths} workers died",
            f"longest gap {self.longest_gap_s:.1f} s",
        ]
        if self.controls:
            said.append(f"{len(self.controls)} good recordings not answered well")
        if not self.memory.bounded:
            said.append("memory grew")
        return ", ".join(said)
