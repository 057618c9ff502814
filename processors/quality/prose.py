"""A text taken apart once for all measures: links, handles, hashtags, words, and the rest."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_READ = 20_000  # code points that measures of style look at; more changes little

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_TAG = re.compile(r"(?<!\w)[@#]\w+")
_HAS_SIGN = re.compile(r"[^\W_]")
_NO_SPACES = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
_SPACELESS_LETTERS_PER_WORD = 2  # Chinese words have 1.6 characters on average; others have more


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """One text, the first `LONGEST_READ` code points of it.

    `words` are what stands between spaces with a letter or digit in it, links and the like left
    out. `rest` is the text without links, addresses, handles and hashtags.
    """

    text: str
    rest: str
    words: tuple[str, ...]
    links: int
    link_characters: int
    emails: int
    tags: int


def prose(text: str) -> Prose:
    """The text, taken apart."""
    rest = text = text[:LONGEST_READ]
    links = emails = tags = link_characters = 0
    if "://" in rest or "www." in rest.lower():
        without, links = _LINK.subn(" ", rest)
        link_characters, rest = len(rest) - len(without) + links, without
    if "@" in rest:
        rest, emails = _EMAIL.subn(" ", rest)
    if "@" in rest or "#" in rest:
        rest, tags = _TAG.subn(" ", rest)
    words = tuple(_words(rest))
    return Prose(
        text=text,
        rest=rest,
        words=words,
        links=links,
        link_characters=link_characters,
        emails=emails,
        tags=tags,
    )


def _words(text: str) -> Iterator[str]:
    """What stands between spaces with a letter or a digit in it."""
    # most words have nothing else: that is quicker to see
    return (word for word in text.split() if word.isalnum() or _HAS_SIGN.search(word))


def word_count(text: str) -> int:
    """Words between spaces; in scripts without spaces two letters count as one word."""
    spaceless = 0 if text.isascii() else len(_NO_SPACES.findall(text))
    if spaceless:
        text = _NO_SPACES.sub(" ", text)
    spaced = sum(1 for _ in _words(text))
    return spaced + -(-spaceless // _SPACELESS_LETTERS_PER_WORD)
