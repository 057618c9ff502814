"""Claims about zero-shot checkpoints, on a tiny DeBERTa that is made here."""

import numpy as np
import pytest
import torch

from earmark.models.device import Device
from earmark.models.entailment import load_entailment
from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore

TABLE = '[checkpoint]\nkind = "entailment"'
MAP = '[label_map]\n0 = "entailment"\n1 = ""'
TEXTS = ["a lovely song", "you filthy pig", "the early light " * 40, ""]
HYPOTHESES = ["This text is about music.", "This text is about the harbour."]


@pytest.fixture(scope="module")
def deberta(tiny, tmp_path_factory):
    return tiny(
        tmp_path_factory.mktemp("deberta"),
        "DebertaV2",
        "ForSequenceClassification",
        vocab_size=400,
        pad_token_id=1,
        max_position_embeddings=64,
        relative_attention=True,
        position_biased_input=False,
        pos_att_type=["p2c", "c2p"],
        type_vocab_size=0,
        id2label={0: "entailment", 1: "not_entailment"},
    )


@pytest.fixture
def checkpoint(store, add_checkpoint, deberta):
    add_checkpoint("tiny", deberta, TABLE, MAP)
    return load_entailment(ModelStore(store.root), "tiny", Device())


def test_a_pair_scores_what_the_checkpoint_says_of_it(checkpoint, deberta):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    network = AutoModelForSequenceClassification.from_pretrained(deberta)
    pair = AutoTokenizer.from_pretrained(deberta)(TEXTS[0], HYPOTHESES[1], return_tensors="pt")
    with torch.inference_mode():
        expected = network(**pair).logits[0].softmax(0)[0]
    assert checkpoint.entailment(TEXTS, HYPOTHESES)[0, 1] == pytest.approx(
        float(expected), abs=1e-5
    )


def test_texts_and_hypotheses_do_not_change_each_others_scores(checkpoint):
    alone = [[checkpoint.entailment([t], [h])[0, 0] for h in HYPOTHESES] for t in TEXTS]
    assert np.allclose(checkpoint.entailment(TEXTS, HYPOTHESES), alone, atol=1e-5)


def test_an_empty_text_entails_nothing(checkpoint):
    assert not checkpoint.entailment([""], HYPOTHESES).any()
    assert checkpoint.entailment([], HYPOTHESES).shape == (0, 2)


def test_the_end_of_a_long_text_counts(checkpoint):
    one, other = checkpoint.entailment([TEXTS[2] + "pig", TEXTS[2] + "song"], HYPOTHESES)
    assert not np.allclose(one, other, atol=1e-7)


def test_a_checkpoint_without_a_label_for_entailment_is_refused(store, add_checkpoint, deberta):
    add_checkpoint("tiny", deberta, TABLE, '[label_map]\n0 = "agrees"\n1 = ""')
    with pytest.raises(ConfigurationError, match="no label of it is 'entailment'"):
        load_entailment(ModelStore(store.root), "tiny", Device())
