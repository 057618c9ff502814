"""What the labels of a row say of each harm that heads are fitted for."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earmark.processors.sentence import sentences
from earmark.streams.evaluation.harm_label import BEGINNING, known_harms
from earmark.streams.evaluation.manifest import Row, row_key

HARMS = ("profanity", "harassment", "hate", "sexual", "violence")
UNKNOWN = math.nan

_WEIGHTS = {BEGINNING: 0.25, "identity": 0.15}
_CLEAN_WEIGHT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text with a target in [0, 1] per harm, or `UNKNOWN`; `row` is what it was taken from."""

    text: str
    targets: tuple[float, ...]
    weight: float
    row: str
    source: str


def targets_of(row: Row) -> tuple[float, ...] | None:
    """What is known of each harm that heads are fitted for; None where nothing is."""
    known = known_harms(row)
    found = tuple(known.get(harm, UNKNOWN) for harm in HARMS)
    return None if all(map(math.isnan, found)) else found


def examples_of(rows: Sequence[Row], clean: Sequence[Row] = ()) -> list[Example]:
    """What is learned from: the labelled rows, and `clean` ones that hold no harm.

    The sentences of a clean text are examples too: they are clean, and short as comments are. Those
    of a harmful one are not, since nobody says which of them it is.
    """
    found: list[Example] = []
    for row in rows:
        targets = targets_of(row)
        if targets is not None and row.text:
            found += _examples(row, targets, _WEIGHTS.get(row.kind, 1.0))
    nothing = (0.0,) * len(HARMS)
    for row in clean:
        if row.text:
            found += _examples(row, nothing, _CLEAN_WEIGHT)
    return found


def _examples(row: Row, targets: tuple[float, ...], weight: float) -> Iterator[Example]:
    text, key = row.text or "", row_key(row)
    source = row.source or key
    yield Example(text=text, targets=targets, weight=weight, row=key, source=source)
    parts = list(sentences(text)) if not any(targets) else []
    for part in parts if len(parts) > 1 else ():
        yield Example(
            text=text[part.start : part.end],
            targets=targets,
            weight=weight * _CLEAN_WEIGHT,
            row=key,
            source=source,
        )
