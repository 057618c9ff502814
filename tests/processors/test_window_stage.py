"""Signals that read windows: batches do not change what they say, and a shared trunk works once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.block import NO_SAMPLES, Block, End, Samples
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.envelope import envelopes
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.outcome import Outcome, OutcomeKind, Rejection, Result, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import ItemView, Part, SignalSpec, Takes

BAD = 7.0  # no trunk can read a window with this sample


@dataclass
class Summing:
    """A `Trunk`: the sum of each window, and how many samples of it are real."""

    window_samples: int = 100
    hop_samples: int = 50
    seen: int = 0

    def features(self, windows_BT: Samples, lengths_B: Sequence[int]) -> list[tuple[float, int]]:
        if (windows_BT == BAD).any():
            raise ValueError("no")
        self.seen += len(windows_BT)
        sums_B = windows_BT.sum(axis=1, dtype=np.float64)
        return list(zip(sums_B.tolist(), lengths_B, strict=True))


@dataclass
class Head:
    """A `WindowScorer`."""

    trunk: Summing
    factor: float = 1.0
    given: list[int] = field(default_factory=list)

    def score(self, features: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
        return [(self.factor * total, length) for total, length in features]

    def conclude(self, item: ItemView, scores: Sequence[tuple[float, int]]) -> Result:
        return Result.ok(scores=tuple(scores), needs=tuple(sorted(item.results)))


def spec(name: str, *needs: str) -> SignalSpec:
    reads = frozenset({Part.AUDIO})
    return SignalSpec(name=name, takes=Takes.WINDOWS, reads=reads, needs=needs, make=Result.ok)


SPECS = {"odd.sum": spec("odd.sum"), "odd.double": spec("odd.double", "odd.sum")}


def pipeline(trunk: Summing, *, batch: float = 120.0) -> Pipeline:
    device = Device()
    made = Pipeline(
        specs=SPECS,
        scorers={"odd.sum": Head(trunk), "odd.double": Head(trunk, factor=2.0)},
        envelopes=envelopes(SPECS, ModelStore(), device),
        asked=SPECS,
        device=device,
    )
    made.budgets["odd.sum"].amount = batch
    return made


def event(name: str) -> ContentEvent:
    return ContentEvent(event_id=name, content_id=name, audio=Audio(data=b"x"))


def blocks(
    recordings: Sequence[Sequence[int]], *, broken: frozenset[int] = frozenset(), bad: int = -1
) -> Iterator[Block | None]:
    """Recordings side by side, each in blocks of so many samples."""
    events = [event(str(number)) for number in range(len(recordings))]
    for at in range(max(map(len, recordings), default=0)):
        for number, recording in enumerate(recordings):
            if at < len(recording):
                value = BAD if number == bad else number + 1
                yield Block(
                    event=events[number], samples_T=np.full(recording[at], value, np.float32)
                )
        if at % 2:
            yield None
    for number, each in enumerate(events):
        error = ContentError(RejectionClass.MEDIA_CORRUPT, "broken", part=Part.AUDIO)
        end = End(audio_sha256="0" * 64, error=error if number in broken else None)
        yield Block(event=each, samples_T=NO_SAMPLES, end=end)


def results(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], Result]:
    signals = [outcome for outcome in outcomes if isinstance(outcome, Signal)]
    return {(signal.event.content_id, signal.name): signal.result for signal in signals}


recordings = st.lists(st.lists(st.integers(1, 300), max_size=4), max_size=8)


@given(recordings, st.sampled_from([0.001, 0.01, 0.03]))
def test_batches_change_nothing(recordings: list[list[int]], batch: float) -> None:
    whole = results(list(pipeline(Summing()).score(blocks(recordings))))
    parted = results(list(pipeline(Summing(), batch=batch).score(blocks(recordings))))
    assert parted == whole
    assert len(whole) == 2 * len(recordings)


def test_signals_with_one_trunk_share_its_work() -> None:
    trunk = Summing()
    said = results(list(pipeline(trunk).score(blocks([[100, 60]]))))
    assert trunk.seen == 3
    sums = said["0", "odd.sum"].fields["scores"]
    assert sums == ((100.0, 100), (100.0, 100), (60.0, 60))
    assert said["0", "odd.double"].fields["scores"] == ((200.0, 100), (200.0, 100), (120.0, 60))


def test_what_it_needs_is_known_when_it_concludes() -> None:
    said = results(list(pipeline(Summing()).score(blocks([[10]]))))
    assert said["0", "odd.double"].fields["needs"] == ("odd.sum",)


def test_a_window_that_cannot_be_read_fails_its_own_item_alone() -> None:
    outcomes = list(pipeline(Summing()).score(blocks([[250], [250], [250]], bad=1)))
    said = results(outcomes)
    assert said["1", "odd.sum"].outcome == OutcomeKind.ERROR
    assert {said[name, "odd.sum"].outcome for name in "02"} == {OutcomeKind.OK}
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    assert {rejection.event.content_id for rejection in rejected} == {"1"}


def test_broken_audio_is_not_answered() -> None:
    said = results(list(pipeline(Summing()).score(blocks([[250], [250]], broken=frozenset({0})))))
    assert said["0", "odd.sum"].outcome == OutcomeKind.ERROR
    assert said["1", "odd.sum"].outcome == OutcomeKind.OK
