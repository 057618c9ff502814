"""Claims about the profanity classifier: on one fitted here, and on the shipped one."""

from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from earmark.models.conversion.profanity import convert
from earmark.models.profanity import ProfanityClassifier, load_profanity
from earmark.models.store import ModelStore

NICE = ["what a lovely song", "lovely morning in town", "great song and band", "a morning walk"]
RUDE = ["you rotten song", "rotten filthy band", "filthy town of scum", "scum and filthy walk"]


def test_probabilities_are_those_of_the_machines_it_was_made_from(tmp_path: Path) -> None:
    vectorizer = TfidfVectorizer(stop_words="english")
    terms = vectorizer.fit_transform(NICE + RUDE)
    machine = CalibratedClassifierCV(LinearSVC(random_state=0), cv=2)
    machine.fit(terms, [0] * len(NICE) + [1] * len(RUDE))
    sources = {name: tmp_path / name for name in ("model.joblib", "vectorizer.joblib")}
    joblib.dump(machine, sources["model.joblib"])
    joblib.dump(vectorizer, sources["vectorizer.joblib"])
    convert(sources, tmp_path)

    ours = load_profanity(tmp_path / "model.safetensors", tmp_path / "vocabulary.json")
    texts = [*NICE, *RUDE, "", "filthy filthy FILTHY song", "words never seen"]
    expected = machine.predict_proba(vectorizer.transform(texts))[:, 1]
    np.testing.assert_allclose(ours.probabilities(texts), expected, atol=1e-12)


@pytest.fixture(scope="module")
def shipped() -> ProfanityClassifier:
    store = ModelStore()
    return load_profanity(
        store.path("profanity-check"), store.path("profanity-check", "vocabulary.json")
    )


@pytest.mark.weights
def test_abuse_scores_high_and_courtesy_low(shipped: ProfanityClassifier) -> None:
    abuse, courtesy = shipped.probabilities(["you are a stupid idiot", "thank you for the song"])
    assert abuse > 0.9
    assert courtesy < 0.1


@pytest.mark.weights
def test_batches_do_not_change_probabilities(shipped: ProfanityClassifier) -> None:
    texts = [*NICE, *RUDE, ""]
    alone = [float(shipped.probabilities([text])[0]) for text in texts]
    assert shipped.probabilities(texts).tolist() == alone


@pytest.mark.weights
def test_english_is_covered_and_other_languages_are_not(shipped: ProfanityClassifier) -> None:
    assert shipped.coverage("great song, i love it") == 1.0
    assert shipped.coverage("Qué canción más bonita") == 0.0
    assert shipped.coverage("🔥 !!") == 0.0
