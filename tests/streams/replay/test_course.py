"""A replay ends where it was frozen to end, and not before what waits is answered."""

from collections.abc import Collection
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from earmark.processors.content import ContentEvent, Text
from earmark.streams.flight import Partition
from earmark.streams.receipt import Disposition
from earmark.streams.replay.course import ReplayCourse, selected
from earmark.streams.replay.manifest import Manifest
from earmark.streams.topic import ITEMS

SOURCE, RETRY = ("content.events.v1", 0), ("replay.r.content.events.v1.retry", 0)


def manifest(**options: Any) -> Manifest:
    return Manifest(
        run="r", source="content.events.v1", bounds={0: (5, 10)}, created_ms=0, **options
    )


def course_with(retries_end: int | None) -> ReplayCourse:
    pace: Any = SimpleNamespace(holding=False, note=lambda flights: None)
    return ReplayCourse(manifest(), pace, lambda: False, lambda _: retries_end)


@pytest.fixture
def course() -> ReplayCourse:
    return course_with(retries_end=0)


def record(partition: Partition, offset: int, value: bytes | None = b"event") -> Any:
    topic, number = partition
    own = {"topic": topic, "partition": number, "offset": offset, "value": value}
    return SimpleNamespace(**{name: lambda it=it: it for name, it in own.items()})


def waiting(flight_disposition: Disposition) -> Any:
    receipt = SimpleNamespace(disposition=flight_disposition)
    return SimpleNamespace(partition=SOURCE, ruling=SimpleNamespace(receipt=receipt))


def idle(_: Collection[Partition]) -> bool:
    return True


def test_what_lies_beyond_the_end_is_not_read(course: ReplayCourse) -> None:
    assert [course.admits(record(SOURCE, offset)) for offset in (5, 9, 10)] == [True, True, False]
    assert course.ended == {SOURCE}


def test_what_lies_before_the_beginning_is_not_answered(course: ReplayCourse) -> None:
    assert not course.admits(record(SOURCE, 4))
    assert not course.ended


def test_what_the_catalogue_has_no_more_is_no_event() -> None:
    pace: Any = SimpleNamespace(holding=False)
    catalogue = replace(manifest(), source=ITEMS, bounds={0: (0, 3)})
    course = ReplayCourse(catalogue, pace, lambda: False, lambda _: 0)
    records = [record((ITEMS, 0), 0), record((ITEMS, 0), 1, value=None)]
    assert [course.admits(each) for each in records] == [True, False]


def test_a_source_that_seems_to_end_too_early_is_read_on(course: ReplayCourse) -> None:
    course.reached(RETRY, 0)
    course.reached(SOURCE, 9)
    assert not course.ended
    assert not course.closing(idle)


@pytest.mark.parametrize("end", [2, None])
def test_a_retry_that_cannot_be_read_yet_is_waited_for(end: int | None) -> None:
    course = course_with(retries_end=end)
    course.admits(record(SOURCE, 9))
    course.published([waiting(Disposition.RETRIED)])
    course.reached(RETRY, 0)  # said before that was committed
    assert not course.closing(idle)


def test_a_partition_is_through_when_nothing_of_it_waits(course: ReplayCourse) -> None:
    course.admits(record(SOURCE, 9))
    assert not course.closing(idle)  # nobody knows yet whether something waits for a retry
    course.reached(RETRY, 0)
    assert not course.closing(lambda _: False)
    assert course.closing(idle) == {SOURCE: 10, RETRY: 0}
    assert not course.closing(idle)  # once


def test_a_gap_at_the_end_is_no_obstacle(course: ReplayCourse) -> None:
    course.admits(record(SOURCE, 7))
    course.reached(SOURCE, 10)
    course.reached(RETRY, 3)
    assert course.closing(idle) == {SOURCE: 10, RETRY: 3}


def test_what_will_be_tried_again_is_waited_for(course: ReplayCourse) -> None:
    course.reached(RETRY, 0)
    course.admits(record(SOURCE, 9))
    course.published([waiting(Disposition.RETRIED)])
    assert not course.closing(idle)
    course.admits(record(RETRY, 0))
    course.published([waiting(Disposition.ANSWERED)])
    course.reached(RETRY, 2)
    assert course.closing(idle) == {SOURCE: 10, RETRY: 2}


def test_a_partition_that_comes_back_is_looked_at_anew(course: ReplayCourse) -> None:
    course.reached(RETRY, 0)
    course.admits(record(SOURCE, 9))
    course.drop([SOURCE, RETRY])
    assert not course.closing(idle)
    assert not course.ended


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, True),
        ({"content_types": ("TRACK",)}, False),
        ({"content_types": ("TRACK", "COMMENT")}, True),
        ({"content_ids": frozenset({"a", "b"})}, True),
        ({"content_ids": frozenset({"b"})}, False),
    ],
)
def test_a_run_may_be_limited(options: dict[str, Any], wanted: bool) -> None:
    texts = (Text(field="title", text="words"),)
    event = ContentEvent(event_id="e", content_id="a", content_type="COMMENT", texts=texts)
    assert selected(manifest(**options), event) is wanted
