"""Claims about embedding checkpoints, on a tiny one that is made here, and of `text.embedding`."""

import numpy as np
import pytest
import torch

from earmark.models.device import Device
from earmark.models.sentence_embedding import load_sentence_embedding
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import OutcomeKind
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_embedding import text_embedding
from earmark.processors.threshold import Thresholds

TABLE = '[checkpoint]\nkind = "embedding"\nquery_prefix = "query: "\npassage_prefix = "passage: "'
TEXTS = ["you filthy pig", "a lovely song", "the early light " * 40, "🔥"]


@pytest.fixture(scope="module")
def bert(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    sizes = {"vocab_size": 400, "pad_token_id": 1, "max_position_embeddings": 34}
    return tiny(folder, "Bert", "Model", **sizes)


@pytest.fixture
def embedding(store, add_checkpoint, bert):
    add_checkpoint("tiny", bert, TABLE)
    return load_sentence_embedding(ModelStore(store.root), "tiny", Device())


def expected(folder, text):
    """The mean of the states, as the library's own calls make it."""
    from transformers import AutoModel, AutoTokenizer

    network = AutoModel.from_pretrained(folder)
    with torch.inference_mode():
        inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
        mean_D = network(**inputs).last_hidden_state[0].mean(dim=0)
    return (mean_D / mean_D.norm()).numpy()


def test_a_vector_is_the_mean_of_the_states_with_the_prefix(embedding, bert):
    (vector,) = embedding.embed(["a lovely song"])
    assert np.allclose(vector, expected(bert, "query: a lovely song"), atol=1e-5)


def test_what_is_to_be_found_has_its_own_prefix(embedding, bert):
    (vector,) = embedding.embed(["a lovely song"], to_be_found=True)
    assert np.allclose(vector, expected(bert, "passage: a lovely song"), atol=1e-5)


def test_padding_does_not_change_vectors(embedding):
    alone = np.concatenate([embedding.embed([text]) for text in TEXTS])
    assert np.allclose(embedding.embed(TEXTS), alone, atol=1e-5)


def test_vectors_have_length_one_and_those_of_empty_texts_none(embedding):
    norms = np.linalg.norm(embedding.embed([*TEXTS, " "]), axis=1)
    assert np.allclose(norms, [1, 1, 1, 1, 0], atol=1e-5)


def test_the_end_of_a_long_text_counts(embedding):
    one, other = embedding.embed([TEXTS[2] + "pig", TEXTS[2] + "canción"])
    assert np.abs(one - other).max() > 1e-4


def test_the_signal_embeds_by_the_card(store, embedding):
    scorer = text_embedding.with_model("tiny").load(
        store=ModelStore(store.root), device=Device(), thresholds=Thresholds()
    )
    texts = (Text(field="title", text="a lovely song"), Text(field="comment", text=" "))
    view = ItemView(event=ContentEvent(event_id="e", content_id="c", texts=texts))
    (result,) = scorer.score([view])
    (vector,) = result.fields["vectors"]
    assert (result.outcome, result.fields["model"], result.fields["dim"]) == (
        OutcomeKind.OK,
        "tiny",
        embedding.dimensions,
    )
    assert np.allclose(
        np.frombuffer(vector["vector"], "<f4"), embedding.embed(["a lovely song"])[0], atol=1e-6
    )
