"""One run of a pipeline over a stream of blocks: which item is where, and what is due next."""

from collections.abc import Collection, Iterator, Mapping
from typing import cast

from earmark.processors.block import Block
from earmark.processors.budget import Budget
from earmark.processors.envelope import Envelope
from earmark.processors.expected import expected_signals
from earmark.processors.item import Item
from earmark.processors.lanes import BatchStage, LaneExecutor, Lanes
from earmark.processors.outcome import Answer, Outcome, Rejection, Result, Signal
from earmark.processors.plan import whole_plan
from earmark.processors.signal import (
    ClipScorer,
    PassageScorer,
    SignalSpec,
    StreamScorer,
    Takes,
    WindowScorer,
)
from earmark.processors.stage import ClipStage, PassageStage, StreamStage, conclude
from earmark.processors.window_stage import WindowStage, by_trunk

IDLE_FILL = 0.125  # of a batch: worth a start where a lane waits for work
MOST_FILL = 2.0  # batches that a stage gathers while another is computed


class Session:
    """Takes blocks, keeps items, runs stages when they are due, yields answers."""

    def __init__(
        self,
        *,
        specs: Mapping[str, SignalSpec],
        scorers: Mapping[str, object],
        envelopes: Mapping[str, Envelope],
        asked: Collection[str],
        budgets: Mapping[str, Budget],
        executor: LaneExecutor | None = None,
    ) -> None:
        self._specs = specs
        self._envelopes = envelopes
        self._asked = asked
        self._items: dict[int, Item] = {}  # by id of the event, which the item keeps alive
        self._ended = 0  # items of which no block is to come, and how much text they have
        self._code_points = 0
        self._clips = [
            ClipStage(spec, cast(ClipScorer, scorers[name]), budgets[name])
            for name, spec in _leaders_first(specs)
            if spec.takes is Takes.CLIPS
        ]
        self._streams = [
            StreamStage(spec, cast(StreamScorer, scorers[name]), budgets[name], self._fed_by(name))
            for name, spec in specs.items()
            if spec.takes is Takes.STREAM
        ]
        windowed = {
            name: (spec, cast(WindowScorer, scorers[name]))
            for name, spec in specs.items()
            if spec.takes is Takes.WINDOWS
        }
        self._windows = [
            WindowStage(group, budgets[next(iter(group))]) for group in by_trunk(windowed)
        ]
        # clips first: to leave the steps of a decoder to the end would leave cores idle then
        self._gathering: tuple[ClipStage | WindowStage, ...] = (*self._clips, *self._windows)
        self._lanes = Lanes(self._gathering, executor)
        self._concluded = [
            (spec, cast(ClipScorer | WindowScorer, scorers[name]))  # needs before needers
            for name, spec in specs.items()
            if spec.takes in {Takes.CLIPS, Takes.WINDOWS}
        ]
        self._passages = PassageStage(
            {
                name: (spec, cast(PassageScorer, scorers[name]))
                for name, spec in specs.items()
                if spec.takes is Takes.PASSAGES
            },
            budgets,
        )

    def take(self, block: Block) -> None:
        """Bring in the next block of an event."""
        item = self._items.get(id(block.event)) or self._open(block)
        hearing: tuple[StreamStage | WindowStage, ...] = (*self._streams, *self._windows)
        if len(block.samples_T):
            for stage in hearing:
                stage.feed(item, block.samples_T)
        if block.end is not None:
            item.close(block.end)
            self._ended += 1
            self._code_points += item.event.code_points
            for stage in hearing:
                stage.close(item)

    def advance(self) -> Iterator[Answer]:
        """Run the stages that have enough for a good batch, and note what is through."""
        self._lanes.collect()
        for stream in self._streams:
            while stream.due:
                stream.run()
        while (stage := self._next()) is not None:
            self._lanes.start(stage)
        if not self._passages.due(self._ended, self._code_points):
            return
        heard = self._heard()
        if self._passages.due(len(heard), sum(item.event.code_points for item in heard)):
            yield from self._finish(heard)

    def drain(self) -> Iterator[Answer]:
        """Run every stage on all that it has, full batches or not."""
        for stream in self._streams:
            while stream.run():
                pass
        while (stages := self._startable()) or self._lanes.busy:
            if stages:
                self._lanes.start(stages[0])
            else:
                self._lanes.collect(wait_for_one=True)
                yield from self._finish(self._heard())
        yield from self._finish(self._heard())

    def close(self) -> None:
        """Nothing more is asked: the models compute nothing for this session from here on."""
        self._lanes.abandon()

    def _next(self) -> BatchStage | None:
        """The stage to run now; waits while one of those that cannot is far behind."""
        while True:
            if stages := self._startable(IDLE_FILL if self._lanes.idle else 1.0):
                return max(stages, key=lambda each: each.fill)
            behind = any(each.fill >= MOST_FILL for each in self._gathering)
            if not (behind and self._lanes.busy):
                return None
            self._lanes.collect(wait_for_one=True)

    def _startable(self, fill: float = 0.0) -> list[ClipStage | WindowStage]:
        """The stages that hold anything, and so much of a batch, and could begin now."""
        held = [each for each in self._gathering if each.fill and each.fill >= fill]
        return [each for each in held if self._lanes.takes(each)]

    def _open(self, block: Block) -> Item:
        plan = block.plan or whole_plan(
            self._specs, expected_signals(block.event, self._specs), self._asked
        )
        names = plan.computed | plan.known.keys()
        item = Item(
            event=block.event,
            expected={name: spec for name, spec in self._specs.items() if name in names},
            wanted=plan.wanted,
            recalled=plan.known.keys(),
            results=dict(plan.known),
        )
        self._items[id(block.event)] = item
        for clip_stage in self._clips:
            if clip_stage.spec.name in plan.computed:
                clip_stage.admit(item)
        for stream in self._streams:
            if stream.spec.name in plan.computed:
                stream.open(item)
        for window_stage in self._windows:
            window_stage.open(item, plan.computed)
        return item

    def _fed_by(self, stream: str) -> list[ClipStage]:
        return [stage for stage in self._clips if stream in stage.spec.needs]

    def _heard(self) -> list[Item]:
        return [item for item in self._items.values() if item.heard]

    def _finish(self, items: list[Item]) -> Iterator[Answer]:
        for item in items:
            for spec, scorer in self._concluded:
                conclude(item, spec, scorer)
            self._identify(item)
        self._passages.run(items)
        for item in items:
            yield Answer(event=item.event, outcomes=tuple(self._outcomes(item)))
            del self._items[id(item.event)]
            self._ended -= 1
            self._code_points -= item.event.code_points

    def _identify(self, item: Item) -> None:
        for name in item.results:
            item.signal_ids[name] = self._seal(item, name).signal_id

    def _outcomes(self, item: Item) -> Iterator[Outcome]:
        for name in item.expected:
            if name in item.wanted:
                yield self._seal(item, name)
        for error in (*item.errors.values(), *item.failures.values()):
            yield Rejection(event=item.event, error=error)

    def _seal(self, item: Item, name: str) -> Signal:
        digest = item.audio_digest(self._specs[name])
        return self._envelopes[name].seal(item.event, self._result(item, name), audio_sha256=digest)

    def _result(self, item: Item, name: str) -> Result:
        if name in item.results:
            return item.results[name]
        error = item.failures.get(name) or item.broken_part(self._specs[name])
        if error is not None:
            return Result.error(error.rejection_class)
        return Result.error("NEED_FAILED")


def _leaders_first(specs: Mapping[str, SignalSpec]) -> list[tuple[str, SignalSpec]]:
    """The signals: those that others follow, those with nothing to do with that, and followers."""
    led = {leader for spec in specs.values() for leader in spec.follows}
    return sorted(specs.items(), key=lambda each: (bool(each[1].follows), each[0] not in led))
