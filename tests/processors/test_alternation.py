"""Patterns laid out by first letters find what they find as they are written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.alternation import by_first_letter

# few letters, so that alternatives begin alike, and those that `re` takes for others' cases
LETTERS = "abisk"
SIGNS = f"{LETTERS}ABISKıİſ\u212a _-"

WORDS = st.text(LETTERS, min_size=1, max_size=3)
ENDS = st.sampled_from(["", r"\b", "?", "s?", r" ?\d", "(?:a|b)", "[ab]"])
BEGINNINGS = st.sampled_from(["", r"\b", r"\d ?", "[ab]", "_"])
BOUNDS = st.sampled_from(["", r"\b"])


@st.composite
def alternatives(draw: st.DrawFn, depth: int = 2) -> str:
    """A word, or some of them in a group, with what may stand around them."""
    if depth and draw(st.booleans()):
        within = "|".join(draw(st.lists(alternatives(depth - 1), min_size=1, max_size=3)))
        return f"{draw(BOUNDS)}(?:{within}){draw(ENDS)}"
    return f"{draw(BEGINNINGS)}{draw(WORDS)}{draw(ENDS)}"


PATTERNS = st.lists(alternatives(), min_size=1, max_size=5).map("|".join)


def found(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]


@pytest.mark.parametrize("ignore_case", [False, True])
@given(pattern=PATTERNS, text=st.text(f"{SIGNS}012", max_size=30))
def test_the_same_is_found_at_the_same_places(ignore_case: bool, pattern: str, text: str) -> None:
    plain = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    assert found(by_first_letter(pattern, ignore_case=ignore_case), text) == found(plain, text)


def test_what_begins_alike_stands_together() -> None:
    laid_out = by_first_letter(r"\bfree\b|(?:fast|best) offer|free of charge").pattern
    assert laid_out == r"f(?:(?<!\w\w)ree\b|ast offer|ree of charge)|b(?:est offer)"


def test_bars_and_brackets_in_sets_and_behind_backslashes_are_letters() -> None:
    pattern = r"a[|)(]|\(b|(?:c\||d)e"
    text = "a| a) a( (b c|e de be"
    assert found(by_first_letter(pattern), text) == found(re.compile(pattern), text)
    assert len(found(re.compile(pattern), text)) == 6
