"""Recordings of labelled rows: read for training, and written as a manifest where they are made.

T: samples, 16 kHz, mono, float32
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from earmark.processors.block import NO_SAMPLES, Samples
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.streams.evaluation.manifest import Row

_EVENT = ContentEvent(event_id="training", content_id="training", audio=Audio(uri="file:training"))


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows that have a recording, in their order; `read_manifest` reads them."""
    lines = [json.dumps(_table(row), ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def _table(row: Row) -> dict[str, object]:
    return {
        "id": row.id,
        "kind": row.kind,
        "path": str(row.path),
        "labels": dict(row.labels),
        "source": row.source,
        "licence": row.licence,
    }


def recording(path: Path) -> Samples:
    """The recording, samples_T; raises ContentError where it cannot be used."""
    pieces: list[Samples] = [NO_SAMPLES]
    for block in decode(_EVENT, path):
        pieces.append(block.samples_T)
        if block.end is not None and block.end.error is not None:
            raise block.end.error
    return np.concatenate(pieces)
