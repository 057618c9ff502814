"""The bus in memory behaves as brokers do, as far as a subscriber can tell."""

import asyncio
import inspect
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

import earmark
from earmark.models.error import ConfigurationError
from earmark.processors.error import ContentError
from earmark.streams.subscriber import subscribe
from earmark.streams.testing.bus import Bus
from earmark.streams.testing.clock import Clock
from earmark.streams.testing.record import record, records


@pytest.fixture
def bus() -> Bus:
    return Bus()


def publish(bus: Bus, *items: str) -> None:
    for item in items:
        bus.publish("text.safety", record("text.safety", content_id=item))


def read(bus: Bus, *names: str, **options: object) -> list[str]:
    with bus.subscribe(*(names or ("all",)), timeout_s=1, **options) as signals:  # type: ignore[arg-type]
        return [signal.key for signal in signals]


def test_a_reader_from_now_on_sees_what_comes_later(bus: Bus) -> None:
    publish(bus, "before")
    with bus.subscribe("text.safety", timeout_s=1) as signals:
        publish(bus, "after")
        assert [signal.key for signal in signals] == ["after"]


def test_a_reader_gets_the_topics_it_names(bus: Bus) -> None:
    publish(bus, "ep-1")
    assert read(bus, "audio.loudness", "rejections", from_beginning=True) == []
    assert read(bus, "signals.text.safety.v1", from_beginning=True) == ["ep-1"]
    with pytest.raises(ConfigurationError, match=r"text\.safety"):
        read(bus, "text.safty")


def test_what_is_read_was_encoded_and_decoded(bus: Bus) -> None:
    given = record("text.safety", content_id="ep-1", scores={"hate": 1})
    bus.publish("text.safety", given)
    with bus.subscribe("text.safety", from_beginning=True, timeout_s=1) as signals:
        signal = next(signals)
    assert signal.record["scores"] == {"hate": 1.0}
    assert isinstance(signal.record["scores"]["hate"], float)
    assert (signal.value or b"")[:1] == b"\0"


def test_a_record_that_no_topic_would_take_is_refused(bus: Bus) -> None:
    with pytest.raises(ContentError, match="not a record"):
        bus.publish("text.safety", record("text.safety") | {"scores": "high"})
    with pytest.raises(ConfigurationError, match="no field mood"):
        bus.publish("text.safety", record("text.safety") | {"mood": "calm"})
    assert read(bus, from_beginning=True) == []


def test_bytes_that_are_no_record_are_counted_and_passed_over(bus: Bus) -> None:
    bus.publish_bytes("signals.text.safety.v1", "ep-1", b"not Avro")
    bus.publish_bytes("signals.text.safety.v1", "ep-1", b"\0\0\0\xff\xff")
    publish(bus, "good")
    with bus.subscribe("text.safety", from_beginning=True, timeout_s=1) as signals:
        assert [signal.key for signal in signals] == ["good"]
        assert signals.unreadable.total() == 2


def test_a_group_goes_on_where_it_was_closed(bus: Bus) -> None:
    publish(bus, "first", "second")
    with bus.subscribe("text.safety", group_id="g", from_beginning=True, timeout_s=1) as signals:
        assert next(signals).key == "first"
    assert read(bus, group_id="g", from_beginning=True) == ["second"]
    assert read(bus, group_id="h", from_beginning=True) == ["first", "second"]


def test_the_face_is_that_of_a_subscription() -> None:
    of_bus = inspect.signature(Bus.subscribe).parameters
    assert {name: of_bus[name].default for name in of_bus if name != "self"} == {
        name: each.default for name, each in inspect.signature(subscribe).parameters.items()
    }


def test_a_position_goes_on_behind_what_was_handed_over(bus: Bus) -> None:
    publish(bus, "first", "second")
    with bus.subscribe("text.safety", from_beginning=True, timeout_s=1) as signals:
        assert next(signals).key == "first"
        position = signals.position()
    assert read(bus, "text.safety", start=position) == ["second"]
    assert read(bus, "text.safety", start={}) == ["first", "second"]
    with pytest.raises(ConfigurationError, match="not there"):
        read(bus, "text.safety", start={"signals.text.safety.v1:99": 0})


def test_what_was_not_committed_comes_again(bus: Bus) -> None:
    publish(bus, "first", "second")
    options = {"group_id": "g", "auto_commit": False, "from_beginning": True, "timeout_s": 1}
    with bus.subscribe("text.safety", **options) as signals:  # type: ignore[arg-type]
        next(signals)
        signals.commit()
        next(signals)
    with bus.subscribe("text.safety", **options) as signals:  # type: ignore[arg-type]
        assert [signal.key for signal in signals] == ["second"]


def test_since_goes_by_the_clock(bus: Bus) -> None:
    publish(bus, "old")
    bus.clock.advance(7200)
    publish(bus, "new")
    bus.clock.advance(1800)
    assert read(bus, "text.safety", since="1h") == ["new"]
    assert read(bus, "text.safety", since=timedelta(hours=3)) == ["old", "new"]


def test_labels_scores_and_deletions_choose(bus: Bus) -> None:
    for item, score in (("mild", 0.25), ("strong", 0.75)):
        made = record("text.safety", content_id=item, scores={"hate": score}, labels=["hate"])
        bus.publish("text.safety", made)
    bus.delete("text.safety", "gone")
    wanted = {"label": "hate", "min_score": 0.5, "from_beginning": True}
    assert read(bus, "text.safety", **wanted) == ["strong"]
    assert read(bus, "text.safety", deletions=True, **wanted) == ["strong", "gone"]


def test_a_group_takes_one_member(bus: Bus) -> None:
    with (
        bus.subscribe("text.safety", group_id="g", timeout_s=1),
        pytest.raises(ConfigurationError, match="has a member"),
    ):
        bus.subscribe("text.safety", group_id="g")


def test_it_is_read_by_asyncio_too(bus: Bus) -> None:
    publish(bus, "first", "second")

    async def keys() -> list[str]:
        async with bus.subscribe_async("text.safety", from_beginning=True, timeout_s=1) as signals:
            return [signal.key async for signal in signals]

    assert asyncio.run(keys()) == ["first", "second"]


def test_the_records_of_an_item_are_numbered_in_one_partition(bus: Bus) -> None:
    places = [bus.publish(sample) for sample in records("text.safety", content_id="ep-1")]
    assert len({(topic, partition) for topic, partition, _ in places}) == 1
    assert [offset for _, _, offset in places] == list(range(len(places)))


def test_a_reader_without_a_time_limit_waits_for_what_comes(bus: Bus) -> None:
    found: list[str] = []
    signals = bus.subscribe("text.safety")
    reader = Thread(target=lambda: found.extend(signal.key for signal in signals))
    reader.start()
    publish(bus, "ep-1")
    while not found:
        reader.join(0.01)
    assert reader.is_alive()
    signals.stop()
    reader.join(10)
    assert (found, reader.is_alive()) == (["ep-1"], False)


def test_records_of_a_replay_have_a_topic_of_their_own(bus: Bus) -> None:
    (sample,) = records("text.safety", "OK")
    topic = "replay.r1.signals.text.safety.v1"
    bus.publish_bytes(topic, "ep-1", _payload(bus, sample.record or {}))
    with bus.subscribe(topic, from_beginning=True, timeout_s=1) as signals:
        signal = next(signals)
    assert (signal.name, signal.topic) == ("text.safety", topic)
    assert signal.record["outcome"] == "OK"


def _payload(bus: Bus, given: object) -> bytes:
    with bus.subscribe("text.safety", timeout_s=1) as signals:
        bus.publish("text.safety", given)  # type: ignore[arg-type]
        return next(signals).value or b""


def test_a_clock_stands_still_until_it_is_moved() -> None:
    clock = Clock(1_000)
    assert (clock.now_ms, clock.now(), clock.advance(1.5), clock.now_ms) == (1_000, 1, 2_500, 2_500)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_subscribe_reads_from_the_bus_while_it_is_in_place(bus: Bus) -> None:
    there = earmark.subscribe
    with bus.in_place():
        publish(bus, "ep-1")
        with earmark.subscribe("all", from_beginning=True, timeout_s=1) as signals:
            assert next(signals).key == "ep-1"
    assert earmark.subscribe is there


def test_the_kit_needs_neither_kafka_nor_torch() -> None:
    code = (
        "import sys, earmark.testing\n"
        "earmark.testing.records('text.safety')\n"
        "heavy = {'torch', 'confluent_kafka', 'pytest', 'av'} & set(sys.modules)\n"
        "sys.exit(f'came along: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_fixtures_come_by_one_line_in_a_conftest(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["earmark.streams.testing.fixture"]\n')
    (tmp_path / "test_theirs.py").write_text(
        "import earmark\n"
        "def test_it(earmark_bus, earmark_clock, earmark_records):\n"
        "    for sample in earmark_records('audio.loudness', 'OK'):\n"
        "        earmark_bus.publish(sample)\n"
        "    with earmark.subscribe('all', from_beginning=True, timeout_s=1) as signals:\n"
        "        assert next(signals).timestamp == earmark_clock.now_ms\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
