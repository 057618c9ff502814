"""Dead letters in tables and lines."""

from dataclasses import replace

import pytest
from rich.console import Console

from earmark.processors.error import RejectionClass
from earmark.streams.dead_letter import DeadLetter, Place
from earmark.streams.dead_letter_text import Tally

LETTER = DeadLetter(
    place=Place(partition=4, offset=12),
    timestamp=1_795_744_862_000,
    key=b"k",
    value=b"x",
    headers=[],
)


@pytest.mark.parametrize("width", [80, 160])
def test_no_class_and_no_time_is_cut_at_any_width(width: int) -> None:
    tally = Tally()
    for name in RejectionClass:
        message = f"{name}: record: does not begin with byte 0".encode()
        tally.add(replace(LETTER, headers=[("__streams.errors.message", message)]))
    console = Console(width=width)
    with console.capture() as captured:
        console.print(tally.table())
    page = captured.get()
    assert "…" not in page
    assert all(name in page for name in RejectionClass)
    time = "2026-11-27 02:01" if width == 80 else "2026-11-27T02:01:02Z"
    assert page.count(time) == 2 * len(RejectionClass)
    assert page.count("4-12 record: does not begin with byte 0") == len(RejectionClass)
