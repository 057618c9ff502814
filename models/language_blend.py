"""Language identification by two models and what tells languages apart on sight, blended.

The blend is log-linear: log-probabilities of py3langid (bytes, naive Bayes) and of lid.176
(hashed n-grams, linear) are weighed and added, markers against a language are taken off, and the
softmax of that, beside the odds of none of them, is the answer. The numbers were chosen for
likelihood and calibration on the example sentences that spaCy carries (MIT), whole and cut to short
lines, and rounded with an eye on the declaration of human rights in 79 languages.

Shapes. B: texts, L: languages, M: labels of one model
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    """One model's say: how it is weighed, what it calls what, and what it does not know."""

    model: Identifier
    weight: float
    floor: np.float32
    miss: float
    names_ML: Floats  # 1 where the model's label m means the language l
    foreign_L: NDArray[np.bool_]

    def evidence(self, texts: Sequence[str]) -> Floats:
        """Weighed log-probabilities; what the model does not know follows its best guess."""
        merged_BL = self.model.probabilities(texts) @ self.names_ML
        logs_BL = self.weight * np.log(merged_BL + self.floor)
        best_B1 = logs_BL.max(axis=1, keepdims=True)
        return np.asarray(np.where(self.foreign_L, best_B1 - self.miss, logs_BL), np.float32)


class BlendedIdentifier:
    """Probabilities of languages for texts; `labels` are BCP-47, in alphabetical order."""

    def __init__(self, of_bytes: Identifier, of_subwords: Identifier) -> None:
        self.labels = tuple(sorted(_names(of_bytes) | _names(of_subwords) | set(UNKNOWN)))
        self._column = {label: at for at, label in enumerate(self.labels)}
        self._markers = load_markers(self.labels)
        self._voices = (
            self._voice(of_bytes, _BYTES_WEIGHT, _BYTES_FLOOR, _NOT_OF_BYTES),
            self._voice(of_subwords, _SUBWORD_WEIGHT, _SUBWORD_FLOOR, _NOT_OF_SUBWORDS),
        )

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """`(B, labels)`; what a row lacks to 1 is that the text is in none of the languages."""
        of_bytes, of_subwords = self._voices
        scores_BL = of_bytes.evidence(texts) + of_subwords.evidence(texts)
        none_B1 = np.exp(-_NONE - scores_BL.max(axis=1, keepdims=True))
        self._place_the_rarer(scores_BL)
        scores_BL -= _PER_MARKER * self._markers.strangeness(texts)
        odds_BL = np.exp(scores_BL - scores_BL.max(axis=1, keepdims=True))
        return np.asarray(odds_BL / (odds_BL.sum(axis=1, keepdims=True) + none_B1), np.float32)

    def _voice(self, model: Identifier, weight: float, floor: np.float32, miss: float) -> _Voice:
        names_ML = np.zeros((len(model.labels), len(self.labels)), np.float32)
        for row_L, label in zip(names_ML, model.labels, strict=True):
            row_L[[self._column[name] for name in NAMES.get(label, (label,))]] = 1
        return _Voice(
            model=model,
            weight=weight,
            floor=floor,
            miss=miss,
            names_ML=names_ML,
            foreign_L=~names_ML.any(axis=0),
        )

    def _place_the_rarer(self, scores_BL: Floats) -> None:
        for rarer, other in UNKNOWN.items():
            scores_BL[:, self._column[rarer]] = scores_BL[:, self._column[other]] - _RARER
        for rarer in LESS_READ.keys() & self._column.keys():
            scores_BL[:, self._column[rarer]] -= _RARER


def _names(model: Identifier) -> set[str]:
    return {name for label in model.labels for name in NAMES.get(label, (label,))}
