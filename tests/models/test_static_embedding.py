"""Claims about static embeddings: on a tiny vocabulary, and on the shipped vectors."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from earmark.models.piece import PIECE_CODE_POINTS
from earmark.models.static_embedding import StaticEmbedding, load_static_embedding
from earmark.models.store import ModelStore

WORDS = ("sun", "moon", "star")


@pytest.fixture
def tiny() -> StaticEmbedding:
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="sun"))
    tokenizer.pre_tokenizer = Whitespace()
    return StaticEmbedding(torch.tensor([[3.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), tokenizer)


def test_a_text_is_the_direction_of_the_mean_of_its_tokens(tiny: StaticEmbedding) -> None:
    expected = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], np.float32)
    texts = ["sun", " moon moon", "sun moon moon moon moon"]
    np.testing.assert_allclose(tiny.embed(texts), expected, atol=1e-6)


def test_texts_without_tokens_are_zero_and_shift_nothing(tiny: StaticEmbedding) -> None:
    rows = tiny.embed(["", "moon", " \n", "sun"])
    np.testing.assert_array_equal(rows, [[0, 0], [0, 1], [0, 0], [1, 0]])


def test_cutting_a_long_text_changes_nothing(tiny: StaticEmbedding) -> None:
    text = "sun moon moon " * PIECE_CODE_POINTS
    expected = tiny.embed(["sun moon moon"])
    np.testing.assert_allclose(tiny.embed([text]), expected, atol=1e-5)


def test_no_texts_give_no_rows(tiny: StaticEmbedding) -> None:
    assert tiny.embed([]).shape == (0, 2)


TEXTS = [
    "The choir sings on Sunday morning",
    "A chorus performs every Sunday",
    "Interest rates rise again",
    "愛してる 🔥",
    "x",
]


@pytest.fixture(scope="module")
def shipped() -> StaticEmbedding:
    store, name = ModelStore(), "wordllama-l2-supercat-256"
    return load_static_embedding(store.path(name), store.path(name, "tokenizer.json"))


@pytest.mark.weights
def test_vectors_are_those_of_wordllama(shipped: StaticEmbedding) -> None:
    from safetensors.numpy import load_file
    from wordllama.inference import WordLlamaInference

    store, name = ModelStore(), "wordllama-l2-supercat-256"
    published = WordLlamaInference(
        load_file(store.path(name))["embedding.weight"],
        Tokenizer.from_file(str(store.path(name, "tokenizer.json"))),
    )
    np.testing.assert_allclose(shipped.embed(TEXTS), published.embed(TEXTS, norm=True), atol=1e-5)


@pytest.mark.weights
def test_a_paraphrase_is_nearer_than_another_topic(shipped: StaticEmbedding) -> None:
    choir, chorus, rates, *_ = shipped.embed(TEXTS)
    assert choir @ chorus > 0.3 > choir @ rates


@pytest.mark.weights
def test_batches_do_not_change_vectors(shipped: StaticEmbedding) -> None:
    alone = np.concatenate([shipped.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(shipped.embed(TEXTS), alone, atol=1e-6)
