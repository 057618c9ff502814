"""Topics from a file, scored by any embedding that gives vectors."""

from pathlib import Path

import numpy as np
import pytest

from earmark.models.error import ModelError
from earmark.models.static_embedding import StaticEmbedding, load_static_embedding
from earmark.models.store import ModelStore
from earmark.models.topic import Topic, TopicSpace, load_topics

EMBEDDING = "wordllama-l2-supercat-256"


def embedding() -> StaticEmbedding:
    path = ModelStore().path
    return load_static_embedding(path(EMBEDDING), path(EMBEDDING, "tokenizer.json"))


@pytest.mark.weights
def test_a_label_list_of_ones_own_is_told_apart() -> None:
    ours = [
        Topic(name="Sailing", phrases=("boats, sails and wind at sea",)),
        Topic(name="Cheese", phrases=("milk, cheddar and brie",)),
    ]
    space = TopicSpace(embedding(), ours)
    rows_BK = space.scores(["We hoisted the mainsail", "A ripe gorgonzola", ""])
    assert space.names == ("Sailing", "Cheese")
    assert rows_BK[0, 0] > rows_BK[0, 1]
    assert rows_BK[1, 1] > rows_BK[1, 0]
    assert not rows_BK[2].any()
    assert np.abs(rows_BK).max() <= 1 + 1e-6


@pytest.mark.parametrize(
    "text",
    [
        "topic = [",
        "",
        '[[topic]]\nname = "A"\nphrases = ["a"]',
        '[[topic]]\nname = "A"\nphrases = ["a"]\n[[topic]]\nname = "A"\nphrases = ["b"]',
        '[[topic]]\nname = "A"\n[[topic]]\nname = "B"',
        "topic = 3",
    ],
)
def test_a_file_without_topics_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ModelError, match=r"mine\.toml"):
        load_topics(file)
