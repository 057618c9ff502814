"""Linear heads that say which harms stand in an English text.

A head adds up what it has learned of the text's words and pairs of words, of the pieces of its
words, of its static embedding, and of what the profanity classifier says. Pieces see through stars
and spellings; the two models bring what was learned from far more texts than a head is fitted on.
They read a bag of words: who is spoken of, and whether a thing is said or quoted, they cannot tell.

Sources: Weinberger et al. 2009 for hashed features; Sparck Jones 1972 for the weight of rare terms.

Shapes. B: texts, L: labels, G: grams that there can be, M: grams found, text after text,
K: dense features, one of profanity after those of the embedding
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from earmark.models.error import ModelError
from earmark.models.identity_word import without_names
from earmark.models.profanity import ProfanityClassifier
from earmark.models.static_embedding import StaticEmbedding

BUCKETS = 2**15  # for words and pairs; as many again for pieces
GRAMS = 2 * BUCKETS
SHORTEST_PIECE, LONGEST_PIECE = 2, 5
LONGEST_WORD = 40  # what is longer is cut: it is no word
GRAM_SCALE, EMBEDDING_SCALE, PROFANITY_SCALE = 6.0, 4.0, 0.25
_MARGIN = 1e-4  # log odds of 0 and 1 are not finite
_TENSORS = {"grams", "rarity", "dense", "bias"}

Grams = NDArray[np.int64]

_WORD = re.compile(r"[^\W_](?:[\w*@$'-]*[\w*])?")
_STRAIGHT = str.maketrans("\u2018\u2019\u02bc\u201c\u201d", "'''\"\"")  # so that type tells nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What texts are made of; text `b` has the grams from `begins_B[b]` on, each once."""

    grams_M: Tensor
    begins_B: Tensor
    dense_BK: Tensor


class HarmReader:
    """Makes features of texts, with the two models that the heads stand on."""

    def __init__(self, embedding: StaticEmbedding, profanity: ProfanityClassifier) -> None:
        self._embedding = embedding
        self._profanity = profanity

    def features(self, texts: Sequence[str]) -> Features:
        """The features of each text by itself, whatever group of people it names."""
        texts = list(map(without_names, texts))
        grams = [grams_of(text) for text in texts]
        begins = np.cumsum([0, *map(len, grams)])[:-1]
        profane_B = np.clip(self._profanity.probabilities(texts), _MARGIN, 1 - _MARGIN)
        odds_B = np.log(profane_B / (1 - profane_B))
        dense_BK = np.concatenate(
            (
                EMBEDDING_SCALE * self._embedding.embed(texts),
                PROFANITY_SCALE * odds_B[:, None],
            ),
            axis=1,
        )
        return Features(
            grams_M=torch.from_numpy(np.concatenate(grams) if grams else np.zeros(0, np.int64)),
            begins_B=torch.from_numpy(begins.astype(np.int64)),
            dense_BK=torch.from_numpy(dense_BK.astype(np.float32)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadWeights:
    """What heads have learned; `rarity_G` weighs a gram by how few texts have it."""

    grams_GL: Tensor
    rarity_G: Tensor
    dense_KL: Tensor
    bias_L: Tensor

    @classmethod
    def load(cls, path: Path) -> "HeadWeights":
        """From a file that `save` wrote; raises ModelError for another."""
        tensors: Mapping[str, Tensor] = load_file(path)
        if set(tensors) != _TENSORS or len(tensors["grams"]) != GRAMS:
            raise ModelError(f"{path.name} holds {sorted(tensors)}, not heads of harm")
        return cls(
            grams_GL=tensors["grams"].float(),
            rarity_G=tensors["rarity"].float(),
            dense_KL=tensors["dense"],
            bias_L=tensors["bias"],
        )

    def save(self, path: Path) -> None:
        """Write them as safetensors, grams in half precision."""
        save_file(
            {
                "grams": self.grams_GL.half().contiguous(),
                "rarity": self.rarity_G.half(),
                "dense": self.dense_KL.contiguous(),
                "bias": self.bias_L,
            },
            path,
        )

    def logits(self, features: Features) -> Tensor:
        """Log odds per text and label, (B, L)."""
        grams_BL = torch.nn.functional.embedding_bag(
            features.grams_M,
            self.grams_GL,
            features.begins_B,
            mode="sum",
            per_sample_weights=weights_of(features, self.rarity_G),
        )
        return grams_BL + features.dense_BK @ self.dense_KL + self.bias_L


class HarmHeads:
    """The heads as one classifier of English."""

    languages: tuple[str, ...] = ("en",)

    def __init__(self, weights: HeadWeights, labels: Sequence[str], reader: HarmReader) -> None:
        if len(labels) != len(weights.bias_L):
            raise ModelError(f"{len(weights.bias_L)} heads cannot be {len(labels)} labels")
        self._weights = weights
        self._reader = reader
        self.labels = tuple(labels)

    @torch.inference_mode()
    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probability in [0, 1] per text and label, `(B, L)`."""
        logits_BL = self._weights.logits(self._reader.features(texts))
        return np.asarray(torch.sigmoid(logits_BL.double()).numpy(), np.float64)


def load_harm_heads(
    weights: Path, labels: Sequence[str], embedding: StaticEmbedding, profanity: ProfanityClassifier
) -> HarmHeads:
    """The classifier from `model.safetensors`, for the card's labels; raises ModelError."""
    return HarmHeads(HeadWeights.load(weights), labels, HarmReader(embedding, profanity))


def weights_of(features: Features, rarity_G: Tensor) -> Tensor:
    """How much each gram counts, [M]: words and pieces of a text each have the same length."""
    text_M = torch.zeros_like(features.grams_M)
    inner_B = features.begins_B[(features.begins_B > 0) & (features.begins_B < len(text_M))]
    text_M.index_add_(0, inner_B, torch.ones_like(inner_B))
    kind_M = 2 * text_M.cumsum(0) + (features.grams_M >= BUCKETS)
    rarity_M = rarity_G[features.grams_M]
    square_N = torch.zeros(2 * (len(features.begins_B) + 1)).index_add_(0, kind_M, rarity_M**2)
    return GRAM_SCALE * rarity_M / square_N[kind_M].sqrt().clamp(min=1e-6)


def grams_of(text: str) -> Grams:
    """The hashed words, pairs of words and pieces of words of a text, each once, sorted."""
    plain = unicodedata.normalize("NFKC", text.translate(_STRAIGHT)).lower()
    words = [word[:LONGEST_WORD] for word in _WORD.findall(plain)]
    grams = {crc32(word.encode(errors="replace")) % BUCKETS for word in words}
    grams.update(crc32(f"{a} {b}".encode(errors="replace")) % BUCKETS for a, b in pairwise(words))
    grams.update(*map(_pieces, words))
    return np.sort(np.fromiter(grams, np.int64, len(grams)))


@lru_cache(maxsize=20_000)
def _pieces(word: str) -> frozenset[int]:
    padded = f" {word} "
    return frozenset(
        BUCKETS + crc32(padded[start : start + size].encode(errors="replace")) % BUCKETS
        for size in range(SHORTEST_PIECE, LONGEST_PIECE + 1)
        for start in range(max(1, len(padded) - size + 1))
    )
