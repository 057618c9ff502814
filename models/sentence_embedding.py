"""Embedding checkpoints: a text is the mean of the states of its tokens.

The pooling is that of Reimers and Gurevych, Sentence-BERT, 2019; the words before a text are those
of the E5 family (Wang et al., 2022), whose cards state them.

Shapes. B: texts, R: windows of texts, T: tokens, D: dimensions
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.models.token_batch import Reader
from earmark.models.transformer import Transformer, load_transformer


class SentenceEmbedding:
    """Unit vectors of `dimensions` numbers for texts.

    A text that is longer than the checkpoint's longest input is read in windows, and the states of
    all of them count alike.
    """

    def __init__(self, transformer: Transformer) -> None:
        self._transformer = transformer
        self._reader = Reader(transformer)

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return int(self._transformer.network.config.hidden_size)

    @torch.inference_mode()
    def embed(self, texts: Sequence[str], *, to_be_found: bool = False) -> NDArray[np.float32]:
        """One row of L2 norm 1 per text, `(B, D)`; zeros for a text without anything in it.

        `to_be_found` is for passages that other texts will be compared with as queries; texts that
        are compared with each other are all queries.
        """
        reading = self._transformer.reading
        prefix = reading.passage_prefix if to_be_found else reading.query_prefix
        rows = self._reader.rows(texts, prefix=prefix)
        sum_BD = torch.zeros(len(texts), self.dimensions)
        for batch in self._reader.batches(rows):
            states_RTD = self._transformer.network(**batch.inputs).last_hidden_state.float()
            real_RT1 = batch.inputs["attention_mask"][:, :, None]
            sum_RD = (states_RTD * real_RT1).sum(dim=1).cpu()
            sum_BD.index_add_(0, torch.from_numpy(rows.text_R[batch.rows]), sum_RD)
        # the mean but for its length, which the norm takes away
        unit_BD = torch.nn.functional.normalize(sum_BD, dim=1)
        return np.asarray(unit_BD.numpy(), np.float32)


def load_sentence_embedding(store: ModelStore, card: str, device: Device) -> SentenceEmbedding:
    """The embedding of the card; raises ConfigurationError and ModelError as the loader does."""
    return SentenceEmbedding(load_transformer(store, card, "embedding", device))
