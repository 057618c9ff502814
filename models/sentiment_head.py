"""How people would rate an English text, told from VADER, its words and its embedding.

A multinomial logit. VADER brings a lexicon and what negates and strengthens; the words, pairs and
pieces of words of the text and its static embedding bring what the lexicon does not know, and what
kind of text it is: a tweet means more by the same words than a newspaper does. That makes of
VADER's score, which is no probability, numbers that come true.

Features of words are those of `models.harm_head`.

Shapes. B: texts, D: dimensions of the embedding, V: features of VADER's, K: dense features, the
embedding and then VADER's, L: labels, G: grams
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.models.error import ModelError
from earmark.models.harm_head import EMBEDDING_SCALE, Features, HeadWeights, grams_of
from earmark.models.static_embedding import StaticEmbedding
from earmark.models.vader import Polarity

NEGATIVE, NEUTRAL, POSITIVE = LABELS = ("negative", "neutral", "positive")
MOST_WORDS = 60.0  # of a sentence that count: the rated ones are no longer
VADER_FEATURES = 10

Dense = NDArray[np.float32]


class SentimentHead:
    """The logit with its weights and the embedding that it stands on."""

    def __init__(self, weights: HeadWeights, embedding: StaticEmbedding) -> None:
        if weights.dense_KL.shape != (embedding.dimensions + VADER_FEATURES, len(LABELS)):
            raise ModelError("these are no weights of a head of sentiment over this embedding")
        self._weights = weights
        self._embedding = embedding

    @torch.inference_mode()
    def probabilities(
        self, texts: Sequence[str], polarities: Sequence[Polarity]
    ) -> list[Mapping[str, float]]:
        """How probably people find each text negative, neutral and positive.

        `polarities` are the means of their sentences.
        """
        if not texts:
            return []
        logits_BL = self._weights.logits(features_of(texts, polarities, self._embedding))
        rows_BL = logits_BL.double().softmax(dim=1).tolist()
        return [dict(zip(LABELS, row_L, strict=True)) for row_L in rows_BL]


def load_sentiment_head(weights: Path, embedding: StaticEmbedding) -> SentimentHead:
    """The head from a file of `HeadWeights`; raises ModelError."""
    return SentimentHead(HeadWeights.load(weights), embedding)


def features_of(
    texts: Sequence[str], polarities: Sequence[Polarity], embedding: StaticEmbedding
) -> Features:
    """What the texts are made of."""
    grams = [grams_of(text) for text in texts]
    begins_B = np.cumsum([0, *map(len, grams)])[:-1]
    embedded_BD = EMBEDDING_SCALE * embedding.embed(texts)
    said_BV = np.stack([vader_features(polarity) for polarity in polarities])
    return Features(
        grams_M=torch.from_numpy(np.concatenate(grams)),
        begins_B=torch.from_numpy(begins_B),
        dense_BK=torch.from_numpy(np.concatenate((embedded_BD, said_BV), axis=1)),
    )


def vader_features(polarity: Polarity) -> Dense:
    """What VADER says, and what that may mean in sentences so long."""
    value, strength = polarity.value, abs(polarity.value)
    wordless = float(polarity.wordless)
    length = float(np.log1p(min(polarity.words, MOST_WORDS)))
    return np.array(
        [
            value,
            strength,
            wordless,
            polarity.praise,
            polarity.blame,
            polarity.praise * polarity.blame,
            length,
            length * value,
            length * strength,
            length * wordless,
        ],
        np.float32,
    )
