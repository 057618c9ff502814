"""Language identification by two models and what tells languages apart on sight, blended.

The blend is log-linear: log-probabilities of py3langid (bytes, naive Bayes) and of lid.176
(hashed n-grams, linear) are weighed and added, markers against a language are taken off, and the
softmax of that, beside the odds of none of them, is the answer. The numbers were chosen for
likelihood and calibration on the example sentences that spaCy carries (MIT), whole and cut to short
lines, and rounded with an eye on the declaration of human rights in 79 languages.

Shapes. B: texts, L: languages
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.models.language_marker import load_markers

Floats = NDArray[np.float32]

# What a model calls a language, and the names of it here, where they differ. BCP-47 wants the
# shortest code of ISO 639, and a catalogue declares a macrolanguage by its name: a member of one
# is written alike (arz), or has a script of its own (azb) and so is not mistaken for another.
NAMES: Mapping[str, tuple[str, ...]] = {
    "als": ("gsw",),  # Wikipedia's code for Alemannic; BCP-47's als is Tosk Albanian
    "ary": ("ar",),
    "arz": ("ar",),
    "azb": ("az",),
    "bh": ("bho",),  # withdrawn; Wikipedia's bh is Bhojpuri
    "bxr": ("bua",),
    "ckb": ("ku",),
    "diq": ("zza",),
    "dty": ("ne",),
    "eml": ("egl",),
    "fuv": ("ff",),
    "gom": ("kok",),
    "gug": ("gn",),
    "hbo": ("he",),
    "kik": ("ki",),
    "ltg": ("lv",),
    "sdh": ("ku",),
    "sh": ("bs", "hr", "sr"),  # Serbo-Croatian in Latin letters: says that much, and no more
    "uzs": ("uz",),
    "wuu": ("zh",),
}
# Languages that no model knows, and the one that they are taken for: only markers can tell them.
UNKNOWN: Mapping[str, str] = {"ti": "am"}
LESS_READ: Mapping[str, str] = {"dz": "bo"}  # each known to one model; ten times as many read bo

_BYTES_WEIGHT, _BYTES_FLOOR = 1.7, np.float32(np.exp(-5.4))
_SUBWORD_WEIGHT, _SUBWORD_FLOOR = 0.8, np.float32(np.exp(-7.0))
# Log-odds against a language that a model does not know, from the one it takes the text for.
_NOT_OF_BYTES, _NOT_OF_SUBWORDS = 4.0, 2.0
_PER_MARKER = 3.0
# Log-odds of none of all these against a language that both models are wholly sure of. Where they
# disagree or see nothing that they know, it weighs as much as the best guess.
_NONE = 5.5
_RARER = 3.0  # log-odds against what stands in `UNKNOWN` or `LESS_READ`


class Identifier(Protocol):
    """Probabilities of `labels` for texts."""

    labels: tuple[str, ...]

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """`(B, labels)`; a text's row does not depend on the others."""


class BlendedIdentifier:
    """Probabilities of languages for texts; `labels` are BCP-47, in alphabetical order."""

    def __init__(self, of_bytes: Identifier, of_subwords: Identifier) -> None:
        known = _names(of_bytes) | _names(of_subwords)
        self.labels = tuple(sorted(known | set(UNKNOWN)))
        self._column = {label: at for at, label in enumerate(self.labels)}
        self._markers = load_markers(self.labels)
        self._of_bytes, self._of_subwords = of_bytes, of_subwords

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """`(B, labels)`; what a row lacks to 1 is that the text is in none of the languages."""
        scores_BL = self._evidence(
            self._of_bytes, texts, _BYTES_WEIGHT, _BYTES_FLOOR, _NOT_OF_BYTES
        ) + self._evidence(
            self._of_subwords, texts, _SUBWORD_WEIGHT, _SUBWORD_FLOOR, _NOT_OF_SUBWORDS
        )
        none_B1 = np.exp(-_NONE - scores_BL.max(axis=1, keepdims=True))
        self._place_the_rarer(scores_BL)
        scores_BL -= _PER_MARKER * self._markers.strangeness(texts)
        odds_BL = np.exp(scores_BL - scores_BL.max(axis=1, keepdims=True))
        return np.asarray(odds_BL / (odds_BL.sum(axis=1, keepdims=True) + none_B1), np.float32)

    def _evidence(
        self, model: Identifier, texts: Sequence[str], weight: float, floor: np.float32, miss: float
    ) -> Floats:
        """Weighed log-probabilities; what the model does not know follows its best guess."""
        merged_BL = np.zeros((len(texts), len(self.labels)), np.float32)
        for column_B, label in zip(model.probabilities(texts).T, model.labels, strict=True):
            for name in NAMES.get(label, (label,)):
                merged_BL[:, self._column[name]] += column_B
        logs_BL = weight * np.log(merged_BL + floor)
        foreign = sorted(self._column[each] for each in set(self.labels) - _names(model))
        logs_BL[:, foreign] = logs_BL.max(axis=1, keepdims=True) - miss
        return np.asarray(logs_BL, np.float32)

    def _place_the_rarer(self, scores_BL: Floats) -> None:
        for rarer, other in UNKNOWN.items():
            scores_BL[:, self._column[rarer]] = scores_BL[:, self._column[other]] - _RARER
        for rarer in LESS_READ.keys() & self._column.keys():
            scores_BL[:, self._column[rarer]] -= _RARER


def _names(model: Identifier) -> set[str]:
    return {name for label in model.labels for name in NAMES.get(label, (label,))}
