"""The events around what is mutated, in all the shapes that an event can have, and wrong frames."""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

import fastavro

from earmark.processors.codec import encode_event, event_record, jsonable
from earmark.processors.content import Audio, Change, ContentEvent, ContentType, Text
from earmark.processors.schema import CONTENT_EVENTS, plain, schema_of
from earmark.processors.wire import HEADER_BYTES, READ_BYTES
from earmark.streams.chaos.events import EVENT_TIME_MS, WORDS
from earmark.streams.chaos.inputs_mutation import Random, pick

SOURCE = "earmark-inputs"
NOWHERE = "file:///earmark/nothing.mp3"  # below no folder that the worker may read
MANY = 40  # texts, regions and attributes of a large event
_BEYOND = (-200_000, 0, 1, READ_BYTES)  # bytes by which a record misses the limit of what is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """Of schemas in the registry: that of content events, and those of other topics."""

    events: int
    others: tuple[int, ...]


def named(content_id: str, **fields: object) -> ContentEvent:
    """A track that has these fields."""
    given: dict[str, object] = {
        "event_id": f"{content_id}-1",
        "content_id": content_id,
        "content_type": ContentType.TRACK,
        "event_time": EVENT_TIME_MS,
        "source": SOURCE,
    }
    return ContentEvent(**given | fields)  # type: ignore[arg-type]  # fields vary by shape


def words(random: Random) -> str:
    """A few words of several languages."""
    return " ".join(random.choice(WORDS, int(random.integers(3, 20))))


def shaped(random: Random, content_id: str, recording: bytes) -> tuple[str, ContentEvent]:
    """An event in any shape, and what that is called; `recording` may become its audio."""
    shape = pick(random, tuple(_SHAPES))
    return shape, _SHAPES[shape](random, content_id, recording)


def misframed(
    random: Random, event: ContentEvent, ids: Ids, other: bytes
) -> tuple[str, bytes | None]:
    """The event in a frame that is not ours, or `other` as if it were one; and what was done."""
    name = pick(random, tuple(_FRAMES))
    return name, _FRAMES[name](random, event, ids, other)


def framed(schema_id: int, body: bytes) -> bytes:
    """The body behind a frame with this id."""
    return b"\0" + schema_id.to_bytes(4, "big") + body


def _texts(random: Random, content_id: str, _: bytes) -> ContentEvent:
    title = Text(field="title", text=words(random))
    return named(content_id, texts=(title, Text(field="lyrics", text=words(random))))


def _everything(random: Random, content_id: str, recording: bytes) -> ContentEvent:
    return named(
        content_id,
        revision=int(random.integers(0, 2**40)),
        change=Change.UPDATED,
        tenant="tenant",
        language="de",
        regions=("DE", "CH"),
        priority=3,
        attributes={"label": words(random)},
        audio=Audio(
            data=recording,
            media_type="audio/mpeg",
            size_bytes=len(recording),
            sha256=sha256(recording).hexdigest(),
        ),
        texts=(Text(field="title", text=words(random), language="de-CH"),),
    )


def _recording(_: Random, content_id: str, recording: bytes) -> ContentEvent:
    return named(content_id, audio=Audio(data=recording))


def _uri(random: Random, content_id: str, _: bytes) -> ContentEvent:
    audio = Audio(uri=NOWHERE, size_bytes=1_000, sha256="0" * 64)
    return named(content_id, audio=audio, texts=(Text(field="title", text=words(random)),))


def _many(random: Random, content_id: str, _: bytes) -> ContentEvent:
    return named(
        content_id,
        regions=tuple(f"R{number}" for number in range(MANY)),
        attributes={f"attribute {number}": words(random) for number in range(MANY)},
        texts=tuple(Text(field=f"field {n}", text=words(random)) for n in range(MANY)),
    )


def _deletion(_: Random, content_id: str, __: bytes) -> ContentEvent:
    return named(content_id, change=Change.DELETED)


_SHAPES: Mapping[str, Callable[[Random, str, bytes], ContentEvent]] = {
    "texts": _texts,
    "all fields": _everything,
    "recording": _recording,
    "uri": _uri,
    "many texts": _many,
    "deletion": _deletion,
}


def _body(event: ContentEvent) -> bytes:
    return encode_event(event, 0)[HEADER_BYTES:]


def _container(event: ContentEvent) -> bytes:
    """The event as an Avro file, as programs that know no registry write it."""
    file = BytesIO()
    schema = fastavro.parse_schema(plain(schema_of(CONTENT_EVENTS).definition))
    fastavro.writer(file, schema, [event_record(event)], sync_marker=bytes(16))
    return file.getvalue()


def _json(event: ContentEvent) -> bytes:
    return json.dumps(jsonable(event_record(event))).encode()


def _long(random: Random, event: ContentEvent, ids: Ids) -> bytes:
    """The event, then zeros to about the length that is read at most, or far beyond it."""
    return framed(ids.events, _body(event)).ljust(READ_BYTES + pick(random, _BEYOND), b"\0")


_Frame = Callable[[Random, ContentEvent, Ids, bytes], bytes | None]
_FRAMES: Mapping[str, _Frame] = {
    "no value": lambda _r, _e, _i, _o: None,
    "no byte": lambda _r, _e, _i, _o: b"",
    "half a frame": lambda r, e, i, _: framed(i.events, b"")[: r.integers(1, HEADER_BYTES)],
    "no frame": lambda _r, e, _i, _o: _body(e),
    "a frame alone": lambda _r, _e, i, _o: framed(i.events, b""),
    "other magic": lambda r, e, i, _: bytes([r.integers(1, 256)]) + framed(i.events, _body(e))[1:],
    "unknown schema": lambda r, e, _i, _o: framed(int(r.integers(0, 2**32)), _body(e)),
    "another topic's schema": lambda r, e, i, _: framed(pick(r, i.others), _body(e)),
    "id back to front": lambda _r, e, i, _o: b"\0" + i.events.to_bytes(4, "little") + _body(e),
    "two frames": lambda _r, e, i, _o: framed(i.events, framed(i.events, _body(e))),
    "an index behind the frame": lambda _r, e, i, _o: framed(i.events, b"\0" + _body(e)),
    "two records": lambda _r, e, i, _o: framed(i.events, _body(e) * 2),
    "an Avro file": lambda _r, e, _i, _o: _container(e),
    "a framed Avro file": lambda _r, e, i, _o: framed(i.events, _container(e)),
    "JSON": lambda _r, e, _i, _o: _json(e),
    "compressed": lambda _r, e, i, _o: zlib.compress(framed(i.events, _body(e))),
    "too long": lambda r, e, i, _: _long(r, e, i),
    "a file": lambda _r, _e, _i, other: other,
    "a framed file": lambda _r, _e, i, other: framed(i.events, other),
}
