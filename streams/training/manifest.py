"""Manifests of labelled recordings: one JSON object a line, paths relative to the manifest.

T: samples, 16 kHz, mono, float32
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from earmark.processors.block import NO_SAMPLES, Samples
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.error import ConfigurationError

_EVENT = ContentEvent(event_id="training", content_id="training", audio=Audio(uri="file:training"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One recording: what is in it, where it comes from, under which licence."""

    id: str
    path: str
    labels: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    licence: str = ""


def read_manifest(path: Path) -> list[Row]:
    """The rows that have a recording; their paths become absolute. Raises ConfigurationError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        tables = [json.loads(line) for line in lines if line.strip()]
        return [
            Row(
                id=str(table["id"]),
                path=str(path.resolve().parent / table["path"]),
                labels=dict(table.get("labels", {})),
                source=str(table.get("source", "")),
                licence=str(table.get("licence", "")),
            )
            for table in tables
            if table.get("path")
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path}: not a manifest of recordings: {error}") from error


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows, in their order."""
    lines = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def recording(path: Path) -> Samples:
    """The recording, samples_T; raises ContentError where it cannot be used."""
    pieces: list[Samples] = [NO_SAMPLES]
    for block in decode(_EVENT, path):
        pieces.append(block.samples_T)
        if block.end is not None and block.end.error is not None:
            raise block.end.error
    return np.concatenate(pieces)
