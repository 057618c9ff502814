"""How people would rate an English text, told from VADER, its words and its embedding.

A multinomial logit. VADER brings a lexicon and what negates and strengthens; the words, pairs and
pieces of words of the text and its static embedding bring what the lexicon does not know, and what
kind of text it is: a tweet means more by the same words than a newspaper does. That makes of
VADER's score, which is no probability, numbers that come true.

Features of words are those of `models.harm_head`.

Shapes. K: dense features, the embedding and then VADER's, L: labels, G: grams
"""

from collections.abc import Mapping
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
    def probabilities(self, text: str, polarity: Polarity) -> Mapping[str, float]:
        """How probably people find it negative, neutral and positive.

        `polarity` is the mean of its sentences. Texts are read one by one, so that no rounding
        depends on what stands beside them.
        """
        logits_L = self._weights.logits(features_of(text, polarity, self._embedding))[0]
        probability_L = logits_L.double().softmax(dim=0).tolist()
        return dict(zip(LABELS, probability_L, strict=True))


def load_sentiment_head(weights: Path, embedding: StaticEmbedding) -> SentimentHead:
    """The head from a file of `HeadWeights`; raises ModelError."""
    return SentimentHead(HeadWeights.load(weights), embedding)


def features_of(text: str, polarity: Polarity, embedding: StaticEmbedding) -> Features:
    """What one text is made of."""
    dense_K = np.concatenate(
        (EMBEDDING_SCALE * embedding.embed([text])[0], vader_features(polarity))
    )
    return Features(
        grams_M=torch.from_numpy(grams_of(text)),
        begins_B=torch.zeros(1, dtype=torch.int64),
        dense_BK=torch.from_numpy(dense_K[None]),
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
