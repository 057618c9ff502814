"""A vector per text, for search and for finding near duplicates.

Cosine of two vectors is their dot product: they have L2 norm 1. Vectors of different models have
nothing to do with each other: `model` says whose one is. A card of kind `embedding` serves in place
of the shipped vectors (`--model text.embedding=multilingual-e5-small`).
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.models.static_embedding import load_static_embedding
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal

MODEL = "wordllama-l2-supercat-256"


class Embedding(Protocol):
    """Makes vectors of texts."""

    @property
    def dimensions(self) -> int:
        """Length of each vector."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of L2 norm 1 per text; zeros for a text without anything to embed."""


class EmbeddingScorer:
    """Embeds every text; a `PassageScorer`."""

    def __init__(self, embedding: Embedding, model: str) -> None:
        self._embedding = embedding
        self._model = model  # the name of its card

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item: the vectors of its texts that hold anything to embed."""
        texts = [text for item in items for text in item.event.texts]
        rows = iter(self._embedding.embed([text.text for text in texts]))
        # zip asks `texts` first: a row is drawn only for a text of this item
        return [
            self._conclude([(text.field, row) for text, row in zip(item.event.texts, rows)])  # noqa: B905  # `rows` goes on with the next item
            for item in items
        ]

    def _conclude(self, rows: Sequence[tuple[str, NDArray[np.float32]]]) -> Result:
        vectors = [
            {"field": field, "vector": row.astype("<f4").tobytes()}
            for field, row in rows
            if row.any()
        ]
        if not vectors:
            return Result.abstained("TOO_LITTLE_TEXT")
        return Result.ok(model=self._model, dim=self._embedding.dimensions, vectors=vectors)


@signal(
    name="text.embedding",
    takes=Takes.PASSAGES,
    reads=frozenset({Part.TEXTS}),
    models=(MODEL,),
    record_name="TextEmbedding",
    card_tolerance=0.03,  # bf16
)
def text_embedding(loading: Loading) -> EmbeddingScorer:
    """The scorer with wordllama's vectors, or with the checkpoint of a card."""
    card = loading.models[0]
    return EmbeddingScorer(_embedding(loading, card), card)


def _embedding(loading: Loading, card: str) -> Embedding:
    if loading.store.card(card).checkpoint is not None:
        from earmark.models.sentence_embedding import load_sentence_embedding

        return load_sentence_embedding(loading.store, card, loading.device)
    return load_static_embedding(loading.path(), loading.path("tokenizer.json"))
