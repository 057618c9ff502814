"""Who looks on sees what he asked for, and by the same rules as in the list of items."""

from typing import Any

import pytest

from earmark.streams.web.filter import Filter
from earmark.streams.web.index.file import IndexFile
from earmark.streams.web.index.search import Wanted, found_items
from tests.streams.web.held import put, reading, received, signal

RECORD: dict[str, Any] = {
    "language": "en-GB",
    "content_type": "COMMENT",
    "scores": {"hate": 0.6, "spam": 0.2},
    "labels": ["hate"],
}


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({}, True),
        ({"signal": "text.safety", "outcome": "OK", "content_type": "COMMENT"}, True),
        ({"signal": "text.topics"}, False),
        ({"outcome": "ERROR"}, False),
        ({"language": "en"}, True),
        ({"language": "EN-gb"}, True),
        ({"language": "e"}, False),
        ({"language": "en-US"}, False),
        ({"label": "hate"}, True),
        ({"label": "spam"}, False),
        ({"label": "spam", "min_score": 0.1}, True),
        ({"label": "hate", "min_score": 0.7}, False),
        ({"min_score": 0.5}, True),
    ],
)
def test_a_signal_and_its_item_are_found_by_the_same(
    index: IndexFile, asked: dict[str, Any], fits: bool
) -> None:
    sample = signal("text.safety", "item", **RECORD)
    assert Filter(**asked).takes(received(sample, at_ms=1)) is fits
    put(index, sample)
    with reading(index) as reader:
        assert bool(found_items(reader, Wanted(**asked)).items) is fits
