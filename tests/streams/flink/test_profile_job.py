"""The profile job on a real Flink, broker and registry: right, and right again after a crash."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import nan

import pytest

from earmark.processors.schema import ITEMS, PROFILES
from earmark.streams.flink.catalogue import Catalogue, catalogue
from earmark.streams.flink.host import job_states, stop_job
from earmark.streams.flink.interruption import Interruption
from earmark.streams.flink.order import Order
from earmark.streams.flink.process import JobProcess
from earmark.streams.flink.rebuild import rebuild
from earmark.streams.flink.standing import ProfileReader, standing
from earmark.streams.local.report import silent
from earmark.streams.local.stack import Stack
from earmark.streams.topic import signal_topics
from earmark.streams.topic_records import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.flink]

LOUDNESS, SAFETY = "signals.audio.loudness.v1", "signals.text.safety.v1"
WAIT_S = 120


@pytest.fixture(scope="module")
def job(stack: Stack) -> Iterator[JobProcess]:
    running = JobProcess(Order(kind="profile"), stack.settings, log_dir=stack.home / "logs")
    running.start()
    yield running
    running.kill()


@pytest.fixture
def made(stack: Stack) -> Iterator[Catalogue]:
    with catalogue(stack.settings) as of_test:
        yield of_test


@pytest.fixture
def settles(stack: Stack, made: Catalogue) -> Callable[[], None]:
    """Waits until every profile is what the reference makes of the records, and fails if not."""

    def wait() -> None:
        made.flush()
        wanted, found = made.wanted(), {}
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            standing_now = standing(stack.settings, PROFILES)
            found = {item: standing_now.get(item) for item in made.items}
            if found == {item: wanted.get(item) for item in made.items}:
                return
            time.sleep(0.3)
        assert found == {item: wanted.get(item) for item in made.items}

    return wait


def many(made: Catalogue, prefix: str, count: int) -> Iterator[None]:
    """So many records of random signals of a few items, revised again and again."""
    draw = random.Random(7)
    topics = (*signal_topics(), ITEMS)
    for number in range(count):
        item = f"{prefix}-{draw.randrange(count // 20 + 1)}"
        made.put(draw.choice(topics), item, revision=number)
        yield


def test_the_profile_of_every_signal_is_that_of_the_reference(
    job: JobProcess, made: Catalogue, settles: Callable[[], None]
):
    for topic in (*signal_topics(), ITEMS):
        made.put(topic, "whole")
        made.put(topic, "revised", revision=1)
        made.put(topic, "revised", revision=2)
    settles()
    profile = made.profile("whole")
    assert profile is not None
    assert profile["complete"]


def test_nulls_and_nan_and_empty_maps_are_as_in_the_reference(
    job: JobProcess, made: Catalogue, settles: Callable[[], None]
):
    made.put(LOUDNESS, "odd", integrated_lufs=nan, true_peak_dbtp=None, language=None)
    made.put(SAFETY, "odd", scores={}, labels=[], severity=None, outcome="ABSTAINED", reason="why")
    settles()


def test_without_its_event_an_item_is_what_its_newest_signal_says(
    job: JobProcess, made: Catalogue, settles: Callable[[], None]
):
    made.put(LOUDNESS, "headless", revision=10, tenant="newest")
    made.put(SAFETY, "headless", revision=9, tenant="older")
    settles()
    made.put(ITEMS, "headless", revision=3, tenant="event", content_type="COMMENT", audio=None)
    settles()


def test_tombstones_take_signals_away_and_with_the_last_one_the_profile(
    job: JobProcess, made: Catalogue, settles: Callable[[], None]
):
    for topic in (LOUDNESS, SAFETY, ITEMS):
        made.put(topic, "erased")
    settles()
    made.remove(SAFETY, "erased")
    settles()
    made.remove(LOUDNESS, "erased")
    made.remove(ITEMS, "erased")
    settles()


def test_a_crash_amid_the_stream_loses_nothing_and_doubles_nothing(
    stack: Stack, job: JobProcess, made: Catalogue, settles: Callable[[], None]
):
    for number, _ in enumerate(many(made, "crash", 4000)):
        if number == 2000:
            made.flush()
            job.kill()
            job.launch()
    settles()
    seen: dict[bytes, list[bytes | None]] = defaultdict(list)
    for message in read_topic(stack.settings.kafka, PROFILES, silent):
        seen[message.key() or b""].append(message.value())
    assert not [key for key, values in seen.items() if any(a == b for a, b in pairwise(values))]


def test_a_stopped_job_goes_on_from_its_savepoint(
    stack: Stack, job: JobProcess, made: Catalogue, settles: Callable[[], None]
):
    made.put(LOUDNESS, "resumed", revision=1)
    settles()
    where = stop_job(stack.settings.state_folder, "profile")
    assert where is not None
    assert not job.child.alive
    made.put(SAFETY, "resumed", revision=2)
    job.start()
    (state,) = job_states(stack.settings.state_folder)
    assert state.restored
    assert where.endswith(state.restored)
    settles()


@pytest.mark.parametrize(
    ("batch", "kills"), [(False, 1), (True, 0)], ids=["streaming and killed", "batch"]
)
def test_rebuilt_profiles_are_the_live_ones(
    stack: Stack,
    job: JobProcess,
    made: Catalogue,
    settles: Callable[[], None],
    batch: bool,
    kills: int,
):
    for _ in many(made, f"again-{batch}", 500):
        pass
    made.remove(LOUDNESS, f"again-{batch}-1")
    settles()
    run = f"again-{batch}".lower()
    with Interruption(stack.settings, f"rebuild-{run}", kills) as interruption:
        done = rebuild(stack.settings, run, batch=batch)
    assert interruption.done == kills
    assert done.agreement is not None
    assert (done.agreement.differing, done.agreement.examples) == (0, ())
    assert done.profiles == done.agreement.live > 20
    with ProfileReader(stack.settings, done.topic) as reader:
        assert reader.read() >= done.profiles
        assert reader.doubled == 0
