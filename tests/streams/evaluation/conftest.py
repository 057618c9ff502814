"""Cases made by hand: a row, what is true of it, what was answered."""

from collections.abc import Callable
from typing import Any

import pytest

from earmark.streams.evaluation.case import Case
from earmark.streams.evaluation.manifest import Row

MakeCase = Callable[..., Case]


@pytest.fixture
def case() -> MakeCase:
    """`case(truth, answer, source=..., **labels)`; each has an id of its own."""
    made = 0

    def make(truth: Any, answer: Any, *, source: str = "", **labels: Any) -> Case:
        nonlocal made
        made += 1
        row = Row(id=f"row-{made}", kind="made", labels=labels, source=source, text="", data="set")
        outcome = "ABSTAINED" if answer is None else "OK"
        return Case(row=row, truth=truth, answer=answer, outcome=outcome)

    return make
