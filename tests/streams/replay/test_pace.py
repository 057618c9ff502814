"""A replay pays for what it did before it goes on, and gives way to live work."""

from types import SimpleNamespace
from typing import Any

import pytest

from earmark.processors.content import ContentEvent, Text
from earmark.streams.replay.manifest import Manifest
from earmark.streams.replay.pace import Pace, RateLimit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def manifest(**options: Any) -> Manifest:
    return Manifest(run="r", source="s", bounds={0: (0, 10)}, created_ms=0, **options)


def flight(audio_s: float = 0.0, text: str = "") -> Any:
    texts = (Text(field="title", text=text),)
    event = ContentEvent(event_id="e", content_id="c", texts=texts)
    return SimpleNamespace(heard_s=audio_s, event=event)


def test_work_is_let_through_at_its_rate() -> None:
    clock = Clock()
    limit = RateLimit(10.0, clock)
    limit.spend(25)
    assert limit.in_debt
    clock.now += 2.4
    assert limit.in_debt
    clock.now += 0.2
    assert not limit.in_debt


def test_time_in_which_nothing_was_done_is_not_saved_up() -> None:
    clock = Clock()
    limit = RateLimit(1.0, clock)
    clock.now += 1_000
    limit.spend(5)
    assert limit.in_debt


@pytest.mark.parametrize(("lag", "holding"), [(None, True), (0, False), (100, False), (101, True)])
def test_it_waits_while_live_work_does_or_may(lag: int | None, holding: bool) -> None:
    pace = Pace(manifest(live_lag=100), SimpleNamespace(events=lag), workers=1)  # type: ignore[arg-type]  # no thread here
    assert pace.holding is holding


@pytest.mark.parametrize(
    ("options", "spent"),
    [
        ({"audio_per_s": 60.0}, flight(audio_s=30)),
        ({"tokens_per_s": 10.0}, flight(text="words " * 20)),
    ],
)
def test_audio_and_text_are_paid_for(options: dict[str, float], spent: Any) -> None:
    quiet: Any = SimpleNamespace(events=0)
    limited, free = Pace(manifest(**options), quiet, workers=1), Pace(manifest(), quiet, workers=1)
    for pace in (limited, free):
        pace.note([spent])
    assert limited.holding
    assert not free.holding
