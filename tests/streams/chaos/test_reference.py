"""A published record is held against the pipeline of this process."""

import pytest

from earmark.processors.codec import signal_record
from earmark.processors.outcome import Signal
from earmark.streams.assembly import load_pipeline
from earmark.streams.chaos.events import Content
from earmark.streams.chaos.plan import Options
from earmark.streams.chaos.reference import Reference
from earmark.streams.settings import load_settings, with_worker

NAME = "text.language"


@pytest.mark.weights
def test_a_record_that_says_something_else_is_named_and_a_good_one_is_not() -> None:
    content = Content(Options(events=40, poison=0))
    settings = load_settings()
    pipeline = load_pipeline(with_worker(settings, signals=(NAME,)))
    good = [
        (number, signal_record(outcome))
        for number in (3, 7)
        for outcome in pipeline.run([content.event(number)])
        if isinstance(outcome, Signal)
    ]
    (_, record), reference = good[1], Reference(settings, NAME, content)
    assert list(reference.differing(good)) == []
    ((number, said),) = reference.differing([good[0], (7, {**record, "outcome": "ERROR"})])
    assert number == 7
    assert said.startswith("outcome: ")
