"""Ids of events are places in a topic, and nothing else is."""

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.serving.event_id import event_id, position_of

TOPIC = "signals.text.safety.v1"


@pytest.mark.parametrize(
    ("position", "written"),
    [({}, ""), ({f"{TOPIC}:0": 12}, "0:12"), ({f"{TOPIC}:10": 1, f"{TOPIC}:2": 0}, "2:0,10:1")],
)
def test_an_id_says_the_position_and_the_position_the_id(
    position: dict[str, int], written: str
) -> None:
    assert event_id(position) == written
    assert position_of(written, TOPIC) == position


@pytest.mark.parametrize("written", ["x", "0", "0:", "0:1,", ",", "0:-1", "0:1;1:2", "٣:1"])
def test_what_is_no_id_is_refused(written: str) -> None:
    with pytest.raises(ConfigurationError, match="Last-Event-ID"):
        position_of(written, TOPIC)
