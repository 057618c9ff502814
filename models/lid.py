"""Language identification after fastText: a linear model over hashed n-grams of characters.

The reader and the arithmetic are fastText's own, in C++; one text at a time, so that a batch
cannot change an answer.

Sources: github.com/facebookresearch/fastText; Joulin et al., Bag of Tricks for Efficient Text
Classification, EACL 2017, and FastText.zip, arXiv:1612.03651.

Shapes. B: texts, L: languages
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.models.error import ModelError

_PREFIX = "__label__"


class SubwordIdentifier:
    """Probabilities of languages for texts; `labels` are the model's codes."""

    def __init__(self, model: Any, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._model = model
        self._column = {f"{_PREFIX}{label}": at for at, label in enumerate(self.labels)}

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(B, labels)`, rows summing to 1 or a little less: what is under 1e-5 is left out.

        Texts are read in lower case and as one line.
        """
        rows_BL = np.zeros((len(texts), len(self.labels)), np.float32)
        for row_L, text in zip(rows_BL, texts, strict=True):
            labels, values = self._model.predict(_one_line(text), k=-1)
            row_L[[self._column[label] for label in labels]] = values
        return rows_BL


def load_subword_identifier(weights: Path, labels: Sequence[str]) -> SubwordIdentifier:
    """The identifier from a file of fastText with the labels `labels`; raises ModelError."""
    import fasttext  # here: most processes that know of this signal never read a text

    try:
        model = fasttext.load_model(str(weights))
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{weights} is not a model of fastText: {error}") from error
    return SubwordIdentifier(model, labels)


def _one_line(text: str) -> str:
    return " ".join(text.lower().split())
