"""Where in the content it is: the places that signals' records name for what matched.

Which of a record's fields are places is seen by their form: lists of `start_ms` and `end_ms`, or of
`start` and `end` in the code points of a `field`. So a new signal needs nothing here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from earmark.processors.policy.condition import Comparison
from earmark.processors.policy.verdict import Evidence
from earmark.processors.policy.vocabulary import ITEM
from earmark.processors.profile import Profile

MOST = 20  # places in a ruling
TIME_RANGE, SPAN = "time_range", "span"
TEXT, AUDIO = "text", "audio"
TRANSCRIPT = "transcript"
TRANSCRIPT_SIGNAL = "audio.transcript"
_LABELS = ("label", "kind", "reason")  # what places are called by
_SHARE = "_share"

Records = Mapping[str, Mapping[str, Any]]  # by name of the signal


def current(profile: Profile, records: Records) -> Records:
    """Those of the records that the profile is made of; the others are of another time."""
    ids = {signal.signal: signal.signal_id for signal in profile.signals}
    return {
        name: record for name, record in records.items() if record["signal_id"] == ids.get(name)
    }


def places(grounds: Iterable[Comparison], records: Records) -> tuple[Evidence, ...]:
    """At most `MOST` places that the comparisons speak of, the surest first."""
    found = {
        place: None
        for ground in grounds
        if ground.subject in records
        for place in _places(ground, records)
    }
    return tuple(sorted(found, key=_rank)[:MOST])


def input_types(grounds: Iterable[Comparison], records: Records) -> tuple[str, ...]:
    """The kinds of input, text and audio, that the signals behind the comparisons read, sorted."""
    found: set[str] = set()
    for signal in {ground.subject for ground in grounds} - {ITEM}:
        record = records.get(signal, {})
        read = record.get("applied_input_types")
        if read:
            found |= set(read)
        elif TRANSCRIPT in record.get("read", ()):
            found |= {TEXT, AUDIO} if len(record["read"]) > 1 else {AUDIO}
        else:
            found.add(AUDIO if signal.startswith(f"{AUDIO}.") else TEXT)
    return tuple(sorted(found))


def _places(ground: Comparison, records: Records) -> Iterator[Evidence]:
    """The places in the signal's record; of one label where the comparison is about one."""
    record, sought = records[ground.subject], _sought(ground)
    for rows in record.values():
        for row in rows if isinstance(rows, list) else ():
            place = _place(ground, record["signal_id"], row)
            if place is not None and (sought is None or place.label is None or sought(place.label)):
                yield place
                yield from _heard(place, record, records)


def _sought(ground: Comparison) -> Any:
    """Whether a label is one that the comparison is about; None: it is about all."""
    head, _, key = ground.field.partition(".")
    if head == "labels" and ground.operator == "has":
        return lambda label: label in ground.expected
    if key:
        return lambda label: label == key
    if head.endswith(_SHARE):
        return lambda label: head.removesuffix(_SHARE) in label
    return None


def _heard(place: Evidence, record: Mapping[str, Any], records: Records) -> Iterator[Evidence]:
    """When a span of what is said is said: the segments of the transcript that it lies in."""
    transcript = records.get(TRANSCRIPT_SIGNAL)
    if place.field != TRANSCRIPT or transcript is None or place.start is None or place.end is None:
        return
    if record.get("source_signal_id") != transcript["signal_id"]:
        return
    begin = 0
    for segment in transcript["segments"]:
        end = begin + len(segment["text"])
        if place.start < end and begin < place.end:
            start, stop = segment["start_ms"], segment["end_ms"]
            yield replace(place, kind=TIME_RANGE, field=None, start=start, end=stop)
        begin = end + 1  # segments are joined by a space


def _place(ground: Comparison, signal_id: str, row: Any) -> Evidence | None:
    if not isinstance(row, Mapping):
        return None
    label = next((str(row[name]) for name in _LABELS if row.get(name) is not None), None)
    score = row.get("score")
    if ground.field in row:
        if not ground.is_met_by(row[ground.field]):
            return None  # another stretch, as one of good quality
    elif label is None and score is None:
        return None  # a place of nothing in particular, as a line of a transcript
    place = Evidence(
        signal=ground.subject, signal_id=signal_id, kind=SPAN, label=label, score=score
    )
    if row.get("start_ms") is not None:
        return replace(place, kind=TIME_RANGE, start=row["start_ms"], end=row["end_ms"])
    if row.get("start") is not None and "field" in row:
        return replace(place, field=row["field"], start=row["start"], end=row["end"])
    return None


def _rank(place: Evidence) -> tuple[float, str, str, int, str]:
    score = 0.0 if place.score is None else place.score
    return -score, place.signal, place.field or "", place.start or 0, place.label or ""
