"""The table of `processors.expected` as SQL: which signals an item should get."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import product

from earmark.processors.content import Audio, ContentEvent, ContentType, Text
from earmark.processors.expected import expected_signals
from earmark.processors.signal import SignalSpec
from earmark.streams.flink.sql_type import NO_NAMES, text

Expectation = Callable[[str, bool, bool], Collection[str]]  # content type, has audio, has texts

_COMBINATIONS = tuple(product((True, False), repeat=2))
_UNKNOWN = "ANY OTHER"


def expectation(specs: Mapping[str, SignalSpec]) -> Expectation:
    """What is expected of an item where the signals of `specs` are computed."""

    def expected(content_type: str, has_audio: bool, has_texts: bool) -> Collection[str]:
        event = ContentEvent(
            event_id="any",
            content_id="any",
            content_type=content_type,
            audio=Audio(uri="any") if has_audio else None,
            texts=(Text(field="any", text="any"),) if has_texts else (),
        )
        return expected_signals(event, specs)

    return expected


def expected_sql(expected: Expectation) -> str:
    """An expression over `content_type`, `has_audio` and `has_texts`: names, sorted."""
    return f"CASE {' '.join(_whens(expected))} ELSE {NO_NAMES} END"


def _whens(expected: Expectation) -> Iterator[str]:
    """Types of a row of their own first; the row of most types holds for those unknown too."""
    usual = _row(expected, _UNKNOWN)
    for content_type in ContentType:
        if (row := _row(expected, content_type)) != usual:
            yield from _of_row(row, f"`content_type` = {text(content_type)} AND ")
    yield from _of_row(usual, "")


def _row(expected: Expectation, content_type: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(sorted(expected(content_type, *parts))) for parts in _COMBINATIONS)


def _of_row(row: tuple[tuple[str, ...], ...], where: str) -> Iterator[str]:
    for (has_audio, has_texts), names in zip(_COMBINATIONS, row, strict=True):
        parts = f"{'' if has_audio else 'NOT '}has_audio AND {'' if has_texts else 'NOT '}has_texts"
        array = ", ".join(map(text, names))
        array = f"CAST(ARRAY[{array}] AS ARRAY<STRING NOT NULL>)" if names else NO_NAMES
        yield f"WHEN {where}{parts} THEN {array}"
