"""What a run is to do, and when: everything follows from the options and their seed."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Literal

import numpy as np

FAST_SIGNALS = ("audio.integrity", "audio.loudness", "text.language", "text.embedding")
RATE_HZ = 200.0  # most events sent in a second: the run is to last, not to be fast
SPACING_S = 8.0  # mean time between two disturbances: a worker takes about that long to be back
BURST_S = 1.0  # events go out in bursts, so that there is work under way when a disturbance falls
LATEST_S = 0.5  # longest time from a burst to the disturbance that is meant for it
WORKER_FREEZE_S = (11.0, 27.0)  # beyond its session (10 s at most) or its transaction (15 s)
BROKER_FREEZE_S = (2.0, 8.0)  # within a session


class Trouble(StrEnum):
    """What can happen to a fleet of workers."""

    KILL = "KILL"  # a worker gets SIGKILL
    BROKER_KILL = "BROKER_KILL"  # the broker gets SIGKILL
    REBALANCE = "REBALANCE"  # a worker leaves, or another comes
    CUT = "CUT"  # nothing passes between the workers and the broker
    FREEZE = "FREEZE"  # a worker or the broker gets SIGSTOP, and SIGCONT later


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The size of a run. `poison` is the share of broken records, in [0, 1)."""

    events: int = 20_000
    kills: int = 20
    broker_kills: int = 3
    workers: int = 3
    rebalances: int = 5
    cuts: int = 0
    cut_s: float = 60.0
    freezes: int = 0
    protocol: Literal["classic", "consumer"] = "classic"
    poison: float = 0.02
    real_models: bool = False
    seed: int = 1

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that the workers compute; none named: all."""
        return () if self.real_models else FAST_SIGNALS

    @property
    def troubles(self) -> list[Trouble]:
        """All that happens, in no order."""
        return (
            [Trouble.KILL] * self.kills
            + [Trouble.BROKER_KILL] * self.broker_kills
            + [Trouble.REBALANCE] * self.rebalances
            + [Trouble.CUT] * self.cuts
            + [Trouble.FREEZE] * self.freezes
        )

    @property
    def seconds(self) -> float:
        """How long events are sent, if nothing holds that up."""
        lasting_s = self.cuts * self.cut_s + self.freezes * sum(WORKER_FREEZE_S) / 2
        return max(self.events / RATE_HZ, len(self.troubles) * SPACING_S + lasting_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """One thing that happens, `delay_s` seconds after the burst with number `burst` was sent."""

    trouble: Trouble
    burst: int
    delay_s: float


def bursts(options: Options) -> list[range]:
    """The events of each burst, by number; together all of them."""
    count = max(1, min(options.events, round(options.seconds / BURST_S)))
    edges = np.linspace(0, options.events, count + 1).astype(int).tolist()
    return [range(first, end) for first, end in pairwise(edges)]


def schedule(options: Options) -> list[Disturbance]:
    """All disturbances in their order: spread over the run, each at random within its share."""
    random = np.random.default_rng([options.seed, 0])
    troubles = options.troubles
    share = len(bursts(options)) / max(len(troubles), 1)
    return [
        Disturbance(
            trouble=troubles[which],
            burst=int((place + random.random()) * share),
            delay_s=random.random() * LATEST_S,
        )
        for place, which in enumerate(random.permutation(len(troubles)).tolist())
    ]
