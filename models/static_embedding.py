"""Text embeddings from static token vectors: a text is the mean of its tokens' vectors.

The vectors are those of wordllama (MIT), whose pooling this follows. They carry no word order, and
English best.

Source: github.com/dleemiller/WordLlama

Shapes. B: texts, D: dimensions, V: tokens of the vocabulary, M: tokens found, text after text
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer

from earmark.models.error import ModelError
from earmark.models.piece import pieces


class StaticEmbedding:
    """Unit vectors of `dimensions` numbers for texts."""

    def __init__(self, vectors_VD: torch.Tensor, tokenizer: Tokenizer) -> None:
        self._vectors_VD = vectors_VD.float()
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return int(self._vectors_VD.shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of L2 norm 1 per text, `(B, D)`; zeros for a text without tokens.

        White space around a text does not count.
        """
        tokens_M, begins_B = self._tokens(texts)
        mean_BD = torch.nn.functional.embedding_bag(
            tokens_M, self._vectors_VD, begins_B, mode="mean"
        )
        unit_BD = torch.nn.functional.normalize(mean_BD, dim=1)
        return np.asarray(unit_BD.numpy(), np.float32)

    def _tokens(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """The tokens of all texts in a row, and where each text begins."""
        parts = [pieces(text) for text in texts]
        flat = [piece for of_text in parts for piece in of_text]
        encoded = self._tokenizer.encode_batch_fast(flat, add_special_tokens=False)
        ids = [np.array(piece.ids, np.int64) for piece in encoded]
        ends = np.cumsum([0, *map(len, ids)])
        pieces_before = np.cumsum([0, *map(len, parts)])[:-1]
        tokens_M = np.concatenate(ids) if ids else np.zeros(0, np.int64)
        return torch.from_numpy(tokens_M), torch.from_numpy(ends[pieces_before])


def load_static_embedding(weights: Path, tokenizer: Path) -> StaticEmbedding:
    """The embedding from `model.safetensors` and `tokenizer.json`; raises ModelError."""
    try:
        vectors_VD = load_file(weights)["embedding.weight"]
    except KeyError as error:
        raise ModelError(f"{weights} does not hold token vectors: {error}") from error
    return StaticEmbedding(vectors_VD, Tokenizer.from_file(str(tokenizer)))
