"""One row under one question: what is true of it, and what the signal answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earmark.streams.evaluation.manifest import Row

Record = Mapping[str, Any]

REJECTED = "REJECTED"  # the outcome of a row that gave no record


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`truth` is what is known, `answer` what the record says; None where it says nothing.

    `outcome` is that of the record, or REJECTED where the row gave none; `reason` goes with both.
    """

    row: Row
    truth: Any
    answer: Any
    outcome: str
    reason: str | None = None
