"""The classifier of alt-profanity-check: TF-IDF, then the mean of calibrated linear machines.

The published files are pickles. They are opened here and nowhere else, after their hashes matched
the card. What is written needs no scikit-learn to be applied to a text:

    tokens   = findall(token_pattern, text.lower()), without stop_words
    x        = l2_normalised(count(token) * idf[token])  over the tokens in the vocabulary
    margin_k = coefficients_KV[k] @ x + intercept_K[k]
    p        = mean over k of 1 / (1 + exp(slope_K[k] * margin_k + offset_K[k]))

Sources: scikit-learn's TfidfVectorizer and CalibratedClassifierCV; Platt, Probabilistic Outputs
for Support Vector Machines, 1999.

K: machines, V: terms of the vocabulary
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.exceptions import InconsistentVersionWarning

from earmark.models.error import ModelError

# what the formula above assumes; other settings would need another formula
_ASSUMED = {
    "analyzer": "word",
    "binary": False,
    "lowercase": True,
    "ngram_range": (1, 1),
    "norm": "l2",
    "preprocessor": None,
    "strip_accents": None,
    "sublinear_tf": False,
    "tokenizer": None,
    "use_idf": True,
}


def convert(sources: Mapping[str, Path], made: Path) -> None:
    """`model.safetensors` (float64) and `vocabulary.json` (terms by index, settings, stop words).

    Raises ModelError for a vectorizer or classifier that the formula does not describe.
    """
    with warnings.catch_warnings():
        # pickled by an older release; the attributes read below are the same in both
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        vectorizer = joblib.load(sources["vectorizer.joblib"])
        model = joblib.load(sources["model.joblib"])
    settings = vectorizer.get_params()
    for name, value in _ASSUMED.items():
        if settings[name] != value:
            raise ModelError(f"vectorizer: {name} is {settings[name]!r}, not {value!r}")
    save_file(_tensors(vectorizer, model), made / "model.safetensors")
    (made / "vocabulary.json").write_text(json.dumps(_vocabulary(vectorizer, model)) + "\n")


def _tensors(vectorizer: Any, model: Any) -> dict[str, NDArray[np.float64]]:
    machines = model.calibrated_classifiers_
    if model.method != "sigmoid" or list(model.classes_) != [0, 1]:
        raise ModelError(f"classifier: {model.method} over classes {list(model.classes_)}")
    sigmoids = [machine.calibrators[0] for machine in machines]
    return {
        "idf_V": np.asarray(vectorizer.idf_, np.float64),
        "coefficients_KV": np.stack([machine.estimator.coef_[0] for machine in machines]),
        "intercept_K": np.array([machine.estimator.intercept_[0] for machine in machines]),
        "slope_K": np.array([sigmoid.a_ for sigmoid in sigmoids]),
        "offset_K": np.array([sigmoid.b_ for sigmoid in sigmoids]),
    }


def _vocabulary(vectorizer: Any, model: Any) -> dict[str, object]:
    terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
    return {
        "token_pattern": vectorizer.token_pattern,
        "stop_words": sorted(vectorizer.get_stop_words() or ()),
        "settings": {name: vectorizer.get_params()[name] for name in _ASSUMED},
        "calibration": model.method,
        "vocabulary": terms,
    }
