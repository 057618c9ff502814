"""The run: feed a worker with mutated inputs, wait for its answers, check that none is missing."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from earmark.models.source import Progress
from earmark.processors.schema import newest, schema_of, schemas
from earmark.streams.chaos.fleet import Fleet
from earmark.streams.chaos.ground import ground
from earmark.streams.chaos.inputs import Input, Inputs, Material
from earmark.streams.chaos.inputs_aside import Aside
from earmark.streams.chaos.inputs_check import check
from earmark.streams.chaos.inputs_event import Ids
from earmark.streams.chaos.inputs_memory import Memory
from earmark.streams.chaos.inputs_report import InputReport
from earmark.streams.chaos.inputs_schema import WriterSchema, edited, registered, schemas_in
from earmark.streams.chaos.inputs_seed import Seed, files, recordings
from earmark.streams.chaos.inputs_sender import InputSender
from earmark.streams.chaos.inputs_tally import Offence
from earmark.streams.chaos.offsets import Offsets
from earmark.streams.chaos.plan import FAST_SIGNALS
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.settings import (
    BreakerSettings,
    MediaSettings,
    RetrySettings,
    Settings,
    with_worker,
)
from earmark.streams.topic import CONTENT_EVENTS, LONG_EVENTS, contract

SIGNALS = (*FAST_SIGNALS, "audio.speech")
WRITERS = 80  # schemas of other writers that are offered to the registry
WAITING = 1_000  # most inputs that wait for their answer
DECODE_STALL_S = 20.0  # a decode process that says nothing for so long is killed
LONG_S = 30.0  # recordings beyond it are set apart, to a process of their own: some are
STALL_S = 60.0  # a worker that does not move for so long ends itself
STALLED_S = 300.0  # nothing was answered for so long: what is missing then is not waited for
TICK_S = 0.05
ASKING_S = 0.25  # between two looks at the committed offsets

Make = Callable[[], Input]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions:
    """The size of a run, and the folders with files of one's own; with `only`, it is one input."""

    inputs: int
    seed: int = 1
    seeds: tuple[Path, ...] = ()
    only: int | None = None
    real_models: bool = False

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the inputs that are sent."""
        return range(self.inputs) if self.only is None else [self.only]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputCounts:
    """How far a run is; `held` is what the worker holds, in bytes."""

    answered: int
    deaths: int
    held: int


Watch = Callable[[InputCounts], None]


def run(
    options: InputOptions,
    settings: Settings,
    folder: Path,
    *,
    watch: Watch,
    say: Say,
    keep: Callable[[Input], None],
    progress: Progress = silent,
) -> InputReport:
    """The whole run on a stack of its own below `folder`, which holds its logs and data.

    `keep` gets the one input of a run that has but one. Raises ConfigurationError where a folder
    of seeds has none, ServiceError where the stack or the worker does not start.
    """
    random = np.random.default_rng([options.seed, 5])
    found = files(options.seeds)
    media = folder / "media"
    media.mkdir(parents=True)
    with ExitStack() as undo:
        say("starting a broker and a registry")
        wanted = _settings(options, settings, media)
        base = undo.enter_context(ground(wanted, folder, random, progress=progress))
        say("making recordings and schemas")
        inputs = Inputs(_material(options.seed, found, base.settings, media))
        if options.only is not None:
            keep(inputs.input(options.only))
        controls = [partial(inputs.control, number) for number in range(inputs.controls)]
        mutated = [partial(inputs.input, number) for number in options.numbers]
        fleet = Fleet(settings=base.settings, folder=folder / "logs", random=random)
        undo.callback(fleet.stop)
        say("starting a worker")
        fleet.start(1)
        sent = [*controls, *mutated]
        feed = _Feed(base.settings, fleet, sent, controls=len(controls), watch=watch, say=say)
        undo.enter_context(closing(feed))
        started = time.monotonic()
        say(f"sending {len(controls)} recordings as they are, then {len(mutated):,} inputs")
        if feed.send_until(len(controls)):
            feed.memory.begin()
            feed.send_until(len(controls) + len(mutated))
        seconds = time.monotonic() - started
        say("stopping the worker")
        fleet.stop()
        feed.settle()
        return _report(feed, base.settings, say, controls=len(controls), seconds=seconds)


def _report(
    feed: "_Feed", settings: Settings, say: Say, *, controls: int, seconds: float
) -> InputReport:
    tally, timing, offences = check(feed.sent, settings, say, controls=controls)
    wrong = {offence.tag: _told(offence, feed.sent) for offence in reversed(offences)}
    return InputReport(
        inputs=len(feed.sent) - controls,
        unanswered=[told for tag, told in sorted(wrong.items()) if tag >= controls],
        controls=[told for tag, told in sorted(wrong.items()) if tag < controls],
        ours=[_told(offence, feed.sent) for offence in tally.ours],
        signals=tally.outcomes,
        rejections=tally.classes,
        worker_deaths=feed.deaths,
        longest_gap_s=max(timing.longest_gap_s(feed.sender.taken_ms), feed.silent_s),
        memory=feed.memory,
        seconds=seconds,
    )


def _told(offence: Offence, sent: Sequence[Make]) -> str:
    made = sent[offence.tag]()
    return f"{made.item}, {made.family}, {made.story}: {offence.detail}"


def _settings(options: InputOptions, settings: Settings, media: Path) -> Settings:
    """Those of the worker: it goes on whatever share is dead-lettered, and nothing waits."""
    fed = with_worker(
        settings,
        signals=() if options.real_models else SIGNALS,
        breaker=BreakerSettings(in_a_row=0, share=1.0),
        retry=RetrySettings(attempts=1),
        decode_stall_s=DECODE_STALL_S,
        long_minutes=LONG_S / 60,
        stall_s=STALL_S,
    )
    # what a mutated uri says is never looked up in a network
    return fed.model_copy(update={"media": MediaSettings(schemes=("file",), roots=(media,))})


def _material(seed: int, found: tuple[Seed, ...], settings: Settings, media: Path) -> Material:
    random = np.random.default_rng([seed, 6])
    foreign = [*(edited(random) for _ in range(WRITERS)), *schemas_in(found)]
    ours = schema_of(CONTENT_EVENTS)
    with Registry(settings.registry) as registry:
        ids = registry.ids_for_worker(newest(schemas()))
        own = WriterSchema(schema_id=ids[ours.topic], definition=ours.definition)
        writers = (own, *registered(registry, foreign))
    others = tuple(schema_id for topic, schema_id in ids.items() if topic != ours.topic)
    return Material(
        seed=seed,
        recordings=recordings(),
        files=found,
        ids=Ids(events=own.schema_id, others=others),
        writers=writers,
        folder=media,
    )


class _Feed:
    """One thread that sends, looks after the worker and its memory, and waits for answers."""

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        sent: Sequence[Make],
        *,
        controls: int,
        watch: Watch,
        say: Say,
    ) -> None:
        self.sent = sent
        self._controls = controls
        self.sender = InputSender(settings.kafka, len(sent))
        self.memory = Memory()
        self.silent_s = 0.0  # without an answer, before no more was waited for
        self._fleet = fleet
        self._watch = watch
        self._say = say
        self._offsets = Offsets(settings.kafka)
        self._aside = Aside(settings.kafka, LONG_EVENTS)
        self._next = 0
        self._answered = 0
        self._asked_at = 0.0
        self._moved_at = time.monotonic()

    @property
    def deaths(self) -> int:
        """How often the worker ended without being asked to."""
        return self._fleet.restarts

    def send_until(self, end: int) -> bool:
        """Send those before `end`; False if answers stop coming before all of them have."""
        while self._answered < end:
            while self._next < min(end, self._answered + WAITING):
                self.sender.send(self._next, self.sent[self._next]())
                self._next += 1
                self._look()
            if not self._go_on(f"{self._next - self._answered} inputs wait"):
                return False
        return self._hear_those_aside()

    def _hear_those_aside(self) -> bool:
        """Wait for those that were set apart, as long as one after the other is answered."""
        before = self.sender.taken
        while left := self._aside.left():
            if left < before:
                before, self._moved_at = left, time.monotonic()
            if not self._go_on(f"{left} inputs that were set apart wait"):
                return False
        return True

    def _go_on(self, what: str) -> bool:
        """Look after everything for a moment; False if no answer came for long."""
        self._look()
        if time.monotonic() > self._moved_at + STALLED_S:
            self.silent_s = STALLED_S
            self._say(f"nothing was answered for {STALLED_S:g} s; {what}")
            return False
        time.sleep(TICK_S)
        return True

    def settle(self) -> None:
        """Wait until all that was written is committed or aborted."""
        self.sender.flush()
        topics = [topic.name for topic in contract() if topic.name != CONTENT_EVENTS]
        self._offsets.wait_until_settled(topics)

    def close(self) -> None:
        """Leave the brokers."""
        self._offsets.close()
        self._aside.close()

    def _look(self) -> None:
        """Keep the worker alive, and see how far it is."""
        self._fleet.tend()
        self.sender.tend()
        worker = self._fleet.members[0].worker
        if worker is not None:
            self.memory.look(worker.child.pid)
        if time.monotonic() < self._asked_at + ASKING_S:
            return
        answered = sum(self._offsets.answered().values())
        self._asked_at = time.monotonic()
        if answered > self._answered:
            self._answered, self._moved_at = answered, self._asked_at
        counted = max(0, answered - self._controls)
        self._watch(InputCounts(answered=counted, deaths=self.deaths, held=self.memory.end))
