"""Likeness is the cosine of embeddings of one signal and model."""

import numpy as np
import pytest

from earmark.streams.testing.record import Sample
from earmark.streams.web.index import similar
from earmark.streams.web.index.file import IndexFile
from tests.streams.web.held import put, reading, signal


def embedded(content_id: str, *vectors: tuple[float, ...], model: str = "m") -> Sample:
    made = [
        {"field": f"f{number}", "vector": np.array(vector, "<f4").tobytes()}
        for number, vector in enumerate(vectors)
    ]
    return signal("text.embedding", content_id, model=model, dim=2, vectors=made)


def test_the_most_similar_come_first_by_their_closest_texts(index: IndexFile) -> None:
    put(
        index,
        embedded("asked", (1, 0)),
        embedded("far", (-2, 0)),
        embedded("near", (3, 1)),
        embedded("twice", (-1, 0), (5, 0)),
        embedded("another model", (1, 0), model="n"),
    )
    with reading(index) as reader:
        ranked = similar.most_similar(reader, "asked")
    assert [name for name, _ in ranked] == ["twice", "near", "far"]
    assert np.allclose([cosine for _, cosine in ranked], [1, 3 / 10**0.5, -1])


def test_every_vector_is_looked_at_whatever_fits_into_a_block(
    index: IndexFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "BLOCK", 8)
    many = 20
    put(index, embedded("asked", (1, 0)), *(embedded(str(n), (n, many)) for n in range(many)))
    with reading(index) as reader:
        ranked = similar.most_similar(reader, "asked", most=3)
        ((name, cosine),) = similar.most_similar(reader, "asked", among={"7"})
    assert (name, round(cosine, 5)) == ("7", round(7 / float(np.hypot(7, many)), 5))
    assert [name for name, _ in ranked] == [str(many - 1 - n) for n in range(3)]
