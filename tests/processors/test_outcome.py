"""What an outcome holds in memory, roughly."""

import tracemalloc
from collections.abc import Callable

import pytest

from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.outcome import (
    ENVELOPE_BYTES,
    Outcome,
    Provenance,
    Rejection,
    Result,
    Signal,
    held_bytes,
)

EVENT = ContentEvent(event_id="1", content_id="1")
PROVENANCE = Provenance(**dict.fromkeys(Provenance.__dataclass_fields__, ""))  # type: ignore[arg-type]  # all are strings


def signal(**fields: object) -> Signal:
    return Signal(
        name="any",
        major=1,
        signal_id="1",
        event=EVENT,
        result=Result.ok(**fields),
        provenance=PROVENANCE,
    )


def segments(count: int) -> list[dict[str, object]]:
    return [
        {"start_ms": 1_000 * n, "end_ms": 1_000 * n + 999, "text": f"words {n}", "score": n / 7}
        for n in range(count)
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: signal(vectors=[{"field": f"f{n}", "vector": bytes(1_024)} for n in range(300)]),
        lambda: signal(text="a" * 500_000, segments=segments(5_000)),
        lambda: signal(text="\N{MULTIPLE MUSICAL NOTES}" * 500_000),  # four bytes each
        lambda: signal(scores={f"label {n}": n / 7 for n in range(3_000)}),
        lambda: Rejection(
            event=EVENT,
            error=ContentError(RejectionClass.MEDIA_CORRUPT, "a" * 300_000, part="audio"),
        ),
    ],
    ids=["vectors", "transcript", "wide text", "scores", "rejection"],
)
def test_it_is_about_what_is_allocated(make: Callable[[], Outcome]) -> None:
    tracemalloc.start()
    outcome = make()
    allocated, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held_bytes(outcome) == pytest.approx(allocated, rel=0.5)


def test_an_empty_answer_holds_little_more_than_its_envelope() -> None:
    assert ENVELOPE_BYTES <= held_bytes(signal()) < ENVELOPE_BYTES + 200
