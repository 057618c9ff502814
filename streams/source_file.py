"""The files under the paths that someone names: recordings, texts, JSON lines and tables."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from earmark.models.error import ConfigurationError

LINE_SUFFIXES = frozenset({".jsonl", ".ndjson"})
TABLE_SUFFIXES = frozenset({".parquet", ".pq"})
TEXT_SUFFIXES = frozenset({".txt", ".md", ".lrc"})
AUDIO_SUFFIXES = frozenset(
    {
        *(".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".caf"),
        *(".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mp4", ".mpc", ".oga", ".ogg"),
        *(".opus", ".ra", ".spx", ".tta", ".wav", ".weba", ".webm", ".wma", ".wv"),
    }
)
_CONTENT_SUFFIXES = LINE_SUFFIXES | TABLE_SUFFIXES | TEXT_SUFFIXES | AUDIO_SUFFIXES


class Kind(Enum):
    """What a file is taken for."""

    LINES = auto()  # JSON, one event a line
    TABLE = auto()  # Parquet, one event a row
    TEXT = auto()
    RECORDING = auto()  # and whatever else is named outright: the decoder says what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file and the name it goes by: for what lies in a folder that was named, the path in it."""

    path: Path
    name: Path
    size_bytes: int


def kind_of(path: Path) -> Kind:
    """What the file is taken for, by its suffix."""
    suffix = path.suffix.lower()
    if suffix in LINE_SUFFIXES:
        return Kind.LINES
    if suffix in TABLE_SUFFIXES:
        return Kind.TABLE
    return Kind.TEXT if suffix in TEXT_SUFFIXES else Kind.RECORDING


def source_files(paths: Iterable[Path | str]) -> Iterator[SourceFile]:
    """The files of the paths, in their order; those of a folder sorted, folder by folder.

    In a folder, files of other kinds and those whose names begin with a dot are passed over. One
    folder's names are held at a time. Raises ConfigurationError for a path that is not there or
    cannot be read, and for a folder in which there is nothing.
    """
    for path in map(Path, paths):
        try:
            yield from _files(path)
        except OSError as error:
            raise ConfigurationError(
                f"{error.filename or path}: {error.strerror or error}"
            ) from error


def _files(path: Path) -> Iterator[SourceFile]:
    if path.is_file():
        yield SourceFile(path=path, name=Path(path.name), size_bytes=path.stat().st_size)
        return
    if not path.is_dir():
        raise ConfigurationError(f"{path}: no such file or folder")
    empty = True
    for file in _walk(path, Path()):
        empty = False
        yield file
    if empty:
        raise ConfigurationError(
            f"{path}: no recordings, texts, JSON lines or tables in this folder"
        )


def _walk(folder: Path, name: Path) -> Iterator[SourceFile]:
    # names alone are held, not entries: a folder may have a million
    with os.scandir(folder) as entries:
        listed = sorted((e.name, e.is_dir(follow_symlinks=False)) for e in entries if _may_hold(e))
    for each, is_folder in listed:
        path = folder / each
        if is_folder:
            yield from _walk(path, name / each)
        else:
            yield SourceFile(path=path, name=name / each, size_bytes=path.stat().st_size)


def _may_hold(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is a folder or a file of content."""
    suffix = "." + entry.name.rpartition(".")[2].lower()
    if suffix in _CONTENT_SUFFIXES and not entry.name.startswith(".") and entry.is_file():
        return True
    return entry.is_dir(follow_symlinks=False)
