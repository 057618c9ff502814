"""What stands on the topics before the pages are opened: items, signals, what failed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfile
from typing import Any

from confluent_kafka import Producer

from earmark.processors.content import ContentEvent, ContentType, Text
from earmark.streams.content_files import events_from
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.producer import encoded
from earmark.streams.registry import Registry
from earmark.streams.sample_content import SAMPLES
from earmark.streams.testing.record import Sample, records
from earmark.streams.topic import CONTENT_EVENTS, ITEMS, dead_letter_topic
from tests.streams.testing.sending import send

SPEECH, COMMENT, OTHER = "page/speech", "page/comment", "page/other"
HOSTILE = (
    '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    '"><svg onload="window.hacked=1">\u202etxt.exe'
)
ADDRESS = "joe.miller@example.org"
REMARK = f"Write to {ADDRESS} or shut up, you filthy pig."
LETTER = b"\x07<script>window.hacked=1</script> is no Avro"
SAID = (
    (0.3, 2.2, "And so, my fellow Americans,"),
    (3.3, 4.4, "ask not"),
    (5.3, 7.9, "what your damned country can do for you,"),
    (8.1, 10.6, "ask what you can do for your country."),
)
UNSAFE = SAID[2][2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item's event, and the signals that are sent of it."""

    event: ContentEvent
    signals: tuple[Sample, ...]


def put_content(stack: Stack, folder: Path) -> None:
    """Send it all; recordings lie in `folder`."""
    items = [_speech(folder), _comment(), _other()]
    _send_events(stack, [item.event for item in items])
    send(stack, [signal for item in items for signal in item.signals])
    # the newer answer of two, by another model
    send(stack, [_of(items[0].event, "audio.speech", segments=_segments(), speech_share=0.8)])
    send(stack, [_verdict(), *records("rejections.v1", content_id=COMMENT, reason=HOSTILE)])
    _send_letter(stack)


def live_signal(content_id: str, label: str) -> Sample:
    """A signal as it arrives while somebody looks on."""
    return records(
        "text.safety", "OK", content_id=content_id, scores={label: 0.93}, labels=[label]
    )[0]


def _speech(folder: Path) -> Item:
    path = Path(copyfile(SAMPLES / "jfk.wav", folder / "speech.wav"))
    (event,) = events_from([path], content_type=ContentType.CLIP, language="en")
    title = Text(field="title", text="Ask not", language="en")
    event = replace(event, content_id=SPEECH, texts=(title,))
    text = " ".join(said for _, _, said in SAID)
    at = text.index(UNSAFE)
    span = {"field": "transcript", "label": "profanity", "score": 0.9}
    return Item(
        event=event,
        signals=(
            _of(event, "audio.integrity", decoded_duration_ms=11_000),
            _of(event, "audio.speech", segments=_segments(), speech_share=0.7, **_made_by("older")),
            _of(event, "audio.scene", segments=list(_scene())),
            _of(event, "audio.transcript", text=text, segments=list(_transcript())),
            _of(event, "audio.music", scores={"piano": 0.62, "rock": 0.1}, labels=["piano"]),
            _of(event, "text.embedding"),
            _of(
                event,
                "text.safety",
                scores={"profanity": 0.9, "hate": 0.04},
                labels=["profanity"],
                spans=[span | {"start": at, "end": at + len(UNSAFE)}],
            ),
        ),
    )


def _comment() -> Item:
    texts = (Text(field="title", text=HOSTILE), Text(field="comment", text=REMARK, language="en"))
    event = _event(COMMENT, ContentType.COMMENT, texts)
    scores = {HOSTILE: 0.97, "harassment": 0.95}
    span = {"field": "comment", "start": 0, "end": len(REMARK), "label": HOSTILE, "score": 0.97}
    safety = _of(event, "text.safety", scores=scores, labels=list(scores), spans=[span])
    failed = records("text.topics", "ERROR", content_id=COMMENT)[0]
    return Item(event=event, signals=(safety, failed))


def _other() -> Item:
    texts = (Text(field="description", text="Of lighthouses and their keepers.", language="en"),)
    event = _event(OTHER, ContentType.DESCRIPTION, texts)
    return Item(event=event, signals=(_of(event, "text.embedding"),))


def _event(content_id: str, content_type: str, texts: tuple[Text, ...]) -> ContentEvent:
    name = hashlib.sha256(content_id.encode()).hexdigest()[:32]
    return ContentEvent(
        event_id=name,
        content_id=content_id,
        content_type=content_type,
        event_time=1_795_600_000_000,
        source="test",
        language="en",
        texts=texts,
    )


def _of(event: ContentEvent, signal: str, **fields: Any) -> Sample:
    whole = {"content_id": event.content_id, "content_type": str(event.content_type)}
    return records(signal, "OK", **whole, event_time=event.event_time, **fields)[0]


def _made_by(model: str) -> dict[str, Any]:
    (golden,) = records("audio.speech", "OK")
    assert golden.record is not None
    return {"provenance": {**golden.record["provenance"], "model_name": model}}


def _segments() -> list[dict[str, Any]]:
    return [_stretch(start, end) | {"score": 0.95} for start, end, _ in SAID]


def _transcript() -> Iterator[dict[str, Any]]:
    for start, end, said in SAID:
        yield _stretch(start, end) | {"text": said}


def _scene() -> Iterator[dict[str, Any]]:
    for start, end, label in ((0, 5, "speech"), (5, 8, "speech_over_music"), (8, 11, "music")):
        scores = {"speech": 0.9, "music": 0.6 if "music" in label else 0.1, "noise": 0.0}
        yield _stretch(start, end) | scores | {"label": label}


def _stretch(start_s: float, end_s: float) -> dict[str, Any]:
    return {"start_ms": round(start_s * 1000), "end_ms": round(end_s * 1000)}


def _verdict() -> Sample:
    (golden,) = records("verdicts.v1", content_id=SPEECH)
    assert golden.record is not None
    ruling = golden.record["rulings"][0]
    place = {"signal": "audio.transcript", "kind": "time_range", "start": 5_300, "end": 7_900}
    evidence = [{**ruling["evidence"][0], **place, "field": None, "label": "profanity"}]
    return records("verdicts.v1", content_id=SPEECH, rulings=[{**ruling, "evidence": evidence}])[0]


def _send_events(stack: Stack, events: list[ContentEvent]) -> None:
    with Registry(stack.settings.registry) as registry:
        schema_id = registry.ids_for_worker([CONTENT_EVENTS])[CONTENT_EVENTS]
    producer = Producer(producer_config(stack.settings.kafka))
    for event in events:
        producer.produce(ITEMS, encoded(event, schema_id), event.content_id)
    assert producer.flush(30) == 0


def _send_letter(stack: Stack) -> None:
    said = {
        "__streams.errors.exception": "earmark.processors.error.ContentError",
        "__streams.errors.message": f"UNDECODABLE: {HOSTILE}",
        "__streams.errors.topic": CONTENT_EVENTS,
        "__streams.errors.partition": "0",
        "__streams.errors.offset": "0",
        "earmark.attempt": "1",
    }
    producer = Producer(producer_config(stack.settings.kafka))
    headers = {name: value.encode() for name, value in said.items()}
    producer.produce(dead_letter_topic(CONTENT_EVENTS), LETTER, "stray", headers=headers)
    assert producer.flush(30) == 0
