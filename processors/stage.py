"""The stages of a pipeline: each gathers work from many items and has it scored in batches.

What a stage gathers before it runs is decided by budgets, never by outcomes: which items share a
batch changes the speed and nothing else. A budget is lowered for a while where a batch did not fit
into memory (see `budget`).

B: batch, T: samples (16 kHz, mono, float32)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from earmark.processors.block import SAMPLE_BYTES, Samples
from earmark.processors.budget import (
    ITEM_CODE_POINTS,
    PASSAGE_CODE_POINTS,
    PASSAGE_ITEMS,
    Budget,
)
from earmark.processors.canary import EVENT, canary_clip, canary_view, tone
from earmark.processors.clip import Clip, SpeechPacker
from earmark.processors.error import ContentError
from earmark.processors.isolation import isolated
from earmark.processors.item import Item
from earmark.processors.lanes import Job
from earmark.processors.outcome import Result
from earmark.processors.piece_queue import PieceQueue, seconds_of
from earmark.processors.sample_queue import SampleQueue
from earmark.processors.signal import (
    ClipScorer,
    ItemView,
    Part,
    PassageScorer,
    SignalSpec,
    StreamScorer,
    WindowScorer,
)

BACKLOG_BYTES = 16_000_000  # of chunks that wait, of however few recordings: worth a step


@dataclass(slots=True, kw_only=True, eq=False)
class Track:
    """One recording in a stream stage; `held` are its samples that were not stepped yet."""

    item: Item
    stream: object
    held: SampleQueue = field(default_factory=SampleQueue)
    ended: bool = False


class ClipStage:
    """Gathers clips of all items and scores them together."""

    def __init__(self, spec: SignalSpec, scorer: ClipScorer, budget: Budget) -> None:
        self.spec = spec
        self._scorer = scorer
        self._budget = budget  # seconds
        self._queue: PieceQueue[Item, Clip] = PieceQueue(lambda item: item)

    def admit(self, item: Item) -> None:
        """Begin cutting clips of the item, unless the event alone decides the result."""
        decided = self._scorer.admit(item.event)
        if decided is not None:
            item.results[self.spec.name] = decided
            return
        item.packers[self.spec.name] = SpeechPacker(
            longest_s=self._scorer.longest_s, language=item.event.language
        )

    def put(self, item: Item, clips: Iterable[Clip]) -> None:
        """Queue clips of one item, in order."""
        self._queue.put(item, clips)

    @property
    def specs(self) -> Sequence[SignalSpec]:
        """The one signal that it answers."""
        return (self.spec,)

    @property
    def fill(self) -> float:
        """How many batches wait in the queue."""
        return self._queue.seconds / self._budget.amount

    def batch(self) -> Job | None:
        """The next batch; None where nothing waits."""
        batch = self._queue.batch(self._budget)
        if not batch:
            return None
        items = [item for item, _ in batch]
        return Job(compute=partial(self._compute, batch), note=partial(self._note, items))

    def _compute(self, batch: Sequence[tuple[Item, Clip]]) -> Sequence[object]:
        clips = [clip for _, clip in batch]
        events = [item.event for item, _ in batch]
        with self._budget.batch(self.spec.name, seconds_of(clips), events):
            scores = isolated(
                self._scorer.score,
                clips,
                canary=canary_clip,
                name=self.spec.name,
                part=Part.AUDIO,
                too_large=lambda clips: self._budget.lower(seconds_of(clips)),
            )
        return scores  # noqa: RET504  # from within, checkers would miss a return behind

    def _note(self, items: Sequence[Item], scores: Sequence[object]) -> None:
        note_scores(self.spec.name, items, scores)
        for item in items:
            item.pieces_out -= 1


class StreamStage:
    """Steps many recordings together and cuts the spans it finds into clips."""

    def __init__(
        self,
        spec: SignalSpec,
        scorer: StreamScorer,
        budget: Budget,
        clip_stages: Sequence[ClipStage],
    ) -> None:
        self.spec = spec
        self._scorer = scorer
        self._budget = budget  # recordings
        self._clip_stages = clip_stages
        self._tracks: dict[int, Track] = {}

    def open(self, item: Item) -> None:
        """Begin with the recording of `item`."""
        item.streams_open += 1
        self._tracks[id(item)] = Track(item=item, stream=self._scorer.start())

    def feed(self, item: Item, samples_T: Samples) -> None:
        """Take the next samples of `item`."""
        track = self._tracks.get(id(item))
        if track is not None:
            track.held.put(samples_T)

    def close(self, item: Item) -> None:
        """No more samples of `item` will come; broken audio is let go at once."""
        track = self._tracks.get(id(item))
        if track is None:
            return
        track.ended = True
        if item.audio_error is not None:
            self._let_go(track)
        elif not len(track.held):
            self._finish(track)

    @property
    def due(self) -> bool:
        """Whether there is enough to step: many recordings, or much of few."""
        steps = [self._steps(track) for track in self._tracks.values()]
        chunk_bytes = self._scorer.chunk_samples * SAMPLE_BYTES
        backlog = max(BACKLOG_BYTES, self._width * chunk_bytes)
        return sum(map(bool, steps)) >= self._width or sum(steps) * chunk_bytes >= backlog

    def run(self) -> bool:
        """Move some recordings on by one chunk each; whether any could be moved."""
        tracks = [track for track in self._tracks.values() if self._steps(track)]
        tracks = tracks[: self._width]
        if not tracks:
            return False
        chunks = [track.held.take(self._scorer.chunk_samples) for track in tracks]
        with self._budget.batch(self.spec.name, len(tracks)):
            moved = isolated(
                self._step,
                list(zip(tracks, chunks, strict=True)),
                canary=self._canary_track,
                name=self.spec.name,
                part=Part.AUDIO,
                too_large=lambda rows: self._budget.lower(len(rows)),
            )
        for track, chunk, error in zip(tracks, chunks, moved, strict=True):
            self._after_step(track, chunk, error)
        return True

    @property
    def _width(self) -> int:
        return max(1, int(self._budget.amount))

    def _steps(self, track: Track) -> int:
        """How many chunks could be taken now; a recording that has ended gives its rest too."""
        chunks, rest = divmod(len(track.held), self._scorer.chunk_samples)
        return chunks + (track.ended and rest > 0)

    def _step(self, batch: Sequence[tuple[Track, Samples]]) -> list[None]:
        chunks_BT = np.zeros((len(batch), self._scorer.chunk_samples), np.float32)
        for row_T, (_, chunk) in zip(chunks_BT, batch, strict=True):
            row_T[: len(chunk)] = chunk
        streams = [track.stream for track, _ in batch]
        self._scorer.step(streams, chunks_BT, [len(chunk) for _, chunk in batch])
        return [None] * len(batch)

    def _after_step(self, track: Track, chunk: Samples, error: ContentError | None) -> None:
        if error is not None:
            track.item.failures[self.spec.name] = error
            self._let_go(track)
            return
        for stage in self._clip_stages:
            packer = track.item.packers.get(stage.spec.name)
            if packer is not None:
                packer.feed(chunk)
        self._cut(track)
        if track.ended and not len(track.held):
            self._finish(track)

    def _cut(self, track: Track) -> None:
        spans = track.stream.take_spans()  # type: ignore[attr-defined]  # a SpanStream by contract
        for stage in self._clip_stages:
            packer = track.item.packers.get(stage.spec.name)
            if packer is not None:
                clips = packer.cut(spans, floor=track.stream.floor)  # type: ignore[attr-defined]  # likewise
                stage.put(track.item, clips)

    def _finish(self, track: Track) -> None:
        item = track.item
        duration_ms = item.end.duration_ms if item.end else 0
        item.results[self.spec.name] = self._scorer.finish(track.stream, duration_ms)
        self._cut(track)
        for stage in self._clip_stages:
            packer = item.packers.pop(stage.spec.name, None)
            if packer is not None:
                stage.put(item, packer.flush())
        self._let_go(track)

    def _let_go(self, track: Track) -> None:
        del self._tracks[id(track.item)]
        track.item.streams_open -= 1
        track.item.packers.clear()

    def _canary_track(self) -> tuple[Track, Samples]:
        item = Item(event=EVENT)
        return Track(item=item, stream=self._scorer.start()), tone(self._scorer.chunk_samples)


class PassageStage:
    """Scores the texts of items whose audio has been heard, one signal after the other."""

    def __init__(
        self,
        scorers: Mapping[str, tuple[SignalSpec, PassageScorer]],
        budgets: Mapping[str, Budget],
    ) -> None:
        self._scorers = scorers  # needs before needers
        self._budgets = budgets  # code points

    @staticmethod
    def due(items: int, code_points: int) -> bool:
        """Whether so many items with so much text are enough for a good batch."""
        return items >= PASSAGE_ITEMS or code_points >= PASSAGE_CODE_POINTS

    def run(self, items: Sequence[Item]) -> None:
        """Score every text signal that is expected of each item."""
        for spec, scorer in self._scorers.values():
            views = [(item, item.view(spec)) for item in items if item.can_answer(spec)]
            readable = [(item, view, _code_points(view)) for item, view in views]
            for batch in self._budgets[spec.name].portions(readable, lambda each: each[2]):
                held = sum(code_points for _, _, code_points in batch)
                results = self._score(spec, scorer, [view for _, view, _ in batch], held)
                for (item, _, _), result in zip(batch, results, strict=True):
                    _record(item, spec, result)

    def _score(
        self, spec: SignalSpec, scorer: PassageScorer, views: Sequence[ItemView], held: float
    ) -> Sequence[Result | ContentError]:
        budget = self._budgets[spec.name]
        events = [view.event for view in views]
        with budget.batch(spec.name, held, events):
            results = isolated(
                scorer.score,
                views,
                canary=canary_view,
                name=spec.name,
                part=Part.TEXTS,
                too_large=lambda views: budget.lower(sum(map(_code_points, views))),
            )
        return results  # noqa: RET504  # from within, checkers would miss a return behind


def note_scores(name: str, items: Iterable[Item], scores: Iterable[object]) -> None:
    """Give each item the score of one of its pieces, or the failure of the signal `name`."""
    for item, score in zip(items, scores, strict=True):
        if isinstance(score, ContentError):
            item.failures[name] = score
        else:
            item.scores.setdefault(name, []).append(score)


def conclude(item: Item, spec: SignalSpec, scorer: ClipScorer | WindowScorer) -> None:
    """Turn the scores of an item's clips or windows into its result."""
    scores = item.scores.pop(spec.name, [])
    known = spec.name in item.results or spec.name in item.failures
    if known or not item.can_answer(spec):
        return
    (result,) = isolated(
        lambda views: [scorer.conclude(view, scores) for view in views],
        [item.view(spec)],
        canary=canary_view,
        name=spec.name,
        part=Part.AUDIO,
    )
    _record(item, spec, result)


def _code_points(view: ItemView) -> int:
    """How much there is to read: the event's texts, and what was found before (a transcript)."""
    found = [value for result in view.results.values() for value in result.fields.values()]
    texts = [*(text.text for text in view.event.texts), *found]
    return max(ITEM_CODE_POINTS, sum(len(text) for text in texts if isinstance(text, str)))


def _record(item: Item, spec: SignalSpec, result: Result | ContentError) -> None:
    if isinstance(result, ContentError):
        item.failures[spec.name] = result
    else:
        item.results[spec.name] = result
