"""What a backfill answers, as references in pieces, and what has become of each piece.

A piece names records of one partition by their offsets. It is all that Flink carries of the events:
its workers in Python read these themselves. Each item is in one piece, with the last event that it
has within the bounds of the run: what older ones say was overtaken, so nobody need score it, and
pieces may be answered in any order, side by side.
"""

import json
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b

from confluent_kafka import Message

from earmark.models.error import ServiceError
from earmark.models.source import Progress
from earmark.processors.codec import Codec, decode_event, event_codec
from earmark.processors.content import ContentEvent, validated
from earmark.processors.error import ContentError
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.header import FORCE, headers_of
from earmark.streams.local.report import silent
from earmark.streams.registry import Registry
from earmark.streams.replay.course import selected
from earmark.streams.replay.manifest import Manifest
from earmark.streams.route import Route
from earmark.streams.settings import Settings
from earmark.streams.topic import ITEMS
from earmark.streams.topic_records import read_spans

REFERENCES, ANSWERED = "references", "references.answered"
# Until a piece is answered no checkpoint is taken, and what lies before it in a transaction is not
# committed: it is to be done long before a broker would abort that.
PIECE_S = 1_800.0  # of audio, unless it is of one recording alone
UNSTATED_S = 600.0  # of a recording of which nobody says how large it is
BYTES_PER_S = 16_000  # of a recording; one that is not compressed is taken to be longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some records of a partition, to be answered together."""

    number: int
    partition: int
    offsets: Sequence[int]

    def text(self) -> bytes:
        """The piece as the value of a record."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def parsed(cls, text: bytes) -> "Piece":
        """The piece of such a value."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of events: `erased` items were while the run was on, `gone` are their records."""

    answered: int = 0
    rejected: int = 0
    deleted: int = 0
    erased: int = 0
    gone: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        mine, theirs = asdict(self), asdict(other)
        return Tally(**{name: mine[name] + theirs[name] for name in mine})


def references_topic(route: Route) -> str:
    """Where the pieces of a run are."""
    return route.written(REFERENCES)


def answered_topic(route: Route) -> str:
    """Where each of them is said to be answered, in one transaction with its answers."""
    return route.written(ANSWERED)


def pieces_of(
    settings: Settings, manifest: Manifest, progress: Progress = silent
) -> Iterator[Piece]:
    """All pieces of the run; its range is read once, and kept of it is a partition's items.

    Raises ServiceError where brokers or registry do not give what is asked.
    """
    number = 0
    with (
        Registry(settings.registry) as registry,
        CommittedReader(settings.kafka, manifest.source) as reader,
    ):
        codec = event_codec(registry.schema_by_id)
        for partition, (start, end) in manifest.bounds.items():
            last = _LastEvents(manifest, codec)
            for message in read_spans(
                reader, [Span(partition=partition, start=start, end=end)], progress
            ):
                last.note(message)
            for offsets in last.grouped(settings.worker.batch_events):
                yield Piece(number=number, partition=partition, offsets=offsets)
                number += 1


class _LastEvents:
    """The records of a partition that are to be answered, and about how long that takes."""

    def __init__(self, manifest: Manifest, codec: Codec) -> None:
        self._manifest = manifest
        self._codec = codec
        self._offsets = array("q")
        self._seconds = array("f")  # of audio; negative where another event of the item counts
        self._items: dict[bytes, tuple[int, int]] = {}  # revision and index, by digest of the id

    def note(self, message: Message) -> None:
        """Take the next record of the partition up."""
        if message.value() is None and self._manifest.source == ITEMS:
            return  # the catalogue says that it has no such item any more
        event: ContentEvent | None = None
        with suppress(ContentError):  # to be rejected by who answers it
            event = validated(decode_event(message.value() or b"", self._codec))
        if event is not None and not selected(self._manifest, event):
            return
        if event is None or self._counts(event, message):
            self._offsets.append(message.offset() or 0)
            self._seconds.append(0.0 if event is None else _seconds_of(event))

    def _counts(self, event: ContentEvent, message: Message) -> bool:
        """Whether it counts more than those before it of its item, which then count no more."""
        item = blake2b(event.content_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        revision, index = self._items.get(item, (-1, -1))
        if event.revision < revision or (event.revision == revision and not _is_forced(message)):
            return False
        if index >= 0:
            self._seconds[index] = -1.0
        self._items[item] = event.revision, len(self._offsets)
        return True

    def grouped(self, most: int) -> Iterator[list[int]]:
        """The offsets of those that count, at most so many at a time."""
        group: list[int] = []
        total_s = 0.0
        for offset, seconds in zip(self._offsets, self._seconds, strict=True):
            if seconds < 0:
                continue
            if group and (len(group) == most or total_s + seconds > PIECE_S):
                yield group
                group, total_s = [], 0.0
            group.append(offset)
            total_s += seconds
        if group:
            yield group


def _seconds_of(event: ContentEvent) -> float:
    """About how long the recording is."""
    if event.audio is None:
        return 0.0
    size = event.audio.size_bytes if event.audio.data is None else len(event.audio.data)
    return UNSTATED_S if size is None else size / BYTES_PER_S


def _is_forced(message: Message) -> bool:
    return any(name == FORCE for name, _ in headers_of(message))


def answered(settings: Settings, route: Route, progress: Progress = silent) -> dict[int, Tally]:
    """What became of each piece that is answered.

    Raises ServiceError where the brokers do not say, or say of one that it was answered twice.
    """
    found: dict[int, Tally] = {}
    with CommittedReader(settings.kafka, answered_topic(route)) as reader:
        for message in read_spans(reader, reader.spans(), progress):
            number = int(message.key() or b"-1")
            if number in found:
                raise ServiceError(f"{reader.topic}: piece {number} was answered twice")
            found[number] = Tally(**json.loads(message.value() or b"{}"))
    return found
