"""The profanity classifier of alt-profanity-check: TF-IDF and calibrated linear machines.

It reads English as a bag of words and answers with one probability. Words of identity raise it
without cause, and it knows no categories.

Sources: github.com/dimitrismistriotis/alt-profanity-check (MIT); Platt, Probabilistic Outputs for
Support Vector Machines, 1999.

Shapes. B: texts, K: machines, V: terms of the vocabulary, M: terms found, with repetition
"""

import json
import re
from collections.abc import Callable, Sequence, Set
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from earmark.models.error import ModelError

Floats = NDArray[np.float64]


class ProfanityClassifier:
    """Probability that an English text is offensive, and how much of a text it can read."""

    def __init__(
        self, tensors: dict[str, Floats], terms: Sequence[str], stop_words: Sequence[str]
    ) -> None:
        self._index = {term: i for i, term in enumerate(terms)}
        self._known = self._index.keys() | set(stop_words)
        self._idf_V = tensors["idf_V"]
        self._weights_VK = tensors["coefficients_KV"].T * self._idf_V[:, None]
        self._intercept_K = tensors["intercept_K"]
        self._slope_K = tensors["slope_K"]
        self._offset_K = tensors["offset_K"]

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Probability in [0, 1] per text, `(B,)`; the prior where no word is known.

        Calibrated by Platt's method on the comments that the machines were trained on.
        """
        found = [self._terms(text) for text in texts]
        lengths_B = np.fromiter(map(len, found), np.int64, len(found))
        text_M = np.repeat(np.arange(len(found)), lengths_B)
        term_M = np.fromiter(chain.from_iterable(found), np.int64, int(lengths_B.sum()))
        margin_BK = self._margins(len(found), text_M, term_M)
        odds_BK = np.exp(self._slope_K * margin_BK + self._offset_K)
        probability_B: Floats = (1 / (1 + odds_BK)).mean(axis=1)
        return probability_B

    def coverage(self, text: str) -> float:
        """Share of the words of the text that are English to the classifier; 0 without words."""
        return _share(text, self._known)

    def _terms(self, text: str) -> list[int]:
        index = self._index
        return [index[word] for word in _words(text) if word in index]

    def _margins(self, texts: int, text_M: NDArray[np.int64], term_M: NDArray[np.int64]) -> Floats:
        """Distance to the machines' planes of the L2-normalised TF-IDF vectors, `(B, K)`."""
        pair_P, count_P = np.unique(text_M * len(self._idf_V) + term_M, return_counts=True)
        text_P, term_P = np.divmod(pair_P, len(self._idf_V))
        square_P = (count_P * self._idf_V[term_P]) ** 2
        norm_B = np.sqrt(np.bincount(text_P, square_P, minlength=texts))
        norm_B[norm_B == 0] = 1.0
        dot_BK = np.stack(
            [
                np.bincount(text_P, count_P * weights_V[term_P], minlength=texts)
                for weights_V in self._weights_VK.T
            ],
            axis=1,
        )
        margin_BK: Floats = dot_BK / norm_B[:, None] + self._intercept_K
        return margin_BK


def load_profanity(weights: Path, vocabulary: Path) -> ProfanityClassifier:
    """The classifier from `model.safetensors` and `vocabulary.json`; raises ModelError."""
    try:
        words = json.loads(vocabulary.read_text("utf-8"))
        return ProfanityClassifier(load_file(weights), words["vocabulary"], words["stop_words"])
    except (KeyError, ValueError) as error:
        raise ModelError(f"{weights} does not hold the profanity classifier: {error}") from error


def load_coverage(vocabulary: Path) -> Callable[[str], float]:
    """`ProfanityClassifier.coverage` from `vocabulary.json` alone; raises ModelError."""
    try:
        words = json.loads(vocabulary.read_text("utf-8"))
        known = frozenset(words["vocabulary"]) | frozenset(words["stop_words"])
    except (KeyError, ValueError) as error:
        raise ModelError(f"{vocabulary} does not hold a vocabulary: {error}") from error
    return lambda text: _share(text, known)


_WORD = re.compile(r"\b\w\w+\b")  # what scikit-learn takes for a word: two characters or more


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _share(text: str, known: Set[str]) -> float:
    words = _words(text)
    return sum(word in known for word in words) / len(words) if words else 0.0
