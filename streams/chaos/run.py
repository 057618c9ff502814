"""The run: send, disturb, wait, check."""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.models.source import Progress
from earmark.processors.error import ServiceError
from earmark.streams.chaos.check import check
from earmark.streams.chaos.events import Content
from earmark.streams.chaos.fleet import Fleet
from earmark.streams.chaos.ground import Ground, ground
from earmark.streams.chaos.offsets import Offsets
from earmark.streams.chaos.plan import BURST_S, Disturbance, Options, Trouble, bursts, schedule
from earmark.streams.chaos.report import Report
from earmark.streams.chaos.sender import Sender
from earmark.streams.local.report import silent
from earmark.streams.settings import Settings, with_worker
from earmark.streams.topic import CONTENT_EVENTS, contract

TICK_S = 0.05
ASKING_S = 1.0  # between two looks at the committed offsets
STALLED_S = 120.0  # nothing was answered for so long: what is missing then is lost
BUSY_S = 180.0  # longest wait for a worker or a broker to which something can happen


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How far a run is."""

    sent: int
    answered: int
    kills: int
    broker_kills: int
    restarts: int


Watch = Callable[[Counts], None]
Say = Callable[[str], None]


def run(
    options: Options,
    settings: Settings,
    folder: Path,
    *,
    watch: Watch,
    say: Say,
    progress: Progress = silent,
) -> Report:
    """The whole run on a stack of its own below `folder`, which holds its logs and data.

    `watch` is told now and then how far it is, `say` what begins. Raises ServiceError where the
    stack or a worker does not start, or the broker does not take the events.
    """
    content = Content(options)
    random = np.random.default_rng([options.seed, 3])
    wanted = _settings(options, settings)
    with ExitStack() as undo:
        say("starting a broker and a registry")
        base = undo.enter_context(
            ground(wanted, folder, random, with_cuts=options.cuts > 0, progress=progress)
        )
        fleet = Fleet(settings=base.worker_settings, folder=folder / "logs", random=random)
        undo.callback(fleet.stop)
        say(f"starting {options.workers} workers")
        fleet.start(options.workers)
        run = _Run(options, base, fleet, Sender(base.settings, content), watch, say)
        undo.enter_context(closing(run))
        say(f"sending {len(content):,} events")
        started = time.monotonic()
        run.send_amid_trouble()
        run.wait_for_answers()
        seconds = time.monotonic() - started
        say("stopping the workers")
        fleet.stop()
        run.settle()
        tally, timing = check(content, base.settings, run.sender.payload, say)
        taken_ms = run.sender.taken_ms
        return Report(
            faults=tally.counts,
            offences=tuple(tally.named),
            events=len(content),
            kills=len(fleet.killed_ms),
            broker_kills=base.broker_kills,
            rebalances=fleet.rebalances,
            cuts=base.cuts,
            freezes=run.freezes,
            restarts=fleet.restarts,
            longest_gap_s=timing.longest_gap_s(taken_ms),
            recovery_s=timing.recovery_s(taken_ms, fleet.killed_ms + fleet.frozen_ms, base.away),
            broker_recovery_s=timing.recovery_s(
                taken_ms, (span.ended_ms for span in base.away), base.away
            ),
            seconds=seconds,
        )


def _settings(options: Options, settings: Settings) -> Settings:
    """Those of the run. No event is blamed for a death, since it is we who kill."""
    kafka = settings.kafka.model_copy(update={"group_protocol": options.protocol})
    return with_worker(
        settings.model_copy(update={"kafka": kafka}),
        signals=options.signals,
        decoders=1,
        crashes=options.kills + 2,
    )


class _Run:
    """One thread that sends, disturbs, and starts again what has ended."""

    def __init__(
        self,
        options: Options,
        base: Ground,
        fleet: Fleet,
        sender: Sender,
        watch: Watch,
        say: Say,
    ) -> None:
        self.sender = sender
        self._options = options
        self._say = say
        self._base = base
        self._fleet = fleet
        self._watch = watch
        self._offsets = Offsets(base.settings.kafka)
        self._asked_at = 0.0
        self._answered = 0

    @property
    def freezes(self) -> int:
        """How often a worker or the broker was frozen."""
        return len(self._fleet.frozen_ms) + self._base.freezes

    def send_amid_trouble(self) -> None:
        """Send all events in bursts, each followed by the disturbances that are meant for it."""
        due: dict[int, list[Disturbance]] = defaultdict(list)
        for disturbance in schedule(self._options):
            due[disturbance.burst].append(disturbance)
        for number, burst in enumerate(bursts(self._options)):
            next_at = time.monotonic() + BURST_S
            self.sender.send(burst)
            for disturbance in due[number]:
                self._tend_until(time.monotonic() + disturbance.delay_s)
                self._cause(disturbance.trouble)
            self._tend_until(next_at)

    def wait_for_answers(self) -> None:
        """Wait until all offsets are committed, or none has been for long."""
        while not self._base.serves:
            self._tend_until(time.monotonic() + TICK_S)
        self.sender.flush()
        wanted, last, deadline = sum(self.sender.ends.values()), -1, 0.0
        while self._answered < wanted:
            if self._answered > last:
                last, deadline = self._answered, time.monotonic() + STALLED_S
            elif time.monotonic() > deadline:
                self._say(f"nothing was answered for {STALLED_S:g} s: {last} of {wanted} events")
                return
            self._tend_until(time.monotonic() + TICK_S)

    def settle(self) -> None:
        """Wait until all that was written is committed or aborted."""
        topics = [topic.name for topic in contract() if topic.name != CONTENT_EVENTS]
        self._offsets.wait_until_settled(topics)

    def close(self) -> None:
        """Leave the brokers."""
        self._offsets.close()

    def _cause(self, trouble: Trouble) -> None:
        """Let it happen, as soon as there is something it can happen to."""
        happen = {
            Trouble.KILL: self._fleet.kill,
            Trouble.BROKER_KILL: self._base.kill_broker,
            Trouble.REBALANCE: self._fleet.rebalance,
            Trouble.CUT: lambda: self._base.cut(self._options.cut_s),
            Trouble.FREEZE: self._freeze,
        }[trouble]
        deadline = time.monotonic() + BUSY_S
        while not happen():
            if time.monotonic() > deadline:
                raise ServiceError(f"no {trouble} was possible for {BUSY_S:g} s")
            self._tend_until(time.monotonic() + TICK_S)

    def _freeze(self) -> bool:
        """Workers and the broker take turns."""
        return self._base.freeze() if self.freezes % 2 else self._fleet.freeze()

    def _tend_until(self, until: float) -> None:
        """Keep everything alive until then, and at least once."""
        while True:
            self._base.tend()
            self._fleet.tend()
            self.sender.tend()
            self._look()
            left_s = until - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(TICK_S, left_s))

    def _look(self) -> None:
        if time.monotonic() < self._asked_at + ASKING_S:
            return
        self._answered = sum(self._offsets.answered().values())
        self._asked_at = time.monotonic()
        self._watch(
            Counts(
                sent=self.sender.sent,
                answered=self._answered,
                kills=len(self._fleet.killed_ms),
                broker_kills=self._base.broker_kills,
                restarts=self._fleet.restarts,
            )
        )
