"""Claims about sequence-classification checkpoints, on tiny ones that are made here."""

import json
import shutil
import socket

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from earmark.models.device import Device
from earmark.models.error import ConfigurationError, ModelError, WeightsCorruptError
from earmark.models.store import ModelStore
from earmark.models.text_classifier import load_text_classifier

SIGMOID = '[checkpoint]\nkind = "sequence-classification"\nactivation = "sigmoid"'
SOFTMAX = '[checkpoint]\nkind = "sequence-classification"\nactivation = "softmax"'
MAP = '[label_map]\nobscene = "profanity"\ninsult = "harassment"\nthreat = "violence"\nmale = ""'
TEXTS = ["you filthy pig", "", "a lovely song", "🔥" * 30, "the early light " * 40]
THEIRS = ["obscene", "insult", "threat", "male"]


@pytest.fixture(scope="module")
def roberta(tiny, tmp_path_factory):
    return tiny(
        tmp_path_factory.mktemp("roberta"),
        "Roberta",
        "ForSequenceClassification",
        vocab_size=400,
        pad_token_id=1,
        max_position_embeddings=34,
        id2label=dict(enumerate(THEIRS)),
    )


@pytest.fixture
def classifier(store, add_checkpoint, roberta):
    add_checkpoint("tiny", roberta, SIGMOID, MAP)
    return load_text_classifier(ModelStore(store.root), "tiny", Device())


def logits(folder, text):
    """What the library itself says of one text."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    network = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.inference_mode():
        return network(**AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")).logits[0]


def test_the_scores_are_the_checkpoints_under_our_labels(classifier, roberta):
    assert classifier.labels == ("harassment", "profanity", "violence")
    expected = logits(roberta, "you filthy pig").sigmoid()[[1, 0, 2]].numpy()
    assert np.allclose(classifier.probabilities(["you filthy pig"])[0], expected, atol=1e-5)


def test_labels_of_a_softmax_that_are_one_of_ours_add_up(store, add_checkpoint, roberta):
    both = '[label_map]\n0 = "hate"\n1 = "hate"\n2 = ""\n3 = ""'
    add_checkpoint("tiny", roberta, SOFTMAX, both)
    classifier = load_text_classifier(ModelStore(store.root), "tiny", Device())
    expected = logits(roberta, "a lovely song").softmax(0)[:2].sum()
    assert classifier.probabilities(["a lovely song"]) == pytest.approx(np.array([[expected]]))


def test_labels_that_stand_for_themselves_count_by_the_highest(store, add_checkpoint, roberta):
    both = '[label_map]\nobscene = "hate"\ninsult = "hate"\nthreat = ""\nmale = ""'
    add_checkpoint("tiny", roberta, SIGMOID, both)
    classifier = load_text_classifier(ModelStore(store.root), "tiny", Device())
    expected = logits(roberta, "a lovely song").sigmoid()[:2].max()
    assert classifier.probabilities(["a lovely song"]) == pytest.approx(np.array([[expected]]))


def test_batches_do_not_change_scores(classifier):
    alone = np.concatenate([classifier.probabilities([text]) for text in TEXTS])
    assert np.allclose(classifier.probabilities(TEXTS), alone, atol=1e-5)


def test_batches_of_unlike_lengths_do_not_change_scores(classifier):
    texts = [("the early light lay quiet " * 9)[: 3 * number] for number in range(1, 60)]
    alone = np.concatenate([classifier.probabilities([text]) for text in texts])
    assert np.allclose(classifier.probabilities(texts[::-1])[::-1], alone, atol=1e-5)


def test_half_the_bits_move_scores_by_little(store, classifier):
    half = load_text_classifier(ModelStore(store.root), "tiny", Device(precision="bf16"))
    difference = half.probabilities(TEXTS) - classifier.probabilities(TEXTS)
    assert 0 < np.abs(difference).max() < 0.05


def test_an_empty_text_scores_nothing(classifier):
    assert not classifier.probabilities([" "]).any()
    assert classifier.probabilities([]).shape == (0, 3)


def test_no_part_of_a_long_text_is_left_unread(classifier):
    filler = "the harbour lay quiet in the early light " * 6
    endings = ["pig", "song", "canción", "you filthy", "la la la", "quiet"]
    scores = classifier.probabilities([filler + ending for ending in endings])
    assert len(np.unique(scores.round(4), axis=0)) > 1


def test_a_tokenizer_may_be_its_vocabulary_and_merges(store, add_checkpoint, roberta, tmp_path):
    """As older repositories have it, that of unbiased-toxic-roberta among them."""
    folder = shutil.copytree(roberta, tmp_path / "older")
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "RobertaTokenizer"}')
    add_checkpoint("tiny", roberta, SIGMOID, MAP)
    add_checkpoint("older", folder, SIGMOID, MAP)
    expected, found = (
        load_text_classifier(ModelStore(store.root), name, Device()).probabilities(TEXTS)
        for name in ("tiny", "older")
    )
    assert np.allclose(found, expected, atol=1e-5)


def test_nothing_is_asked_of_the_network(monkeypatch, store, add_checkpoint, roberta):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    add_checkpoint("tiny", roberta, SIGMOID, MAP)
    assert load_text_classifier(ModelStore(store.root), "tiny", Device()).probabilities(["a"]).any()


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ('[label_map]\nobscene = "profanity"', "does not name 'insult'"),
        (MAP + '\nrude = "harassment"', "names 'rude'; the checkpoint has obscene, insult"),
        ('[label_map]\n0 = ""\n1 = ""\n2 = ""\n3 = ""', "leaves every label out"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(store, add_checkpoint, roberta, table, complaint):
    add_checkpoint("tiny", roberta, SIGMOID, table)
    with pytest.raises(ConfigurationError, match=complaint):
        load_text_classifier(ModelStore(store.root), "tiny", Device())


def test_a_card_of_another_kind_is_refused(store, add_checkpoint, roberta):
    add_checkpoint("tiny", roberta, '[checkpoint]\nkind = "embedding"')
    with pytest.raises(ConfigurationError, match="wanted a checkpoint of kind sequence-class"):
        load_text_classifier(ModelStore(store.root), "tiny", Device())


def test_code_that_a_config_names_is_never_run(store, add_checkpoint, roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "remote")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSequenceClassification": "modeling.Mine"}
    (folder / "config.json").write_text(json.dumps(config))
    add_checkpoint("tiny", folder, SIGMOID, MAP)
    with pytest.raises(ModelError, match="auto_map"):
        load_text_classifier(ModelStore(store.root), "tiny", Device())


def test_a_checkpoint_without_a_head_is_refused(store, add_checkpoint, roberta, tmp_path):
    folder = shutil.copytree(roberta, tmp_path / "headless")
    tensors = load_file(folder / "model.safetensors")
    body = {name: value for name, value in tensors.items() if "classifier" not in name}
    save_file(body, folder / "model.safetensors", {"format": "pt"})
    add_checkpoint("tiny", folder, SIGMOID, MAP)
    with pytest.raises(ModelError, match=r"no weights for classifier\.dense\.bias"):
        load_text_classifier(ModelStore(store.root), "tiny", Device())


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_has_changed_is_not_loaded(store, classifier, file):
    path = store.root / "tiny" / "1" / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(WeightsCorruptError, match="has changed"):
        load_text_classifier(ModelStore(store.root), "tiny", Device())


def test_what_a_card_says_of_a_checkpoint_is_part_of_its_identity(store, add_checkpoint, roberta):
    add_checkpoint("tiny", roberta, SIGMOID, MAP)
    before = ModelStore(store.root).card("tiny").identity
    add_checkpoint("tiny", roberta, SOFTMAX, MAP)
    assert ModelStore(store.root).card("tiny").identity != before
