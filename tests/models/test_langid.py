"""Claims about language identification: on a tiny automaton, and on the shipped model."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from earmark.models.langid import LanguageIdentifier, load_langid
from earmark.models.store import ModelStore

GRAMS = (b"ab", b"bba", b"c")
EVIDENCE_FL = np.array([[-1.0, -5.0], [-4.0, -1.0], [-2.0, -2.5]], np.float16)
PRIOR_L = np.array([-0.5, -1.0], np.float32)
CODES = ("xx", "yy")


def tiny() -> LanguageIdentifier:
    """An automaton whose states are the beginnings of GRAMS, built by the definition."""
    states = sorted({gram[:n] for gram in GRAMS for n in range(len(gram) + 1)}, key=len)
    rows = [[_longest_suffix(s + bytes([byte]), states) for byte in range(256)] for s in states]
    return LanguageIdentifier(
        {
            "transitions_R256": np.array(rows, np.uint32),
            "row_of_state_S": np.arange(len(states), dtype=np.uint16),
            "feature_of_state_S": np.array([GRAMS.index(s) if s in GRAMS else -1 for s in states]),
            "prior_log_probability_L": PRIOR_L,
            "feature_log_probability_FL": EVIDENCE_FL,
        },
        CODES,
    )


def _longest_suffix(read: bytes, states: Sequence[bytes]) -> int:
    return states.index(max((s for s in states if read.endswith(s)), key=len))


def by_definition(text: str) -> NDArray[np.float32]:
    """Naive Bayes over the n-grams that end at each byte."""
    data = text.encode()
    ends = (
        max((g for g in GRAMS if data[:n].endswith(g)), key=len, default=None)
        for n in range(1, len(data) + 1)
    )
    counts = Counter(gram for gram in ends if gram is not None)
    if not counts:
        return np.full(2, 0.5, np.float32)
    evidence_L = sum(
        np.log1p(n) * EVIDENCE_FL[GRAMS.index(g)].astype(float) for g, n in counts.items()
    )
    odds_L = np.exp((evidence_L + PRIOR_L) / np.sqrt(len(data)))
    return np.asarray(odds_L / odds_L.sum(), np.float32)


@given(st.lists(st.text(alphabet="abcd").map(lambda text: text * 40), min_size=1, max_size=8))
def test_lanes_do_not_change_what_is_counted(texts: list[str]) -> None:
    expected = np.stack([by_definition(text) for text in texts])
    np.testing.assert_allclose(tiny().probabilities(texts), expected, atol=1e-5)


def test_no_texts_give_no_rows() -> None:
    assert tiny().probabilities([]).shape == (0, 2)


def test_a_code_that_occurs_twice_is_one_label() -> None:
    texts = ["ab" * 9, "bba"]
    two = LanguageIdentifier(_doubled(), ("xx", "yy", "xx"))
    assert two.labels == ("xx", "yy")
    np.testing.assert_allclose(two.probabilities(texts).sum(axis=1), 1, atol=1e-6)


def _doubled() -> dict[str, NDArray[np.generic]]:
    return {
        "transitions_R256": np.zeros((1, 256), np.uint32),
        "row_of_state_S": np.zeros(1, np.uint16),
        "feature_of_state_S": np.zeros(1, np.int32),
        "prior_log_probability_L": np.array([-1.0, -2.0, -3.0]),
        "feature_log_probability_FL": np.array([[-1.0, -2.0, -3.0]]),
    }


TEXTS = [
    "",
    "🔥🔥",
    "And so my fellow Americans, ask not what your country can do for you",
    "TOUTE PERSONNE A DROIT À LA PROPRIÉTÉ",
    "Все люди рождаются свободными",
    "人人生而自由，在尊严和权利上一律平等。",
    "すべての人間は、生まれながらにして自由である " * 60,
    "Cafe\u0301 mit Sahne und ein Stück Kuchen, bitte",
]


@pytest.fixture(scope="module")
def shipped() -> LanguageIdentifier:
    store = ModelStore()
    return load_langid(store.path("py3langid"), store.path("py3langid", "labels.json"))


@pytest.mark.weights
def test_the_shipped_model_says_what_py3langid_says(shipped: LanguageIdentifier) -> None:
    from py3langid.langid import MODEL_FILE
    from py3langid.langid import LanguageIdentifier as Published

    published = Published.from_model_file(MODEL_FILE, norm_probs=True)
    for text, row_L in zip(TEXTS, shipped.probabilities(TEXTS), strict=True):
        expected = dict(published.rank(text))
        np.testing.assert_allclose(row_L, [expected[code] for code in shipped.labels], atol=1e-5)


@pytest.mark.weights
def test_batches_do_not_change_probabilities(shipped: LanguageIdentifier) -> None:
    alone = np.concatenate([shipped.probabilities([text]) for text in TEXTS])
    np.testing.assert_allclose(shipped.probabilities(TEXTS), alone, atol=1e-5)
