"""The latest event of each item, on `content.items.v1`: the source of replays of the catalogue."""

from dataclasses import replace
from hashlib import sha256

from confluent_kafka import Message

from earmark.processors.codec import encode_event
from earmark.processors.content import Audio, Change
from earmark.processors.error import ContentError
from earmark.streams.flight import Flight


def item_payload(flight: Flight, schema_id: int) -> bytes | None:
    """The event of a flight as the state of its item, None where it was deleted.

    The record is as its producer wrote it, but audio that it carries becomes a reference to the
    record itself: what is kept for years holds no media.
    """
    event, message = flight.event, flight.message
    if event is None or event.change == Change.DELETED:
        return None
    if event.audio is None or event.audio.data is None:
        return message.value()
    try:
        return encode_event(replace(event, audio=_reference(event.audio, message)), schema_id)
    except ContentError:  # one of its texts can be read and not be written
        return message.value()


def record_uri(message: Message) -> str:
    """Names a record: `kafka://<topic>/<partition>/<offset>`."""
    return f"kafka://{message.topic()}/{message.partition()}/{message.offset()}"


def _reference(audio: Audio, message: Message) -> Audio:
    data = audio.data or b""
    return replace(
        audio,
        uri=record_uri(message),
        data=None,
        size_bytes=len(data),
        sha256=sha256(data).hexdigest(),
    )
