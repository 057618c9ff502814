"""What the labels of a row say of each harm that heads are fitted for."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earmark.processors.sentence import sentences
from earmark.streams.evaluation.manifest import Row, row_key

HARMS = ("profanity", "harassment", "hate", "sexual", "violence")
UNKNOWN = math.nan

# categories and scores of others to ours; what is not here says nothing of any of ours
_CATEGORIES = {
    "profanity": "profanity",
    "harassment": "harassment",
    "insult": "harassment",
    "hate": "hate",
    "hate_ethnic": "hate",
    "hate_gender": "hate",
    "hate_orientation": "hate",
    "identity_attack": "hate",
    "sexual": "sexual",
    "sexually_explicit": "sexual",
    "violence": "violence",
    "threat": "violence",
    "dark_humour": "violence",
}
_SCORES = {
    "profanity": "profanity",
    "insult": "harassment",
    "identity_attack": "hate",
    "sexually_explicit": "sexual",
    "threat": "violence",
}
_BEGINNING = "text_prompt"  # cut off before what the label is about
_WEIGHTS = {_BEGINNING: 0.25, "identity": 0.15}
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
    """What is known of each harm, from labels `harms`, `safe`, `scores` or `category`; or None."""
    labels = row.labels
    own = labels.get("harms")
    if isinstance(own, dict):
        known = {str(name): float(value) for name, value in own.items()}
    elif labels.get("safe") is True:
        known = dict.fromkeys(HARMS, 0.0)
    elif isinstance(scores := labels.get("scores"), dict):
        known = {ours: float(scores[name]) for name, ours in _SCORES.items() if name in scores}
    else:
        ours = _CATEGORIES.get(str(labels.get("category")))
        known = {} if ours is None else {ours: 1.0}
    found = tuple(known.get(harm, UNKNOWN) for harm in HARMS)
    return None if all(map(math.isnan, found)) else found


def examples_of(rows: Sequence[Row], clean: Sequence[Row] = ()) -> list[Example]:
    """What is learned from: the labelled rows, and `clean` ones that hold no harm.

    The sentences of a clean text are examples too: they are clean, and short as comments are. Those
    of a harmful one are not, since nobody says which of them it is.
    """
    found = []
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
