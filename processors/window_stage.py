"""The stage of windows: each passes a trunk once, then the heads of all signals that share it.

B: batch, T: samples (16 kHz, mono, float32)
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from earmark.models.padding import note_padding
from earmark.processors.block import Samples
from earmark.processors.budget import Budget
from earmark.processors.canary import canary_window
from earmark.processors.error import ContentError
from earmark.processors.isolation import isolated
from earmark.processors.item import Item
from earmark.processors.lanes import Job
from earmark.processors.piece_queue import PieceQueue, seconds_of
from earmark.processors.signal import Part, SignalSpec, Trunk, WindowScorer
from earmark.processors.stage import note_scores
from earmark.processors.window import Window, WindowCutter
from earmark.processors.window_stack import WindowStack


@dataclass(slots=True, kw_only=True, eq=False)
class _Recording:
    """One recording on its way through the stage; `names` are the signals computed for it."""

    item: Item
    names: Collection[str]
    cutter: WindowCutter


_Batch = Sequence[tuple[_Recording, Window]]


class WindowStage:
    """Cuts recordings into windows, gathers those of all items and scores them together."""

    def __init__(
        self, scorers: Mapping[str, tuple[SignalSpec, WindowScorer]], budget: Budget
    ) -> None:
        self._scorers = scorers  # of one trunk
        self._budget = budget  # seconds
        self._trunk: Trunk = next(iter(scorers.values()))[1].trunk
        self._stack = WindowStack()
        self._recordings: dict[int, _Recording] = {}
        self._queue: PieceQueue[_Recording, Window] = PieceQueue(lambda each: each.item)

    def open(self, item: Item, computed: Collection[str]) -> None:
        """Begin with the recording of `item`, where a signal of this stage is computed for it."""
        names = [name for name in self._scorers if name in computed]
        if names:
            cutter = WindowCutter(size=self._trunk.window_samples, hop=self._trunk.hop_samples)
            self._recordings[id(item)] = _Recording(item=item, names=names, cutter=cutter)

    def feed(self, item: Item, samples_T: Samples) -> None:
        """Take the next samples of `item`."""
        recording = self._recordings.get(id(item))
        if recording is not None:
            self._queue.put(recording, recording.cutter.cut(samples_T))

    def close(self, item: Item) -> None:
        """No more samples of `item` will come."""
        recording = self._recordings.pop(id(item), None)
        if recording is not None and item.audio_error is None:
            self._queue.put(recording, recording.cutter.flush())

    @property
    def specs(self) -> Sequence[SignalSpec]:
        """The signals that it answers."""
        return [spec for spec, _ in self._scorers.values()]

    @property
    def fill(self) -> float:
        """How many batches wait in the queue."""
        return self._queue.seconds / self._budget.amount

    def batch(self) -> Job | None:
        """The next batch; None where nothing waits."""
        batch = self._queue.batch(self._budget)
        if not batch:
            return None
        return Job(compute=partial(self._compute, batch), note=partial(self._note, batch))

    def _compute(self, batch: _Batch) -> dict[str, list[object]]:
        """By signal one score, or what went wrong, of each window on which it is computed."""
        windows = [window for _, window in batch]
        events = [recording.item.event for recording, _ in batch]
        with self._budget.batch(next(iter(self._scorers)), seconds_of(windows), events):
            features = isolated(
                self._features,
                windows,
                canary=self._canary,
                name=" and ".join(self._scorers),
                part=Part.AUDIO,
                too_large=lambda windows: self._budget.lower(seconds_of(windows)),
            )
        return {
            name: self._scores(
                spec,
                scorer,
                [row for (each, _), row in zip(batch, features, strict=True) if name in each.names],
            )
            for name, (spec, scorer) in self._scorers.items()
        }

    def _scores(self, spec: SignalSpec, scorer: WindowScorer, rows: Sequence[Any]) -> list[object]:
        scores = iter(
            isolated(
                scorer.score,
                [row for row in rows if not isinstance(row, ContentError)],
                canary=lambda: self._features([self._canary()])[0],
                name=spec.name,
                part=Part.AUDIO,
            )
        )
        return [row if isinstance(row, ContentError) else next(scores) for row in rows]

    def _note(self, batch: _Batch, scores: Mapping[str, Sequence[object]]) -> None:
        for name, each in scores.items():
            note_scores(name, [heard.item for heard, _ in batch if name in heard.names], each)
        for recording, _ in batch:
            recording.item.pieces_out -= 1

    def _features(self, windows: Sequence[Window]) -> Sequence[Any]:
        windows_BT = self._stack.stacked([window.samples_T for window in windows])
        lengths = [window.length for window in windows]
        note_padding(used=sum(lengths), whole=windows_BT.size)
        return self._trunk.features(windows_BT, lengths)

    def _canary(self) -> Window:
        return canary_window(self._trunk.window_samples)


def by_trunk(
    scorers: Mapping[str, tuple[SignalSpec, WindowScorer]],
) -> list[dict[str, tuple[SignalSpec, WindowScorer]]]:
    """The scorers, those that share a trunk together."""
    groups: dict[int, dict[str, tuple[SignalSpec, WindowScorer]]] = {}
    for name, (spec, scorer) in scorers.items():
        groups.setdefault(id(scorer.trunk), {})[name] = (spec, scorer)
    return list(groups.values())
