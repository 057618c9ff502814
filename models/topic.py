"""Topics without training: a text is near a topic whose phrases its words are near.

A topic is its name and a few phrases, each a vector; the mean of all phrases is taken off phrases
and texts alike, since it holds what every text has. The score is the mean cosine with the two
nearest phrases. So any list of labels can be asked for.

Shapes. B: texts, K: topics, D: dimensions, P: phrases of one topic
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.models.error import ModelError
from earmark.models.static_embedding import StaticEmbedding

NEAREST = 2  # phrases of a topic that count

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A label and what texts about it talk of."""

    name: str
    phrases: tuple[str, ...]


class TopicSpace:
    """Scores texts by topics."""

    def __init__(self, embedding: StaticEmbedding, topics: Sequence[Topic]) -> None:
        self._embedding = embedding
        self.names = tuple(topic.name for topic in topics)
        phrases = [embedding.embed([topic.name, *topic.phrases]) for topic in topics]
        self._mean_D: Floats = np.concatenate(phrases).mean(axis=0)
        self._phrases = [_unit(rows_PD - self._mean_D) for rows_PD in phrases]

    def scores(self, texts: Sequence[str]) -> Floats:
        """One row of cosines per text, `(B, K)`, -1 to 1; zeros for a text without tokens."""
        rows_BD = self._embedding.embed(texts)
        unit_BD = _unit(np.where(rows_BD.any(axis=1, keepdims=True), rows_BD - self._mean_D, 0))
        nearest = [np.sort(unit_BD @ rows_PD.T, axis=1)[:, -NEAREST:] for rows_PD in self._phrases]
        return np.stack([cosines.mean(axis=1) for cosines in nearest], axis=1)


def load_topics(file: Path) -> tuple[Topic, ...]:
    """The topics of a TOML file with `[[topic]]` tables (name, phrases); raises ModelError."""
    try:
        tables = tomllib.loads(file.read_text("utf-8"))["topic"]
        topics = tuple(
            Topic(name=str(table["name"]), phrases=tuple(map(str, table["phrases"])))
            for table in tables
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{file} does not hold topics: {error}") from error
    names = {topic.name for topic in topics}
    if len(names) < 2 or len(names) < len(topics):  # noqa: PLR2004  # one topic has no rival
        raise ModelError(f"{file} needs two topics or more, each once")
    return topics


def _unit(rows_BD: Floats) -> Floats:
    norms_B1 = np.linalg.norm(rows_BD, axis=1, keepdims=True)
    unit_BD: Floats = (rows_BD / np.where(norms_B1 > 0, norms_B1, 1)).astype(np.float32)
    return unit_BD
