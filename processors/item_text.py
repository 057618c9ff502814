"""The texts of an item together with what is said in it, for signals that read both."""

from collections.abc import Sequence

from earmark.processors.content import Text
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView

TRANSCRIPT = "transcript"  # the field that spans in a transcript name
AUDIO_TRANSCRIPT = "audio.transcript"

_NAMES_OF_WORKS = ("title", "name", "album", "artist")


def said(item: ItemView) -> Text | None:
    """What is said in the item, if it was understood and there are words in it."""
    result = item.results.get(AUDIO_TRANSCRIPT)
    if result is None or result.outcome != OutcomeKind.OK:
        return None
    text, language = result.fields.get("text"), result.fields.get("language")
    if not isinstance(text, str) or not has_words(text):
        return None
    return Text(
        field=TRANSCRIPT, text=text, language=language if isinstance(language, str) else None
    )


def written(item: ItemView) -> Sequence[Text]:
    """The texts of the item with at least one letter or digit."""
    return [text for text in item.event.texts if has_words(text.text)]


def nothing_read(item: ItemView) -> Result:
    """The answer where there was no text: what was said may have been beyond the recogniser."""
    transcript = item.results.get(AUDIO_TRANSCRIPT)
    if transcript is not None and transcript.outcome == OutcomeKind.ABSTAINED:
        return Result.abstained(transcript.reason or "LOW_CONFIDENCE")
    return Result.skipped("NO_TEXT")


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(sign.isalnum() for sign in text)


def is_name(field: str) -> bool:
    """Whether the field names a work or its makers rather than tells of them."""
    return field.lower().endswith(_NAMES_OF_WORKS)
