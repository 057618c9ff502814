"""A vector for a recording and for each of its segments, for search by similar sound.

Method: the last hidden layer of musicnn (Pons and Serra 2019; trained on the Million Song Dataset)
over windows of 3 s without overlap, averaged; silent windows are left out and the last one counts
by its length. Cosine of two vectors is their dot product: they have L2 norm 1.

A segment is 12 s long, or longer where a recording would have more than 600 of them (2 hours), so
that a record stays under 0.5 MB. The network knows music: vectors of speech and of noise compare
too, but what is close in them means less. Level counts as sound: a copy at -12 dB has a cosine of
0.7 to 0.94 with the original.

Shapes. B: windows, H: numbers in a vector
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from earmark.models.musicnn import HIDDEN_UNITS
from earmark.processors.music import (
    HOP_MS,
    MusicTrunk,
    MusicWindow,
    Vector,
    music_trunk,
    weighted_mean,
)
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

SEGMENT_WINDOWS = 4  # 12 s
MOST_SEGMENTS = 600  # 820 bytes each


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddedWindow:
    """The vector of a window and how much it counts."""

    vector_H: Vector
    seconds: float
    weight: float


class AudioEmbeddingScorer:
    """Averages the windows' vectors; a `WindowScorer`."""

    def __init__(self, trunk: MusicTrunk, model: str, thresholds: Thresholds) -> None:
        self.trunk = trunk
        self._model = model  # the name of its card
        self._thresholds = thresholds

    def score(self, features: Sequence[MusicWindow]) -> Sequence[EmbeddedWindow]:
        """The vector of each window."""
        return [
            EmbeddedWindow(vector_H=each.vector_H, seconds=each.seconds, weight=each.weight)
            for each in features
        ]

    def conclude(self, item: ItemView, scores: Sequence[EmbeddedWindow]) -> Result:
        """The vectors of the recording, or why there are none."""
        if sum(window.seconds for window in scores) < self._thresholds["min_seconds"]:
            return Result.abstained("TOO_SHORT")
        vector = _vector(scores)
        if vector is None:
            return Result.abstained("SILENT")
        return Result.ok(
            model=self._model, dim=HIDDEN_UNITS, vector=vector, segments=list(_segments(scores))
        )


def _segments(scores: Sequence[EmbeddedWindow]) -> Iterator[dict[str, object]]:
    """The segments that are not silent, in order."""
    windows = max(SEGMENT_WINDOWS, -(-len(scores) // MOST_SEGMENTS))
    for first in range(0, len(scores), windows):
        segment = scores[first : first + windows]
        vector = _vector(segment)
        if vector is not None:
            yield {
                "start_ms": first * HOP_MS,
                "end_ms": _end_ms(scores, first + windows),
                "vector": vector,
            }


def _end_ms(scores: Sequence[EmbeddedWindow], behind: int) -> int:
    """Where the window before number `behind` ends: where that begins, or the recording ends."""
    if behind < len(scores):
        return behind * HOP_MS
    return (len(scores) - 1) * HOP_MS + round(scores[-1].seconds * 1000)


def _vector(scores: Sequence[EmbeddedWindow]) -> bytes | None:
    """The mean of the windows' vectors at L2 norm 1; None where all are silent."""
    weights = [window.weight for window in scores]
    if not any(weights):
        return None
    mean_H = weighted_mean(np.stack([window.vector_H for window in scores]), weights)
    return (mean_H / np.linalg.norm(mean_H)).astype("<f4").tobytes()


@signal(
    name="audio.embedding",
    takes=Takes.WINDOWS,
    reads=frozenset({Part.AUDIO}),
    models=("musicnn-msd",),
    record_name="AudioEmbedding",
)
def audio_embedding(loading: Loading) -> AudioEmbeddingScorer:
    """The scorer with the network of `audio.music`, whose work it shares."""
    trunk = music_trunk(loading.path(), loading.device)
    return AudioEmbeddingScorer(trunk, loading.models[0], loading.thresholds)
