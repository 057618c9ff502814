"""What of an item is in a language that a model reads, English above all."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from earmark.processors import item_text
from earmark.processors.content import Text
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView
from earmark.processors.threshold import Thresholds

_ENGLISH = frozenset({"en", "pcm"})  # short English slang is found to be Nigerian Pidgin at times


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What text.language says of one text."""

    language: str
    probability: float


class LanguageGate:
    """Lets through what is in one of `languages`, primary subtags of BCP-47; none: everything.

    It needs `text.language`, and reads the declared language. What is declared holds, unless
    another language is certain: `contradiction_probability` is what that one needs. A text in no
    declared language, and too short to find one, is let through if it is English that is read and
    `coverage`, the share of its words that are known to be English, reaches `min_coverage`.
    """

    def __init__(
        self,
        languages: Collection[str],
        coverage: Callable[[str], float],
        thresholds: Thresholds,
    ) -> None:
        self._languages = frozenset(filter(None, map(primary_language, languages)))
        self._found = self._languages | (_ENGLISH if "en" in self._languages else frozenset())
        self._coverage = coverage
        self._contradiction_probability = thresholds["contradiction_probability"]
        self._min_coverage = thresholds["min_coverage"]

    def texts(self, item: ItemView) -> Iterator[Text]:
        """The texts of the item that are let through and hold a letter, in order."""
        found = _found_languages(item)
        for text in item.event.texts:
            declared = text.language or item.event.language
            if has_letters(text.text) and self._reads(text, declared, found.get(text.field)):
                yield text

    def transcript(self, item: ItemView) -> Text | None:
        """What is said in the item, if it was understood, is let through and holds a letter."""
        return _transcript(item, self._languages)

    def _reads(self, text: Text, declared: str | None, found: _Found | None) -> bool:
        if not self._languages:
            return True
        if primary_language(declared) not in {None, *self._languages}:
            return False
        if found is None:
            return declared is not None or self._is_known_english(text)
        if primary_language(found.language) in self._found:
            return True
        return declared is not None and found.probability < self._contradiction_probability

    def _is_known_english(self, text: Text) -> bool:
        return "en" in self._languages and self._coverage(text.text) >= self._min_coverage


class EnglishGate(LanguageGate):
    """The gate that lets nothing through but English."""

    def __init__(self, coverage: Callable[[str], float], thresholds: Thresholds) -> None:
        super().__init__(("en",), coverage, thresholds)


def english_transcript(item: ItemView) -> Text | None:
    """What is said in the item, if it was understood, is English and holds a letter."""
    return _transcript(item, {"en"})


def nothing_read(item: ItemView) -> Result:
    """The result where nothing was let through: words in another language are an abstention.

    No words are nothing to look at.
    """
    if any(has_letters(text.text) for text in item.event.texts):
        return Result.abstained("LANGUAGE_UNSUPPORTED")
    return item_text.nothing_read(item)


def primary_language(language: str | None) -> str | None:
    """The primary subtag of a BCP-47 tag: `en` of `en-GB`."""
    return language.replace("_", "-").split("-")[0].lower() if language else None


def has_letters(text: str) -> bool:
    """Whether there is anything to read."""
    return any(character.isalpha() for character in text)


def _found_languages(item: ItemView) -> dict[str, _Found]:
    result = item.results.get("text.language")
    entries: Any = result.fields.get("fields", ()) if result is not None else ()
    return {
        entry["field"]: _Found(language=entry["language"], probability=entry["probability"])
        for entry in entries
        if entry["language"] is not None
    }


def _transcript(item: ItemView, languages: Collection[str]) -> Text | None:
    text = item_text.said(item)
    if text is None or not has_letters(text.text):
        return None
    if languages and primary_language(text.language) not in {None, *languages}:
        return None
    return text
