"""How long events waited, by what came back of them."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from earmark.streams.bench.traffic import poisson_gaps_s, waits_ms

TAKEN_MS = {"a": 1_000, "b": 1_500}


def signals(*written: tuple[str, int]) -> Iterator[Any]:
    return iter([SimpleNamespace(key=key, timestamp=at_ms) for key, at_ms in written])


def test_an_event_waits_until_the_last_of_its_signals() -> None:
    came = signals(("a", 1_010), ("other", 1_020), ("b", 1_600), ("b", 1_620), ("a", 1_300))
    assert waits_ms(came, TAKEN_MS, each=2).tolist() == [300, 120]


def test_events_come_at_their_rate_and_the_same_each_time() -> None:
    gaps_s = poisson_gaps_s(50.0, 100.0)
    assert sum(gaps_s) == pytest.approx(100.0, rel=0.1)
    assert gaps_s == poisson_gaps_s(50.0, 100.0)
