"""A text prepared for patterns: plain digits and signs, its links, and the words around a place.

Digits of any script, full-width letters and signs, and the many spaces and hyphens of Unicode
become their ASCII ones, code point for code point, so that places stay what they were.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

BEFORE, AFTER = 48, 24  # code points in which words about a finding are looked for

_DIGIT_ZEROS = (
    "\u0660\u06f0\u07c0\u0966\u09e6\u0a66\u0ae6\u0b66\u0be6"
    "\u0c66\u0ce6\u0d66\u0e50\u0ed0\u0f20\u1040\u17e0\u1810"
)
_PLAIN = (
    {ord(zero) + value: str(value) for zero in _DIGIT_ZEROS for value in range(10)}
    | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(
        map(ord, "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u202f\u3000"), " "
    )
    | dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
)
# scripts without spaces between words, and Korean, which puts particles to its words
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]"
)
_LINK = re.compile(r"(?:https?|ftp)://[^\s<>\"]+|\bwww\.[^\s<>\"]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One text. `is_name`: it names a work, and works are named after anything.

    In `bounded` letters that stand next to the next word without a space are dots, so that a
    number or an address ends where they begin.
    """

    text: str
    plain: str
    bounded: str
    links: tuple[tuple[int, int], ...]
    is_name: bool = False

    def before(self, start: int) -> str:
        """What stands before a place, lower case; a new paragraph is a new matter."""
        return self.plain[max(0, start - BEFORE) : start].lower().rpartition("\n\n\n")[2]

    def after(self, end: int) -> str:
        """What stands after a place on its line, lower case."""
        return self.plain[end : end + AFTER].lower().partition("\n")[0]

    def is_in_link(self, start: int) -> bool:
        """Whether the place is inside a link, where digits are the site's own."""
        at = bisect_right(self.links, (start, len(self.text)))
        return at > 0 and start < self.links[at - 1][1]


def passage(text: str, *, is_name: bool = False) -> Passage:
    """The text, prepared."""
    plain = text if text.isascii() else text.translate(_PLAIN)
    has_link = "://" in plain or "www." in plain.lower()
    links = tuple(m.span() for m in _LINK.finditer(plain)) if has_link else ()
    bounded = plain if plain.isascii() else _UNSPACED.sub("·", plain)
    return Passage(text=text, plain=plain, bounded=bounded, links=links, is_name=is_name)
