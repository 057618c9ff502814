"""Content events from files: recordings, texts, JSON lines, Parquet, and folders of these."""

import hashlib
import mimetypes
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from earmark.models.error import ConfigurationError
from earmark.processors.content import INLINE_AUDIO_BYTES, Audio, ContentEvent, ContentType, Text
from earmark.streams.content_line import event_of, event_saying
from earmark.streams.content_table import check_table, count_rows, footer_digest, rows_from
from earmark.streams.source_file import Kind, SourceFile, kind_of, source_files

TEXT_BYTES = 16_000_000  # a text file larger than any text that could pass
LINE_BYTES = 64_000_000  # likewise a line

# the field that a text file fills, by the type of its content; for other types `text`
_FIELDS = {"COMMENT": "comment", "LYRICS": "lyrics", "DESCRIPTION": "description"}

UNSTATED = -1  # revision of an event whose file does not say one


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """How far files have been read: `rows` (lines, for JSON lines) of `path`, and all before it.

    `file` is its number among the files, from 0. `start` and `end` are where its last line lies,
    for JSON lines. `events` is how many events all that makes, `done_bytes` its size.
    """

    file: int = 0
    path: str = ""
    rows: int = 0
    start: int = 0
    end: int = 0
    events: int = 0
    done_bytes: int = 0


BEGINNING = Bookmark()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEvent:
    """An event as far as its file says it, and how far the files are read with it."""

    event: ContentEvent
    bookmark: Bookmark


def events_from(
    paths: Iterable[Path | str],
    *,
    content_type: str = ContentType.OTHER,
    language: str | None = None,
    source: str = "files",
    tenant: str = "",
    ignore_unknown: bool = False,
) -> Iterator[ContentEvent]:
    """One event for each recording, text, line and row in `paths`, in their order, folders sorted.

    A recording travels inline up to `INLINE_AUDIO_BYTES`, else as a `file://` uri with size and
    sha256. In a folder, files of other kinds are passed over; a file that is named outright and
    is neither text nor lines nor table is taken for a recording, and the decoder says what it is.

    `content_id` is the name without suffix, for what lies in a folder the path inside it; where
    two would be equal, the later one keeps its suffix or its whole path. Texts are not checked: a
    lone surrogate in JSON passes, as it would from any other producer.

    The keywords stand for what a file, a line or a row does not say; fields that events do not
    have are an error unless they are ignored. Raises ConfigurationError for a path, a line or a
    row that cannot be used, naming it.
    """
    given = template(content_type=content_type, language=language, source=source, tenant=tenant)
    for read in read_events(paths, given, ignore_unknown=ignore_unknown):
        yield stamped_now(read)


def template(*, content_type: str, language: str | None, source: str, tenant: str) -> ContentEvent:
    """What an event is of which its file says nothing: without ids, time and revision."""
    return ContentEvent(
        event_id="",
        content_id="",
        revision=UNSTATED,
        content_type=content_type,
        language=language,
        source=source,
        tenant=tenant,
    )


def read_events(
    paths: Iterable[Path | str],
    given: ContentEvent,
    *,
    ignore_unknown: bool = False,
    start: Bookmark = BEGINNING,
) -> Iterator[ReadEvent]:
    """The events of `events_from` behind `start`, each as its file has it: to be stamped.

    Raises ConfigurationError also where the files are not those that `start` was made of.
    """
    names = _Names()
    found, events, behind_bytes = -1, start.events, 0
    for found, file in enumerate(source_files(paths)):
        path = str(file.path.absolute())
        is_next = found == start.file and start.path != ""
        if is_next and path != start.path:
            raise ConfigurationError(
                f"{file.path} is where {start.path} was: other files than before"
            )
        begin = start if is_next else BEGINNING
        source = _Source(file=file, given=given, names=names, ignore_unknown=ignore_unknown)
        for row in source.rows(begin) if found >= start.file else source.passed():
            events += 1
            bookmark = Bookmark(
                file=found,
                path=path,
                rows=row.number,
                start=row.start,
                end=row.end,
                events=events,
                done_bytes=behind_bytes + row.done_bytes,
            )
            yield ReadEvent(event=row.event, bookmark=bookmark)
        behind_bytes += file.size_bytes
    if found < start.file:
        raise ConfigurationError(f"{start.path} is not there any more")


def stamped_now(read: ReadEvent) -> ContentEvent:
    """The event with an id, a time and a revision, where its file states none.

    The revision is the time in microseconds: what is sent later counts as newer.
    """
    event, now_us = read.event, time.time_ns() // 1_000
    return replace(
        event,
        event_id=event.event_id or uuid.uuid4().hex,
        event_time=event.event_time or now_us // 1_000,
        revision=now_us if event.revision == UNSTATED else event.revision,
    )


def survey(paths: Iterable[Path | str], *, ignore_unknown: bool = False) -> int:
    """The size of all files in bytes; of their content no more is read than a table's columns.

    Raises ConfigurationError for paths and columns that cannot be used, before anything is sent.
    """
    size = 0
    for file in source_files(paths):
        size += file.size_bytes
        if kind_of(file.path) is Kind.TABLE:
            check_table(file.path, ignore_unknown=ignore_unknown)
    return size


def proof(bookmark: Bookmark) -> str:
    """A digest that is the same later if the bookmark still fits its file, whatever follows it.

    Of JSON lines it is of the last line read: a change before it would have moved it. Raises
    ConfigurationError where the file cannot be read.
    """
    path = Path(bookmark.path)
    try:
        if bookmark.path and kind_of(path) is Kind.LINES:
            with path.open("rb") as lines:
                lines.seek(bookmark.start)
                line = lines.read(bookmark.end - bookmark.start)
            return hashlib.blake2b(line.rstrip(b"\r\n"), digest_size=16).hexdigest()
        if bookmark.path and kind_of(path) is Kind.TABLE:
            return _footer_digest(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error
    return ""


def audio_from(path: Path) -> Audio:
    """The recording at `path`: inline if it is small, else by claim check."""
    media_type = mimetypes.guess_type(path.name)[0]
    size = path.stat().st_size
    if size > INLINE_AUDIO_BYTES:
        uri = path.resolve().as_uri()
        return Audio(uri=uri, media_type=media_type, size_bytes=size, sha256=_sha256(path))
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    return Audio(data=data, media_type=media_type, size_bytes=len(data), sha256=sha256)


class _Names:
    """Gives each file a `content_id` of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, file: SourceFile) -> str:
        chosen = file.name.with_suffix("").as_posix()
        if chosen in self._taken:
            chosen = file.name.as_posix()
        if chosen in self._taken:
            chosen = str(file.path.resolve())
        self._taken.add(chosen)
        return chosen


class _Row(NamedTuple):
    """One event, and how far its file is read with it."""

    event: ContentEvent
    number: int
    start: int
    end: int
    done_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One file as events."""

    file: SourceFile
    given: ContentEvent
    names: _Names
    ignore_unknown: bool

    def rows(self, begin: Bookmark) -> Iterator[_Row]:
        """The events behind `begin`, which is in this file."""
        try:
            match kind_of(self.file.path):
                case Kind.LINES:
                    yield from self._lines(begin)
                case Kind.TABLE:
                    yield from self._table(begin)
                case kind:
                    yield from self._single(kind, begin)
        except OSError as error:
            raise ConfigurationError(f"{self.file.path}: {error.strerror or error}") from error

    def passed(self) -> Iterator[_Row]:
        """Nothing: the file was read before. What it was called stays taken."""
        if kind_of(self.file.path) in {Kind.TEXT, Kind.RECORDING}:
            self.names.take(self.file)
        yield from ()

    def _single(self, kind: Kind, begin: Bookmark) -> Iterator[_Row]:
        name = self.names.take(self.file)
        if begin.rows:
            return
        event = replace(self.given, content_id=name)
        if kind is Kind.TEXT:
            event = replace(event, texts=(_text(self.file.path, self.given),))
        else:
            event = replace(event, audio=audio_from(self.file.path))
        yield _Row(event, 1, 0, 0, self.file.size_bytes)

    def _lines(self, begin: Bookmark) -> Iterator[_Row]:
        path, end = self.file.path, begin.end
        with path.open("rb") as lines:
            lines.seek(end)
            reads = iter(partial(lines.readline, LINE_BYTES), b"")
            for number, line in enumerate(reads, start=begin.rows + 1):
                start, end = end, end + len(line)
                if not line.strip():
                    continue
                try:
                    event = self._event_of(line)
                except ConfigurationError as error:
                    raise ConfigurationError(f"{path}, line {number}: {error}") from error
                yield _Row(event, number, start, end, end)

    def _event_of(self, line: bytes) -> ContentEvent:
        if len(line) >= LINE_BYTES:
            raise ConfigurationError(f"more than {LINE_BYTES:,} bytes")
        folder = self.file.path.parent
        return event_of(line, self.given, folder=folder, ignore_unknown=self.ignore_unknown)

    def _table(self, begin: Bookmark) -> Iterator[_Row]:
        path, ignored = self.file.path, self.ignore_unknown
        row_bytes = self.file.size_bytes / max(1, count_rows(path))
        rows = rows_from(path, skip=begin.rows, ignore_unknown=ignored)
        for number, values in enumerate(rows, start=begin.rows + 1):
            try:
                event = event_saying(values, self.given, folder=path.parent, ignore_unknown=ignored)
            except ConfigurationError as error:
                raise ConfigurationError(f"{path}, row {number}: {error}") from error
            yield _Row(event, number, 0, 0, int(number * row_bytes))


def _text(file: Path, given: ContentEvent) -> Text:
    if file.stat().st_size > TEXT_BYTES:
        raise ConfigurationError(f"{file}: a text file of more than {TEXT_BYTES:,} bytes")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: not UTF-8 at byte {error.start:,}") from error
    field = _FIELDS.get(given.content_type, "text")
    return Text(field=field, text=text, language=given.language)


@lru_cache(maxsize=1)
def _footer_digest(path: Path, _changed: int) -> str:
    return footer_digest(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
