"""Claims about the letter model: with a small one fitted here, and with the shipped one."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from earmark.models.error import ModelError
from earmark.models.letter_model import LetterModel, Script, alphabets, fit
from earmark.models.store import ModelStore

CHOIR = "the choir sings on sunday morning and the whole village comes to listen. " * 9


def small(order: int = 2) -> LetterModel:
    alphabet = alphabets({"LATIN": [CHOIR]})["LATIN"]
    table = fit("LATIN", alphabet, [CHOIR], order=order, weight=5)
    return LetterModel(
        [Script(name="LATIN", alphabet=alphabet, table_NN=table, midpoint=3.0, slope=4.0)]
    )


@pytest.fixture(scope="module")
def shipped() -> LetterModel:
    return LetterModel.load(ModelStore().path("letter-surprise"))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_what_was_fitted_surprises_less_than_its_letters_in_no_order(order: int) -> None:
    letters = list(CHOIR)
    random.Random(1).shuffle(letters)
    model = small(order)
    known, shuffled = model.surprise(CHOIR), model.surprise("".join(letters))
    assert known is not None
    assert shuffled is not None
    assert known.nats < shuffled.nats


def test_case_accents_and_long_rows_of_a_letter_do_not_matter() -> None:
    model = small()
    assert model.surprise("Thé CHÖIR siinnngs") == model.surprise("the choir siinngs")


def test_a_text_in_another_script_or_without_letters_is_not_read() -> None:
    model = small()
    assert [model.surprise(text) for text in ("", "🔥 99", "愛してる", "хор", "\ud800")] == [
        None
    ] * 5


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "letters.safetensors"
    small().save(path)
    assert LetterModel.load(path).surprise(CHOIR) == small().surprise(CHOIR)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weights": np.zeros(3)}, path)
    with pytest.raises(ModelError, match=r"other\.safetensors is no letter model"):
        LetterModel.load(path)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("real", "random_letters"),
    [
        ("The choir sings on Sunday morning", "xkq vbz jwpqh zzrtk fgdx qwv"),
        ("Der Chor singt am Sonntagmorgen", "asdfjkl ajsdkf jklasdf hjklas"),
        ("Хор поёт в воскресенье утром", "щзкь ъжфы цщшхз мткъ эыъ"),
        ("تغني الجوقة صباح يوم الأحد", "ظضثغ ذخطئ ؤءذظ ثضصغ خذظط"),
        ("המקהלה שרה ביום ראשון בבוקר", "ץףךטג צזעקס םןטץג ףזצ"),
        ("गाना बजानेवालों ने रविवार को गाया", "ाीू्ग ंटॉझ ःऔढृ ौ्ई ऑङञ"),
    ],
)
def test_the_shipped_one_tells_words_from_random_letters(
    shipped: LetterModel, real: str, random_letters: str
) -> None:
    words, noise = shipped.surprise(real), shipped.surprise(random_letters)
    assert words is not None
    assert noise is not None
    assert words.gibberish < 0.9
    assert noise.gibberish > 0.9


@pytest.mark.weights
@given(st.text(max_size=60))
def test_any_text_has_a_score_between_0_and_1_or_none(text: str) -> None:
    surprise = small().surprise(text)
    assert surprise is None or (0 <= surprise.gibberish <= 1 and surprise.letters > 0)
