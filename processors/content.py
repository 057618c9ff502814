"""What comes in: the full state of one catalogue item at one revision.

The types mirror `avro/content.event.v1.avsc`. They are validated once, by `validated`, where
content enters (the worker, the producer, `earmark score`), and trusted after that.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field  # Text has a field of that name
from enum import StrEnum
from hashlib import sha256

from earmark.processors.error import ContentError, RejectionClass

INLINE_AUDIO_BYTES = 256_000  # larger audio travels by claim check: a uri with size and sha256
SHORT_CODE_POINTS = 1_000  # longest identifier, name of a field, language tag
LATEST_MS = 253_402_300_799_999  # the end of the year 9999: ISO 8601 headers go no further
TEXT_CODE_POINTS = 500_000  # longest text of one field; a long book chapter has 100,000


class ContentType(StrEnum):
    """Known values of `content_type`; others are carried through unread."""

    TRACK = "TRACK"
    EPISODE = "EPISODE"
    AUDIOBOOK = "AUDIOBOOK"
    CHAPTER = "CHAPTER"
    CLIP = "CLIP"
    COMMENT = "COMMENT"
    LYRICS = "LYRICS"
    DESCRIPTION = "DESCRIPTION"
    PLAYLIST = "PLAYLIST"
    OTHER = "OTHER"


class Change(StrEnum):
    """What happened to the item."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """A recording: at `uri`, or inline in `data` up to `INLINE_AUDIO_BYTES`.

    `sha256` is lower-case hex of the media bytes; `size_bytes` their number. With both, a replay
    proves that it scored the same bytes.
    """

    uri: str | None = None
    data: bytes | None = dataclass_field(default=None, repr=False)
    media_type: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text; `field` (title, description, lyrics, comment, ...) is unique in its event.

    `language` is BCP-47 as declared by the producer, None if unknown.
    """

    field: str
    text: str = dataclass_field(repr=False)
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentEvent:
    """The full state of the item `content_id` at `revision`, which rises with each change.

    An event whose revision is not above the last one answered is taken for late and changes
    nothing.

    `event_time` is in milliseconds since the epoch. `language` is BCP-47 as declared, None if
    unknown. `priority` is 0 (normal) and up.
    """

    event_id: str
    content_id: str
    revision: int = 1
    content_type: str = ContentType.OTHER
    change: str = Change.CREATED
    event_time: int = 0
    source: str = ""
    tenant: str = ""
    language: str | None = None
    regions: tuple[str, ...] = ()
    priority: int = 0
    attributes: Mapping[str, str] = dataclass_field(default_factory=dict)
    audio: Audio | None = None
    texts: tuple[Text, ...] = ()

    @property
    def code_points(self) -> int:
        """How much text it has."""
        return sum(len(text.text) for text in self.texts)


def validated(event: ContentEvent) -> ContentEvent:
    """The event itself, if every rule that concerns it as a whole holds.

    Raises ContentError with part `record`. Texts that cannot be used do not spoil the rest of
    their event: `text_errors` finds those.
    """
    for problem in _problems(event):
        raise ContentError(RejectionClass.RECORD_INVALID, problem, part="record")
    return event


def stated_digest(event: ContentEvent) -> str | None:
    """SHA-256 of the audio as far as the event says: stated, or of the bytes that it carries."""
    if event.audio is None or event.audio.data is None:
        return event.audio.sha256 if event.audio else None
    return sha256(event.audio.data).hexdigest()


def text_errors(event: ContentEvent) -> dict[str, ContentError]:
    """The texts of the event that cannot be used, by field."""
    return {text.field: error for text in event.texts if (error := _text_error(text)) is not None}


def _problems(event: ContentEvent) -> Iterator[str]:
    if not event.content_id or not event.event_id:
        yield "content_id and event_id must not be empty"
    if event.revision < 0:
        yield f"revision {event.revision} is negative"
    if not 0 <= event.event_time <= LATEST_MS:
        yield f"event_time {event.event_time} is not between 1970 and 9999"
    for name, value in _short_strings(event):
        if len(value) > SHORT_CODE_POINTS:
            yield f"{name} has {len(value):,} code points; the limit is {SHORT_CODE_POINTS:,}"
        if not _is_unicode(value):
            yield f"{name} holds a lone surrogate"
    twice = [field for field, n in Counter(t.field for t in event.texts).items() if n > 1]
    if twice:
        yield f"texts has a field twice: {min(twice)}"
    if event.audio is not None and (event.audio.uri is None) == (event.audio.data is None):
        yield "audio needs either uri or data"
    if event.change != Change.DELETED and event.audio is None and not event.texts:
        yield "the event has neither audio nor texts"


def _short_strings(event: ContentEvent) -> Iterator[tuple[str, str]]:
    for name in ("event_id", "content_id", "content_type", "source", "tenant", "language"):
        yield name, getattr(event, name) or ""
    for text in event.texts:
        yield "the field of a text", text.field
        yield "the language of a text", text.language or ""


def _text_error(text: Text) -> ContentError | None:
    part = f"texts.{text.field}"
    if len(text.text) > TEXT_CODE_POINTS:
        reason = f"{len(text.text):,} code points; the limit is {TEXT_CODE_POINTS:,}"
        return ContentError(RejectionClass.TEXT_TOO_LONG, reason, part=part)
    if not _is_unicode(text.text):
        return ContentError(RejectionClass.TEXT_INVALID, "holds a lone surrogate", part=part)
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
