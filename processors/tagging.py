"""Tags of a recording, window by window: the scorer of signals that read an audio classifier.

Shapes. N: windows of a recording, L: labels
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.processors.block import Samples
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView

Floats = NDArray[np.float64]


class Tagger(Protocol):
    """A `Trunk` whose features are probabilities of its labels: an `AudioClassifier`."""

    labels: tuple[str, ...]
    window_samples: int
    hop_samples: int

    def features(self, windows_BT: Samples, lengths_B: Sequence[int]) -> Sequence[Floats]:
        """Probability in [0, 1] per label, for each window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What was heard in each window of one recording, by the tagger's probabilities."""

    labels: tuple[str, ...]
    probabilities_NL: Floats

    def mean(self) -> dict[str, float]:
        """Label to its probability on average over the windows."""
        return self._by_label(self.probabilities_NL.mean(axis=0))

    def highest(self) -> dict[str, float]:
        """Label to its probability where it is highest."""
        return self._by_label(self.probabilities_NL.max(axis=0))

    def share(self, label: str, *, limit: float) -> float:
        """Share of the windows in which the label's probability reaches the limit."""
        reaching_N = self.probabilities_NL[:, self.labels.index(label)] >= limit
        return float(reaching_N.mean())

    def _by_label(self, values_L: Floats) -> dict[str, float]:
        return dict(zip(self.labels, values_L.tolist(), strict=True))


class TagScorer:
    """Hands the tags of a whole recording to `conclude`; a `WindowScorer`.

    `conclude(item, tags)` is the signal's own: what it makes of them. An item without a window has
    no tags, and is skipped with `NO_AUDIO`.
    """

    def __init__(self, trunk: Tagger, conclude: Callable[[ItemView, Tags], Result]) -> None:
        self.trunk = trunk
        self._conclude = conclude

    def score(self, features: Sequence[Floats]) -> Sequence[Floats]:
        """The tagger's probabilities as they are."""
        return features

    def conclude(self, item: ItemView, scores: Sequence[Floats]) -> Result:
        """What the signal makes of the tags of all windows of one item, in order."""
        if not scores:
            return Result.skipped("NO_AUDIO")
        return self._conclude(
            item, Tags(labels=self.trunk.labels, probabilities_NL=np.stack(scores))
        )
