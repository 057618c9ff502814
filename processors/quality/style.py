"""Shouting and repetition."""

import re
from itertools import pairwise

from earmark.processors.quality.prose import Prose

MIN_CASED_LETTERS = 12  # a name such as YMCA is no shout
MIN_SHOUTED_WORDS = 2
MIN_REPEATED_WORDS = 4
SHINGLE = 12  # code points: longer than most words with their spaces

_FLOOD = re.compile(r"([^\s\-_=*~.])\1{4,}")  # rows of those signs are rulers
_DIGIT = re.compile(r"\d")
_SPACES = re.compile(r"\s+")


def shouting(prose: Prose) -> float | None:
    """The share of capitals among letters that have case; None where there are too few of them."""
    upper = sum(map(str.isupper, prose.rest))
    lower = sum(map(str.islower, prose.rest))
    if upper + lower < MIN_CASED_LETTERS:
        return None
    shouted = sum(1 for word in prose.words if _is_shouted(word))
    return upper / (upper + lower) if shouted >= MIN_SHOUTED_WORDS else 0.0


def _is_shouted(word: str) -> bool:
    """Whether it is all capitals; a code with digits in it always is."""
    return len(word) > 1 and word.isupper() and not _DIGIT.search(word)


def repetition(prose: Prose) -> float | None:
    """The largest of three shares; None for a text without words or signs.

    Of code points in rows of five or more of the same; of words that follow themselves; and of
    strings of `SHINGLE` code points that have stood in the text before (Broder 1997, "On the
    resemblance and containment of documents", against the text itself).
    """
    text = _SPACES.sub(" ", prose.rest).strip().lower()
    if not text:
        return None
    return max(_flooded(text), _echoed(prose.words), _reread(text))


def _flooded(text: str) -> float:
    return sum(len(run[0]) for run in _FLOOD.finditer(text)) / len(text)


def _echoed(words: tuple[str, ...]) -> float:
    if len(words) < MIN_REPEATED_WORDS:
        return 0.0
    lower = [word.lower() for word in words]
    return sum(a == b for a, b in pairwise(lower)) / (len(words) - 1)


def _reread(text: str) -> float:
    count = len(text) - SHINGLE + 1
    if count <= SHINGLE:
        return 0.0
    return 1 - len({text[at : at + SHINGLE] for at in range(count)}) / count
