"""Content events from files: recordings, texts, JSON lines, and folders of these."""

import hashlib
import mimetypes
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from earmark.models.error import ConfigurationError
from earmark.processors.content import INLINE_AUDIO_BYTES, Audio, ContentEvent, ContentType, Text
from earmark.streams.content_line import event_of

LINE_SUFFIXES = frozenset({".jsonl", ".ndjson"})
TEXT_SUFFIXES = frozenset({".txt", ".md", ".lrc"})
AUDIO_SUFFIXES = frozenset(
    {
        *(".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".caf"),
        *(".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mp4", ".mpc", ".oga", ".ogg"),
        *(".opus", ".ra", ".spx", ".tta", ".wav", ".weba", ".webm", ".wma", ".wv"),
    }
)
TEXT_BYTES = 16_000_000  # a text file larger than any text that could pass

# the field that a text file fills, by the type of its content; for other types `text`
_FIELDS = {"COMMENT": "comment", "LYRICS": "lyrics", "DESCRIPTION": "description"}

UNSTATED = -1  # revision of an event whose file does not say one


def events_from(
    paths: Iterable[Path | str],
    *,
    content_type: str = ContentType.OTHER,
    language: str | None = None,
    source: str = "files",
    tenant: str = "",
) -> Iterator[ContentEvent]:
    """One event for each recording, text and line in `paths`, in their order, folders sorted.

    A recording travels inline up to `INLINE_AUDIO_BYTES`, else as a `file://` uri with size and
    sha256. In a folder, files of other kinds are passed over; a file that is named outright and
    is neither text nor JSON lines is taken for a recording, and the decoder says what it is.

    `content_id` is the name without suffix, for what lies in a folder the path inside it; where
    two would be equal, the later one keeps its suffix or its whole path. Texts are not checked: a
    lone surrogate in JSON passes, as it would from any other producer.

    The keywords stand for what a file or a line does not say. Raises ConfigurationError for a path
    or a line that cannot be used, naming the line.
    """
    template = ContentEvent(
        event_id="",
        content_id="",
        revision=UNSTATED,
        content_type=content_type,
        language=language,
        source=source,
        tenant=tenant,
    )
    names = _Names()
    for path in map(Path, paths):
        for file, name in _files(path):
            for event in _events(file, name, template, names):
                yield _stamped(event)


def count_events(paths: Iterable[Path | str]) -> int:
    """How many events `events_from` would give; raises ConfigurationError likewise."""
    files = (file for path in map(Path, paths) for file, _ in _files(path))
    return sum(_count_lines(f) if f.suffix.lower() in LINE_SUFFIXES else 1 for f in files)


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

    def take(self, file: Path, name: Path) -> str:
        candidates = (name.with_suffix("").as_posix(), name.as_posix(), str(file.resolve()))
        chosen = next((c for c in candidates if c not in self._taken), candidates[-1])
        self._taken.add(chosen)
        return chosen


def _files(path: Path) -> Iterator[tuple[Path, Path]]:
    """The files of a path, each with the name it goes by."""
    if path.is_file():
        yield path, Path(path.name)
    elif path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if _is_content(file)]
        if not found:
            raise ConfigurationError(f"{path}: no recordings, texts or JSON lines in this folder")
        yield from ((file, file.relative_to(path)) for file in found)
    else:
        raise ConfigurationError(f"{path}: no such file or folder")


def _is_content(file: Path) -> bool:
    known = file.suffix.lower() in AUDIO_SUFFIXES | TEXT_SUFFIXES | LINE_SUFFIXES
    return known and file.is_file() and not file.name.startswith(".")


def _events(
    file: Path, name: Path, template: ContentEvent, names: _Names
) -> Iterator[ContentEvent]:
    suffix = file.suffix.lower()
    try:
        if suffix in LINE_SUFFIXES:
            yield from _lines(file, template)
        elif suffix in TEXT_SUFFIXES:
            texts = (_text(file, template),)
            yield replace(template, content_id=names.take(file, name), texts=texts)
        else:
            audio = audio_from(file)
            yield replace(template, content_id=names.take(file, name), audio=audio)
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror or error}") from error


def _text(file: Path, template: ContentEvent) -> Text:
    if file.stat().st_size > TEXT_BYTES:
        raise ConfigurationError(f"{file}: a text file of more than {TEXT_BYTES:,} bytes")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: not UTF-8 at byte {error.start:,}") from error
    field = _FIELDS.get(template.content_type, "text")
    return Text(field=field, text=text, language=template.language)


def _lines(file: Path, template: ContentEvent) -> Iterator[ContentEvent]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield event_of(line, template, folder=file.parent)
            except ConfigurationError as error:
                raise ConfigurationError(f"{file}, line {number}: {error}") from error


def _count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for line in lines if line.strip())


def _stamped(event: ContentEvent) -> ContentEvent:
    """The event with an id, a time and a revision, where it has none.

    The revision is the time in microseconds: what is sent later counts as newer.
    """
    now_us = time.time_ns() // 1_000
    return replace(
        event,
        event_id=event.event_id or uuid.uuid4().hex,
        event_time=event.event_time or now_us // 1_000,
        revision=now_us if event.revision == UNSTATED else event.revision,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
