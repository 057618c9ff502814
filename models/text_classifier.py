"""Sequence-classification checkpoints: probabilities of our labels for texts.

Shapes. B: texts, R: windows of texts, C: labels of the checkpoint, L: our labels
"""

from collections.abc import Sequence

import numpy as np
import torch

from earmark.models.device import Device
from earmark.models.reading import Floats
from earmark.models.store import ModelStore
from earmark.models.token_batch import Reader
from earmark.models.transformer import Transformer, load_transformer


class TextClassifier:
    """What a checkpoint says of texts, in our labels.

    A text that is longer than the checkpoint's longest input is read in windows, and the highest
    probability of each label counts.
    """

    def __init__(self, transformer: Transformer) -> None:
        self._transformer = transformer
        self._map = transformer.label_map()
        self._reader = Reader(transformer)
        self.labels = self._map.labels
        self.languages = transformer.card.languages

    @torch.inference_mode()
    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Probability in [0, 1] per text and label, `(B, L)`; zeros for an empty text.

        They are the checkpoint's own: nothing here has calibrated them.
        """
        rows = self._reader.rows(texts)
        ours_BL = np.zeros((len(texts), len(self.labels)))
        for batch in self._reader.batches(rows):
            theirs_RC = self._transformer.probabilities(batch.inputs)
            np.maximum.at(ours_BL, rows.text_R[batch.rows], self._map.ours(theirs_RC))
        return ours_BL


def load_text_classifier(store: ModelStore, card: str, device: Device) -> TextClassifier:
    """The classifier of the card; raises ConfigurationError and ModelError as the loader does."""
    return TextClassifier(load_transformer(store, card, "sequence-classification", device))
