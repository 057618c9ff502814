"""Personal data in texts, masked sign by sign, so that places in the text stay what they are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earmark.processors.pii.phone import regions_of
from earmark.processors.pii.reader import read
from earmark.processors.threshold import shipped_thresholds

MASK = "\N{BULLET}"
PII = "text.pii"

Spans = Mapping[str, Sequence[tuple[int, int]]]  # by field


def masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with a bullet for each letter and digit of these places; as long as it was."""
    letters = list(text)
    for start, end in spans:
        for at in range(max(0, start), min(end, len(letters))):
            if not letters[at].isspace():
                letters[at] = MASK
    return "".join(letters)


def spans_in(pii: Mapping[str, Any] | None) -> Spans | None:
    """Where a record of `text.pii` found something, by field; None where it does not say."""
    if pii is None or pii["outcome"] not in {"OK", "SKIPPED"}:
        return None
    found: dict[str, list[tuple[int, int]]] = {}
    for span in pii["spans"]:
        found.setdefault(span["field"], []).append((span["start"], span["end"]))
    return found


def found_in(text: str, event: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What reading the text now finds: for items of which no signal says it."""
    least = shipped_thresholds(PII)["min_score"]
    regions = regions_of(tuple((event or {}).get("regions", ())), (event or {}).get("language"))
    return [
        {"start": it.start, "end": it.end, "kind": str(it.kind), "score": it.score}
        for it in read(text, min_score=least, regions=regions).findings
    ]
