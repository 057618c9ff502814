"""How easily a text reads, by formulas that were made for its language.

Flesch reading ease, higher is easier (0 to 100 in most texts, not bounded), in the form of each
language: Flesch 1948 (en), Amstad 1978 (de), Kandel and Moles 1958 (fr), Fernández Huerta 1959
(es), Franchina and Vacca 1986 (it), Martins et al. 1996 (pt), Douma 1960 (nl), Oborneva 2006 (ru),
Ateşman 1997 (tr). LIX, higher is harder, for the languages of Björnsson 1983, "Readability of
newspapers in 11 languages".

Syllables are counted by vowels, after rules of each language. textstat, which has most of these
formulas, downloads a dictionary for English at the first use, and its import takes 1.4 s.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from earmark.processors.quality.prose import Prose

_LONG_WORD = 6  # letters; a long word has more

_LIX = frozenset({"da", "de", "en", "es", "fi", "fr", "it", "nb", "nn", "no", "pt", "ru", "sv"})

# per language: constant, weight of words per sentence, weight of syllables per word
_FLESCH = {
    "en": (206.835, 1.015, 84.6),
    "de": (180.0, 1.0, 58.5),
    "fr": (207.0, 1.015, 73.6),
    "es": (206.84, 1.02, 60.0),
    "it": (217.0, 1.3, 60.0),
    "pt": (248.835, 1.015, 84.6),
    "nl": (206.84, 0.93, 77.0),
    "ru": (206.835, 1.3, 60.1),
    "tr": (198.825, 2.61, 40.175),
}

# a strong vowel and the glides around it
_ROMANCE = r"ã[eo]|õe|[iuü]?[aeoáàâãéèêóòôõ][iuy]?|[íìúù]|[iuüy]+"
# vowels but a mute e at the end, which sounds after consonant and l, in -ted, -ses and "the"
_ENGLISH = (
    r"(?!e\b|es\b|ed\b)[aeiouy]+|[^aeiouy\W]le\b|[td]ed\b|(?<=[sxz])es\b|(?<=[cs]h)es\b"
    r"|\b[^aeiouy\W]*e\b"
)
_MUTE_U = re.compile(r"(?<=[qg])u(?=[eiéèêî])")
_SYLLABLE = {
    language: re.compile(pattern)
    for language, pattern in {
        "en": _ENGLISH,
        "de": r"ie|eu|äu|[ae][iu]|[aeiouyäöü]",
        "fr": r"(?!(?:e|es|ent)\b)[aeiouyàâäéèêëîïôöùûüœæ]+|\b[^aeiouy\W]*es?\b",
        "es": _ROMANCE,
        "it": _ROMANCE,
        "pt": _ROMANCE,
        "nl": r"ij|[aeiouyéè][aeiouyéè]*|[ëïöü]",
        "ru": r"[аеёиоуыэюя]",
        "tr": r"[aeıioöuüâîû]",
    }.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readability:
    """Both measures; None where the language has no such formula."""

    flesch_reading_ease: float | None
    lix: float | None


def readability(prose: Prose, language: str, sentences: int) -> Readability:
    """Of a text with at least one word; `language` is its primary subtag."""
    words = [word.strip("\"'’.,;:!?()[]…»«“”") for word in prose.words]
    per_sentence = len(words) / max(sentences, 1)
    flesch = lix = None
    if language in _FLESCH:
        constant, of_length, of_syllables = _FLESCH[language]
        per_word = syllables(words, language) / len(words)
        flesch = constant - of_length * per_sentence - of_syllables * per_word
    if language in _LIX:
        long_words = sum(1 for word in words if len(word) > _LONG_WORD)
        lix = per_sentence + 100 * long_words / len(words)
    return Readability(flesch_reading_ease=flesch, lix=lix)


def syllables(words: Sequence[str], language: str) -> int:
    """About how many syllables they have, at least one each; a language of `_FLESCH`."""
    pattern = _SYLLABLE[language]
    spelled = (word.lower() for word in words)
    if language == "fr":
        spelled = (_MUTE_U.sub("", word) for word in spelled)
    return sum(max(1, len(pattern.findall(word))) for word in spelled)
