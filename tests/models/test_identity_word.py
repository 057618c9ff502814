"""Claims about names of groups: all are read as one word, and nothing else is touched."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.models import identity_word
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


@given(st.lists(st.sampled_from(sorted(set(identity_word._NAMES.split()))), max_size=4))
def test_the_tree_of_names_finds_what_a_list_of_them_finds(names: list[str]) -> None:
    """Whole, in the plural, cut short or with a letter too many, of which some are names again."""
    one_by_one = "|".join(sorted(set(identity_word._NAMES.split()), key=len, reverse=True))
    listed = re.compile(
        identity_word._NAME.pattern.replace(identity_word._WORDS, f"(?:{one_by_one})"), re.I
    )
    ways = (str, lambda name: f"{name}s", lambda name: name[:-1], lambda name: f"{name}x")
    for text in (" ".join(map(way, names)) for way in ways):
        assert [m[0] for m in identity_word._NAME.finditer(text)] == [
            m[0] for m in listed.finditer(text)
        ]
