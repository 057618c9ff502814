"""Zero-shot classification: how far a text entails a hypothesis, by an NLI checkpoint.

Source: Yin, Hay and Roth, Benchmarking Zero-shot Text Classification, 2019.

Shapes. B: texts, H: hypotheses, R: windows of pairs, L: labels that the card maps to
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch

from earmark.models.device import Device
from earmark.models.error import ConfigurationError
from earmark.models.reading import Floats
from earmark.models.store import ModelStore
from earmark.models.token_batch import Reader
from earmark.models.transformer import Transformer, load_transformer

ENTAILS = "entailment"


class Entailment:
    """An NLI checkpoint; one of its labels is `entailment`, by its own name or by the card's map.

    Each hypothesis is judged for itself, so several may hold, or none.
    """

    def __init__(self, transformer: Transformer) -> None:
        self._map = transformer.label_map()
        if ENTAILS not in self._map.labels:
            raise ConfigurationError(
                f"{transformer.card.name}: no label of it is {ENTAILS!r}; say which in label_map"
            )
        self._column = self._map.labels.index(ENTAILS)
        self._transformer = transformer
        self._reader = Reader(transformer)
        self.languages = transformer.card.languages

    @torch.inference_mode()
    def entailment(self, texts: Sequence[str], hypotheses: Sequence[str]) -> Floats:
        """Probability in [0, 1] that each text entails each hypothesis, `(B, H)`.

        Of a long text that of the window that entails it most; 0 for an empty text. Not calibrated.
        """
        pairs = list(product(range(len(texts)), range(len(hypotheses))))
        rows = self._reader.paired_rows(
            [texts[i] for i, _ in pairs], [hypotheses[j] for _, j in pairs]
        )
        entails_P = np.zeros(len(pairs))
        for batch in self._reader.batches(rows):
            ours_RL = self._map.ours(self._transformer.probabilities(batch.inputs))
            np.maximum.at(entails_P, rows.text_R[batch.rows], ours_RL[:, self._column])
        return entails_P.reshape(len(texts), len(hypotheses))


def load_entailment(store: ModelStore, card: str, device: Device) -> Entailment:
    """The checkpoint of the card; raises ConfigurationError and ModelError as the loader does."""
    return Entailment(load_transformer(store, card, "entailment", device))
