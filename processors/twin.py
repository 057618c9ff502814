"""Redacted twins: records for those who may not read what people say and write.

A twin has the envelope of its record, its outcome and all that is no text. What was said is left
out and not masked: `text.pii` knows no names, so what it leaves standing is not for everyone.
"""

from collections.abc import Callable, Mapping
from typing import Any

Record = Mapping[str, Any]


def is_twinned(signal: str) -> bool:
    """Whether it is known what of the signal's records is for everyone."""
    return signal in _REDACT


def twinned_signals() -> tuple[str, ...]:
    """The signals of which it is."""
    return tuple(_REDACT)


def twin(signal: str, record: Record) -> Record:
    """A record of the signal without what was said or written."""
    return {**record, **_REDACT[signal](record)}


def _without_words(record: Record) -> Record:
    """Segments keep their times and how sure they are; where there was text it is empty."""
    segments = [{**segment, "text": ""} for segment in record["segments"]]
    return {"segments": segments, "text": None if record["text"] is None else ""}


def _without_texts(record: Record) -> Record:
    """Kinds, scores and places stay; the redacted texts, in which names may stand, do not."""
    return {"redacted": []}


_REDACT: Mapping[str, Callable[[Record], Record]] = {
    "audio.transcript": _without_words,
    "text.pii": _without_texts,
}
