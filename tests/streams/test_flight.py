from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from earmark.streams.flight import Flight, FlightLedger, offsets_behind


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
    assert ledger.pending([mine])
    assert not ledger.pending([lost])
    assert ledger.bytes == 10
