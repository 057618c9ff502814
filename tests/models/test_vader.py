"""VADER's rules over the shipped lexicon."""

from pathlib import Path

import pytest

from earmark.models.error import ModelError
from earmark.models.store import ModelStore
from earmark.models.vader import MOST_EMOJI, Vader, load_vader


def vader() -> Vader:
    path = ModelStore().path
    return load_vader(path("vader", "lexicon.txt"), path("vader", "emoji.txt"))


@pytest.mark.weights
def test_polarity_has_the_sign_of_the_words() -> None:
    good, bad, negated, plain = vader().polarities(
        ["A lovely song", "An awful song", "Not a lovely song", "A song of ten minutes"]
    )
    assert max(bad.value, negated.value) < 0 < good.value
    assert (plain.value, plain.wordless, good.wordless) == (0, True, False)


@pytest.mark.weights
def test_emoji_count_up_to_a_number() -> None:
    one, many, more = vader().polarities(["😀", "😀" * MOST_EMOJI, "😀" * 20 * MOST_EMOJI])
    assert 0 < one.value < many.value == more.value


def test_files_of_another_kind_are_an_error(tmp_path: Path) -> None:
    file = tmp_path / "lexicon.txt"
    file.write_text("{}")
    with pytest.raises(ModelError, match="do not hold VADER"):
        load_vader(file, file)
