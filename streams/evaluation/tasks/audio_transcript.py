"""Words read right, words made up where there are none, and languages that are let alone."""

from earmark.streams.evaluation.case import Record
from earmark.streams.evaluation.manifest import Row
from earmark.streams.evaluation.measure import occurrence
from earmark.streams.evaluation.measure_sequence import words
from earmark.streams.evaluation.task import Languages, Task
from earmark.streams.evaluation.tasks.audio_speech import sound_class

_WORDLESS = frozenset({"music", "noise", "silence"})


def _transcript(row: Row) -> str | None:
    text = row.labels.get("transcript")
    return str(text) if row.path is not None and text else None


def _text(record: Record) -> str:
    return str(record["text"])


def _wordless(row: Row) -> str | None:
    stated = sound_class(row)
    return stated if stated in _WORDLESS and not row.labels.get("vocal") else None


def _language(row: Row) -> str | None:
    return str(row.labels.get("language")) if sound_class(row) == "speech" else None


def _is_wordless(record: Record) -> bool:
    """Whether no words are published."""
    said = record["text"] if record["outcome"] == "OK" else None
    return not any(letter.isalnum() for letter in said or "")


TASKS = (
    Task(
        name="words",
        truth=_transcript,
        answer=_text,
        measure=words,
        headline="word_error",
        languages=Languages.KNOWN,
    ),
    Task(
        name="no_words",
        truth=_wordless,
        answer=_is_wordless,
        measure=occurrence,
        headline="rate",
        reads_all=True,
        limits="The share of recordings without speech of which no words are published.",
    ),
    Task(
        name="other_language",
        truth=_language,
        answer=_is_wordless,
        measure=occurrence,
        headline="rate",
        languages=Languages.UNKNOWN,
        reads_all=True,
        limits="The share of speech in languages that the model does not know left unread.",
    ),
)
