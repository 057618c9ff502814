"""Claims about names of groups: all are read as one word, and nothing else is touched."""

import pytest

from earmark.models.identity_word import NEUTRAL, without_names


@pytest.mark.parametrize(
    "text",
    [
        "a gay neighbour",
        "an Asian neighbour",
        "A Native American neighbour",
        "a non-binary neighbour",
        "a Muslim neighbour",
        "an African-American neighbour",
    ],
)
def test_names_become_one_word_with_their_article(text: str) -> None:
    assert without_names(text) == f"a {NEUTRAL} neighbour"


def test_plurals_are_names_too() -> None:
    assert without_names("Jews, Black people and gay men") == f"{NEUTRAL}, {NEUTRAL} and {NEUTRAL}"


@pytest.mark.parametrize("text", ["", "An apple and a gayly painted cart", "germane, polity", "!"])
def test_other_words_stay(text: str) -> None:
    assert without_names(text) == text
