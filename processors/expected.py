"""Which signals an item should get: the one table behind SKIPPED, completeness and the audit."""

from collections.abc import Collection, Mapping

from earmark.processors.content import Change, ContentEvent, ContentType
from earmark.processors.signal import Part, SignalSpec

Row = Mapping[Part, frozenset[str]]

_OF_AUDIO = frozenset(
    {
        "audio.embedding",
        "audio.fingerprint",
        "audio.integrity",
        "audio.key",
        "audio.loudness",
        "audio.music",
        "audio.rhythm",
        "audio.scene",
        "audio.speech",
        "audio.speech_quality",
        "audio.spoken_language",
        "audio.transcript",
    }
)
_OF_WORDS = frozenset({"content.explicit", "text.pii", "text.safety", "text.topics"})  # or spoken
_OF_TEXTS = frozenset({"text.embedding", "text.language", "text.quality", "text.sentiment"})

_EVERY: Row = {Part.AUDIO: _OF_AUDIO | _OF_WORDS, Part.TEXTS: _OF_TEXTS | _OF_WORDS}

_OF_A_COMMENT = {part: names - {"content.explicit"} for part, names in _EVERY.items()}

# advice for parents is given of works, not of what people say about them; what audio a playlist
# carries is a preview cut from recordings that are items of their own
_ROWS: Mapping[str, Row] = {
    ContentType.COMMENT: _OF_A_COMMENT,
    ContentType.PLAYLIST: {Part.TEXTS: _EVERY[Part.TEXTS]},
}


def expected(content_type: str, parts: Collection[Part]) -> frozenset[str]:
    """Names of the shipped signals for an item of this type that has these parts.

    A content type that we do not know is treated as most are.
    """
    row = _ROWS.get(content_type, _EVERY)
    return frozenset[str]().union(*(row.get(part, frozenset()) for part in parts))


def parts_of(event: ContentEvent) -> frozenset[Part]:
    """The parts that the event has."""
    has = {Part.AUDIO: event.audio is not None, Part.TEXTS: bool(event.texts)}
    return frozenset(part for part, there in has.items() if there)


def expected_signals(event: ContentEvent, specs: Mapping[str, SignalSpec]) -> frozenset[str]:
    """Those of `specs`, by name, that the item should get; none for a deleted item.

    A signal that is not in the table, a plug-in's, is expected where the event has a part that it
    reads.
    """
    if event.change == Change.DELETED:
        return frozenset()
    parts = parts_of(event)
    ours = expected(event.content_type, parts)
    return frozenset(
        name
        for name, spec in specs.items()
        if (name in ours if name in _SHIPPED else parts & spec.reads)
    )


_SHIPPED = frozenset[str]().union(*_EVERY.values())
