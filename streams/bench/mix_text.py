"""The texts of the mix: comments and lyrics in eight languages, their lengths lognormal.

They are put together from sentences of our own (`sentences.toml`): most are plain, some harmful,
some name people or numbers that do not exist, some carry a link.
"""

import tomllib
from functools import cache
from importlib.resources import files

import numpy as np

from earmark.processors.content import Text

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "ja", "ru")
COMMENT_MU, COMMENT_SIGMA = np.log(18.0), 0.9  # of the logarithm of words
LYRICS_MU, LYRICS_SIGMA = np.log(170.0), 0.5
COMMENT_WORDS, LYRICS_WORDS = (2, 400), (40, 900)  # drawn again outside
LYRICS_SHARE = 0.25
TITLE_WORDS = 4
KINDS = {"plain": 0.84, "harmful": 0.06, "personal": 0.05, "linked": 0.05}
LINE_WORDS = 7  # of lyrics
LETTERS_A_WORD = 2  # of Japanese, which puts no spaces


def words(seed: int, number: int) -> tuple[bool, int]:
    """Whether the item is lyrics, and its words."""
    random = np.random.default_rng([seed, number])
    is_lyrics = bool(random.random() < LYRICS_SHARE)
    mu, sigma = (LYRICS_MU, LYRICS_SIGMA) if is_lyrics else (COMMENT_MU, COMMENT_SIGMA)
    low, high = LYRICS_WORDS if is_lyrics else COMMENT_WORDS
    while True:
        drawn = round(random.lognormal(mu, sigma))
        if low <= drawn <= high:
            return is_lyrics, drawn


def item(seed: int, number: int) -> tuple[Text, ...]:
    """A comment, or lyrics with their title."""
    random = np.random.default_rng([seed, number, 1])
    language = LANGUAGES[int(random.integers(len(LANGUAGES)))]
    is_lyrics, count = words(seed, number)
    said = _said(random, language, count)
    if not is_lyrics:  # at a moment of the song, as people do
        moment = f"{random.integers(9)}:{random.integers(60):02}"
        return (Text(field="comment", text=f"{moment} {said}", language=language),)
    title = _said(random, language, TITLE_WORDS)
    return (
        Text(field="title", text=title, language=language),
        Text(field="lyrics", text=_lines(said), language=language),
    )


def _said(random: np.random.Generator, language: str, count: int) -> str:
    """So many words of sentences, one after the other."""
    of_language = _sentences()[language]
    spaced = language != "ja"
    said: list[str] = []
    while len(said) < count * (1 if spaced else LETTERS_A_WORD):
        kind = str(random.choice(list(KINDS), p=list(KINDS.values())))
        sentence = of_language[kind][int(random.integers(len(of_language[kind])))]
        said += sentence.split() if spaced else sentence
    return " ".join(said[:count]) if spaced else "".join(said[: count * LETTERS_A_WORD])


def _lines(said: str) -> str:
    """The text in lines, as lyrics are."""
    of_line = said.split(" ")
    lines = [of_line[at : at + LINE_WORDS] for at in range(0, len(of_line), LINE_WORDS)]
    return "\n".join(" ".join(line) for line in lines)


@cache
def _sentences() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath("sentences.toml").read_text(encoding="utf-8"))
