"""Memory that runs out: the batch is halved, the next ones are smaller, and no outcome changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.budget import GOOD_BATCHES, PASSAGE_CODE_POINTS, STEPS, Budget
from earmark.processors.clip import Clip, Span
from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.envelope import envelopes
from earmark.processors.error import ModelError
from earmark.processors.outcome import Outcome, Rejection, Result, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import ItemView, Part, SignalSpec, Takes

CHUNK = 1_600  # 0.1 s
NONE_FITS = 0
SHORTAGES = [
    lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    lambda: RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1"),
    MemoryError,
]


@dataclass
class Memory:
    """Room for as many items of a batch as the next of `rooms` says, over and over again."""

    rooms: Sequence[int] = (10**9,)
    calls: int = 0
    sizes: list[int] = field(default_factory=list)  # of the batches that went through

    def take(self, batch: Sequence[object]) -> None:
        self.calls += 1
        if len(batch) > self.rooms[self.calls % len(self.rooms)]:
            raise SHORTAGES[self.calls % len(SHORTAGES)]()
        self.sizes.append(len(batch))


@dataclass
class Ear:
    """The state of one recording: each chunk that is not silent is a span."""

    heard: int = 0
    spans: list[Span] = field(default_factory=list)

    @property
    def floor(self) -> int:
        return self.heard

    def take_spans(self) -> list[Span]:
        taken, self.spans = self.spans, []
        return taken


@dataclass
class Hearing:
    """A `StreamScorer`."""

    memory: Memory
    chunk_samples: int = CHUNK

    def start(self) -> Ear:
        return Ear()

    def step(self, streams: Sequence[Ear], chunks: np.ndarray, lengths: Sequence[int]) -> None:
        self.memory.take(streams)
        for ear, chunk_T, length in zip(streams, chunks, lengths, strict=True):
            if chunk_T.any():
                ear.spans.append(Span(start=ear.heard, end=ear.heard + length, score=1.0))
            ear.heard += length

    def finish(self, ear: Ear, duration_ms: int) -> Result:
        return Result.ok(samples=ear.heard)


@dataclass
class Reading:
    """A `ClipScorer`."""

    memory: Memory
    longest_s: float = 0.3

    def admit(self, event: ContentEvent) -> Result | None:
        return None

    def score(self, clips: Sequence[Clip]) -> list[float]:
        self.memory.take(clips)
        return [float(clip.samples_T.sum()) for clip in clips]

    def conclude(self, item: ItemView, scores: Sequence[float]) -> Result:
        return Result.ok(sums=tuple(scores))


@dataclass
class Counting:
    """A `PassageScorer`."""

    memory: Memory

    def score(self, items: Sequence[ItemView]) -> list[Result]:
        self.memory.take(items)
        return [Result.ok(length=sum(len(t.text) for t in item.event.texts)) for item in items]


def spec(name: str, takes: Takes, *parts: Part, needs: tuple[str, ...] = ()) -> SignalSpec:
    return SignalSpec(name=name, takes=takes, reads=frozenset(parts), needs=needs, make=Result.ok)


SPECS = {
    "odd.hearing": spec("odd.hearing", Takes.STREAM, Part.AUDIO),
    "odd.reading": spec("odd.reading", Takes.CLIPS, Part.AUDIO, needs=("odd.hearing",)),
    "odd.counting": spec("odd.counting", Takes.PASSAGES, Part.TEXTS),
}


def pipeline(*, hearing: Memory, reading: Memory, counting: object) -> Pipeline:
    device = Device()
    return Pipeline(
        specs=SPECS,
        scorers={
            "odd.hearing": Hearing(hearing),
            "odd.reading": Reading(reading),
            "odd.counting": Counting(counting) if isinstance(counting, Memory) else counting,
        },
        envelopes=envelopes(SPECS, ModelStore(), device),
        asked=SPECS,
        device=device,
    )


def event(number: int, *, text: str = "", audio: bool = True) -> ContentEvent:
    return ContentEvent(
        event_id=str(number),
        content_id=str(number),
        audio=Audio(data=b"x") if audio else None,
        texts=(Text(field="title", text=text),) if text else (),
    )


def blocks(recordings: Sequence[Sequence[int]]) -> Iterator[Block | None]:
    """Recordings side by side; a number is that of samples which are all as it says, None idle."""
    events = [event(number, text="a" * number) for number in range(len(recordings))]
    for at in range(max(map(len, recordings), default=0)):
        for number, recording in enumerate(recordings):
            if at < len(recording):
                samples_T = np.full(700 * recording[at], number % 3, np.float32)
                yield Block(event=events[number], samples_T=samples_T)
        if at % 3 == 2:
            yield None
    for each in events:
        yield Block(event=each, samples_T=NO_SAMPLES, end=End(audio_sha256="0" * 64))


def results(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], Result]:
    signals = [outcome for outcome in outcomes if isinstance(outcome, Signal)]
    assert len(signals) == len(outcomes)
    return {(signal.event.content_id, signal.name): signal.result for signal in signals}


rooms = st.lists(st.integers(1, 6), min_size=1, max_size=7)


@given(
    recordings=st.lists(st.lists(st.integers(1, 9), max_size=5), max_size=14),
    hearing=rooms,
    reading=rooms,
    counting=rooms,
)
def test_memory_that_runs_out_does_not_change_outcomes(
    recordings: list[list[int]], hearing: list[int], reading: list[int], counting: list[int]
) -> None:
    ample = pipeline(hearing=Memory(), reading=Memory(), counting=Memory())
    tight = pipeline(hearing=Memory(hearing), reading=Memory(reading), counting=Memory(counting))
    expected = results(list(ample.score(blocks(recordings))))
    assert results(list(tight.score(blocks(recordings)))) == expected


def test_what_does_not_fit_is_not_gathered_again_for_a_while() -> None:
    memory = Memory([4])
    tight = pipeline(hearing=memory, reading=Memory(), counting=Memory())
    outcomes = list(tight.score(blocks([[3]] * 32)))
    assert len(results(outcomes)) == 32 * 3 - 1  # the first has no text
    budget = tight.budgets["odd.hearing"]
    assert budget.amount == 4
    assert budget.shortages == 1 + 2 + 4  # the first batch of 32, and its halves
    assert set(memory.sizes) == {4}
    assert tight.budgets["odd.reading"].share == 1


def test_a_pipeline_remembers_from_one_run_to_the_next() -> None:
    tight = pipeline(hearing=Memory([4]), reading=Memory(), counting=Memory())
    for _ in range(3):
        list(tight.score(blocks([[1]] * 32)))
    assert tight.budgets["odd.hearing"].shortages == 1 + 2 + 4


def test_a_real_allocation_that_fails_only_halves_its_batch() -> None:
    class Wasteful(Counting):
        def score(self, items: Sequence[ItemView]) -> list[Result]:
            torch.empty(2**46 if len(items) > 3 else 1)  # 281 TB
            return super().score(items)

    memory = Memory()
    outcomes = pipeline(hearing=Memory(), reading=Memory(), counting=Wasteful(memory)).score(
        blocks([[]] * 20)
    )
    assert len(results(list(outcomes))) == 20 * 3 - 1
    assert max(memory.sizes) <= 3


class Choosy(Counting):
    """Has no memory for the items that are named in `huge`."""

    def __init__(self, *huge: str) -> None:
        super().__init__(Memory())
        self.huge = huge

    def score(self, items: Sequence[ItemView]) -> list[Result]:
        if any(item.event.content_id in self.huge for item in items):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return super().score(items)


def test_one_item_that_is_too_large_ends_alone() -> None:
    choosy = pipeline(hearing=Memory(), reading=Memory(), counting=Choosy("7"))
    outcomes = list(choosy.score(blocks([[1]] * 20)))
    (rejection,) = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    assert rejection.event is not None
    assert rejection.event.content_id == "7"
    assert rejection.error.rejection_class == "SCORER_FAILED"
    assert "out of memory" in rejection.error.reason
    found = results([outcome for outcome in outcomes if outcome is not rejection])
    assert {key[0] for key, result in found.items() if result.outcome == "ERROR"} == {"7"}


def test_where_not_even_the_canary_fits_the_model_is_at_fault() -> None:
    full = pipeline(hearing=Memory(), reading=Memory(), counting=Choosy("7", "canary"))
    with pytest.raises(ModelError, match=r"known good input: OutOfMemoryError"):
        list(full.score(blocks([[1]] * 20)))


def test_good_batches_win_the_budget_back_step_by_step() -> None:
    budget = Budget(80)
    budget.lower(60)  # a batch of what was there at the end
    assert (budget.amount, budget.share) == (30, 30 / 80)
    budget.passed()  # that batch, in halves
    steps = []
    for _ in range(7 * GOOD_BATCHES):
        budget.passed()
        steps += [budget.amount] if budget.amount not in steps else []
    assert steps == [30, 40, 50, 60, 70, 80]
    assert 80 / STEPS == 10


@pytest.mark.parametrize("name", SPECS)
def test_every_stage_wins_its_budget_back_when_there_is_memory_again(name: str) -> None:
    memories = {"hearing": Memory(), "reading": Memory(), "counting": Memory()}
    memory = memories[name.removeprefix("odd.")]
    recovering = pipeline(**memories)
    memory.rooms = [1]
    list(recovering.score(blocks([[9]] * 12)))
    assert recovering.budgets[name].shortages > 0
    assert recovering.budgets[name].share < 1
    memory.rooms = [10**9]
    for _ in range(STEPS * GOOD_BATCHES):
        list(recovering.score(blocks([[1], [1]])))  # the first is silent
    assert recovering.budgets[name].share == 1


def test_a_shortage_begins_the_count_of_good_batches_anew() -> None:
    budget = Budget(80)
    for shortages in range(1, 11):
        budget.lower(budget.amount)
        for _ in range(GOOD_BATCHES):  # the first of them is the one that did not fit
            budget.passed()
        assert budget.amount == max(80 / 2**shortages, 1)
    assert budget.shortages == 10


def test_halves_that_do_not_fit_either_count_as_what_they_are() -> None:
    budget = Budget(80)
    for size in (80, 40, 20, 20, 40, 20):
        budget.lower(size)
    assert budget.amount == 10


@given(
    sizes=st.lists(st.integers(1, 40), max_size=50),
    least=st.integers(1, 5),
    shortages=st.integers(0, 9),
)
def test_portions_hold_every_item_once_in_order_and_keep_to_the_budget(
    sizes: list[int], least: int, shortages: int
) -> None:
    budget = Budget(100, least=least)
    for _ in range(shortages):
        budget.lower(budget.amount)
    portions = list(budget.portions(sizes, float))
    assert [size for portion in portions for size in portion] == sizes
    assert all(len(portion) == 1 or sum(portion) <= budget.amount for portion in portions)
    assert budget.amount >= least


def test_long_texts_are_read_in_batches_of_bounded_length() -> None:
    memory = Memory()
    texts = [event(number, text="a" * 400_000, audio=False) for number in range(9)]
    made = [Block(event=each, samples_T=NO_SAMPLES, end=End()) for each in texts]
    list(pipeline(hearing=Memory(), reading=Memory(), counting=memory).score(made))
    assert max(memory.sizes) == PASSAGE_CODE_POINTS // 400_000


def test_short_recordings_that_have_ended_do_not_pile_up() -> None:
    """None fills a chunk, and no pause comes: they are stepped once there are enough of them."""
    memory = Memory()
    heard = pipeline(hearing=memory, reading=Memory(), counting=Memory())
    many = [event(number) for number in range(100)]

    def short() -> Iterator[Block]:
        for number, each in enumerate(many):
            yield Block(event=each, samples_T=np.ones(CHUNK // 2, np.float32))
            yield Block(event=each, samples_T=NO_SAMPLES, end=End())
            assert number - sum(memory.sizes) <= 32

    assert len(list(heard.score(short()))) == 200
