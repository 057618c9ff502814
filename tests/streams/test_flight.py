from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.outcome import Rejection
from earmark.streams.flight import HEADS_BYTES, Flight, FlightLedger, offsets_behind


@dataclass
class Record:
    """What a flight asks of a Kafka message."""

    number: int
    at: int

    def topic(self) -> str:
        return "content.events.v1"

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def value(self) -> bytes:
        return b"12345"


def flights(counts: list[int]) -> list[Flight]:
    return [Flight(message=Record(p, at)) for p, n in enumerate(counts) for at in range(n)]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.randoms())
def test_what_is_committed_is_always_a_finished_prefix(counts: list[int], chance: object) -> None:
    ledger, all_flights = FlightLedger(), flights(counts)
    for flight in all_flights:
        ledger.add(flight)
    landed: list[Flight] = []
    chance.shuffle(all_flights)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    for flight in all_flights:
        flight.outcomes = ()
        heads = ledger.finished_heads(3)
        landed += heads
        for offset in offsets_behind(heads):
            before = [f for f in landed if f.partition == (offset.topic, offset.partition)]
            assert sorted(f.message.offset() for f in before) == list(range(offset.offset))
    while heads := ledger.finished_heads(3):
        landed += heads
    assert len(landed) == sum(counts)
    assert (ledger.count, ledger.bytes) == (0, 0)


def test_partitions_of_another_worker_are_forgotten() -> None:
    ledger = FlightLedger()
    for flight in flights([2, 3]):
        ledger.add(flight)
    mine, lost = ("content.events.v1", 0), ("content.events.v1", 1)
    assert len(ledger.drop([lost])) == 3
    assert ledger.count == 2
    assert ledger.pending([mine])
    assert not ledger.pending([lost])


def test_what_is_still_computed_for_another_worker_counts_until_it_is_answered() -> None:
    """Else each rebalance would make room for as much again as the device has before it."""
    ledger = FlightLedger()
    done, *computed = flights([3])
    for flight in (done, *computed):
        ledger.add(flight)
    done.outcomes = ()
    ledger.drop([("content.events.v1", 0)])
    assert (ledger.count, ledger.bytes) == (0, 10)
    for flight in computed:
        flight.outcomes = (rejection("a" * 1_000),)
        ledger.answered(flight)
    assert ledger.bytes == 0


def rejection(reason: str) -> Rejection:
    error = ContentError(RejectionClass.MEDIA_CORRUPT, reason, part="audio")
    return Rejection(event=None, error=error)


def test_answers_that_wait_for_one_before_them_count_as_bytes_in_flight() -> None:
    ledger = FlightLedger()
    first, second = flights([2])
    ledger.add(first)
    ledger.add(second)
    second.outcomes = (rejection("a" * 100_000),)
    ledger.answered(second)
    assert 100_000 < ledger.bytes < 110_000
    first.outcomes = ()
    ledger.answered(first)
    assert ledger.finished_heads(10) == [first, second]
    assert ledger.bytes == 0


@given(st.lists(st.integers(1, 3 * HEADS_BYTES // 2), max_size=12), st.integers(1, 5))
def test_no_transaction_is_large_but_for_one_that_holds_a_single_event(
    sizes: list[int], limit: int
) -> None:
    ledger = FlightLedger()
    for flight, size in zip(flights([len(sizes)]), sizes, strict=True):
        flight.bytes, flight.outcomes = size, ()
        ledger.add(flight)
    published: list[int] = []
    while heads := ledger.finished_heads(limit):
        held = [flight.bytes for flight in heads]
        assert len(held) == 1 or sum(held) <= HEADS_BYTES
        published += held
    assert published == sizes
    assert ledger.bytes == 0
