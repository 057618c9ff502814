"""The items most like one, by the cosine of their embeddings: every vector is looked at, in blocks.

N: vectors of a block, D: their dimensions, Q: vectors of the item that is asked about
"""

from collections.abc import Collection, Iterator, Mapping
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

from earmark.streams.web.index.reader import IndexReader

BLOCK = 4_096  # vectors in memory at once: 8 MB at 512 dimensions
MOST = 200  # items
KINDS = ("audio.embedding", "text.embedding")  # the first that an item has is the one compared

Vectors = NDArray[np.float32]


def most_similar(
    reader: IndexReader,
    content_id: str,
    *,
    kinds: Collection[str] = KINDS,
    among: Collection[str] | None = None,
    most: int = MOST,
) -> list[tuple[str, float]]:
    """The items with their cosines, the most similar first; none for an item without vectors.

    Vectors of the same signal and model are compared: of items with several (one for each text),
    the two closest. `among` limits it to these items.
    """
    for kind in kinds:
        if by_model := _own(reader, content_id, kind):
            best: dict[str, float] = {}
            for (topic, model), own_QD in by_model.items():
                for other, cosine in _compared(reader, topic, model, own_QD):
                    if other != content_id and (among is None or other in among):
                        best[other] = max(cosine, best.get(other, -1.0))
            return nlargest(most, best.items(), key=lambda pair: (pair[1], pair[0]))
    return []


def _own(reader: IndexReader, content_id: str, kind: str) -> Mapping[tuple[str, str], Vectors]:
    rows = reader.rows(
        "SELECT topic, model, vector FROM vectors WHERE content_id = ? AND topic LIKE ?",
        (content_id, f"signals.{kind}.v%"),
    )
    found: dict[tuple[str, str], list[bytes]] = {}
    for topic, model, vector in rows:
        found.setdefault((topic, model), []).append(vector)
    return {key: _units(vectors) for key, vectors in found.items()}


def _compared(
    reader: IndexReader, topic: str, model: str, own_QD: Vectors
) -> Iterator[tuple[str, float]]:
    cursor = reader.cursor(
        "SELECT content_id, vector FROM vectors WHERE topic = ? AND model = ?", (topic, model)
    )
    length = own_QD.shape[1] * own_QD.itemsize
    while rows := cursor.fetchmany(BLOCK):
        rows = [row for row in rows if len(row[1]) == length]
        if rows:
            cosines_N = (_units([row[1] for row in rows]) @ own_QD.T).max(axis=1)
            yield from zip((row[0] for row in rows), cosines_N.tolist(), strict=True)


def _units(vectors: Collection[bytes]) -> Vectors:
    vectors_ND = np.stack([np.frombuffer(vector, "<f4") for vector in vectors])
    lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    units_ND: Vectors = (vectors_ND / np.maximum(lengths_N1, 1e-12)).astype(np.float32)
    return units_ND
