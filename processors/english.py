"""What of an item is English: the one gate of the signals that read nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from earmark.processors.content import Text
from earmark.processors.outcome import Result, Verdict
from earmark.processors.signal import ItemView
from earmark.processors.threshold import Thresholds

TRANSCRIPT = "transcript"  # the field that stands for what is said in the item

_ENGLISH = frozenset({"en", "pcm"})  # short English slang is found to be Nigerian Pidgin at times


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What text.language says of one text."""

    language: str
    probability: float


class EnglishGate:
    """Lets English through: what is declared holds, unless another language is certain.

    It needs `text.language`, and reads the declared language. A text in no declared language, and
    too short to find one, is let through if `coverage`, the share of its words that are known to
    be English, reaches `min_coverage`. `contradiction_probability` is what another language needs
    against one that is declared.
    """

    def __init__(self, coverage: Callable[[str], float], thresholds: Thresholds) -> None:
        self._coverage = coverage
        self._contradiction_probability = thresholds["contradiction_probability"]
        self._min_coverage = thresholds["min_coverage"]

    def texts(self, item: ItemView) -> Iterator[Text]:
        """The texts of the item that are English and hold a letter, in order."""
        found = _found_languages(item)
        for text in item.event.texts:
            declared = text.language or item.event.language
            if self._is_english(text, declared, found.get(text.field)):
                yield text

    def _is_english(self, text: Text, declared: str | None, found: _Found | None) -> bool:
        if not has_letters(text.text) or primary_language(declared) not in {None, "en"}:
            return False
        if found is None:
            return declared is not None or self._coverage(text.text) >= self._min_coverage
        if primary_language(found.language) in _ENGLISH:
            return True
        return declared is not None and found.probability < self._contradiction_probability


def english_transcript(item: ItemView) -> Text | None:
    """What is said in the item, if it was understood, is English and holds a letter."""
    result = item.results.get("audio.transcript")
    if result is None or result.outcome != Verdict.OK:
        return None
    text, language = result.fields.get("text"), result.fields.get("language")
    language = language if isinstance(language, str) else None
    if not isinstance(text, str) or not has_letters(text):
        return None
    if primary_language(language) not in {None, "en"}:
        return None
    return Text(field=TRANSCRIPT, text=text, language=language)


def nothing_read(item: ItemView) -> Result:
    """The result where nothing was let through: words in another language are an abstention.

    No words are nothing to look at.
    """
    if any(has_letters(text.text) for text in item.event.texts):
        return Result.abstained("LANGUAGE_UNSUPPORTED")
    transcript = item.results.get("audio.transcript")
    if transcript is not None and transcript.outcome == Verdict.ABSTAINED:
        return Result.abstained(transcript.reason or "LOW_CONFIDENCE")
    return Result.skipped("NO_TEXT")


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
