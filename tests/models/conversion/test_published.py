"""The converted models say the same as the packages that they come from."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import py3langid
import pytest
from py3langid.modelio import load_model
from safetensors.numpy import load_file
from sklearn.exceptions import InconsistentVersionWarning

from earmark.models.store import ModelStore

TEXTS = [
    "",
    "And so my fellow Americans, ask not what your country can do for you.",
    "You are a fucking idiot",
    "What a wonderful, wonderful day in the village",
    "shit shit SHIT happens to the best of us",
    "das ist kein englischer Satz",
    "I will kill you, you stupid bitch!",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ModelStore:
    """Filled from the installed packages, so without a network."""
    return ModelStore(tmp_path_factory.mktemp("models"), offline=True)


def profanity_by_formula(store: ModelStore, text: str) -> float:
    """The formula that `conversion/profanity.py` states, with NumPy alone."""
    weights = load_file(store.path("profanity-check"))
    settings = json.loads(store.path("profanity-check", "vocabulary.json").read_text())
    index = {term: at for at, term in enumerate(settings["vocabulary"])}
    x_V = np.zeros(len(index))
    for token in re.findall(settings["token_pattern"], text.lower()):
        if token in index and token not in settings["stop_words"]:
            x_V[index[token]] += weights["idf_V"][index[token]]
    x_V /= np.linalg.norm(x_V) or 1.0
    margin_K = weights["coefficients_KV"] @ x_V + weights["intercept_K"]
    score_K = weights["slope_K"] * margin_K + weights["offset_K"]
    return float(np.mean(1 / (1 + np.exp(score_K))))


def test_profanity_is_what_the_package_says(store):
    store.pull("profanity-check")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        from profanity_check import predict_prob
    expected = predict_prob(TEXTS)
    ours = [profanity_by_formula(store, text) for text in TEXTS]
    np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert max(ours) > 0.9
    assert min(ours) < 0.1


def test_language_model_holds_what_the_package_holds(store):
    path = store.pull("py3langid")
    weights = load_file(path)
    published = Path(py3langid.__file__).parent / "data" / "model.npz.xz"
    ptc, pc, classes, nextmove, row, out = load_model(published)
    assert np.array_equal(weights["feature_log_probability_FL"], ptc)
    assert np.array_equal(weights["prior_log_probability_L"], pc)
    assert np.array_equal(weights["transitions_R256"].ravel(), np.asarray(nextmove))
    assert np.array_equal(weights["row_of_state_S"], np.asarray(row))
    assert weights["feature_of_state_S"].tolist() == out
    labels = json.loads(store.path("py3langid", "labels.json").read_text())
    assert labels == classes
    assert tuple(dict.fromkeys(labels)) == store.card("py3langid").labels


@pytest.mark.parametrize("name", ["silero-vad", "wordllama-l2-supercat-256", "distillmos"])
def test_what_the_installed_packages_hold_needs_no_network(store, name):
    store.pull(name)
    assert store.is_present(name)


@pytest.mark.weights
def test_the_whole_default_set_is_in_the_store():
    store = ModelStore()
    for card in store.cards().values():
        if card.default:
            store.verify(card.name)
