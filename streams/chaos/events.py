"""The events of a run: each is made anew from the seed and its number whenever it is asked for.

Nothing but a few small integers is kept per event, so that a hundred thousand of them, recordings
included, take a few megabytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from earmark.processors.codec import encode_event
from earmark.processors.content import Audio, Change, ContentEvent, ContentType, Text
from earmark.processors.error import RejectionClass
from earmark.processors.wav import wav_bytes
from earmark.streams.chaos.plan import Options
from earmark.streams.synthesiser import RATE_HZ, tune

REVISIONS = 3  # of an item that is revised at all
REVISED_SHARE = 0.1  # of the items
SOUND_SHARE = 0.03  # of the items
CLIPS = 8  # different recordings
CLIP_S = 2.5  # 220 kB as mono WAV
CUT_BYTES = 90_000  # of a recording that was cut: its header declares 1.5 s more
EVENT_TIME_MS = 1_700_000_000_000
STAND_IN = "\u20ac"  # as many bytes in UTF-8 as a lone surrogate, which no Avro writer lets through
SURROGATE = "\ud800"
FIELDS = ("title", "description", "comment")
WORDS = [
    "the",
    "river",
    "runs",
    "quietly",
    "behind",
    "an",
    "old",
    "mill",
    "where",
    "nobody",
    "sings",
    "about",
    "winter",
    "der",
    "Zug",
    "hält",
    "im",
    "Regen",
    "und",
    "keiner",
    "steigt",
    "aus",
    "une",
    "voix",
    "claire",
    "traverse",
    "la",
    "ville",
    "endormie",
    "el",
    "viento",
    "mueve",
    "las",
    "hojas",
    "del",
    "naranjo",
    "paper",
    "boats",
    "sail",
    "over",
    "every",
    "morning",
    "with",
    "songs",
    "for",
    "friends",
]


class Kind(IntEnum):
    """What sort of record an item is sent as."""

    TEXT = 0
    SOUND = 1  # texts and a short recording
    GARBAGE = 2  # not Avro
    INCOMPLETE = 3  # readable, without the id that it must have
    CUT = 4  # its recording ends too soon
    SURROGATE = 5  # one of its texts is no Unicode


# what is said of each broken record: the class of its rejection, and the part that is concerned
REJECTED = {
    Kind.GARBAGE: (RejectionClass.RECORD_UNDECODABLE, "record"),
    Kind.INCOMPLETE: (RejectionClass.RECORD_INVALID, "record"),
    Kind.CUT: (RejectionClass.MEDIA_TRUNCATED, "audio"),
    Kind.SURROGATE: (RejectionClass.TEXT_INVALID, "texts.remark"),
}
UNREADABLE = (Kind.GARBAGE, Kind.INCOMPLETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record of the run: revision 1, 2 or 3 of an item."""

    item: int
    revision: int
    kind: Kind

    @property
    def content_id(self) -> str:
        """The key of the record."""
        return f"chaos-{self.item:07d}"

    @property
    def event_id(self) -> str:
        """Names the record within the run; a record that is INCOMPLETE lacks it."""
        return f"{self.content_id}-{self.revision}"


class Content:
    """All records of a run, in the order in which they are sent; `len` is their number."""

    def __init__(self, options: Options) -> None:
        self._seed = options.seed
        random = np.random.default_rng([options.seed, 1])
        revised = int(options.events * REVISED_SHARE / (1 + (REVISIONS - 1) * REVISED_SHARE))
        self.items = options.events - (REVISIONS - 1) * revised
        self._kinds = _kinds(random, self.items, revised, options.poison)
        repeats = np.ones(self.items, np.int64)
        repeats[:revised] = REVISIONS
        self._items = random.permutation(np.repeat(np.arange(self.items), repeats))
        self._numbers = np.full((self.items, REVISIONS), -1)  # of the records of each item
        self._revisions = np.zeros(options.events, np.int8)
        for number, item in enumerate(self._items):
            revision = int(np.argmin(self._numbers[item]))
            self._numbers[item, revision] = number
            self._revisions[number] = revision + 1

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Entry]:
        return (self.entry(number) for number in range(len(self)))

    @property
    def kinds(self) -> NDArray[np.int8]:
        """The kind of each record, by number."""
        kinds: NDArray[np.int8] = self._kinds[self._items]
        return kinds

    @property
    def revisions(self) -> NDArray[np.int8]:
        """The revision of each record, by number."""
        return self._revisions

    def entry(self, number: int) -> Entry:
        """The record with this number."""
        item = int(self._items[number])
        revision = int(self._revisions[number])
        return Entry(item=item, revision=revision, kind=Kind(int(self._kinds[item])))

    def find(self, content_id: str, revision: int = 1) -> int | None:
        """The number of a record of this run; None for what was never sent."""
        name, _, digits = content_id.partition("-")
        if name != "chaos" or not digits.isdecimal() or not 1 <= revision <= REVISIONS:
            return None
        item = int(digits)
        number = int(self._numbers[item, revision - 1]) if item < self.items else -1
        return None if number < 0 else number

    def event(self, number: int) -> ContentEvent:
        """The event of a record; not asked for where the record is GARBAGE."""
        entry = self.entry(number)
        return ContentEvent(
            event_id="" if entry.kind is Kind.INCOMPLETE else entry.event_id,
            content_id=entry.content_id,
            revision=entry.revision,
            content_type=ContentType.COMMENT if entry.kind is Kind.TEXT else ContentType.TRACK,
            change=Change.CREATED if entry.revision == 1 else Change.UPDATED,
            event_time=EVENT_TIME_MS + number,
            source="earmark-chaos",
            audio=self._audio(entry),
            texts=tuple(self._texts(entry)),
        )

    def payload(self, number: int, schema_id: int) -> bytes:
        """The record as it is sent, the same each time."""
        entry = self.entry(number)
        if entry.kind is Kind.GARBAGE:
            return f"{entry.event_id} is not Avro.\n".encode()
        payload = encode_event(self._writable(number), schema_id)
        if entry.kind is Kind.SURROGATE:
            return payload.replace(STAND_IN.encode(), SURROGATE.encode("utf-8", "surrogatepass"))
        return payload

    def _writable(self, number: int) -> ContentEvent:
        event = self.event(number)
        texts = (
            Text(field=text.field, text=text.text.replace(SURROGATE, STAND_IN))
            for text in event.texts
        )
        return ContentEvent(
            **{name: getattr(event, name) for name in event.__slots__} | {"texts": tuple(texts)}
        )

    def _audio(self, entry: Entry) -> Audio | None:
        if entry.kind not in (Kind.SOUND, Kind.CUT):
            return None
        data = _clip(entry.item % CLIPS)
        return Audio(data=data[:CUT_BYTES] if entry.kind is Kind.CUT else data)

    def _texts(self, entry: Entry) -> Iterator[Text]:
        random = np.random.default_rng([self._seed, 2, entry.item, entry.revision])
        for field in FIELDS[: random.integers(1, len(FIELDS) + 1)]:
            words = random.choice(WORDS, random.integers(5, 25))
            # the number makes sure that the texts of no two revisions are the same
            yield Text(field=field, text=f"{' '.join(words)}, part {entry.revision}")
        if entry.kind is Kind.SURROGATE:
            yield Text(field="remark", text=f"half a character: {SURROGATE}")


def _kinds(
    random: np.random.Generator, items: int, revised: int, poison: float
) -> NDArray[np.int8]:
    """The kind of each item. Broken records stand among those that are not revised."""
    kinds = np.where(random.random(items) < SOUND_SHARE, Kind.SOUND, Kind.TEXT).astype(np.int8)
    broken = min(round(poison * items), items - revised)
    places = revised + random.choice(items - revised, broken, replace=False)
    kinds[places] = np.resize(list(REJECTED), broken)
    return kinds


@cache
def _clip(seed: int) -> bytes:
    samples_T = tune(seed=seed + 1, seconds=CLIP_S).mean(axis=0)
    return wav_bytes(samples_T, RATE_HZ)
