"""Claims about audio-classification checkpoints, on a tiny AST that is made here."""

import json
import shutil

import numpy as np
import pytest
import torch

from earmark.models.audio_classifier import load_audio_classifier
from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.store import ModelStore

TABLE = '[checkpoint]\nkind = "audio-classification"\nactivation = "sigmoid"'
WINDOW = 64 * 160


@pytest.fixture(scope="module")
def ast(tiny, tmp_path_factory):
    return tiny(
        tmp_path_factory.mktemp("ast"),
        "AST",
        "ForAudioClassification",
        max_length=64,
        id2label={0: "Speech", 1: "Music", 2: "Silence"},
    )


@pytest.fixture
def classifier(store, add_checkpoint, ast):
    add_checkpoint("tags", ast, TABLE)
    return load_audio_classifier(ModelStore(store.root), "tags", Device())


def noise(windows: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    return (0.1 * rng.standard_normal((windows, WINDOW))).astype(np.float32)


def test_a_window_is_the_longest_input_of_the_checkpoint(classifier):
    assert classifier.window_samples == classifier.hop_samples == WINDOW
    assert classifier.labels == ("Music", "Silence", "Speech")


def test_the_tags_are_the_checkpoints(classifier, ast):
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    samples_BT = noise(1)
    network = AutoModelForAudioClassification.from_pretrained(ast)
    extract = AutoFeatureExtractor.from_pretrained(ast)
    with torch.inference_mode():
        inputs = extract(samples_BT[0], sampling_rate=16_000, return_tensors="pt")
        expected = network(**inputs).logits[0].sigmoid()[[1, 2, 0]].numpy()
    assert np.allclose(classifier.features(samples_BT, [WINDOW])[0], expected, atol=1e-5)


def test_neither_other_windows_nor_zeros_behind_the_end_are_heard(classifier):
    samples_BT = noise(6)
    lengths_B = [WINDOW, 5_000, WINDOW, 300, 5_000, WINDOW]
    together = classifier.features(samples_BT, lengths_B)
    for row, length in enumerate(lengths_B):
        end = max(length, 400)
        (alone,) = classifier.features(samples_BT[row : row + 1, :end], [length])
        assert np.allclose(together[row], alone, atol=1e-5)


def test_signals_that_read_the_same_tags_share_the_checkpoint(store, classifier):
    assert load_audio_classifier(ModelStore(store.root), "tags", Device()) is classifier
    half = load_audio_classifier(ModelStore(store.root), "tags", Device(precision="bf16"))
    assert half is not classifier
    (difference,) = np.subtract(
        half.features(noise(1), [WINDOW]), classifier.features(noise(1), [WINDOW])
    )
    assert 0 < np.abs(difference).max() < 0.05


def test_audio_at_another_rate_is_refused(store, add_checkpoint, ast, tmp_path):
    folder = shutil.copytree(ast, tmp_path / "fast")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    settings["sampling_rate"] = 48_000
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    add_checkpoint("fast", folder, TABLE)
    with pytest.raises(ModelError, match="wants audio at 48000 Hz"):
        load_audio_classifier(ModelStore(store.root), "fast", Device())
