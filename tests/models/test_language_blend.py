"""Claims about the blend of identifiers and the markers, on small tables and tiny models."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.models.card import shipped_cards
from earmark.models.conversion.fasttext import convert
from earmark.models.error import ModelError
from earmark.models.language_blend import BlendedIdentifier
from earmark.models.language_marker import FOREIGN_SCRIPT, MOST, MarkerReader
from earmark.models.lid import load_subword_identifier

TABLE = {
    "group": [
        {"members": ["aa", "bb", "cc"], "words": ["aa bb: yes", "aa: -ing"], "letters": ["cc: ø"]},
        {"members": ["cc", "dd"], "words": ["dd: yes"]},
    ],
    "script": [{"block": ["\u0531\u0587"], "languages": ["dd"]}],
}
ALL = ["aa", "bb", "cc", "dd", "ee"]


class Fixed:
    """An identifier that says the same of every text."""

    def __init__(self, **probabilities: float) -> None:
        self.labels = tuple(probabilities)
        self._row = np.array(list(probabilities.values()), np.float32)

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(self._row, (len(texts), 1))


# all that the shipped models know, but Igbo, which one of the two does not
CARDS = [card for card in shipped_cards() if card.name in ("py3langid", "lid-176")]
COMMON = dict.fromkeys(sorted({label for card in CARDS for label in card.labels} - {"ig"}), 0.0)


def blend(of_bytes: dict[str, float], of_subwords: dict[str, float]) -> BlendedIdentifier:
    return BlendedIdentifier(Fixed(**COMMON | of_bytes), Fixed(**COMMON | of_subwords))


def said(identifier: BlendedIdentifier, text: str) -> tuple[str, float]:
    (row,) = identifier.probabilities([text])
    return identifier.labels[int(row.argmax())], float(row.max())


@pytest.mark.parametrize(
    ("text", "strangeness"),
    [
        ("no", [0, 0, 0, 0, 0]),
        ("Yes!", [0, 0, 1, 0, 0]),  # against cc in both groups, and one marker all the same
        ("ing", [0, 0, 0, 0, 0]),  # an ending is not the whole word
        ("sing", [0, 1, 1, 0, 0]),
        ("sing sing ring øx", [1, 3, 2, 0, 0]),
        ("sing ring ping king", [0, MOST, MOST, 0, 0]),
        ("Երևան a", [FOREIGN_SCRIPT] * 3 + [0, FOREIGN_SCRIPT]),
        ("Ե abc", [0, 0, 0, 0, 0]),
    ],
)
def test_markers_count_against_those_who_lack_them(text: str, strangeness: list[int]) -> None:
    assert MarkerReader(TABLE, ALL).strangeness([text]).tolist() == [strangeness]


def test_two_models_that_agree_are_surer_than_either() -> None:
    one = said(blend({"de": 0.6, "nl": 0.4}, {"de": 0.5, "nl": 0.5}), "text")
    both = said(blend({"de": 0.6, "nl": 0.4}, {"de": 0.6, "nl": 0.4}), "text")
    assert one[0] == both[0] == "de"
    assert both[1] > one[1]


def test_a_language_that_one_model_knows_can_win() -> None:
    assert said(blend({"ig": 0.9, "en": 0.1}, {"en": 0.3, "es": 0.3}), "text")[0] == "ig"


def test_serbo_croatian_leaves_the_choice_to_the_other_model() -> None:
    assert said(blend({"hr": 0.7, "sr": 0.2, "sl": 0.1}, {"sh": 0.9, "sl": 0.1}), "text")[0] == "hr"


def test_a_word_decides_between_close_languages() -> None:
    identifier = blend({"da": 0.5, "no": 0.5}, {"da": 0.5, "no": 0.5})
    assert said(identifier, "hvad er det")[0] == "da"
    assert said(identifier, "hva er det")[0] == "no"


def test_models_that_disagree_leave_it_open_whether_it_is_any_language() -> None:
    agreed = blend({"de": 0.9, "nl": 0.1}, {"de": 0.9, "nl": 0.1}).probabilities(["a", "b"])
    assert agreed.sum(axis=1) == pytest.approx([1.0, 1.0], abs=0.02)
    at_odds = blend({"de": 0.3, "hu": 0.3}, {"tl": 0.3, "vi": 0.3}).probabilities(["a"])
    assert at_odds.sum() < 0.75


def test_no_texts_have_no_rows() -> None:
    identifier = blend({"de": 1.0}, {"de": 1.0})
    assert identifier.probabilities([]).shape == (0, len(identifier.labels))


def test_only_a_model_of_fasttext_becomes_one(tmp_path: Path) -> None:
    (tmp_path / "lid.ftz").write_bytes(b"\x80\x04 a pickle, say")
    with pytest.raises(ModelError, match=r"lid\.ftz does not begin as a model of fastText"):
        convert({"lid.ftz": tmp_path / "lid.ftz"}, tmp_path / "made")
    with pytest.raises(ModelError, match="not a model of fastText"):
        load_subword_identifier(tmp_path / "lid.ftz", ["en"])
