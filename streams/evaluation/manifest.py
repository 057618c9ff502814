"""Labelled rows from a manifest: what each is, where it lies, and what is known to be true of it.

A manifest is a file of JSON lines, `manifest.jsonl` in the folder of its files:

    {"id": "a1", "kind": "speech", "path": "files/a1.wav", "labels": {"language": "en"},
     "source": "https://example.org/a", "licence": "CC0-1.0"}

`path` is relative to the manifest's folder, or null where the row is a `text`. Fields beside these
are passed over.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.models.error import ConfigurationError, reason_of
from earmark.processors.content import ContentEvent, ContentType, Text
from earmark.streams.content_files import audio_from

FILE_NAME = "manifest.jsonl"
FIELD = "text"  # of the event, which holds the row's text


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled item; `path` is absolute, and None where there is `text` alone."""

    id: str
    kind: str
    labels: Mapping[str, Any]
    source: str = ""
    licence: str = ""
    path: Path | None = None
    text: str | None = None
    content_type: str = ContentType.OTHER
    data: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The rows of one manifest, under the name of its folder."""

    name: str
    rows: Sequence[Row]


def read_manifest(path: Path) -> Dataset:
    """The rows of a manifest, or of the folder that holds one.

    Raises ConfigurationError that names the line which is no row, twice the same, or without file.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"no manifest {file}: {reason_of(error)}") from error
    folder = file.resolve().parent
    name = folder.name if file.name == FILE_NAME else file.stem
    rows: dict[str, Row] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            row = _row(line, folder, name, where=f"{file}, line {number}")
            if row.id in rows:
                raise ConfigurationError(f"{file}, line {number}: a second row {row.id!r}")
            rows[row.id] = row
    if not rows:
        raise ConfigurationError(f"{file}: no rows")
    return Dataset(name=name, rows=tuple(rows.values()))


def datasets(paths: Collection[Path]) -> Sequence[Dataset]:
    """The manifests at the paths; raises ConfigurationError where two have the same name."""
    found: dict[str, Dataset] = {}
    for path in paths:
        dataset = read_manifest(path)
        if dataset.name in found:
            raise ConfigurationError(f"two data sets are called {dataset.name!r}")
        found[dataset.name] = dataset
    return tuple(found.values())


def event_of(row: Row, *, declares_language: bool = False) -> ContentEvent:
    """The event of a row; its language is declared only where that is asked for."""
    language = row.labels.get("language") if declares_language else None
    return ContentEvent(
        event_id=row_key(row),
        content_id=row_key(row),
        content_type=row.content_type,
        language=language if isinstance(language, str) else None,
        source="evaluation",
        audio=None if row.path is None else audio_from(row.path),
        texts=() if row.text is None else (Text(field=FIELD, text=row.text, language=None),),
    )


def row_key(row: Row) -> str:
    """What tells the row from those of all data sets."""
    return f"{row.data}/{row.id}"


def _row(line: str, folder: Path, name: str, *, where: str) -> Row:
    table = _object(line, where)
    labels, path, text = table.get("labels") or {}, table.get("path"), table.get("text")
    row = Row(
        id=str(table["id"]),
        kind=str(table["kind"]),
        labels=labels,
        source=str(table.get("source") or ""),
        licence=str(table.get("licence") or ""),
        path=None if path is None else folder / str(path),
        text=None if text is None else str(text),
        content_type=str(table.get("content_type") or labels.get("content_type") or "OTHER"),
        data=name,
    )
    if row.path is None and row.text is None:
        raise ConfigurationError(f"{where}: neither path nor text")
    if row.path is not None and not row.path.is_file():
        raise ConfigurationError(f"{where}: no file {row.path}")
    return row


def _object(line: str, where: str) -> Mapping[str, Any]:
    """The line as an object that has what each row has; raises ConfigurationError."""
    try:
        table = json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{where}: not JSON: {error.msg} at column {error.colno}"
        ) from error
    except RecursionError as error:
        raise ConfigurationError(f"{where}: JSON that nests too deep") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where}: not a JSON object")
    if missing := [name for name in ("id", "kind") if name not in table]:
        raise ConfigurationError(f"{where}: a row without {missing[0]}")
    if not isinstance(table.get("labels") or {}, dict):
        raise ConfigurationError(f"{where}: labels are not a JSON object")
    return table
