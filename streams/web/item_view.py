"""One item as the inspector shows it: what it is, what is said of it, and by whom."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from earmark.processors.item_text import AUDIO_TRANSCRIPT, TRANSCRIPT
from earmark.processors.signal_card import card_file
from earmark.streams.topic import PROFILES, REVIEW_DECISIONS, REVIEW_REQUESTS, VERDICTS
from earmark.streams.web.index.reader import IndexReader
from earmark.streams.web.index.said import numbers_of, payload_of, shown_labels
from earmark.streams.web.index.search import INTEGRITY
from earmark.streams.web.index.standing import Standing
from earmark.streams.web.masking import PII, found_in, masked, spans_in

EXPLICIT, LANGUAGE, SAFETY = "content.explicit", "text.language", "text.safety"
_OF_EVENT = (
    *("event_id", "revision", "content_type", "change", "source", "tenant", "language"),
    *("regions", "priority", "attributes"),
)

Signals = Mapping[str, Standing]
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text of an item, the transcript among them; `shown` is masked unless it was asked not to.

    `spans` are what signals marked, at the same places in both.
    """

    field: str
    shown: str
    language: str | None
    masked: bool
    spans: Sequence[Mapping[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "field": self.field,
            "text": self.shown,
            "masked": self.masked,
            "language": self.language,
            "spans": list(self.spans),
        }


def item_page(reader: IndexReader, content_id: str, *, unmask: bool) -> dict[str, Any] | None:
    """All that the index has of the item; None where it knows none of that name."""
    item = reader.item(content_id)
    if item is None:
        return None
    signals, event = reader.standing(content_id), item["record"]
    texts = texts_of(event, signals, unmask=unmask)
    verdicts = reader.documents(content_id, VERDICTS)
    return {
        "content_id": content_id,
        "item": {
            **{name: event[name] for name in _OF_EVENT if event and name in event},
            "event_type": event["change"] if event else None,
            "content_type": item["content_type"],
            "language": item["language"],
            "event_ms": item["event_ms"],
            "texts": [text.as_json() for text in texts],
            "audio": audio_facts(event, signals),
        },
        "signals": [signal_object(it, texts) for it in signals.values()],
        "profile": next(iter(reader.documents(content_id, PROFILES)), None),
        "verdicts": verdicts,
        "review": [
            *reader.documents(content_id, REVIEW_REQUESTS),
            *reader.documents(content_id, REVIEW_DECISIONS),
        ],
    }


def texts_of(event: Record | None, signals: Signals, *, unmask: bool) -> list[Text]:
    """The texts of the item and what is said in it, with their spans."""
    languages = {
        each["field"]: each["language"] for each in _of(signals, LANGUAGE).get("fields", ())
    }
    given = [
        (text["field"], text["text"], languages.get(text["field"]) or text["language"])
        for text in (event or {}).get("texts", ())
    ]
    said = _of(signals, AUDIO_TRANSCRIPT)
    if said.get("text"):
        given.append((TRANSCRIPT, said["text"], said.get("language")))
    known = spans_in(_of(signals, PII) or None)
    return [
        _text(name, text, language, _personal(name, text, event, signals, known), signals, unmask)
        for name, text, language in given
    ]


def signal_object(standing: Standing, texts: Iterable[Text] = ()) -> dict[str, Any]:
    """What is shown of one signal."""
    record = standing.record
    return {
        "name": standing.signal,
        "topic": standing.topic,
        "outcome": record["outcome"],
        "reason": record["reason"],
        "labels": shown_labels(record),
        "numbers": numbers_of(standing.signal, record),
        "answer": _answer(standing, texts),
        "event_ms": record["event_time"],
        "produced_ms": standing.produced_ms,
        "signal_id": record["signal_id"],
        "provenance": {
            **record["provenance"],
            "model": record["provenance"]["model_name"],
            "version": record["provenance"]["model_version"],
        },
        "card": card_file(standing.signal) is not None,
    }


def audio_facts(event: Record | None, signals: Signals) -> dict[str, Any] | None:
    """What is known of the item's recording; None for an item without one."""
    audio = (event or {}).get("audio")
    if audio is None:
        return None
    found = _of(signals, INTEGRITY)
    duration_ms = found.get("decoded_duration_ms")
    return {
        "uri": None if audio["uri"] is None else without_secrets(audio["uri"]),
        "media_type": audio["media_type"],
        "size_bytes": audio["size_bytes"],
        "sha256": audio["sha256"],
        "duration_s": None if duration_ms is None else duration_ms / 1000,
        **{name: found.get(name) for name in ("sample_rate_hz", "channels", "codec", "container")},
    }


def without_secrets(uri: str) -> str:
    """The uri without user, password, query and fragment, in which signatures stand."""
    try:
        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def words_of(transcript: Record, text: Text | None) -> Iterator[tuple[Record, str, int]]:
    """Each segment of a transcript with its text as it is shown, and where in the whole it begins.

    -1 where it does not stand in the whole as it is.
    """
    whole, shown = str(transcript.get("text") or ""), text.shown if text else ""
    at = 0
    for segment in transcript.get("segments") or ():
        said = segment["text"].strip()
        start = whole.find(said, at) if said else -1
        if start < 0 or len(shown) != len(whole):
            is_safe = text is None or not text.masked
            yield segment, said if is_safe else masked(said, [(0, len(said))]), -1
            continue
        at = start + len(said)
        yield segment, shown[start:at], start


def _answer(standing: Standing, texts: Iterable[Text]) -> dict[str, Any]:
    """The record's own fields; what is said, as it is shown."""
    answer = payload_of(standing.topic, standing.record)
    if standing.signal != AUDIO_TRANSCRIPT:
        return answer
    text = next((it for it in texts if it.field == TRANSCRIPT), None)
    if text is None or not text.masked:
        return answer
    segments = [{**segment, "text": said} for segment, said, _ in words_of(standing.record, text)]
    return answer | {"text": text.shown, "segments": segments}


def _text(
    name: str,
    text: str,
    language: str | None,
    personal: Sequence[Record],
    signals: Signals,
    unmask: bool,
) -> Text:
    places = [(span["start"], span["end"]) for span in personal]
    spans = [*personal, *_marked(name, signals)]
    return Text(
        field=name,
        shown=text if unmask else masked(text, places),
        language=language,
        masked=bool(places) and not unmask,
        spans=sorted(spans, key=lambda span: (span["start"], span["end"])),
    )


def _personal(
    name: str,
    text: str,
    event: Record | None,
    signals: Signals,
    known: Mapping[str, Sequence[tuple[int, int]]] | None,
) -> list[dict[str, Any]]:
    """Where personal data stands: as `text.pii` says, or where it does not say all, read here."""
    pii = _of(signals, PII)
    if known is None or pii.get("truncated"):
        found = found_in(text, event)
    else:
        found = [span for span in pii["spans"] if span["field"] == name]
    return [
        {
            "start": span["start"],
            "end": span["end"],
            "kind": span["kind"],
            "label": span["kind"],
            "score": span["score"],
            "source": PII,
        }
        for span in found
    ]


def _marked(name: str, signals: Signals) -> Iterator[dict[str, Any]]:
    """What is unsafe or explicit in the text."""
    for span in _of(signals, SAFETY).get("spans", ()):
        if span["field"] == name:
            kept = {part: span[part] for part in ("start", "end", "label", "score")}
            yield {**kept, "kind": "unsafe", "source": SAFETY}
    for found in _of(signals, EXPLICIT).get("evidence", ()):
        if found["field"] == name and found["start"] is not None and found["source"] != SAFETY:
            kept = {part: found[part] for part in ("start", "end", "score")}
            yield {**kept, "kind": "explicit", "label": found["reason"], "source": EXPLICIT}


def _of(signals: Signals, name: str) -> Record:
    """The record of a signal; an empty one where there is none."""
    return signals[name].record if name in signals else {}
