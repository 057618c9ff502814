"""The inputs of a run: each is made anew from the seed and its number whenever it is asked for.

So nothing of them is kept, and one that did harm can be made again by itself.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import numpy as np

from earmark.processors.codec import encode_event, event_record
from earmark.processors.content import INLINE_AUDIO_BYTES, Audio, ContentEvent, Text
from earmark.processors.wire import HEADER_BYTES
from earmark.streams.chaos.inputs_event import Ids, framed, misframed, named, shaped, words
from earmark.streams.chaos.inputs_mutation import AVRO, MOST_BYTES, Random, mutated, pick
from earmark.streams.chaos.inputs_schema import WriterSchema, body
from earmark.streams.chaos.inputs_seed import Seed

SMALL_BYTES = 25_000  # recordings in events whose Avro is mutated: the damage is to hit the fields
KEYLESS = 0.02  # share of the records that have no key
INLINE = 0.5  # share of the recordings that travel in their event, of those that may
REFRAMED = 0.3  # share of the wrongly framed records that are mutated as well
UNSPOILT = 0.4  # share of the records by other schemas that are not


class Family(StrEnum):
    """What of an input is wrong."""

    CONTROL = "CONTROL"  # nothing: a recording as it was made, to be answered with OK
    MEDIA = "MEDIA"  # the bytes of the recording, in the event or at its uri
    RECORD = "RECORD"  # the Avro body of the event
    FRAME = "FRAME"  # magic, schema id and what else is around the body; or it is no event
    SCHEMA = "SCHEMA"  # the schema that the event was written with


SHARES = {Family.MEDIA: 0.6, Family.RECORD: 0.25, Family.FRAME: 0.08, Family.SCHEMA: 0.07}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One record to be sent; `story` says how it was made.

    `media` is the recording, if that is what was mutated; it is to lie at `path`, unless that is
    None.
    """

    item: str
    family: Family
    story: str
    key: bytes | None
    value: bytes | None = field(repr=False)
    media: bytes | None = field(default=None, repr=False)
    path: Path | None = None

    def write(self, folder: Path) -> list[Path]:
        """Write record and recording into `folder` for whoever wants to look; the new files."""
        parts = {".record": self.value, ".media": self.media}
        there = {folder / f"{self.item}{end}": part for end, part in parts.items()}
        for path, part in there.items():
            if part is not None:
                path.write_bytes(part)
        return [path for path, part in there.items() if part is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What inputs are made of; `folder` is for recordings that are not inline.

    `writers` are schemas of other writers of events, with their ids in the registry.
    """

    seed: int
    recordings: tuple[Seed, ...]
    files: tuple[Seed, ...] = ()
    ids: Ids
    writers: tuple[WriterSchema, ...]
    folder: Path


class Inputs:
    """All inputs that there can be, by number, and as many controls as there are recordings."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._small = [seed for seed in material.recordings if len(seed.data) <= SMALL_BYTES]
        self._pools = [pool for pool in (material.recordings, material.files) if pool]

    @property
    def controls(self) -> int:
        """How many controls there are."""
        return len(self._material.recordings)

    def control(self, number: int) -> Input:
        """A recording as it was made."""
        recording = self._material.recordings[number]
        item = f"control-{number:07d}"
        event = named(item, audio=self._at_uri(item, recording.data, recording.data))
        return Input(
            item=item,
            family=Family.CONTROL,
            story=recording.name,
            key=item.encode(),
            value=encode_event(event, self._material.ids.events),
            media=recording.data,
            path=self._material.folder / item,
        )

    def input(self, number: int) -> Input:
        """The input with this number, the same each time."""
        random = np.random.default_rng([self._material.seed, 4, number])
        family = Family(random.choice(list(SHARES), p=list(SHARES.values())))
        make = {
            Family.MEDIA: self._media,
            Family.RECORD: self._record,
            Family.FRAME: self._frame,
            Family.SCHEMA: self._schema,
        }[family]
        made = make(random, f"input-{number:07d}")
        return replace(made, key=None) if random.random() < KEYLESS else made

    def _media(self, random: Random, item: str) -> Input:
        """An event that is good but for its recording."""
        seed, other = self._seed(random), self._seed(random)
        media, how = mutated(random, seed.data, other.data)
        inline = len(media) <= INLINE_AUDIO_BYTES and random.random() < INLINE
        stated = pick(random, (None, None, media, media, seed.data))
        audio = _inline(media, stated) if inline else self._at_uri(item, media, stated)
        event = named(item, audio=audio, texts=(Text(field="title", text=words(random)),))
        value = encode_event(event, self._material.ids.events)
        made = _made(item, Family.MEDIA, f"{seed.name}: {how}", value)
        return replace(made, media=media, path=None if inline else self._material.folder / item)

    def _record(self, random: Random, item: str) -> Input:
        """A good frame around a body that is mutated."""
        shape, event = self._event(random, item)
        _, another = self._event(random, "input-another")
        others = [self._body(another), self._body(another), self._seed(random).data]
        damaged, how = mutated(random, self._body(event), pick(random, others), AVRO)
        value = framed(self._material.ids.events, damaged)
        return _made(item, Family.RECORD, f"{shape}: {how}", value)

    def _frame(self, random: Random, item: str) -> Input:
        """A good body, or something else, in the wrong frame."""
        shape, event = self._event(random, item)
        name, value = misframed(random, event, self._material.ids, self._seed(random).data)
        how = "as it is"
        if value is not None and len(value) < MOST_BYTES and random.random() < REFRAMED:
            value, how = mutated(random, value, self._seed(random).data, AVRO)
        return _made(item, Family.FRAME, f"{shape}, {name}: {how}", value)

    def _schema(self, random: Random, item: str) -> Input:
        """A record by another writer's schema."""
        shape, event = self._event(random, item)
        writer = pick(random, self._material.writers)
        ours = self._body(event)
        written, how = body(random, writer.definition, event_record(event)) or ours, "as it is"
        if random.random() > UNSPOILT:
            written, how = mutated(random, written, ours, AVRO)
        value = framed(writer.schema_id, written)
        return _made(item, Family.SCHEMA, f"{shape} by schema {writer.schema_id}: {how}", value)

    def _seed(self, random: Random) -> Seed:
        """A recording, or as often a file of one's own if there are any."""
        return pick(random, pick(random, self._pools))

    def _event(self, random: Random, item: str) -> tuple[str, ContentEvent]:
        return shaped(random, item, pick(random, self._small).data)

    def _body(self, event: ContentEvent) -> bytes:
        return encode_event(event, self._material.ids.events)[HEADER_BYTES:]

    def _at_uri(self, item: str, media: bytes, stated: bytes | None) -> Audio:
        uri = (self._material.folder / item).as_uri()
        return replace(_inline(media, stated), uri=uri, data=None)


def _inline(media: bytes, stated: bytes | None) -> Audio:
    """The media in the event, which says that they are those `stated`, if any."""
    if stated is None:
        return Audio(data=media)
    return Audio(data=media, size_bytes=len(stated), sha256=sha256(stated).hexdigest())


def _made(item: str, family: Family, story: str, value: bytes | None) -> Input:
    return Input(item=item, family=family, story=story, key=item.encode(), value=value)
